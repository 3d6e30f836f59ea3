import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Apps } from '../static/js/mux.js';
import { Room } from '../static/js/room.js';
import { Vigil } from '../static/js/vigil.js';

const INTERVAL = 2000;

/** In a room with Anna, whose picture is shown: of it data comes, and no picture. */
function make() {
  const log = [];
  const connection = { connectionState: 'connected', getStats: () => Promise.resolve(world.report()) };
  const negotiation = { connection, seekPath: () => log.push('seek'), renew: () => log.push('renew') };
  const mux = { open: true, apps: new Apps() };
  const call = Object.assign(new EventTarget(), { joined: true });
  const room = new Room();
  room.add({ channel_name: 'anna', user_name: 'Anna', short_name: 'peer-anna' });
  const track = { id: 't', kind: 'video' };
  room.addTrack(track, { id: 'anna', getTracks: () => [track], getVideoTracks: () => [track] });
  const world = {
    now: 0,
    bytes: 0,
    seen: [{ channel_name: 'anna', track: 'camera' }],
    report: () =>
      new Map([['I', { type: 'inbound-rtp', kind: 'video', trackIdentifier: 't', bytesReceived: world.bytes }]]),
  };
  const vigil = new Vigil({ mux, call, negotiation, room, seen: () => world.seen, now: () => world.now });
  const pass = async (seconds) => {
    for (let time = 0; time < seconds * 1000; time += INTERVAL) {
      world.now += INTERVAL;
      world.bytes += 5000;
      await vigil.check();
    }
    return log.splice(0);
  };
  const quality = (layer) => {
    const event = { type: 'quality', channel_name: 'anna', track: 'camera', layer };
    mux.apps.dispatch('rtc', event, false);
  };
  return { world, connection, negotiation, mux, call, pass, quality };
}

test('a picture that stands still is mended', async () => {
  const { pass } = make();
  assert.deepEqual(await pass(20), ['seek', 'renew']);
});

test('one that nobody sees, or that the server has paused, is let be', async () => {
  const { world, pass, quality } = make();
  quality(null);
  assert.deepEqual(await pass(60), []);
  quality(1);
  assert.deepEqual(await pass(10), ['seek']);
  world.seen = [];
  assert.deepEqual(await pass(60), []);
});

test('nothing is decided while there is no socket, no room, or no connection', async () => {
  for (const change of [
    ({ mux }) => (mux.open = false),
    ({ call }) => (call.joined = false),
    ({ connection }) => (connection.connectionState = 'connecting'),
    ({ negotiation }) => (negotiation.connection = null),
    ({ connection }) => (connection.getStats = () => Promise.reject(new Error('closed'))),
  ]) {
    const parts = make();
    change(parts);
    assert.deepEqual(await parts.pass(60), []);
  }
});

test('what the browser lost is sought, and each connection is judged for itself', async () => {
  const { connection, negotiation, pass } = make();
  await pass(6);
  negotiation.connection = { ...connection };
  assert.deepEqual(await pass(8), []);
  negotiation.connection.connectionState = 'disconnected';
  assert.deepEqual(await pass(2), ['seek']);
});

test('the server that gets nothing says so', async () => {
  const { world, mux, pass } = make();
  world.seen = [];
  world.report = () => new Map([['P', { id: 'P', type: 'candidate-pair', selected: true, responsesReceived: 1 }]]);
  await pass(4);
  mux.apps.dispatch('rtc', { type: 'silent' }, false);
  assert.deepEqual(await pass(2), ['seek']);
});
