import './english.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Devices } from '../static/js/devices.js';
import { summary } from '../static/js/problems.js';

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
    [
      { camera: 'NotFoundError' },
      /^The camera is not connected\. You take part with your microphone only\. Connect one/,
    ],
    [
      { microphone: 'NotReadableError' },
      /^The microphone is in use .* You take part with your camera only\. Close the other program/,
    ],
    [
      { camera: 'NotFoundError', microphone: 'NotFoundError' },
      /^Camera and microphone are not connected\. You can watch and listen\. Connect one/,
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
    assert.match(summary(opened), expected);
  }
});

test('an insecure page says so', async () => {
  const opened = await new Devices(undefined).open(both);
  assert.deepEqual(
    opened.problems.map(({ reason }) => reason),
    ['insecure', 'insecure'],
  );
  assert.match(summary(opened), /^Camera and microphone are available on secure pages only\..* You can watch .*https/);
});

/** One camera, `c1`, one of each kind that is listed, and a record of what was asked. */
function shop(infos = []) {
  const asked = [];
  const camera = { kind: 'video', asked: [], settings: { backgroundBlur: false } };
  camera.getCapabilities = () => ({ backgroundBlur: [false, true] });
  camera.getSettings = () => camera.settings;
  camera.applyConstraints = (constraints) => Promise.resolve(Object.assign(camera.settings, constraints));
  return Object.assign(new EventTarget(), {
    asked,
    camera,
    infos,
    getUserMedia({ video, audio }) {
      asked.push({ video, audio });
      const id = (video ?? audio).deviceId?.exact;
      if (id && id !== 'c1') return Promise.reject(new DOMException('', 'OverconstrainedError'));
      const tracks = [audio && { kind: 'audio' }, video && camera].filter(Boolean);
      return Promise.resolve({
        getTracks: () => tracks,
        getVideoTracks: () => tracks.filter(({ kind }) => kind === 'video'),
        getAudioTracks: () => tracks.filter(({ kind }) => kind === 'audio'),
      });
    },
    enumerateDevices: () => Promise.resolve(infos),
  });
}

test('a chosen device that is gone: any other will do', async () => {
  for (const [id, asked] of [
    ['c1', ['c1']],
    ['c9', ['c9', undefined]],
  ]) {
    const source = shop();
    const constraints = { camera: { deviceId: { exact: id }, width: 1280 } };
    const opened = await new Devices(source).open({ camera: true, microphone: false }, constraints);
    assert.equal(opened.camera, source.camera);
    assert.deepEqual(
      source.asked.map(({ video }) => video.deviceId?.exact),
      asked,
    );
    assert.ok(source.asked.every(({ video }) => video.width === 1280));
  }
});

test('who closes the question is not asked again', async () => {
  let asked = 0;
  const getUserMedia = () => (asked++, Promise.reject(new DOMException('Permission dismissed', 'NotAllowedError')));
  const { problems } = await new Devices({ getUserMedia }).open(both);
  assert.equal(asked, 1);
  assert.deepEqual(
    problems.map(({ device, reason }) => [device, reason]),
    [
      ['microphone', 'dismissed'],
      ['camera', 'dismissed'],
    ],
  );
});

test('the background is blurred before anybody sees it', async () => {
  for (const wanted of [both, { camera: true, microphone: false }]) {
    const source = shop();
    await new Devices(source).open(wanted, { camera: { backgroundBlur: false } });
    assert.equal(source.camera.settings.backgroundBlur, false);
    await new Devices(source).open(wanted, { camera: { backgroundBlur: true } });
    assert.equal(source.camera.settings.backgroundBlur, true);
  }
});

test('lists what there is by name, and by number before there are names', async () => {
  const info = (kind, deviceId, label) => ({ kind, deviceId, label });
  const source = shop([
    info('audioinput', 'default', 'Default - Headset'),
    info('audioinput', 'm1', 'Headset'),
    info('videoinput', '', ''),
    info('audiooutput', 's1', ''),
    info('audiooutput', 's2', ''),
  ]);
  const list = await new Devices(source, { speakers: true }).list();
  assert.deepEqual(list, {
    cameras: [{ id: '', label: 'Camera 1' }],
    microphones: [{ id: 'm1', label: 'Headset' }],
    speakers: [
      { id: 's1', label: 'Speaker 1' },
      { id: 's2', label: 'Speaker 2' },
    ],
  });
  assert.deepEqual((await new Devices(source).list()).speakers, []);
  const none = { cameras: [], microphones: [], speakers: [] };
  assert.deepEqual(await new Devices(undefined, { speakers: true }).list(), none);
  source.enumerateDevices = () => Promise.reject(new DOMException('', 'NotAllowedError'));
  assert.deepEqual(await new Devices(source).list(), none);
});

test('the list may be another after plugging, and once the names are known', async () => {
  const source = shop();
  const devices = new Devices(source);
  let changes = 0;
  devices.addEventListener('change', () => changes++);
  source.dispatchEvent(new Event('devicechange'));
  assert.equal(changes, 1);
  await devices.open({ camera: true, microphone: false });
  await devices.open({ camera: true, microphone: false });
  assert.equal(changes, 2);
  await devices.open(both);
  assert.equal(changes, 3);
});
