import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENCODINGS, Publisher } from '../static/js/publisher.js';
import { FakeConnection } from './fakes.js';

const CODECS = {
  audio: ['opus', 'red', 'G722', 'PCMU', 'CN', 'telephone-event'],
  video: ['VP8', 'rtx', 'VP9', 'H264', 'H264', 'AV1', 'red', 'ulpfec'],
};

function open(codecs = ['opus', 'vp8']) {
  const capabilities = (kind) => ({ codecs: CODECS[kind].map((name) => ({ mimeType: `${kind}/${name}` })) });
  return new Publisher({ stream: 'stream', codecs, capabilities });
}

const names = (transceiver) => transceiver.preferences.map(({ mimeType }) => mimeType.split('/')[1]);

test('camera in three encodings, microphone in one, both only sent', async () => {
  const publisher = open();
  await publisher.setTrack('video', 'camera');
  await publisher.setTrack('audio', 'microphone');
  const connection = new FakeConnection();
  publisher.attach(connection);
  const [audio, video] = connection.transceivers;
  assert.deepEqual(audio.init, { direction: 'sendonly', streams: ['stream'] });
  assert.deepEqual(video.init, { direction: 'sendonly', streams: ['stream'], sendEncodings: ENCODINGS });
  assert.deepEqual([audio.track, video.track], ['microphone', 'camera']);
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
    await publisher.setTrack('video', 'camera');
    assert.deepEqual(connection.transceivers.map(names), [audio, video]);
  }
});

test('codecs that this browser has not: it offers what it has', async () => {
  const publisher = open(['h265']);
  const connection = new FakeConnection();
  publisher.attach(connection);
  await publisher.setTrack('video', 'camera');
  assert.equal(connection.transceivers[0].preferences, null);
});

test('off and on again is no negotiation', async () => {
  const publisher = open();
  const connection = new FakeConnection();
  publisher.attach(connection);
  assert.equal(connection.transceivers.length, 0);
  await publisher.setTrack('video', 'camera');
  await publisher.setTrack('video', null);
  await publisher.setTrack('video', 'another camera');
  assert.equal(connection.transceivers.length, 1);
  assert.equal(connection.transceivers[0].sender.track, 'another camera');
});

test('a fresh connection gets what is on at the time', async () => {
  const publisher = open();
  publisher.attach(new FakeConnection());
  await publisher.setTrack('video', 'camera');
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
