import assert from 'node:assert/strict';
import { test } from 'node:test';
import './english.js';
import { judgeFrames } from '../static/js/diagnostics-devices.js';
import { Line, measureTrips, median } from '../static/js/diagnostics-line.js';
import {
  candidatesIn,
  configurationOf,
  kindOf,
  ofClient,
  ofServer,
  parseCandidate,
  portOf,
  usedBy,
  withoutOthers,
} from '../static/js/diagnostics-path.js';
import { hasArrived } from '../static/js/diagnostics-proof.js';
import { reportOf } from '../static/js/diagnostics-report.js';
import { inDoubt } from '../static/js/diagnostics-quick.js';
import { best, rateText } from '../static/js/diagnostics-speed.js';

const HOST = 'candidate:1 1 udp 2130706431 203.0.113.5 7000 typ host';
const PASSIVE = 'candidate:2 1 tcp 1671430143 203.0.113.5 443 typ host tcptype passive';
const ACTIVE = 'candidate:3 1 TCP 1518280447 192.0.2.7 9 typ host tcptype active generation 0';
const RELAY = 'candidate:4 1 udp 41885439 203.0.113.5 50000 typ relay raddr 0.0.0.0 rport 0';
const SDP = `v=0\r\na=${HOST}\r\na=mid:0\r\na=${PASSIVE}\r\na=end-of-candidates\r\n`;

test('candidates are read', () => {
  const passive = { protocol: 'tcp', address: '203.0.113.5', port: 443, type: 'host', tcpType: 'passive' };
  assert.deepEqual(parseCandidate(PASSIVE), passive);
  assert.deepEqual(parseCandidate(`a=${PASSIVE}`), passive);
  assert.equal(parseCandidate(ACTIVE).tcpType, 'active');
  assert.equal(parseCandidate(RELAY).type, 'relay');
  for (const none of ['', 'candidate:', 'candidate:1 1 sctp 1 a 1 typ host', 'a=mid:0']) {
    assert.equal(parseCandidate(none), null, none);
  }
  assert.deepEqual(
    candidatesIn(SDP).map(({ port }) => port),
    [7000, 443],
  );
});

test('a connection is held to one way', () => {
  const fits = (filter, lines) => lines.filter((line) => filter(parseCandidate(line)));
  const servers = [HOST, PASSIVE];
  assert.deepEqual(fits(ofServer('udp'), servers), [HOST]);
  assert.deepEqual(fits(ofServer('tcp'), [...servers, ACTIVE]), [PASSIVE]);
  assert.deepEqual(fits(ofServer('turn_tls'), servers), [HOST], 'a relay sends UDP to the server');
  const ours = [HOST, ACTIVE, RELAY];
  assert.deepEqual(fits(ofClient('udp'), ours), [HOST]);
  assert.deepEqual(fits(ofClient('tcp'), ours), [ACTIVE]);
  assert.deepEqual(fits(ofClient('turn_tcp'), ours), [RELAY]);
  assert.equal(withoutOthers(SDP, ofServer('tcp')), SDP.replace(`a=${HOST}\r\n`, ''));
  assert.equal(withoutOthers(SDP, ofServer('udp')), SDP.replace(`a=${PASSIVE}\r\n`, ''));
});

const CONFIGURATION = {
  iceTransportPolicy: 'all',
  iceServers: [
    { urls: ['stun:a.example:3478'] },
    {
      urls: ['turn:a.example:3478?transport=udp', 'turn:a.example:3478?transport=tcp'],
      username: 'u',
      credential: 'c',
    },
    { urls: 'turns:a.example:443?transport=tcp', username: 'u', credential: 'c' },
  ],
};

test('what a connection is built with', () => {
  assert.deepEqual(configurationOf('udp', CONFIGURATION), { iceServers: [] });
  assert.deepEqual(configurationOf('tcp', CONFIGURATION), { iceServers: [] });
  for (const [kind, url] of [
    ['turn_udp', 'turn:a.example:3478?transport=udp'],
    ['turn_tcp', 'turn:a.example:3478?transport=tcp'],
    ['turn_tls', 'turns:a.example:443?transport=tcp'],
  ]) {
    assert.deepEqual(configurationOf(kind, CONFIGURATION), {
      iceTransportPolicy: 'relay',
      iceServers: [{ urls: [url], username: 'u', credential: 'c' }],
    });
  }
  assert.equal(configurationOf('turn_tls', { iceServers: CONFIGURATION.iceServers.slice(0, 2) }), null);
  assert.equal(configurationOf('turn_udp', {}), null);
  assert.equal(configurationOf('udp', { ...CONFIGURATION, iceTransportPolicy: 'relay' }), null, 'no call goes there');
});

