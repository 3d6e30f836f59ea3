import './english.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rest } from './fakes.js';
import { make, opened } from './studio.js';

const FREE = { microphone: false, camera: false, screen: false };

test('opens what is wanted, publishes it and tells', async () => {
  const { capture, published, told } = await opened();
  assert.deepEqual([published.audio.device, published.video.device], ['microphone', 'camera']);
  assert.deepEqual(told.features, { video: true, audio: true, screen: false });
  assert.deepEqual([capture.ready, told.ready, told.problems], [true, [true], ['']]);
});

test('closing lets go of everything', async () => {
  const { capture, published, tracks, told } = await opened();
  await capture.share();
  capture.close();
  assert.ok(tracks.every(({ stopped }) => stopped));
  assert.deepEqual(Object.values(published), [null, null, null, null]);
  assert.deepEqual(told.features, { video: false, audio: false, screen: false });
  assert.deepEqual(told.ready, [true, false]);
});

test('closed while the devices open, they are put away when they come', async () => {
  const { capture, devices, tracks, hold, told } = make();
  const proceed = hold(devices);
  const opening = capture.open();
  capture.close();
  proceed();
  assert.equal(await opening, false);
  assert.deepEqual(
    tracks.map(({ stopped }) => stopped),
    [true, true],
  );
  assert.deepEqual(told.ready, [false]);
});

test('closed while what was opened is being published, nothing stays on', async () => {
  const { capture, publisher, published, tracks, told, hold } = make();
  const proceed = hold(publisher);
  const opening = capture.open();
  await rest();
  capture.close();
  proceed();
  assert.equal(await opening, false);
  await rest();
  assert.deepEqual(
    tracks.map(({ device, stopped }) => [device, stopped]),
    [
      ['camera', true],
      ['microphone', true],
    ],
  );
  assert.deepEqual([published.audio, published.video], [null, null]);
  assert.deepEqual([capture.ready, told.ready], [false, [false]]);
  assert.deepEqual(capture.features, { video: false, audio: false, screen: false });
});

test('camera off stops it, on again opens it anew', async () => {
  const { capture, tracks, published, told, of } = await opened();
  await capture.set('camera', false);
  assert.equal(published.video, null);
  assert.equal(of('camera').stopped, true);
  assert.equal(told.features.video, false);
  await capture.set('camera', true);
  assert.equal(published.video, tracks[2]);
  assert.equal(told.features.video, true);
});

test('microphone off only mutes it', async () => {
  const { capture, published, told } = await opened();
  await capture.set('microphone', false);
  assert.deepEqual([published.audio.enabled, published.audio.stopped], [false, false]);
  assert.equal(told.features.audio, false);
  assert.equal(told.microphone.at(-1), false);
  await capture.set('microphone', true);
  assert.equal(published.audio.enabled, true);
  assert.equal(told.features.audio, true);
});

test('what was switched off before is not opened', async () => {
  const { capture, tracks, told, published } = make();
  await capture.set('camera', false);
  await capture.open();
  assert.deepEqual(
    tracks.map(({ device }) => device),
    ['microphone'],
  );
  assert.deepEqual(told.camera.at(-1), false);
  await capture.set('camera', true);
  assert.equal(published.video.device, 'camera');
});

test('switched while the devices open', async () => {
  const { capture, devices, published, hold, of } = make();
  const proceed = hold(devices);
  const opening = capture.open();
  await capture.set('camera', false);
  await capture.set('microphone', false);
  proceed();
  await opening;
  await rest();
  assert.equal(published.video, null);
  assert.equal(published.audio.enabled, false);
  assert.equal(of('camera').stopped, true);
});

test('switched on twice in a row, one camera is open', async () => {
  const { capture, tracks } = await opened();
  await capture.set('camera', false);
  await Promise.all([capture.set('camera', true), capture.set('camera', true)]);
  assert.equal(tracks.filter(({ device, stopped }) => device === 'camera' && !stopped).length, 1);
});

test('without a camera there is sound all the same', async () => {
  const { published, told } = await opened({ missing: ['camera'] });
  assert.equal(published.audio.device, 'microphone');
  assert.equal(published.video, null);
  assert.equal(
    told.problems.at(-1),
    'The camera is not connected. You take part with your microphone only. Connect one, then switch on here.',
  );
  assert.deepEqual([told.camera.at(-1), told.microphone.at(-1)], [false, true]);
});

