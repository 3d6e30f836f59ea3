import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Devices, explain, summary } from '../static/js/devices.js';

/** Devices that fail with the given error names. */
function source({ camera, microphone }) {
  const asked = [];
  return {
    asked,
    getUserMedia({ video, audio }) {
      asked.push([video && 'camera', audio && 'microphone'].filter(Boolean).join('+'));
      const name = (video && camera) || (audio && microphone);
      if (name) return Promise.reject(new DOMException('', name));
      const tracks = [audio && { kind: 'audio' }, video && { kind: 'video' }].filter(Boolean);
      return Promise.resolve({
        getTracks: () => tracks,
        getVideoTracks: () => tracks.filter(({ kind }) => kind === 'video'),
        getAudioTracks: () => tracks.filter(({ kind }) => kind === 'audio'),
      });
    },
  };
}

const both = { camera: true, microphone: true };

test('the name of the exception decides the words', () => {
  const cases = [
    ['NotAllowedError', 'denied'],
    ['SecurityError', 'denied'],
    ['NotFoundError', 'missing'],
    ['NotReadableError', 'busy'],
    ['AbortError', 'busy'],
    ['OverconstrainedError', 'failed'],
  ];
  for (const [name, reason] of cases) {
    for (const device of ['camera', 'microphone']) {
      const problem = explain(device, new DOMException('', name));
      assert.equal(problem.reason, reason);
      assert.match(problem.text, new RegExp(`^The ${device} is .*\\.$`));
    }
  }
  assert.equal(explain('camera', undefined).reason, 'failed');
});

test('both devices need one prompt', async () => {
  const devices = source({});
  const opened = await new Devices(devices).open(both);
  assert.deepEqual([opened.camera.kind, opened.microphone.kind, opened.problems], ['video', 'audio', []]);
  assert.deepEqual(devices.asked, ['camera+microphone']);
  assert.equal(summary(opened), '');
});

test('what is not wanted is not asked for', async () => {
  const devices = source({});
  await new Devices(devices).open({ camera: false, microphone: true });
  await new Devices(devices).open({ camera: false, microphone: false });
  assert.deepEqual(devices.asked, ['microphone']);
});

test('as much as there is', async () => {
  const cases = [
    [{ camera: 'NotFoundError' }, 'The camera is not connected. You take part with your microphone only.'],
    [{ microphone: 'NotReadableError' }, /^The microphone is in use .* You take part with your camera only\.$/],
    [
      { camera: 'NotFoundError', microphone: 'NotFoundError' },
      'Camera and microphone are not connected. You can watch and listen.',
    ],
    [
      { camera: 'NotReadableError', microphone: 'NotAllowedError' },
      /^The microphone is blocked.* The camera is in use.* You can watch and listen\.$/,
    ],
  ];
  for (const [failing, expected] of cases) {
    const opened = await new Devices(source(failing)).open(both);
    assert.equal(Boolean(opened.camera), !failing.camera);
    assert.equal(Boolean(opened.microphone), !failing.microphone);
    if (typeof expected === 'string') assert.equal(summary(opened), expected);
    else assert.match(summary(opened), expected);
  }
});

test('an insecure page says so', async () => {
  const opened = await new Devices(undefined).open(both);
  assert.deepEqual(
    opened.problems.map(({ reason }) => reason),
    ['insecure', 'insecure'],
  );
  assert.match(summary(opened), /https\. You can watch and listen\.$/);
});
