import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bitrateText, History, limitOf, lossText, pictureText, Statistics, timeText } from '../static/js/statistics.js';

/** A report of these entries, by id. */
const report = (entries) => new Map(Object.entries(entries).map(([id, entry]) => [id, { id, ...entry }]));

/** As Chromium reports n seconds after the beginning. */
const chromium = (n) => ({
  T01: { type: 'transport', selectedCandidatePairId: 'CP2' },
  CP1: { type: 'candidate-pair', nominated: true, state: 'succeeded', bytesSent: 9, bytesReceived: 9 },
  CP2: {
    type: 'candidate-pair',
    state: 'in-progress',
    localCandidateId: 'L',
    remoteCandidateId: 'R',
    bytesSent: 25_000 * n,
    bytesReceived: 125_000 * n,
    currentRoundTripTime: 0.02,
    availableOutgoingBitrate: 3_000_000,
  },
  L: { type: 'local-candidate', candidateType: 'host', protocol: 'udp', address: '192.168.7.7', port: 4711 },
  R: { type: 'remote-candidate', candidateType: 'host', protocol: 'udp', address: '203.0.113.5', port: 7000 },
  C: { type: 'codec', mimeType: 'video/VP8' },
  IV: {
    type: 'inbound-rtp',
    kind: 'video',
    trackIdentifier: 'picture',
    codecId: 'C',
    bytesReceived: 100_000 * n,
    packetsReceived: 90 * n,
    packetsLost: 10 * n,
    jitter: 0.004,
    frameWidth: 640,
    frameHeight: 360,
    framesPerSecond: 24,
    jitterBufferDelay: 1.5 * n,
    jitterBufferEmittedCount: 30 * n,
    freezeCount: 2,
  },
  OV: {
    type: 'outbound-rtp',
    kind: 'video',
    mid: '1',
    rid: 'h',
    codecId: 'C',
    active: true,
    bytesSent: 20_000 * n,
    frameWidth: 320,
    frameHeight: 180,
    framesPerSecond: 15,
    qualityLimitationReason: 'bandwidth',
  },
  RI: { type: 'remote-inbound-rtp', roundTripTime: 0.03, fractionLost: 0.25 },
});

/** Firefox notes at the pair that it is in use, and leaves out much. */
const firefox = (n) => ({
  p: {
    type: 'candidate-pair',
    selected: true,
    nominated: true,
    state: 'succeeded',
    localCandidateId: 'l',
    remoteCandidateId: 'r',
    bytesSent: 25_000 * n,
    bytesReceived: 125_000 * n,
  },
  l: { type: 'local-candidate', candidateType: 'relay', protocol: 'udp', relayProtocol: 'tcp', address: '203.0.113.5' },
  r: { type: 'remote-candidate', candidateType: 'host', protocol: 'udp', address: '2001:db8::5', port: 7000 },
  i: {
    type: 'inbound-rtp',
    kind: 'video',
    trackIdentifier: 'picture',
    bytesReceived: 100_000 * n,
    packetsReceived: 100 * n,
    packetsLost: 0,
    framesDecoded: 25 * n,
  },
  o: { type: 'outbound-rtp', kind: 'video', bytesSent: 20_000 * n, framesEncoded: 15 * n },
  h: { type: 'remote-inbound-rtp', roundTripTime: 0.03 },
});

/** The figures after reports of these seconds. */
function after(make, ...seconds) {
  const statistics = new Statistics();
  const shots = seconds.map((n) => statistics.take(report(make(n)), n * 1000));
  return { statistics, ...shots.at(-1) };
}

test('the figures of Chromium', () => {
  const { connection, received, sent } = after(chromium, 1, 3);
  assert.deepEqual(connection, {
    up: 200_000,
    down: 1_000_000,
    available: 3_000_000,
    rtt: 20,
    loss: 10,
    lossUp: 25,
    jitter: 4,
    path: { protocol: 'udp', local: 'host', remote: 'host', relay: false, server: '203.0.113.5:7000' },
  });
  const picture = { width: 640, height: 360, fps: 24, loss: 10, jitter: 4, buffer: 50, freezes: 2, codec: 'VP8' };
  assert.deepEqual(received, [{ track: 'picture', kind: 'video', bitrate: 800_000, ...picture }]);
  const encoding = { mid: '1', rid: 'h', kind: 'video', active: true, limit: 'bandwidth', codec: 'VP8' };
  assert.deepEqual(sent, [{ ...encoding, bitrate: 160_000, width: 320, height: 180, fps: 15 }]);
});

