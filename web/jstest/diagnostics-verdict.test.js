import assert from 'node:assert/strict';
import { test } from 'node:test';
import './english.js';
import { judge } from '../static/js/diagnostics-verdict.js';
import { knows } from '../static/js/words.js';

const PORTS = {
  ...{ udp: '7000/udp', tcp: '7000/tcp', turn_udp: '3478/udp', turn_tcp: '3478/tcp', turn_tls: '443/tcp' },
};

/** Ways by their kinds; a letter each: g is good, f is failed, r is refused, - is not offered. */
function ways(letters) {
  return Object.fromEntries(
    Object.entries(PORTS).map(([kind, port], i) => {
      const state = { g: 'good', f: 'failed', r: 'failed', c: 'failed', '-': 'absent' }[letters[i]];
      const code = { g: '', f: 'ice', r: 'refused', c: 'credentials', '-': '' }[letters[i]];
      const addresses = kind.startsWith('turn') ? [] : ['203.0.113.99'];
      return [
        kind,
        { state, code, port: state === 'good' ? port : '', ports: state === 'absent' ? [] : [port], addresses },
      ];
    }),
  );
}

const GOOD = { state: 'good', reason: '' };
const DENIED = { state: 'failed', reason: 'denied' };
const MISSING = { state: 'failed', reason: 'missing' };
const FAST = { up: 5e6, down: 5e6, busy: false };

/** Findings where all is well, but for these. */
function but(changes) {
  return {
    ...{ secure: true, socket: true, trip: 20, ways: ways('ggggg'), devices: { camera: GOOD, microphone: GOOD } },
    ...{ speed: FAST, ...changes },
  };
}

const devices = (camera, microphone) => ({ devices: { camera, microphone } });

/** @type {[what: string, findings: object, name: string, severity: string, values?: object][]} */
const CASES = [
  ['all is well', {}, 'good', 'good'],
  ['all is well, with less on offer', { ways: ways('g-gg-') }, 'good', 'good'],
  ['all that is offered is one port', { ways: ways('g----') }, 'good', 'good'],
  ['the server sends all through TURN', { ways: ways('--ggg') }, 'good', 'good'],
  ['no websocket', { socket: false, ways: {}, speed: null, trip: null }, 'socket', 'failed'],
  ['the server is full', { ways: ways('rr---'), speed: null }, 'refused', 'failed'],
  ['http', { secure: false, ...devices({ state: 'failed', reason: 'insecure' }, MISSING) }, 'insecure', 'failed'],
  [
    'nothing gets through',
    { ways: ways('fffff'), speed: null },
    'no_media',
    'failed',
    { ports: '7000/udp, 7000/tcp, 3478/udp, 3478/tcp, 443/tcp' },
  ],
  ['the only port is closed', { ways: ways('f----'), speed: null }, 'no_media', 'failed', { ports: '7000/udp' }],
  [
    'nothing gets through, and no camera',
    { ways: ways('f----'), ...devices(DENIED, GOOD) },
    'no_media',
    'failed',
    { ports: '7000/udp' },
  ],
  ['the camera is denied', devices(DENIED, GOOD), 'denied_camera', 'warning'],
  ['the microphone is denied', devices(GOOD, { state: 'failed', reason: 'dismissed' }), 'denied_microphone', 'warning'],
  ['both are denied', devices(DENIED, DENIED), 'denied_both', 'warning'],
  ['there is no camera', devices(MISSING, GOOD), 'camera', 'warning'],
  ['a black picture is no reason to stay away', devices({ state: 'warning', reason: 'black' }, GOOD), 'good', 'good'],
  ['there is no microphone', devices(GOOD, MISSING), 'microphone', 'warning'],
  ['the microphone is silent', devices(GOOD, { state: 'warning', reason: 'silent' }), 'microphone', 'warning'],
  ['UDP is blocked', { ways: ways('fgfgg') }, 'no_udp', 'warning'],
  ['UDP is blocked, where there is no relay', { ways: ways('fg---') }, 'no_udp', 'warning'],
  ['UDP is blocked, and the relay has no UDP', { ways: ways('fg-g-') }, 'no_udp', 'warning'],
  ['all but 443 is blocked', { ways: ways('ffffg') }, 'only_443', 'warning'],
  ['the media port is closed', { ways: ways('fgggg') }, 'closed_port', 'warning', { ports: '7000/udp' }],
  ['nothing is where the server says', { ways: ways('ffggg') }, 'address', 'warning', { at: '203.0.113.99' }],
  ['the relay has another secret', { ways: ways('ggcc-') }, 'credentials', 'warning'],
  [
    'the relay has another secret, and is needed',
    { ways: ways('ffcc-'), speed: null },
    'no_media',
    'failed',
    { ports: '7000/udp, 7000/tcp, 3478/udp, 3478/tcp' },
  ],
  ['the network is slow upwards', { speed: { up: 2e5, down: 5e6, busy: false } }, 'slow', 'warning'],
  ['the network is slow downwards', { speed: { up: 5e6, down: 5e5, busy: false } }, 'slow', 'warning'],
  ['the computer is busy', { speed: { up: 2e5, down: 5e6, busy: true } }, 'busy', 'warning'],
  ['the speed is not known', { speed: { up: null, down: null, busy: false } }, 'good', 'good'],
  ['the server is far away', { trip: 812.4 }, 'far', 'warning', { n: 812 }],
  ['TURN is closed', { ways: ways('ggff-') }, 'closed_fallback', 'warning', { ports: '3478/udp, 3478/tcp' }],
  ['TCP is closed', { ways: ways('gfgg-') }, 'closed_fallback', 'warning', { ports: '7000/tcp' }],
];

for (const [what, changes, name, severity, values = {}] of CASES) {
  test(what, () => {
    const key = `diagnostics.verdict.${name}`;
    assert.deepEqual(judge(but(changes)), { key, severity, values });
    assert.ok(knows(key));
  });
}

test('with ICE over TCP at 443, all else blocked', () => {
  const found = ways('fgff-');
  found.tcp = { ...found.tcp, port: '443/tcp', ports: ['7000/tcp', '443/tcp'] };
  assert.equal(judge(but({ ways: found })).key, 'diagnostics.verdict.only_443');
});
