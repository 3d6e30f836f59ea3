import './english.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rest } from './fakes.js';
import { make, opened } from './studio.js';

const idOf = (track) => track?.settings.deviceId ?? null;

/** An open capture with two cameras and two microphones. */
function two(choices = {}) {
  const parts = make({ choices });
  parts.devices.there = { camera: ['c1', 'c2'], microphone: ['m1', 'm2'] };
  return parts.capture.open().then(() => parts);
}

test('once open, or being opened, there is nothing to open', async () => {
  const { capture, tracks, devices, hold } = make();
  const proceed = hold(devices);
  const both = [capture.open(), capture.open()];
  proceed();
  assert.deepEqual(await Promise.all(both), [true, true]);
  assert.equal(await capture.open(), true);
  assert.equal(tracks.length, 2);
  capture.close();
  assert.equal(await capture.open(), true);
  assert.equal(tracks.length, 4);
});

test('closed and opened again while the devices open, the later opening counts', async () => {
  const { capture, tracks, devices, hold } = make();
  const proceed = hold(devices);
  const first = capture.open();
  capture.close();
  const second = capture.open();
  proceed();
  assert.deepEqual(await Promise.all([first, second]), [false, true]);
  assert.deepEqual(
    tracks.map(({ stopped }) => stopped),
    [true, true, false, false],
  );
});

test('what the person switches is remembered, what a host switches is not', async () => {
  const { capture, settings } = await opened();
  const remembered = () => [settings.get('cameraOn'), settings.get('microphoneOn')];
  capture.switchOff();
  assert.deepEqual([remembered(), capture.isOn('camera')], [[true, true], false]);
  capture.bar({ camera: true, microphone: true, screen: false });
  await capture.set('microphone', true);
  assert.deepEqual([remembered(), capture.isOn('microphone')], [[true, true], false]);
  capture.bar({ camera: false, microphone: false, screen: false });
  await capture.set('microphone', true);
  await capture.set('camera', true);
  await capture.set('microphone', false);
  assert.deepEqual(remembered(), [true, false]);

  const later = await opened({ choices: { microphoneOn: false } });
  assert.deepEqual([later.capture.isOn('camera'), later.capture.isOn('microphone')], [true, false]);
  assert.deepEqual([later.tracks.length, later.published.audio], [1, null]);
});

test('a device that could not be opened is asked for the next time too', async () => {
  const { capture, settings } = await opened({ missing: ['camera'] });
  assert.deepEqual([capture.isOn('camera'), settings.get('cameraOn')], [false, true]);
});

test('opens the devices that were chosen', async () => {
  const { published } = await two({ camera: 'c2', microphone: 'm2' });
  assert.deepEqual([idOf(published.video), idOf(published.audio)], ['c2', 'm2']);
});

test('another device is used once it is open, and the former until then', async () => {
  const { capture, devices, published, settings, told, hold } = await two();
  const former = published.video;
  const proceed = hold(devices);
  const chosen = capture.choose('camera', 'c2');
  await rest();
  assert.deepEqual([published.video, former.stopped], [former, false]);
  proceed();
  await chosen;
  assert.deepEqual([idOf(published.video), former.stopped, settings.get('camera')], ['c2', true, 'c2']);
  assert.deepEqual([told.camera.at(-1), told.problems.at(-1)], [true, '']);
  assert.equal(capture.track('camera'), published.video);
  const { length } = devices.tracks;
  await capture.choose('camera', 'c2'); // it is in use
  assert.equal(devices.tracks.length, length);
});

test('a muted microphone stays muted with another device', async () => {
  const { capture, published } = await two();
  await capture.set('microphone', false);
  await capture.choose('microphone', 'm2');
  assert.deepEqual([idOf(published.audio), published.audio.enabled], ['m2', false]);
  await capture.set('microphone', true);
  assert.equal(published.audio.enabled, true);
});

test('what is off, or closed, is only remembered', async () => {
  const { capture, devices, published } = await two();
  await capture.set('camera', false);
  await capture.choose('camera', 'c2');
  assert.equal(devices.tracks.length, 2);
  await capture.set('camera', true);
  assert.equal(idOf(published.video), 'c2');
  capture.close();
  await capture.choose('camera', 'c1');
  assert.equal(devices.tracks.length, 3);
});

