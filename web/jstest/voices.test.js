import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Voices } from '../static/js/voices.js';

/** Voices and a log of their events; time passes by `pass`. */
function open(t) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] }); // from 0 on
  const voices = new Voices({ now: () => Date.now() });
  const log = [];
  voices.addEventListener('voice', ({ detail: { id, on } }) => log.push(`${id} ${on ? 'on' : 'off'}`));
  voices.addEventListener('speaker', ({ detail: { id, former } }) => log.push(`${former} to ${id}`));
  const pass = (time) => t.mock.timers.tick(time);
  const levels = (...ids) => {
    voices.setLevels({ type: 'levels', levels: Object.fromEntries(ids.map((id) => [id, 20])) });
  };
  const speaker = (id) => voices.setSpeaker({ type: 'speaker', channel_name: id });
  return { voices, levels, speaker, pass, take: () => log.splice(0) };
}

test('only what changes is told', (t) => {
  const { levels, take } = open(t);
  levels('anna', 'ben');
  levels('anna', 'ben');
  levels('ben', 'cleo');
  levels();
  levels();
  assert.deepEqual(take(), ['anna on', 'ben on', 'anna off', 'cleo on', 'ben off', 'cleo off']);
});

test('levels hold for a second', (t) => {
  const { levels, pass, take } = open(t);
  levels('anna');
  pass(900);
  levels('anna');
  pass(999);
  assert.deepEqual(take(), ['anna on']);
  pass(1);
  assert.deepEqual(take(), ['anna off']);
});

test('who was heard when', (t) => {
  const { voices, levels, speaker, pass } = open(t);
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

test('another speaker is told with the former', (t) => {
  const { voices, speaker, take } = open(t);
  speaker(null);
  speaker('anna');
  speaker('anna');
  speaker('ben');
  assert.deepEqual(take(), ['null to anna', 'anna to ben']);
  assert.equal(voices.speaker, 'ben');
});

test('who left speaks no more', (t) => {
  const { voices, levels, speaker, take } = open(t);
  levels('anna');
  speaker('anna');
  take();
  voices.delete('anna');
  voices.delete('nobody');
  assert.deepEqual(take(), ['anna off', 'anna to null']);
  assert.equal(voices.heard('anna'), -Infinity);
});

test('everybody is forgotten', (t) => {
  const { voices, levels, speaker, take } = open(t);
  levels('anna');
  speaker('ben');
  take();
  voices.clear();
  assert.deepEqual(take(), ['anna off', 'ben to null']);
  assert.deepEqual([voices.heard('anna'), voices.heard('ben'), voices.speaker], [-Infinity, -Infinity, null]);
});

test('levels that are none change nothing', (t) => {
  const { voices, levels, take } = open(t);
  levels('anna');
  voices.setLevels({ type: 'levels' });
  voices.setLevels({ type: 'levels', levels: 7 });
  assert.deepEqual(take(), ['anna on']);
});
