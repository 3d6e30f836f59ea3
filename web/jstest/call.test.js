import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Call } from '../static/js/call.js';
import { Room } from '../static/js/room.js';
import { rest } from './fakes.js';

const ids = [{ channel_name: 'anna', user_name: 'Anna', short_name: 'peer-anna' }];

class FakeTrack extends EventTarget {
  enabled = true;
  stopped = false;

  constructor(device) {
    super();
    this.device = device;
  }

  stop() {
    this.stopped = true;
  }
}

/**
 * A call among fakes that write down, in order, what is asked of them. `missing` are devices that do not open, `gate`
 * holds back opening.
 */
function open({ missing = [] } = {}) {
  const log = [];
  const handlers = new Map();
  const mux = Object.assign(new EventTarget(), {
    send: (frame) => log.push(JSON.stringify(frame)),
    apps: { add: (app, event, handler) => handlers.set(`${app} ${event}`, handler) },
  });
  const negotiation = Object.assign(new EventTarget(), {
    start: () => log.push('start'),
    stop: () => log.push('stop'),
    configure: ({ iceServers }) => log.push(`configure ${iceServers}`),
    receive: ({ signal }) => log.push(`signal ${signal}`),
    features: {},
    setFeatures: (features) => (negotiation.features = features),
  });
  const published = {};
  const publisher = {
    attach: () => {},
    detach: () => log.push('detach'),
    setTrack: (kind, track) => Promise.resolve((published[kind] = track)),
    setLayers: ({ mid }) => log.push(`layers ${mid}`),
  };
  const screen = {
    gate: Promise.resolve(),
    problem: '',
    async open() {
      await screen.gate;
      if (screen.problem) return { shared: null, problem: screen.problem };
      const shared = { video: new FakeTrack('screen'), audio: new FakeTrack('sound') };
      tracks.push(shared.video, shared.audio);
      return { shared, problem: '' };
    },
  };
  const tracks = [];
  const devices = {
    gate: Promise.resolve(),
    async open(wanted) {
      await devices.gate;
      const opened = { camera: null, microphone: null, problems: [] };
      for (const device of ['camera', 'microphone']) {
        if (!wanted[device]) continue;
        if (missing.includes(device)) {
          opened.problems.push({ device, reason: 'missing', text: `The ${device} is not connected.` });
        } else {
          tracks.push((opened[device] = new FakeTrack(device)));
        }
      }
      return opened;
    },
  };
  const room = new Room();
  const call = new Call({ name: 'blue', mux, room, negotiation, publisher, devices, screen });
  const told = { problems: [], camera: [], microphone: [] };
  call.addEventListener('problem', ({ detail }) => told.problems.push(detail));
  call.addEventListener('device', ({ detail: { device, on } }) => told[device].push(on));
  const server = (event, fields = {}) => handlers.get(`rtc ${event}`)({ type: event, ...fields });
  const connect = () => server('connect', { channel_name: 'me', rtc_config: { iceServers: 'turn' } });
  const take = () => log.splice(0);
  return { call, room, negotiation, published, tracks, devices, screen, told, mux, server, connect, take };
}

/** The same, in the call. */
async function joined(options) {
  const parts = open(options);
  parts.connect();
  await parts.call.join();
  parts.server('others', { ids });
  parts.take();
  return parts;
}

test('joins with open devices, and connects when the others are known', async () => {
  const { call, server, connect, take, published, room, negotiation } = open();
  connect();
  take();
  const joining = call.join();
  assert.equal(call.active, true);
  assert.deepEqual(take(), []);
  await joining;
  assert.deepEqual(take(), ['{"join":"blue"}']);
  server('signal', { signal: 'stale' });
  server('others', { ids });
  server('signal', { signal: 'fresh' });
  assert.deepEqual(take(), ['start', 'signal fresh']);
  assert.deepEqual([published.audio.device, published.video.device], ['microphone', 'camera']);
  assert.deepEqual(negotiation.features, { video: true, audio: true, screen: false });
  assert.deepEqual(room.participants, ids);
});

test('joins once the socket is there', async () => {
  const { call, connect, take } = open();
  await call.join();
  assert.deepEqual(take(), []);
  connect();
  assert.equal(take().at(-1), '{"join":"blue"}');
});

