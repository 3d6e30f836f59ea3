import assert from 'node:assert/strict';
import { test } from 'node:test';
import { levelOf, loudnessOf, MutedSpeech, Silence } from '../static/js/loudness.js';

const tone = (amplitude) => Float32Array.from({ length: 480 }, (_, i) => amplitude * Math.sin(i * 0.1 * Math.PI));

test('loudness is the power in dB', () => {
  const cases = [
    [new Float32Array(480).fill(1), 0],
    [new Float32Array(480).fill(-0.1), -20],
    [tone(1), -3.01],
    [tone(0.01), -43.01],
    [new Float32Array(480), -Infinity],
    [[], -Infinity],
  ];
  for (const [samples, loudness] of cases) {
    const heard = loudnessOf(samples);
    assert.ok(heard === loudness || Math.abs(heard - loudness) < 0.01, `${heard} is not ${loudness}`);
  }
});

test('a level goes by dB, from what nobody hears to what hurts', () => {
  const cases = [
    [-Infinity, 0],
    [-80, 0],
    [-60, 0],
    [-35, 0.5],
    [-10, 1],
    [0, 1],
  ];
  for (const [loudness, level] of cases) assert.equal(levelOf(loudness), level, String(loudness));
});

/** When it tells, of looks in turn: `loud` is for how many ms each lasts, negative for quiet. */
function toldAt(looks, { muted = true, speech = new MutedSpeech(), from = 0 } = {}) {
  const told = [];
  let now = from;
  speech.hear(-60, muted, now);
  for (const duration of looks) {
    for (let i = 0; i < Math.abs(duration) / 100; i++) {
      now += 100;
      if (speech.hear(duration > 0 ? -25 : -60, muted, now)) told.push(now);
    }
  }
  return told;
}

test('who speaks while muted is told, rarely', () => {
  const cases = [
    ['a click', [100, -1000, 100, -1000], []],
    ['short words far apart', [300, -1000, 300], []],
    ['a sentence', [1000], [400]],
    ['with short pauses', [200, -100, 200, -100, 200, -100, 200], [800]],
    ['a long speech', [60_000], [400, 30_400]],
    ['again soon', [1000, -5000, 1000], [400]],
    ['again later', [1000, -40_000, 1000], [400, 41_400]],
  ];
  for (const [what, looks, expected] of cases) assert.deepEqual(toldAt(looks), expected, what);
});

test('who is not muted may speak, and is told anew when muted again', () => {
  assert.deepEqual(toldAt([5000], { muted: false }), []);
  const speech = new MutedSpeech();
  assert.deepEqual(toldAt([500], { speech }), [400]);
  assert.deepEqual(toldAt([500], { speech, from: 1000, muted: false }), []);
  assert.deepEqual(toldAt([500], { speech, from: 2000 }), [2400]);
});

test('looks that come late do not count for all the time between', () => {
  const speech = new MutedSpeech();
  speech.hear(-60, true, 0);
  assert.equal(speech.hear(-25, true, 5000), false);
});

test('nothing at all for a while is silence, and the least noise ends it', () => {
  const silence = new Silence();
  const cases = [
    [0, -Infinity, false, false],
    [4900, -Infinity, false, false],
    [5000, -Infinity, false, true],
    [5100, -90, false, false], // a quiet room
    [9000, -Infinity, false, false],
    [15_000, -Infinity, false, true],
    [15_100, -Infinity, true, false], // muted
    [30_000, -Infinity, true, false],
    [30_100, -Infinity, false, false],
    [35_100, -Infinity, false, true],
  ];
  for (const [now, loudness, muted, silent] of cases) {
    assert.equal(silence.hear(loudness, muted, now), silent, String(now));
  }
  silence.reset();
  assert.equal(silence.hear(-Infinity, false, 36_000), false);
});