test('kinds and ports of ICE servers', () => {
  for (const [url, kind, port] of [
    ['turn:a.example:3478?transport=udp', 'turn_udp', '3478/udp'],
    ['turn:a.example', 'turn_udp', '3478/udp'],
    ['turn:[2001:db8::1]:3479?transport=tcp', 'turn_tcp', '3479/tcp'],
    ['turn:[2001:db8::1]?transport=tcp', 'turn_tcp', '3478/tcp'],
    ['turns:a.example:443?transport=tcp', 'turn_tls', '443/tcp'],
    ['turns:a.example', 'turn_tls', '5349/tcp'],
  ]) {
    assert.deepEqual([kindOf(url), portOf(url)], [kind, port], url);
  }
  assert.equal(kindOf('stun:a.example:3478'), null);
});

const statistics = (local, pair = {}) => [
  ['T', { type: 'transport', selectedCandidatePairId: 'P' }],
  [
    'P',
    { type: 'candidate-pair', localCandidateId: 'L', remoteCandidateId: 'R', currentRoundTripTime: 0.0124, ...pair },
  ],
  ['L', { type: 'local-candidate', ...local }],
  ['R', { type: 'remote-candidate', port: 7000 }],
];

test('the way that a connection has taken', () => {
  const udp = statistics({ candidateType: 'host', protocol: 'udp' });
  assert.deepEqual(usedBy(udp), { kind: 'udp', port: '7000/udp', rtt: 12 });
  const firefox = statistics({ candidateType: 'prflx', protocol: 'tcp' }, { nominated: true, state: 'succeeded' });
  assert.deepEqual(usedBy(firefox.slice(1)), { kind: 'tcp', port: '7000/tcp', rtt: 12 });
  const url = 'turns:a.example:443?transport=tcp';
  const relay = statistics({ candidateType: 'relay', protocol: 'udp', relayProtocol: 'tls', url });
  assert.deepEqual(usedBy(relay), { kind: 'turn_tls', port: '443/tcp', rtt: 12 });
  const nameless = statistics({ candidateType: 'relay', relayProtocol: 'udp' }, { currentRoundTripTime: undefined });
  assert.deepEqual(usedBy(nameless), { kind: 'turn_udp', port: '', rtt: null });
  assert.deepEqual(usedBy([]), { kind: '', port: '', rtt: null });
});

test('picture and sound are there, or not', () => {
  const video = { type: 'inbound-rtp', kind: 'video', framesDecoded: 3 };
  const audio = { type: 'inbound-rtp', kind: 'audio', packetsReceived: 5 };
  const entries = (...all) => all.map((entry, i) => [String(i), entry]);
  assert.equal(hasArrived(entries(video, audio)), true);
  assert.equal(hasArrived(entries({ ...video, framesDecoded: 2 }, audio)), false);
  assert.equal(hasArrived(entries(video, { ...audio, packetsReceived: 4 })), false);
  assert.equal(hasArrived(entries({ ...video, framesDecoded: undefined }, video, audio)), true, 'one of two lines');
  assert.equal(hasArrived(entries({ ...video, type: 'outbound-rtp' }, audio)), false);
});

/** A socket of which what is sent is answered by `answer`. */
class FakeSocket extends EventTarget {
  readyState = 1;
  sent = [];

  constructor(answer = () => {}) {
    super();
    this.answer = answer;
  }

  send(text) {
    this.sent.push(text);
    this.answer(this, JSON.parse(text));
  }

  say(frame) {
    this.dispatchEvent(Object.assign(new Event('message'), { data: JSON.stringify(frame) }));
  }

  close() {
    this.readyState = 3;
    this.dispatchEvent(Object.assign(new Event('close'), { code: 1006 }));
  }
}

test('a line says when the server knows it, or that it never will', async () => {
  const [socket, other] = [new FakeSocket(), new FakeSocket()];
  const [line, lost] = [new Line(socket), new Line(other)];
  socket.say({ html: '<header>' });
  socket.say({ rtc: { type: 'connect', channel_name: 'a', rtc_config: CONFIGURATION } });
  assert.deepEqual((await line.connected).rtc_config, CONFIGURATION);
  other.close();
  await assert.rejects(lost.connected, /closed with 1006/);
  assert.equal(lost.send({ hangup: true }), false);
});

test('round trips one after the other', async () => {
  const socket = new FakeSocket((self, { echo }) => {
    setTimeout(() => {
      self.say({ echo: { ...echo, n: echo.n - 1 } }); // one that is late
      self.say({ echo });
    }, 5);
  });
  const times = await measureTrips(new Line(socket), { trips: 3 });
  assert.equal(times.length, 3);
  for (const time of times) assert.ok(time >= 4 && time < 1000, String(time));
  assert.deepEqual(socket.sent, [
    '{"echo":{"type":"trip","n":0}}',
    '{"echo":{"type":"trip","n":1}}',
    '{"echo":{"type":"trip","n":2}}',
  ]);
  socket.readyState = 3;
  assert.deepEqual(await measureTrips(new Line(socket)), []);
  assert.deepEqual([median([]), median([5]), median([9, 1, 5]), median([10, 9])], [null, 5, 5, 10]);
});