test('a later list of others adds to the first', async () => {
  const { room, server, take } = await joined();
  server('others', { ids: [{ channel_name: 'ben', user_name: 'Ben', short_name: 'peer-ben' }] });
  server('other', { channel_name: 'cleo', user_name: 'Cleo', short_name: 'peer-cleo' });
  server('disconnected', { channel_name: 'anna' });
  assert.deepEqual(
    room.participants.map(({ user_name }) => user_name),
    ['Ben', 'Cleo'],
  );
  assert.deepEqual(take(), []);
});

test('leaving hangs up and lets go of everything', async () => {
  const { call, room, server, take, tracks, published } = await joined();
  call.leave();
  assert.deepEqual(take(), ['{"hangup":true}', 'stop']);
  assert.deepEqual(
    tracks.map(({ stopped }) => stopped),
    [true, true],
  );
  assert.deepEqual(published, { audio: null, video: null });
  assert.deepEqual(room.participants, []);
  server('other', { channel_name: 'late', user_name: 'Late', short_name: 'peer-late' });
  server('others', { ids });
  server('signal', { signal: 'late' });
  assert.deepEqual(take(), []);
  assert.deepEqual(room.participants, []);
  await call.join();
  assert.deepEqual(take(), ['{"join":"blue"}']);
});

test('a new socket means to join again, with everything fresh', async () => {
  const { room, server, connect, take, tracks } = await joined();
  connect();
  assert.deepEqual(take(), ['stop', 'configure turn', '{"join":"blue"}']);
  assert.deepEqual(room.participants, []);
  server('others', { ids });
  assert.deepEqual(take(), ['start']);
  assert.equal(tracks.length, 2); // the same camera and microphone
});

test('after leaving, a new socket is only a new socket', async () => {
  const { call, connect, take } = await joined();
  call.leave();
  take();
  connect();
  assert.deepEqual(take(), ['stop', 'configure turn']);
});

test('a page that was put away and comes back joins again', async () => {
  const { call, mux, connect, take, tracks } = await joined();
  call.suspend();
  mux.dispatchEvent(new Event('closed'));
  assert.deepEqual(take(), ['stop']);
  await call.resume();
  assert.deepEqual(take(), []);
  connect();
  assert.deepEqual(take(), ['stop', 'configure turn', '{"join":"blue"}']);
  assert.deepEqual(
    tracks.map(({ stopped }) => stopped),
    [true, true, false, false],
  );
});

test('leaving while the devices open puts them away when they come', async () => {
  const { call, devices, connect, take, tracks } = open();
  connect();
  let proceed;
  devices.gate = new Promise((resolve) => (proceed = resolve));
  const joining = call.join();
  call.leave();
  take();
  proceed();
  await joining;
  assert.deepEqual(take(), []);
  assert.deepEqual(
    tracks.map(({ stopped }) => stopped),
    [true, true],
  );
});

test('camera off stops it, on again opens it anew', async () => {
  const { call, tracks, published, negotiation } = await joined();
  await call.set('camera', false);
  assert.equal(published.video, null);
  assert.equal(tracks.find(({ device }) => device === 'camera').stopped, true);
  assert.equal(negotiation.features.video, false);
  await call.set('camera', true);
  assert.equal(published.video, tracks[2]);
  assert.equal(negotiation.features.video, true);
});

test('microphone off only mutes it', async () => {
  const { call, published, negotiation, told } = await joined();
  await call.set('microphone', false);
  assert.deepEqual([published.audio.enabled, published.audio.stopped], [false, false]);
  assert.equal(negotiation.features.audio, false);
  assert.equal(told.microphone.at(-1), false);
  await call.set('microphone', true);
  assert.equal(published.audio.enabled, true);
  assert.equal(negotiation.features.audio, true);
});

test('what was switched off before joining is not opened', async () => {
  const parts = open();
  await parts.call.set('camera', false);
  parts.connect();
  await parts.call.join();
  assert.deepEqual(
    parts.tracks.map(({ device }) => device),
    ['microphone'],
  );
  assert.deepEqual(parts.told.camera.at(-1), false);
  await parts.call.set('camera', true);
  assert.equal(parts.published.video.device, 'camera');
});

test('switched while the devices open', async () => {
  const { call, devices, connect, published, tracks } = open();
  connect();
  let proceed;
  devices.gate = new Promise((resolve) => (proceed = resolve));
  const joining = call.join();
  await call.set('camera', false);
  await call.set('microphone', false);
  proceed();
  await joining;
  assert.equal(published.video, null);
  assert.equal(published.audio.enabled, false);
  assert.equal(tracks.find(({ device }) => device === 'camera').stopped, true);
});