test('a camera that is unplugged is off', async () => {
  const { published, told, of, devices } = await opened();
  devices.there.camera = [];
  of('camera').end();
  await rest();
  assert.equal(published.video, null);
  assert.equal(told.features.video, false);
  assert.equal(told.camera.at(-1), false);
  assert.equal(told.problems.at(-1), 'The camera was disconnected. Connect it again, or choose another one.');
});

test('what is barred is off, and cannot be switched on', async () => {
  const { capture, published, told, of } = await opened();
  await capture.share();
  capture.bar({ microphone: true, camera: true, screen: true });
  await rest();
  assert.deepEqual([published.audio.enabled, published.video, published.screen], [false, null, null]);
  assert.ok(of('camera').stopped && of('screen').stopped);
  assert.deepEqual(told.features, { video: false, audio: false, screen: false });
  await capture.set('microphone', true);
  await capture.set('camera', true);
  await capture.share();
  assert.deepEqual(told.features, { video: false, audio: false, screen: false });
});

test('what is no longer barred stays off until it is switched on', async () => {
  const { capture, told } = await opened();
  capture.bar({ ...FREE, microphone: true });
  capture.bar(FREE);
  await rest();
  assert.equal(told.features.audio, false);
  await capture.set('microphone', true);
  assert.equal(told.features.audio, true);
});

test('what was barred before is not opened', async () => {
  const { capture, tracks } = make();
  capture.bar({ ...FREE, camera: true });
  await capture.open();
  assert.deepEqual(
    tracks.map(({ device }) => device),
    ['microphone'],
  );
});

test('barred while it is switched on, or picked, it is put away', async () => {
  const { capture, devices, screen, tracks, told, hold } = await opened();
  await capture.set('camera', false);
  const [open, pick] = [hold(devices), hold(screen)];
  const done = [capture.set('camera', true), capture.share()];
  capture.bar({ ...FREE, camera: true, screen: true });
  open();
  pick();
  await Promise.all(done);
  assert.deepEqual(told.features, { video: false, audio: true, screen: false });
  assert.ok(tracks.slice(2).every(({ stopped }) => stopped));
});

test('all is off until it is switched on', async () => {
  const { capture, tracks, published } = make();
  capture.switchOff();
  await capture.open();
  assert.deepEqual(tracks, []);
  await capture.set('microphone', true);
  assert.equal(published.audio.device, 'microphone');
});

test('shares a screen with its sound, and tells', async () => {
  const { capture, published, told } = await opened();
  await capture.share();
  await capture.share(); // there is one already
  assert.deepEqual([published.screen.device, published.screenAudio.device], ['screen', 'sound']);
  assert.equal(told.features.screen, true);
  const { screen, screenAudio } = published;
  await capture.stopSharing();
  assert.deepEqual([screen.stopped, screenAudio.stopped], [true, true]);
  assert.deepEqual([published.screen, published.screenAudio], [null, null]);
  assert.equal(told.features.screen, false);
  assert.deepEqual(told.sharing, [true, false]);
});

test('the browser’s own button ends the sharing', async () => {
  const { capture, published } = await opened();
  await capture.share();
  const { screen, screenAudio } = published;
  screen.dispatchEvent(new Event('ended'));
  await rest();
  assert.deepEqual([capture.sharing, published.screen, screenAudio.stopped], [false, null, true]);
  await capture.share();
  screen.dispatchEvent(new Event('ended')); // that of the former
  assert.equal(capture.sharing, true);
});

test('nothing is shared before, nor after closing while picking', async () => {
  const before = make();
  await before.capture.share();
  assert.deepEqual(before.tracks, []);

  const { capture, screen, tracks, published, hold } = await opened();
  const picked = hold(screen);
  const sharing = capture.share();
  capture.close();
  picked();
  await sharing;
  assert.equal(capture.sharing, false);
  assert.equal(published.screen ?? null, null);
  assert.ok(tracks.every(({ stopped }) => stopped));
});

test('a screen that cannot be shared is a problem told', async () => {
  const { capture, screen, told } = await opened();
  screen.problem = 'The screen cannot be shared.';
  await capture.share();
  assert.equal(capture.sharing, false);
  assert.equal(told.problems.at(-1), 'The screen cannot be shared.');
});