test('chosen while the devices open', async () => {
  const parts = make();
  parts.devices.there.camera = ['c1', 'c2'];
  const proceed = parts.hold(parts.devices);
  const both = [parts.capture.open(), parts.capture.choose('camera', 'c2')];
  proceed();
  await Promise.all(both);
  assert.equal(idOf(parts.published.video), 'c2');
});

test('a device that cannot be opened: the former goes on, and it is told why', async () => {
  for (const reason of ['busy', 'denied', 'failed']) {
    const { capture, devices, published, told } = await two();
    devices.broken.set('m2', reason);
    await capture.choose('microphone', 'm2');
    assert.deepEqual([idOf(published.audio), published.audio.stopped, told.microphone.at(-1)], ['m1', false, true]);
    assert.match(told.problems.at(-1), /^The microphone is /, reason);
    assert.equal(told.wrong.at(-1), reason);
    await capture.choose('microphone', 'm1');
    devices.broken.clear();
    await capture.choose('microphone', 'm2');
    assert.deepEqual([idOf(published.audio), told.problems.at(-1), told.wrong.at(-1)], ['m2', '', ''], reason);
  }
});

test('a telephone that opens one camera at a time', async () => {
  const { capture, devices, published, told } = await two();
  devices.alone = true;
  const former = published.video;
  await capture.choose('camera', 'c2');
  assert.deepEqual([idOf(published.video), former.stopped, told.problems.at(-1)], ['c2', true, '']);
  devices.broken.set('c1', 'busy');
  await capture.choose('camera', 'c1');
  assert.deepEqual([idOf(published.video), published.video.stopped, told.camera.at(-1)], ['c2', false, true]);
  assert.match(told.problems.at(-1), /^The camera is in use/);
});

test('two cameras are never being opened at once', async () => {
  const { capture, devices, published, told } = await opened();
  devices.alone = true;
  await capture.set('camera', false);
  await Promise.all([capture.set('camera', true), capture.set('camera', true)]);
  assert.deepEqual([idOf(published.video), told.problems.at(-1)], ['c1', '']);
});

test('of choices in quick succession the last one counts, and one device is open', async () => {
  const { capture, devices, published } = await two();
  await Promise.all(['c2', 'c1', 'c2', 'c1'].map((id) => capture.choose('camera', id)));
  assert.equal(idOf(published.video), 'c1');
  await Promise.all([capture.choose('camera', 'c2'), capture.set('camera', false)]);
  assert.equal(published.video, null);
  await Promise.all([capture.choose('microphone', 'm2'), capture.close()]);
  assert.ok(devices.tracks.every(({ stopped }) => stopped));
});

test('unplugged, another device is used, and the chosen one again when it is back', async () => {
  const { devices, published, told } = await two({ microphone: 'm2' });
  devices.plug('microphone', ['m1']);
  published.audio.end();
  await rest();
  assert.equal(idOf(published.audio), 'm1');
  assert.equal(told.problems.at(-1), 'The microphone was disconnected. “The m1” is used now.');
  devices.plug('microphone', ['m1', 'm3']);
  await rest();
  assert.equal(idOf(published.audio), 'm1');
  devices.plug('microphone', ['m1', 'm2']);
  await rest();
  assert.deepEqual([idOf(published.audio), told.problems.at(-1)], ['m2', '']);
  assert.ok(devices.tracks.filter(({ settings }) => settings.deviceId === 'm1').every(({ stopped }) => stopped));
});

test('nobody who has chosen otherwise meanwhile is taken back', async () => {
  const { capture, devices, published } = await two({ microphone: 'm2' });
  devices.plug('microphone', ['m1', 'm3']);
  published.audio.end();
  await rest();
  await capture.choose('microphone', 'm3');
  devices.plug('microphone', ['m1', 'm2', 'm3']);
  await rest();
  assert.equal(idOf(published.audio), 'm3');

  devices.plug('microphone', ['m1', 'm2']);
  published.audio.end();
  await rest();
  assert.equal(idOf(published.audio), 'm1');
  await capture.choose('microphone', 'm1'); // as it is already
  devices.plug('microphone', ['m1', 'm3']);
  await rest();
  assert.equal(idOf(published.audio), 'm1');
});