test('switched on twice in a row, one camera is open', async () => {
  const { call, tracks } = await joined();
  await call.set('camera', false);
  await Promise.all([call.set('camera', true), call.set('camera', true)]);
  assert.equal(tracks.filter(({ device, stopped }) => device === 'camera' && !stopped).length, 1);
});

test('without a camera one joins all the same', async () => {
  const { published, told } = await joined({ missing: ['camera'] });
  assert.equal(published.audio.device, 'microphone');
  assert.equal(published.video, null);
  assert.equal(told.problems.at(-1), 'The camera is not connected. You take part with your microphone only.');
  assert.deepEqual([told.camera.at(-1), told.microphone.at(-1)], [false, true]);
});

test('a camera that is unplugged is off', async () => {
  const { tracks, published, told, negotiation } = await joined();
  tracks.find(({ device }) => device === 'camera').dispatchEvent(new Event('ended'));
  await rest();
  assert.equal(published.video, null);
  assert.equal(negotiation.features.video, false);
  assert.equal(told.camera.at(-1), false);
  assert.equal(told.problems.at(-1), 'The camera was disconnected.');
});

test('shares a screen with its sound, and tells the others', async () => {
  const { call, published, negotiation } = await joined();
  const told = [];
  call.addEventListener('sharing', ({ detail }) => told.push(detail));
  await call.share();
  await call.share(); // there is one already
  assert.deepEqual([published.screen.device, published.screenAudio.device], ['screen', 'sound']);
  assert.equal(negotiation.features.screen, true);
  const { screen, screenAudio } = published;
  await call.stopSharing();
  assert.deepEqual([screen.stopped, screenAudio.stopped], [true, true]);
  assert.deepEqual([published.screen, published.screenAudio], [null, null]);
  assert.equal(negotiation.features.screen, false);
  assert.deepEqual(told, [true, false]);
});

test('the browser’s own button ends the sharing', async () => {
  const { call, published } = await joined();
  await call.share();
  const { screen, screenAudio } = published;
  screen.dispatchEvent(new Event('ended'));
  await rest();
  assert.deepEqual([call.sharing, published.screen, screenAudio.stopped], [false, null, true]);
  await call.share();
  screen.dispatchEvent(new Event('ended')); // that of the former
  assert.equal(call.sharing, true);
});

test('sharing is possible in the call only', async () => {
  const { call, connect, server } = open();
  const told = [];
  call.addEventListener('ready', ({ detail }) => told.push(detail));
  connect();
  const joining = call.join();
  assert.deepEqual(told, []);
  await joining;
  server('others', { ids });
  assert.deepEqual(told, [true]);
  call.leave();
  assert.deepEqual(told, [true, false]);
});

test('nothing is shared outside the call, nor after leaving while picking', async () => {
  const outside = open();
  await outside.call.share();
  assert.deepEqual(outside.tracks, []);

  const { call, screen, tracks, published } = await joined();
  let picked;
  screen.gate = new Promise((resolve) => (picked = resolve));
  const sharing = call.share();
  call.leave();
  picked();
  await sharing;
  assert.equal(call.sharing, false);
  assert.equal(published.screen ?? null, null);
  assert.ok(tracks.every(({ stopped }) => stopped));
});

test('leaving ends the sharing; losing the socket does not', async () => {
  const { call, connect, server, published, mux } = await joined();
  await call.share();
  const { screen } = published;
  mux.dispatchEvent(new Event('closed'));
  connect();
  server('others', { ids });
  assert.deepEqual([call.sharing, screen.stopped, published.screen], [true, false, screen]);
  call.leave();
  assert.deepEqual([call.sharing, screen.stopped], [false, true]);
});

test('a screen that cannot be shared is a problem told', async () => {
  const { call, screen, told } = await joined();
  screen.problem = 'The screen cannot be shared.';
  await call.share();
  assert.equal(call.sharing, false);
  assert.equal(told.problems.at(-1), 'The screen cannot be shared.');
});

test('which layers are wanted is the publisher’s to act on', async () => {
  const { server, take } = await joined();
  server('layers', { mid: '1', active: { q: true } });
  assert.deepEqual(take(), ['layers 1']);
});