test('what a camera shows', () => {
  const frame = (...light) => ({ width: 640, height: 480, light: Uint8ClampedArray.from(light) });
  assert.equal(judgeFrames([]), 'nothing');
  assert.equal(judgeFrames([frame(1, 90)]), 'nothing');
  assert.equal(judgeFrames([frame(16, 20), frame(17, 19)]), 'black');
  assert.equal(judgeFrames([frame(16, 90), frame(16, 90), frame(16, 90)]), 'frozen');
  assert.equal(judgeFrames([frame(16, 90), frame(16, 90), frame(16, 91)]), '');
});

test('the best second counts, less what was lost', () => {
  const at = (time, bytes, lost = 0) => ({ time, bytes, lost });
  assert.equal(best([]), null);
  assert.equal(best([at(0, 0), at(500, 1e6)]), null);
  assert.equal(best([at(0, 0), at(1000, 125_000)]), 1e6);
  assert.equal(best([at(0, 0), at(500, 0), at(1000, 125_000), at(1500, 250_000), at(3000, 250_000)]), 2e6);
  assert.equal(best([at(0, 0), at(500, 60_000, 0.5), at(1000, 125_000)]), 5e5);
  assert.deepEqual([rateText(590_000), rateText(1.99e6), rateText(12.9e6)], ['0.5', '1.9', '12']);
});

const FOUND = { state: 'good', reason: '', text: 'My Webcam', values: { width: 640, height: 480 } };
const PROOF = {
  ...{ kind: 'udp', state: 'good', code: '', refused: '', ms: 700, rtt: 12, port: '7000/udp', ports: ['7000/udp'] },
  ...{ server: ['udp host 203.0.113.5:7000'], local: ['udp host port 50123'], errors: [] },
};

test('the report', () => {
  const failed = {
    ...{
      ...PROOF,
      kind: 'turn_udp',
      state: 'failed',
      code: 'relay',
      ms: 8000,
      rtt: null,
      port: '',
      ports: ['3478/udp'],
    },
    ...{ local: [], errors: ['701 timed out (turn:203.0.113.5:3478)'] },
  };
  const text = reportOf(
    {
      ...{
        begun: new Date(Date.UTC(2026, 8, 21)),
        took: 9040,
        secure: true,
        camera: FOUND,
        trips: [3, 1.24, 9],
        socket: '',
      },
      microphone: { ...FOUND, state: 'failed', reason: 'denied', values: {} },
      proofs: [PROOF, failed, { ...PROOF, kind: 'turn_tls', state: 'absent', ports: [], port: '', rtt: null }],
      speed: { kind: 'udp', up: 2_340_000, down: null, available: 3e6, busy: true },
      verdict: { key: 'diagnostics.verdict.closed_fallback', severity: 'warning', values: {} },
    },
    { host: 'call.example.org', agent: 'Some/1.0' },
  );
  assert.deepEqual(text.split('\n'), [
    'Parley connection check of call.example.org',
    'Time      2026-09-21T00:00:00.000Z, took 9.0 s',
    'Browser   Some/1.0',
    'Verdict   closed_fallback (warning)',
    '',
    'Secure    yes',
    'Camera    good 640x480',
    'Mic       failed denied',
    'Websocket median 3.0 ms of 3 1 9',
    'Speed     over UDP: up at least 2.34 Mbit/s, down unknown, estimate 3.00, limited by the CPU',
    '',
    'UDP       good after 700 ms, round trip 12 ms, port 7000/udp',
    'TURN/UDP  failed (relay) after 8000 ms, of 3478/udp',
    '          error: 701 timed out (turn:203.0.113.5:3478)',
    'TURN/TLS  absent',
    '',
    'The server offers',
    '          udp host 203.0.113.5:7000',
  ]);
});

test('a connection that waits for its call is in doubt when it was given relays and got none', () => {
  const connection = (urls, sdp) => ({
    getConfiguration: () => ({ iceServers: urls.map((url) => ({ urls: url })) }),
    localDescription: sdp === null ? null : { sdp },
  });
  const host = 'a=candidate:0 1 UDP 2122252543 192.0.2.7 40941 typ host\r\n';
  const relay = 'a=candidate:1 1 UDP 8331263 203.0.113.5 1024 typ relay raddr 0.0.0.0 rport 0\r\n';
  const turn = ['stun:a:3478', ['turn:a:3478?transport=udp', 'turns:a:443?transport=tcp']];
  for (const [what, given, expected] of [
    ['none', null, false],
    ['a relay has answered', connection(turn, host + relay), false],
    ['no relay has', connection(turn, host), true],
    ['there is no description', connection(turn, null), true],
    ['there are no relays', connection(['stun:a:3478'], host), false],
  ]) {
    assert.equal(inDoubt(given), expected, what);
  }
});
