import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestTone } from '../static/js/testtone.js';
import { rest } from './fakes.js';

/** A test tone on fakes: contexts that do not sound, and a player that says where it plays. */
function make() {
  const contexts = [];
  const open = () => {
    const context = { currentTime: 7, notes: [], closed: false, resume: () => Promise.resolve() };
    const node = (more) => ({ connect: (next) => next, ...more });
    const gain = { setValueAtTime() {}, linearRampToValueAtTime() {}, exponentialRampToValueAtTime() {} };
    context.createGain = () => node({ gain });
    context.createMediaStreamDestination = () => node({ stream: 'tone' });
    context.createOscillator = () => {
      const note = node({ frequency: {}, start: (at) => (note.from = at), stop: (at) => (note.to = at) });
      context.notes.push(note);
      return note;
    };
    context.close = () => ((context.closed = true), Promise.resolve());
    contexts.push(context);
    return context;
  };
  const player = { srcObject: null, sink: null, played: [], gone: false };
  player.setSinkId = (id) => {
    if (player.gone) return Promise.reject(new DOMException('', 'NotFoundError'));
    player.sink = id;
    return Promise.resolve();
  };
  player.play = () => (player.played.push([player.srcObject, player.sink]), Promise.resolve());
  return { tone: new TestTone(open, player), player, contexts };
}

test('plays two notes upwards through the speaker, then puts all away', async () => {
  const { tone, player, contexts } = make();
  const playing = tone.play('s1');
  assert.equal(tone.play('s1'), playing);
  await rest();
  const [context] = contexts;
  const [low, high] = context.notes;
  assert.deepEqual(player.played, [['tone', 's1']]);
  assert.ok(low.frequency.value < high.frequency.value && low.from >= 7 && high.to > low.to);
  assert.equal(context.closed, false);
  high.onended();
  assert.equal(await playing, true);
  assert.deepEqual([context.closed, player.srcObject, contexts.length], [true, null, 1]);
  void tone.play();
  await rest();
  assert.deepEqual(player.played.at(-1), ['tone', '']);
});

test('a speaker that is gone is told; where none can be chosen, the usual one plays', async () => {
  const { tone, player, contexts } = make();
  player.gone = true;
  assert.equal(await tone.play('s1'), false);
  assert.deepEqual([player.played, contexts[0].closed], [[], true]);
  delete player.setSinkId;
  void tone.play();
  await rest();
  assert.equal(player.played.length, 1);
});