test('a chosen device that is missing from the beginning is used when it is there', async () => {
  const { devices, published } = await opened({ choices: { camera: 'c2' } });
  assert.equal(idOf(published.video), 'c1');
  devices.plug('camera', ['c1', 'c2']);
  await rest();
  assert.equal(idOf(published.video), 'c2');
});

test('unplugged without another one it is off; a loose plug switches on again, a late one does not', async () => {
  for (const [later, back] of [
    [5_000, true],
    [60_000, false],
  ]) {
    const { capture, devices, published, clock, told } = await opened();
    devices.plug('camera', []);
    published.video.end();
    await rest();
    assert.deepEqual([published.video, told.camera.at(-1), told.wrong.at(-1)], [null, false, 'missing']);
    assert.equal(told.problems.at(-1), 'The camera was disconnected. Connect it again, or choose another one.');
    clock.now += later;
    devices.plug('camera', ['c1']);
    await rest();
    assert.equal(capture.isOn('camera'), back);
    if (back) assert.deepEqual([told.wrong.at(-1), told.problems.at(-1)], ['', '']);
  }
});

test('what a host has barred does not come back with its plug', async () => {
  const { capture, devices, published } = await opened();
  devices.plug('camera', []);
  published.video.end();
  await rest();
  capture.bar({ camera: true, microphone: false, screen: false });
  devices.plug('camera', ['c1']);
  await rest();
  assert.equal(published.video, null);
});

test('unplugged, and the other one may not be used', async () => {
  const { devices, published, told } = await two();
  devices.broken.set('c2', 'denied');
  devices.plug('camera', ['c2']);
  published.video.end();
  await rest();
  assert.deepEqual([published.video, told.camera.at(-1), told.wrong.at(-1)], [null, false, 'denied']);
  assert.match(told.problems.at(-1), /^The camera is blocked\. Allow it/);
  devices.plug('camera', ['c1', 'c2']);
  await rest();
  assert.equal(published.video, null);
});

test('sound is processed as was chosen, from the next moment on', async () => {
  const { devices, published, settings } = await opened({ choices: { autoGainControl: false } });
  const [constraints] = devices.constraints.filter(({ width }) => !width);
  const { echoCancellation, noiseSuppression, autoGainControl } = constraints;
  assert.deepEqual([echoCancellation, noiseSuppression, autoGainControl], [true, true, false]);
  const track = published.audio;
  settings.set('noiseSuppression', false);
  await rest();
  assert.deepEqual([published.audio, track.settings.noiseSuppression], [track, false]);
  assert.equal(track.asked.at(-1).deviceId, undefined);
  track.deaf = true; // it takes another one
  settings.set('noiseSuppression', true);
  await rest();
  assert.deepEqual([track.stopped, published.audio.settings.noiseSuppression], [true, true]);
  assert.equal(devices.tracks.length, 3);
});

test('a microphone that is processed alike for all that open it is let go of first', async () => {
  const { capture, devices, published, settings, told } = await opened({ choices: { echoCancellation: false } });
  await capture.set('microphone', false);
  published.audio.deaf = true;
  devices.alike = true;
  settings.set('echoCancellation', true);
  await rest();
  assert.deepEqual([published.audio.settings.echoCancellation, published.audio.enabled], [true, false]);
  assert.equal(devices.tracks.filter(({ device, stopped }) => device === 'microphone' && !stopped).length, 1);
  assert.equal(told.problems.at(-1), '');
  published.audio.deaf = true;
  settings.set('noiseSuppression', false);
  settings.set('autoGainControl', false);
  await rest();
  const { noiseSuppression, autoGainControl } = published.audio.settings;
  assert.deepEqual([noiseSuppression, autoGainControl], [false, false]);
  assert.equal(devices.tracks.filter(({ device, stopped }) => device === 'microphone' && !stopped).length, 1);
});

