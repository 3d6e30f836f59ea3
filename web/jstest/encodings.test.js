import assert from 'node:assert/strict';
import { test } from 'node:test';
import { activeOf, cameraEncodings, shrink } from '../static/js/encodings.js';

/** The rids that are sent of a camera whose picture has this size. */
function sent(width, height, quality, wanted = {}) {
  const encodings = cameraEncodings(/** @type {any} */ ({ getSettings: () => ({ width, height }) }), 'vp8');
  const active = activeOf(encodings, Math.min(width, height), quality, wanted);
  return encodings
    .filter((_, i) => active[i])
    .map(({ rid }) => rid ?? 'only')
    .join(' ');
}

test('versions that are too large for the quality are not sent, and the lowest always is', () => {
  const cases = [
    [1280, 720, 'high', 'q h f'],
    [1280, 720, 'medium', 'q h'],
    [1280, 720, 'low', 'q'],
    [720, 1280, 'medium', 'q h'],
    [1920, 1080, 'high', 'q h f'],
    [1920, 1080, 'medium', 'q'],
    [1920, 1080, 'low', 'q'],
    [640, 480, 'high', 'h f'],
    [640, 480, 'medium', 'h'],
    [640, 360, 'medium', 'h f'],
    [640, 480, 'low', 'h'],
    [320, 240, 'low', 'only'],
  ];
  for (const [width, height, quality, rids] of cases) {
    assert.equal(sent(width, height, quality), rids, `${width}x${height} ${quality}`);
  }
});

test('what nobody receives is not sent either, and the best that is sent stands in for larger ones', () => {
  const cases = [
    ['high', { q: false, h: true, f: false }, 'h'],
    ['high', { q: false, h: false, f: false }, ''],
    ['medium', { q: false, h: false, f: true }, 'h'],
    ['medium', { q: true, h: false, f: false }, 'q'],
    ['medium', { q: true, h: false, f: true }, 'q h'],
    ['low', { q: false, h: true, f: false }, 'q'],
    ['low', { q: false, h: false, f: false }, ''],
    ['low', { q: false }, 'q'], // somebody may receive the others
  ];
  for (const [quality, wanted, rids] of cases) {
    assert.equal(sent(1280, 720, quality, wanted), rids, `${quality} ${JSON.stringify(wanted)}`);
  }
});

test('the only version is made smaller, and never larger', () => {
  const full = { maxBitrate: 1_700_000 };
  const cases = [
    [full, 720, 'high', 1, 1_700_000],
    [full, 720, 'medium', 2, 500_000],
    [full, 720, 'low', 4, 150_000],
    [full, 240, 'medium', 1, 500_000],
    [{ maxBitrate: 300_000 }, 240, 'medium', 1, 300_000],
    [{ scaleResolutionDownBy: 3 }, 720, 'medium', 3, 500_000],
    [{}, 720, 'high', 1, undefined],
  ];
  for (const [encoding, size, quality, scaleResolutionDownBy, maxBitrate] of cases) {
    assert.deepEqual(shrink(encoding, size, quality), { scaleResolutionDownBy, maxBitrate });
  }
});
