import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Codecs } from '../static/js/codecs.js';
import { cameraEncodings, fallbacks, screenEncodings } from '../static/js/encodings.js';
import { Publisher } from '../static/js/publisher.js';
import { FakeConnection, rest } from './fakes.js';

const CODECS = {
  audio: ['opus', 'red', 'G722', 'PCMU', 'CN', 'telephone-event'],
  video: ['VP8', 'rtx', 'VP9', 'H264', 'H264', 'AV1', 'red', 'ulpfec'],
};

function open(codecs = ['opus', 'vp8'], announceScreen = () => {}) {
  const capabilities = (kind) => ({ codecs: CODECS[kind].map((name) => ({ mimeType: `${kind}/${name}` })) });
  const known = new Codecs(codecs, capabilities);
  return new Publisher({ stream: 'stream', screen: { id: 'screen' }, announceScreen, codecs: known });
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
  assert.deepEqual(video.init, {
    direction: 'sendonly',
    streams: ['stream'],
    sendEncodings: cameraEncodings(track, 'vp8'),
  });
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
    const encodings = cameraEncodings(camera(width, height), 'vp8');
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

test('a line more is told, but not those of a fresh connection', async () => {
  const publisher = open();
  let lines = 0;
  publisher.addEventListener('line', () => lines++);
  await publisher.setTrack('audio', 'microphone');
  publisher.attach(new FakeConnection());
  assert.equal(lines, 0);
  await publisher.setTrack('video', camera(1280, 720));
  assert.equal(lines, 1);
  await publisher.setTrack('video', camera(640, 480));
  assert.equal(lines, 1);
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

test('frames in two temporal layers, with the codecs that have them', () => {
  const modes = (encodings) => encodings.map(({ scalabilityMode }) => scalabilityMode);
  for (const codec of ['vp8', 'vp9', 'av1']) {
    assert.deepEqual(modes(cameraEncodings(camera(1280, 720), codec)), ['L1T2', 'L1T2', 'L1T2'], codec);
    assert.deepEqual(modes(screenEncodings(codec)), ['L1T2', 'L1T2'], codec);
  }
  for (const codec of ['h264', '']) {
    for (const encoding of cameraEncodings(camera(1280, 720), codec))
      assert.ok(!('scalabilityMode' in encoding), codec);
  }
});

test('the first of the codecs that both sides have decides on temporal layers', async () => {
  for (const [codecs, mode] of [
    [['opus', 'h264', 'vp8'], undefined],
    [['opus', 'h265', 'vp9'], 'L1T2'],
  ]) {
    const publisher = open(codecs);
    const connection = new FakeConnection();
    publisher.attach(connection);
    await publisher.setTrack('video', camera(1280, 720));
    assert.equal(connection.transceivers[0].init.sendEncodings[0].scalabilityMode, mode, codecs.join(' '));
  }
});

test('a screen is sent in full size always, slow or smooth', () => {
  const encodings = screenEncodings('vp8');
  assert.ok(encodings.every(({ scaleResolutionDownBy }) => scaleResolutionDownBy === 1));
  assert.ok(encodings[0].maxFramerate < encodings[1].maxFramerate);
  assert.ok(encodings[0].maxBitrate < encodings[1].maxBitrate);
});

test('a browser that knows no modes gets encodings without, one that wants no encodings the best alone', async () => {
  const [full, plain, single] = fallbacks(screenEncodings('vp9'));
  assert.deepEqual(full, screenEncodings('vp9'));
  assert.deepEqual(plain, screenEncodings('h264'));
  assert.deepEqual(single, [{ scaleResolutionDownBy: 1, maxFramerate: 30, maxBitrate: 2_500_000 }]);

  const publisher = open();
  const connection = Object.assign(new FakeConnection(), { plain: true });
  publisher.attach(connection);
  await publisher.setTrack('video', camera(1280, 720));
  assert.deepEqual(connection.transceivers[0].init.sendEncodings, cameraEncodings(camera(1280, 720), 'h264'));
});

test('a screen is announced before it is added, in a stream of its own with its sound', async () => {
  const log = [];
  const publisher = open(undefined, (id) => log.push(`announce ${id} ${connection.transceivers.length}`));
  const connection = new FakeConnection();
  publisher.attach(connection);
  await publisher.setTrack('video', camera(1280, 720));
  await publisher.setTrack('screen', 'picture');
  await publisher.setTrack('screenAudio', 'sound');
  assert.deepEqual(log, ['announce screen 1', 'announce screen 2']);
  const [, picture, sound] = connection.transceivers;
  for (const { init } of [picture, sound]) assert.deepEqual(init.streams, [{ id: 'screen' }]);
  assert.deepEqual(picture.init.sendEncodings, screenEncodings('vp8'));
  assert.equal(sound.init.sendEncodings, undefined);
  await rest();
  assert.equal(picture.sender.preference, 'maintain-resolution');
});

/** A publisher whose screen is shared. */
async function sharing() {
  const publisher = open();
  const connection = new FakeConnection();
  publisher.attach(connection);
  await publisher.setTrack('screen', 'first');
  return { publisher, connection, line: connection.transceivers[0] };
}

test('a screen goes for the others too, and comes back on the same line', async () => {
  const { publisher, connection, line } = await sharing();
  assert.deepEqual([line.direction, line.sender.track], ['sendonly', 'first']);
  await publisher.setTrack('screen', null);
  assert.deepEqual([line.direction, line.sender.track], ['inactive', null]);
  await publisher.setTrack('screen', 'second');
  assert.deepEqual([line.direction, line.sender.track], ['sendonly', 'second']);
  assert.equal(connection.transceivers.length, 1);
});

test('a screen that nobody received comes back with all encodings on', async () => {
  const off = { type: 'layers', mid: '0', active: { l: false, h: false } };
  const on = { l: true, h: true };
  const { publisher, connection, line } = await sharing();
  publisher.setLayers(off);
  await rest();
  assert.deepEqual(line.sender.active, { l: false, h: false });
  await publisher.setTrack('screen', null);
  await rest();
  assert.deepEqual(line.sender.active, on);
  publisher.setLayers(off); // it was on its way
  await rest();
  await publisher.setTrack('screen', 'second');
  await rest();
  assert.deepEqual(line.sender.active, on);
  connection.dispatchEvent(new Event('signalingstatechange'));
  await rest();
  assert.deepEqual(line.sender.active, on);
  publisher.setLayers({ ...off, active: { l: true, h: false } });
  await rest();
  assert.deepEqual(line.sender.active, { l: true, h: false });
  publisher.setLayers({ ...off, active: on }); // another track began on the line
  await rest();
  assert.deepEqual(line.sender.active, on);
});

test('layers that are being switched off when a share ends are on with the next', async () => {
  const { publisher, line } = await sharing();
  await rest();
  publisher.setLayers({ type: 'layers', mid: '0', active: { l: false, h: false } });
  await Promise.resolve(); // setParameters has begun
  void publisher.setTrack('screen', null);
  void publisher.setTrack('screen', 'second');
  await rest();
  assert.deepEqual([line.sender.track, line.sender.active], ['second', { l: true, h: true }]);
});

test('a screen keeps its resolution, where the browser can', async () => {
  const { publisher, line } = await sharing();
  await rest();
  publisher.setLayers({ type: 'layers', mid: '0', active: { l: true, h: false } });
  await rest();
  assert.equal(line.sender.preference, 'maintain-resolution');

  const simple = open();
  const connection = new FakeConnection();
  simple.attach(connection);
  const { addTransceiver } = connection;
  connection.addTransceiver = function (track, init) {
    const transceiver = addTransceiver.call(this, track, init);
    transceiver.sender.simple = true;
    return transceiver;
  };
  await simple.setTrack('screen', 'picture');
  simple.setLayers({ type: 'layers', mid: '0', active: { l: true, h: false } });
  await rest();
  const { sender } = connection.transceivers[0];
  assert.deepEqual([sender.preference, sender.active], [undefined, { l: true, h: false }]);
});

test('a screen that has lost its encodings comes back on another line', async () => {
  const publisher = open();
  const connection = new FakeConnection();
  publisher.attach(connection);
  await publisher.setTrack('screen', 'first');
  await publisher.setTrack('screen', null);
  connection.transceivers[0].sender.reduce();
  await publisher.setTrack('screen', 'second');
  const [former, line] = connection.transceivers;
  assert.deepEqual([former.direction, former.sender.track], ['inactive', null]);
  assert.deepEqual([line.direction, line.sender.track], ['sendonly', 'second']);
  await publisher.setTrack('screen', null);
  assert.equal(line.direction, 'inactive');
});

test('a shared screen survives the connection', async () => {
  const announced = [];
  const publisher = open(undefined, (id) => announced.push(id));
  publisher.attach(new FakeConnection());
  await publisher.setTrack('screen', 'picture');
  publisher.detach();
  const fresh = new FakeConnection();
  publisher.attach(fresh);
  assert.deepEqual(
    fresh.transceivers.map(({ track }) => track),
    ['picture'],
  );
  assert.deepEqual(announced, ['screen', 'screen']);
});

/** A publisher whose camera is sent. */
async function sending() {
  const publisher = open();
  const connection = new FakeConnection();
  publisher.attach(connection);
  await publisher.setTrack('audio', 'microphone');
  await publisher.setTrack('video', camera(1280, 720));
  return { publisher, connection, line: connection.transceivers[1] };
}

test('encodings that nobody receives are off, and on again at once', async () => {
  const { publisher, connection, line } = await sending();
  publisher.setLayers({ type: 'layers', mid: '1', active: { q: true, h: false, f: false } });
  await rest();
  assert.deepEqual(line.sender.active, { q: true, h: false, f: false });
  publisher.setLayers({ type: 'layers', mid: '1', active: { q: true, h: false } }); // f: not mentioned, so wanted
  await rest();
  assert.deepEqual(line.sender.active, { q: true, h: false, f: true });
  assert.equal(connection.transceivers[0].sender.set, 0);
});

test('changes in quick succession do not overlap; the last one counts', async () => {
  const { publisher, line } = await sending();
  for (const f of [false, true, false, true, false]) {
    publisher.setLayers({ type: 'layers', mid: '1', active: { q: true, h: f, f } });
  }
  await rest();
  assert.deepEqual(line.sender.active, { q: true, h: false, f: false });
  assert.equal(line.sender.set, 1);
});

test('what is off stays off with another track, and is on with a fresh connection', async () => {
  const { publisher, line } = await sending();
  publisher.setLayers({ type: 'layers', mid: '1', active: { q: true, h: true, f: false } });
  await rest();
  await publisher.setTrack('video', null);
  await publisher.setTrack('video', camera(640, 480));
  await rest();
  assert.deepEqual(line.sender.active, { q: true, h: true, f: false });
  const fresh = new FakeConnection();
  publisher.attach(fresh);
  await rest();
  assert.deepEqual(fresh.transceivers[1].sender.active, { h: true, f: true });
});

test('layers of a line whose mid is not known yet are kept for it', async () => {
  const { publisher, connection, line } = await sending();
  line.mid = null; // rolled back
  publisher.setLayers({ type: 'layers', mid: '1', active: { f: false } });
  publisher.setLayers({ type: 'layers', mid: '7', active: { f: false } }); // nobody's
  publisher.setLayers({ type: 'layers', mid: '1' }); // nonsense
  await rest();
  assert.equal(line.sender.set, 0);
  line.mid = '1';
  connection.dispatchEvent(new Event('signalingstatechange'));
  await rest();
  assert.deepEqual(line.sender.active, { q: true, h: true, f: false });
});

test('pictures are told by their mids while there are any', async () => {
  const { publisher, line } = await sending();
  await publisher.setTrack('screen', 'picture');
  assert.deepEqual(
    publisher.pictures.map(({ mid }) => mid),
    ['1', '2'],
  );
  assert.equal(publisher.pictures[0].sender, line.sender);
  await publisher.setTrack('video', null);
  assert.deepEqual(
    publisher.pictures.map(({ mid }) => mid),
    ['2'],
  );
});

test('a lower quality is sent at once and on fresh connections, without a negotiation', async () => {
  const { publisher, connection, line } = await sending();
  await rest();
  let negotiations = 0;
  connection.addEventListener('negotiationneeded', () => negotiations++);
  publisher.setQuality('medium');
  await rest();
  assert.deepEqual(line.sender.active, { q: true, h: true, f: false });
  publisher.setLayers({ type: 'layers', mid: '1', active: { q: false, h: false, f: true } });
  await rest();
  assert.deepEqual(line.sender.active, { q: false, h: true, f: false });
  publisher.setQuality('high');
  await rest();
  assert.deepEqual(line.sender.active, { q: false, h: false, f: true });
  assert.equal(negotiations, 0);

  publisher.setQuality('low');
  await publisher.setTrack('screen', 'picture');
  const fresh = new FakeConnection();
  publisher.attach(fresh);
  await rest();
  const [, video, screen] = fresh.transceivers;
  assert.deepEqual(video.sender.active, { q: true, h: false, f: false });
  assert.deepEqual(screen.sender.active, { l: true, h: true }); // it is to be read
});

test('what was refused before the connection was there is applied when it is', async () => {
  for (const [quality, asked] of [
    ['low', 2], // when the line is made, and now
    ['high', 1],
  ]) {
    const publisher = open();
    await publisher.setTrack('video', camera(1280, 720));
    publisher.setQuality(quality);
    const connection = new FakeConnection();
    publisher.attach(connection);
    const { sender } = connection.transceivers[0];
    sender.setParameters = () => Promise.reject(new DOMException('not yet', 'InvalidStateError'));
    await rest();
    delete sender.setParameters;
    const { getParameters } = Object.getPrototypeOf(sender);
    let times = 1;
    sender.getParameters = () => (times++, getParameters.call(sender));
    connection.dispatchEvent(new Event('signalingstatechange'));
    await rest();
    assert.equal(times, asked, quality);
    assert.equal(sender.active.f, quality === 'high', quality);
  }
});

test('a camera in one version is scaled down, by the size of the picture', async () => {
  const publisher = open();
  const connection = new FakeConnection();
  publisher.attach(connection);
  await publisher.setTrack('video', camera(320, 240));
  await rest();
  const { sender } = connection.transceivers[0];
  const now = () => {
    const [{ scaleResolutionDownBy, maxBitrate }] = sender.getParameters().encodings;
    return [scaleResolutionDownBy, maxBitrate];
  };
  publisher.setQuality('low');
  await rest();
  assert.deepEqual(now(), [240 / 180, 150_000]);
  await publisher.setTrack('video', camera(1280, 720));
  await rest();
  assert.deepEqual(now(), [4, 150_000]);
  publisher.setQuality('high');
  await rest();
  assert.deepEqual(now(), [1, 300_000]);
});