test('a camera that can blur does so when that is chosen', async () => {
  const { capture, published, settings, told } = await two();
  assert.equal(capture.canBlur, false);
  const track = published.video;
  track.capabilities = { backgroundBlur: [true, false] };
  track.settings.backgroundBlur = false;
  await capture.set('microphone', false); // any change
  assert.deepEqual([capture.canBlur, told.blur], [true, [true]]);
  settings.set('blur', true);
  await rest();
  assert.equal(track.settings.backgroundBlur, true);
  assert.deepEqual(track.asked.at(-1).width, { ideal: 1280 }); // its size stays
  await capture.choose('camera', 'c2');
  assert.deepEqual([capture.canBlur, told.blur], [false, [true, false]]);
});

test('the camera is sent in the quality that was chosen', () => {
  const { publisher, settings } = make({ choices: { sendQuality: 'low' } });
  assert.equal(publisher.quality, 'low');
  settings.set('sendQuality', 'medium');
  assert.equal(publisher.quality, 'medium');
});

test('what is wrong is told until it is not any more', async () => {
  const { capture, devices, told } = await opened({ missing: ['camera', 'microphone'] });
  assert.equal(told.wrong.at(-1), 'missing missing');
  assert.deepEqual(
    capture.problems.map(({ device }) => device),
    ['microphone', 'camera'],
  );
  for (const { text, help } of capture.problems) assert.ok(text && help);
  devices.there = { camera: ['c1'], microphone: [] };
  await capture.set('camera', true);
  assert.equal(told.wrong.at(-1), 'missing');
  capture.close();
  assert.equal(told.wrong.at(-1), '');
});

test('what the system takes away though it is there is had again', async () => {
  const { published, told } = await opened();
  const taken = published.audio;
  taken.end();
  await rest();
  assert.notEqual(published.audio, taken);
  assert.deepEqual([idOf(published.audio), published.audio.stopped], ['m1', false]);
  assert.equal(told.microphone.at(-1), true);
});

test('a telephone that keeps it for its call is asked again, and when the person is back', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { capture, devices, published } = await opened();
  const loseForCall = async () => {
    devices.broken.set('m1', 'busy');
    published.audio.end();
    await rest();
    assert.equal(published.audio, null);
  };
  await loseForCall();
  t.mock.timers.tick(5000);
  await rest();
  assert.equal(published.audio, null, 'the call goes on');
  devices.broken.clear();
  t.mock.timers.tick(5000);
  await rest();
  assert.equal(published.audio?.stopped, false);

  await loseForCall();
  devices.broken.clear();
  capture.wake();
  await rest();
  assert.equal(published.audio?.stopped, false);

  const count = devices.tracks.length;
  t.mock.timers.tick(60_000);
  await rest();
  assert.equal(devices.tracks.length, count, 'once it is there nothing is asked for');
});

test('what was taken away is not asked for again once it was switched off, or refused', async (t) => {
  for (const [about, decide] of [
    ['switched off', ({ capture }) => capture.set('microphone', false)],
    ['refused', ({ devices }) => void devices.broken.set('m1', 'denied')],
    ['closed', ({ capture }) => capture.close()],
  ]) {
    await t.test(about, async ({ mock }) => {
      mock.timers.enable({ apis: ['setTimeout'] });
      const parts = await opened();
      const { capture, devices, published } = parts;
      devices.broken.set('m1', 'busy');
      published.audio.end();
      await rest();
      await decide(parts);
      mock.timers.tick(5000);
      await rest();
      devices.broken.clear();
      capture.wake();
      mock.timers.tick(60_000);
      await rest();
      assert.equal(published.audio, null);
    });
  }
});

test('taken away and pulled out at once, another is used', async () => {
  const { devices, published } = await opened();
  const list = devices.list.bind(devices);
  let late = true; // the browser lists it still
  devices.list = () => {
    const listed = late ? Promise.resolve({ cameras: [], microphones: [{ id: 'm1', label: '' }] }) : list();
    late = false;
    return listed;
  };
  devices.there.microphone = ['m2'];
  devices.broken.set('m1', 'missing');
  published.audio.end();
  await rest();
  assert.equal(idOf(published.audio), 'm2');
});

test('a track that a call has left mute is replaced when the person is back', async () => {
  const { capture, published } = await opened();
  const { audio, video } = published;
  audio.muted = true;
  capture.wake();
  await rest();
  assert.notEqual(published.audio, audio);
  assert.equal(published.video, video);
});
