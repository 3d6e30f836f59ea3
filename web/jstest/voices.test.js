import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Voices } from '../static/js/voices.js';

/** Voices and a log of their events; time passes by `pass`. */
function open() {
  let now = 0;
  let timer = null;
  const voices = new Voices({
    now: () => now,
    later: (run, delay) => void (timer = { run, at: now + delay }), // each replaces the one before
  });
  const log = [];
  voices.addEventListener('voice', ({ detail: { id, on } }) => log.push(`${id} ${on ? 'on' : 'off'}`));
  voices.addEventListener('speaker', ({ detail: { id, former } }) => log.push(`${former} to ${id}`));
  const pass = (time) => {
    const end = now + time;
    if (timer && timer.at <= end) {
      now = timer.at;
      const { run } = timer;
      timer = null;
      run();
    }
    now = end;
  };
  const levels = (...ids) => {
    timer = null; // as by clearTimeout
    voices.setLevels({ type: 'levels', levels: Object.fromEntries(ids.map((id) => [id, 20])) });
  };
  const speaker = (id) => voices.setSpeaker({ type: 'speaker', channel_name: id });
  return { voices, levels, speaker, pass, take: () => log.splice(0) };
}

test('only what changes is told', () => {
  const { levels, take } = open();
  levels('anna', 'ben');
  levels('anna', 'ben');
  levels('ben', 'cleo');
  levels();
  levels();
  assert.deepEqual(take(), ['anna on', 'ben on', 'anna off', 'cleo on', 'ben off', 'cleo off']);
});

test('levels hold for a second', () => {
  const { levels, pass, take } = open();
  levels('anna');
  pass(900);
  levels('anna');
  pass(999);
  assert.deepEqual(take(), ['anna on']);
  pass(1);
  assert.deepEqual(take(), ['anna off']);
});

test('who was heard when', () => {
  const { voices, levels, speaker, pass } = open();
  levels('anna', 'ben');
  pass(500);
  levels('anna');
  pass(100);
  speaker('cleo');
  assert.deepEqual(
    ['anna', 'ben', 'cleo', 'dora'].map((id) => voices.heard(id)),
    [Infinity, 500, 600, -Infinity],
  );
  assert.deepEqual([voices.speaks('anna'), voices.speaks('ben')], [true, false]);
});

test('another speaker is told with the former', () => {
  const { voices, speaker, take } = open();
  speaker(null);
  speaker('anna');
  speaker('anna');
  speaker('ben');
  assert.deepEqual(take(), ['null to anna', 'anna to ben']);
  assert.equal(voices.speaker, 'ben');
});

test('who left speaks no more', () => {
  const { voices, levels, speaker, take } = open();
  levels('anna');
  speaker('anna');
  take();
  voices.delete('anna');
  voices.delete('nobody');
  assert.deepEqual(take(), ['anna off', 'anna to null']);
  assert.equal(voices.heard('anna'), -Infinity);
});

test('everybody is forgotten', () => {
  const { voices, levels, speaker, take } = open();
  levels('anna');
  speaker('ben');
  take();
  voices.clear();
  assert.deepEqual(take(), ['anna off', 'ben to null']);
  assert.deepEqual([voices.heard('anna'), voices.heard('ben'), voices.speaker], [-Infinity, -Infinity, null]);
});

test('levels that are none change nothing', () => {
  const { voices, levels, take } = open();
  levels('anna');
  voices.setLevels({ type: 'levels' });
  voices.setLevels({ type: 'levels', levels: 7 });
  assert.deepEqual(take(), ['anna on']);
});