test('the figures of Firefox, as far as there are any', () => {
  const { connection, received, sent } = after(firefox, 1, 2);
  assert.deepEqual(connection, {
    up: 200_000,
    down: 1_000_000,
    available: null,
    rtt: 30,
    loss: 0,
    lossUp: null,
    jitter: null,
    path: { protocol: 'tcp', local: 'relay', remote: 'host', relay: true, server: '[2001:db8::5]:7000' },
  });
  const unknown = { width: null, height: null, jitter: null, buffer: null, freezes: null, codec: '' };
  assert.deepEqual(received, [{ track: 'picture', kind: 'video', bitrate: 800_000, fps: 25, loss: 0, ...unknown }]);
  const encoding = { mid: '', rid: '', kind: 'video', active: true, limit: '', codec: '' };
  assert.deepEqual(sent, [{ ...encoding, bitrate: 160_000, width: null, height: null, fps: 15 }]);
});

test('one report alone tells no rates, and neither does one of something that began afresh', () => {
  for (const seconds of [[1], [5, 1]]) {
    const { connection, received, sent } = after(chromium, ...seconds);
    assert.deepEqual([connection.up, connection.down, connection.loss], [null, null, null]);
    assert.deepEqual([received[0].bitrate, received[0].loss, received[0].buffer, sent[0].bitrate], Array(4).fill(null));
    assert.equal(received[0].width, 640);
  }
});

test('no pair, no tracks, and tracks that come and go', () => {
  const statistics = new Statistics();
  const { connection, received, sent } = statistics.take(new Map(), 0);
  assert.deepEqual([received, sent, connection.path, connection.up, connection.rtt], [[], [], null, null, null]);
  const { IV, OV } = chromium(1);
  statistics.take(report({ IV, OV }), 1000);
  const later = statistics.take(report({ OV: chromium(2).OV, IV2: IV }), 2000);
  assert.deepEqual([later.received[0].bitrate, later.connection.up, later.connection.down], [null, 160_000, null]);
});

test('packets that come late after all are no loss', () => {
  const statistics = new Statistics();
  const entry = { type: 'inbound-rtp', kind: 'audio', trackIdentifier: 'sound' };
  const [first, ...losses] = [
    [100, 5],
    [150, 3],
    [150, 3],
    [199, 4],
  ].map(([packetsReceived, packetsLost], i) => {
    return statistics.take(report({ a: { ...entry, packetsReceived, packetsLost } }), i * 1000).received[0].loss;
  });
  assert.deepEqual([first, ...losses], [null, 0, null, 2]);
});

test('after a reset nothing is known of before', () => {
  const { statistics } = after(chromium, 1, 2);
  assert.equal(statistics.history.points.length, 2);
  statistics.reset();
  assert.equal(statistics.take(report(chromium(3)), 3000).connection.up, null);
  assert.equal(statistics.history.points.length, 1);
});

test('a minute is kept, and drawn', () => {
  const history = new History();
  assert.equal(history.line('up', 100), '');
  for (let n = 0; n <= 90; n++) history.add(n * 1000, { up: n });
  assert.equal(history.points.length, 60);
  history.clear();
  for (const [n, up] of [0, 50, null, 200].entries()) history.add(n * 1000, { up });
  assert.equal(history.line('up', 100), '57.0,20.0 58.0,15.0 60.0,0.0');
  assert.equal(history.line('up', 400), '57.0,20.0 58.0,17.5 60.0,10.0');
});

test('what limits: the worst of what is on', () => {
  const cases = [
    [[], ''],
    [[''], ''],
    [['', 'other', 'bandwidth'], 'bandwidth'],
    [['bandwidth', 'cpu'], 'cpu'],
  ];
  for (const [limits, want] of cases) assert.equal(limitOf(limits.map((limit) => ({ active: true, limit }))), want);
  assert.equal(limitOf([{ active: false, limit: 'cpu' }]), '');
});

test('figures in words', () => {
  assert.deepEqual([null, 0, 64_400, 999_400, 1_240_000].map(bitrateText), [
    '',
    '0 kbit/s',
    '64 kbit/s',
    '999 kbit/s',
    '1.2 Mbit/s',
  ]);
  assert.deepEqual(
    [timeText(null), timeText(12.6), lossText(null), lossText(0.04), lossText(12)],
    ['', '13 ms', '', '0.0 %', '12.0 %'],
  );
  assert.deepEqual(
    [
      { width: 640, height: 360, fps: 24.7 },
      { width: 640, height: 360, fps: null },
      { width: null, height: null, fps: 0 },
      { width: null, height: null, fps: null },
    ].map(pictureText),
    ['640×360, 25 fps', '640×360', '0 fps', ''],
  );
});
