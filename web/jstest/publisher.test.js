import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodingsFor, Publisher } from '../static/js/publisher.js';
import { FakeConnection } from './fakes.js';

const CODECS = {
  audio: ['opus', 'red', 'G722', 'PCMU', 'CN', 'telephone-event'],
  video: ['VP8', 'rtx', 'VP9', 'H264', 'H264', 'AV1', 'red', 'ulpfec'],
};

function open(codecs = ['opus', 'vp8']) {
  const capabilities = (kind) => ({ codecs: CODECS[kind].map((name) => ({ mimeType: `${kind}/${name}` })) });
  return new Publisher({ stream: 'stream', codecs, capabilities });
}

/** A camera whose picture has this size. */
const camera = (width, height) => ({ getSettings: () => ({ width, height }) });

const names = (transceiver) => transceiver.preferences.map(({ mimeType }) => mimeType.split('/')[1]);

test('camera in simulcast, microphone in one encoding, both only sent', async () => {
  const publisher = open();
  const track = camera(1280, 720);
  await publisher.setTrack('video', track);
  await publisher.setTrack('audio', 'microphone');
  const connection = new FakeConnection();
  publisher.attach(connection);
  const [audio, video] = connection.transceivers;
  assert.deepEqual(audio.init, { direction: 'sendonly', streams: ['stream'] });
  assert.deepEqual(video.init, { direction: 'sendonly', streams: ['stream'], sendEncodings: encodingsFor(track) });
  assert.deepEqual([audio.track, video.track], ['microphone', track]);
});

test('the size of the picture decides the encodings, the largest is never scaled down', () => {
  const cases = [
    [1920, 1080, 'q h f'],
    [1280, 720, 'q h f'],
    [720, 1280, 'q h f'],
    [960, 540, 'q h f'],
    [640, 480, 'h f'],
    [480, 270, 'h f'],
    [320, 240, ''],
    [undefined, undefined, 'q h f'],
  ];
  for (const [width, height, rids] of cases) {
    const encodings = encodingsFor(camera(width, height));
    assert.equal(encodings.map(({ rid }) => rid).join(' '), rids, `${width}x${height}`);
    assert.equal(encodings.at(-1).scaleResolutionDownBy ?? 1, 1);
  }
});

test('only the allowed codecs are offered, in their order', async () => {
  const cases = [
    [
      ['opus', 'vp8'],
      ['opus', 'red'],
      ['VP8', 'rtx', 'red'],
    ],
    [
      ['opus', 'h264', 'vp9'],
      ['opus', 'red'],
      ['H264', 'H264', 'VP9', 'rtx', 'red'],
    ],
  ];
  for (const [allowed, audio, video] of cases) {
    const publisher = open(allowed);
    const connection = new FakeConnection();
    publisher.attach(connection);
    await publisher.setTrack('audio', 'microphone');
    await publisher.setTrack('video', camera(1280, 720));
    assert.deepEqual(connection.transceivers.map(names), [audio, video]);
  }
});

test('codecs that this browser has not: it offers what it has', async () => {
  const publisher = open(['h265']);
  const connection = new FakeConnection();
  publisher.attach(connection);
  await publisher.setTrack('video', camera(1280, 720));
  assert.equal(connection.transceivers[0].preferences, null);
});

test('off and on again is no negotiation', async () => {
  const publisher = open();
  const connection = new FakeConnection();
  publisher.attach(connection);
  assert.equal(connection.transceivers.length, 0);
  await publisher.setTrack('video', camera(1280, 720));
  await publisher.setTrack('video', null);
  const another = camera(640, 480);
  await publisher.setTrack('video', another);
  assert.equal(connection.transceivers.length, 1);
  assert.equal(connection.transceivers[0].sender.track, another);
});

test('a fresh connection gets what is on at the time', async () => {
  const publisher = open();
  publisher.attach(new FakeConnection());
  await publisher.setTrack('video', camera(1280, 720));
  await publisher.setTrack('audio', 'microphone');
  publisher.detach();
  await publisher.setTrack('video', null);
  const fresh = new FakeConnection();
  publisher.attach(fresh);
  assert.deepEqual(
    fresh.transceivers.map(({ track }) => track),
    ['microphone'],
  );
});
