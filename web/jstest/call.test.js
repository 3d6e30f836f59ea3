import './english.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Call } from '../static/js/call.js';
import { Room } from '../static/js/room.js';
import { rest } from './fakes.js';

const ids = [{ channel_name: 'anna', user_name: 'Anna', short_name: 'peer-anna' }];
const ben = { channel_name: 'ben', user_name: 'Ben', short_name: 'peer-ben' };
const WISHES = ['{"rtc":{"type":"slots","audio":6}}', '{"rtc":{"type":"view","tiles":[],"only":true}}'];

/** What goes out for a join. */
const entering = (join = '{"join":"blue"}') => [...WISHES, join, 'start'];

/** A call among fakes that write down, in order, what is asked of them. A `gate` holds back the devices. */
function open({ invite } = {}) {
  const log = [];
  const handlers = new Map();
  const mux = Object.assign(new EventTarget(), {
    send: (frame) => log.push(JSON.stringify(frame)),
    apps: { add: (app, event, handler) => handlers.set(`${app} ${event}`, handler) },
  });
  const negotiation = Object.assign(new EventTarget(), {
    prepare: () => log.push('prepare'),
    start: () => log.push('start'),
    stop: () => log.push('stop'),
    configure: ({ iceServers }) => log.push(`configure ${iceServers}`),
    receive: ({ signal }) => log.push(`signal ${signal}`),
    features: {},
    setFeatures: (features) => (negotiation.features = features),
    seekPath: () => log.push('seek'),
  });
  const publisher = Object.assign(new EventTarget(), {
    detach: () => log.push('detach'),
    setLayers: ({ mid }) => log.push(`layers ${mid}`),
  });
  let opening = 0;
  const capture = Object.assign(new EventTarget(), {
    gate: Promise.resolve(),
    ready: false,
    features: { video: false },
    async open() {
      log.push('open');
      const mine = ++opening;
      await capture.gate;
      return mine === opening;
    },
    close() {
      log.push('close');
      opening++;
    },
  });
  const room = new Room();
  const call = new Call({ name: 'blue', invite, mux, room, negotiation, publisher, capture });
  const told = [];
  for (const type of ['active', 'role', 'joining', 'busy', 'refused']) {
    call.addEventListener(type, ({ detail }) => told.push(detail === null ? type : { [type]: detail }));
  }
  const server = (event, fields = {}) => handlers.get(`rtc ${event}`)({ type: event, ...fields }, false);
  const announce = (...people) => handlers.get('rtc others')({ type: 'others', ids: people }, true);
  const refuse = (type, detail, retry) => handlers.get(`error ${type}`)({ type, detail, retry });
  const connect = () => server('connect', { channel_name: 'me', rtc_config: { iceServers: 'turn' } });
  const take = () => log.splice(0);
  return { call, room, negotiation, publisher, capture, mux, server, announce, refuse, connect, take, told };
}

/** The same, in the call. */
async function joined(options, join) {
  const parts = open(options);
  parts.connect();
  await parts.call.join(join);
  parts.server('others', { ids });
  parts.take();
  return parts;
}

test('joins with open devices, and connects without waiting for the others', async () => {
  const { call, server, connect, take, room } = open();
  connect();
  take();
  const joining = call.join();
  assert.equal(call.active, true);
  assert.deepEqual(take(), ['open']);
  await joining;
  assert.deepEqual(take(), entering());
  server('signal', { signal: 'stale' });
  server('others', { ids });
  server('signal', { signal: 'fresh' });
  assert.deepEqual(take(), ['signal fresh']);
  assert.deepEqual(room.participants, ids);
});

test('joins once the socket is there', async () => {
  const { call, connect, take } = open();
  await call.join();
  assert.deepEqual(take(), ['open']);
  connect();
  assert.equal(take().at(-2), '{"join":"blue"}');
});

test('the others are told what is captured', () => {
  const { capture, negotiation } = open();
  capture.features = { video: true };
  capture.dispatchEvent(new Event('features'));
  assert.deepEqual(negotiation.features, { video: true });
});

test('newcomers are added to the others', async () => {
  const { room, server, announce, take } = await joined();
  announce(ben);
  server('other', { channel_name: 'cleo', user_name: 'Cleo', short_name: 'peer-cleo' });
  server('disconnected', { channel_name: 'anna' });
  assert.deepEqual(
    room.participants.map(({ user_name }) => user_name),
    ['Ben', 'Cleo'],
  );
  assert.deepEqual(take(), []);
});

test('newcomers of a former stay are no answer to a join', async () => {
  const { call, room, server, announce, take } = await joined();
  call.leave();
  announce(ben);
  await call.join();
  take();
  announce(ben);
  assert.deepEqual([take(), room.participants], [[], []]);
  server('others', { ids });
  assert.deepEqual([call.joined, room.participants], [true, ids]);
});

test('what a former join is answered is not for the next one', async () => {
  const { call, room, server, refuse, connect, take, told } = open();
  connect();
  await call.join();
  call.leave();
  await call.join();
  take();
  server('others', { ids: [ben] });
  server('signal', { signal: 'of the former peer' });
  assert.deepEqual([take(), call.joined, room.participants], [[], false, []]);
  server('others', { ids });
  server('signal', { signal: 'fresh' });
  assert.deepEqual([take(), call.joined, room.participants], [['signal fresh'], true, ids]);

  call.leave();
  await call.join();
  call.leave();
  await call.join();
  refuse('locked');
  assert.deepEqual([call.active, told.some(({ refused }) => refused)], [true, false]);
  server('others', { ids });
  assert.equal(call.joined, true);
});

test('before the call the offer is made, as often as what it is made of changes', async () => {
  const { call, publisher, capture, connect, server, take } = open();
  const opened = () => ((capture.ready = true), capture.dispatchEvent(new Event('ready')));
  opened();
  assert.deepEqual(take(), []); // with whom?
  connect();
  assert.deepEqual(take(), ['stop', 'configure turn', 'prepare']);
  opened();
  publisher.dispatchEvent(new Event('line'));
  server('config', { rtc_config: { iceServers: 'renewed' } });
  assert.deepEqual(take(), ['prepare', 'prepare', 'configure renewed', 'prepare']);
  await call.join();
  opened();
  publisher.dispatchEvent(new Event('line'));
  server('config', { rtc_config: { iceServers: 'again' } });
  assert.deepEqual(take(), ['open', ...entering(), 'configure again']);
});

test('an answer that comes while the devices open is to a former join', async () => {
  const { call, capture, server, connect, take } = open();
  connect();
  await call.join();
  call.leave();
  capture.gate = new Promise(() => {});
  void call.join();
  take();
  server('others', { ids });
  assert.deepEqual(take(), ['{"hangup":true}']);
});

test('leaving hangs up and lets go of everything', async () => {
  const { call, room, server, take } = await joined();
  call.leave();
  assert.deepEqual(take(), ['{"hangup":true}', 'stop', 'close']);
  assert.deepEqual(room.participants, []);
  server('other', { channel_name: 'late', user_name: 'Late', short_name: 'peer-late' });
  server('others', { ids });
  server('signal', { signal: 'late' });
  assert.deepEqual(take(), ['{"hangup":true}']);
  assert.deepEqual(room.participants, []);
  await call.join();
  assert.deepEqual(take(), ['open', ...entering()]);
});

test('a new socket means to join again, with everything fresh but the devices', async () => {
  const { room, server, connect, take } = await joined();
  connect();
  assert.deepEqual(take(), ['stop', 'configure turn', ...entering()]);
  assert.deepEqual(room.participants, []);
  server('others', { ids });
  assert.deepEqual(room.participants, ids);
});

test('after leaving, a new socket is only a new socket', async () => {
  const { call, connect, take } = await joined();
  call.leave();
  take();
  connect();
  assert.deepEqual(take(), ['stop', 'configure turn']);
});

test('a page that was put away and comes back joins again', async () => {
  const { call, mux, connect, take } = await joined();
  call.suspend();
  mux.dispatchEvent(new Event('closed'));
  assert.deepEqual(take(), ['stop', 'close']);
  await call.resume();
  assert.deepEqual(take(), ['open']);
  connect();
  assert.deepEqual(take(), ['stop', 'configure turn', ...entering()]);
});

test('leaving while the devices open', async () => {
  const { call, capture, connect, take } = open();
  connect();
  let proceed;
  capture.gate = new Promise((resolve) => (proceed = resolve));
  const joining = call.join();
  call.leave();
  take();
  proceed();
  await joining;
  assert.deepEqual(take(), []);
});

test('a viewer joins without devices', async () => {
  const { call, server, connect, take, told } = open();
  connect();
  take();
  await call.join({ role: 'viewer' });
  // The preview is over.
  assert.deepEqual(take(), ['close', ...entering('{"join":{"room":"blue","as":"viewer"}}')]);
  server('others', { ids });
  assert.deepEqual(told, [{ role: 'viewer' }, { active: true }, 'joining']);
});

test('a viewer goes on stage and off again over the same connection', async () => {
  const { call, connect, take } = await joined({}, { role: 'viewer' });
  await call.change('participant');
  await call.change('participant');
  assert.deepEqual(take(), ['open']);
  connect();
  assert.equal(take().at(-2), '{"join":"blue"}'); // in the role that one has by now
  await call.change('viewer');
  assert.deepEqual(take(), ['close']);
  connect();
  assert.equal(take().at(-2), '{"join":{"room":"blue","as":"viewer"}}');
});

test('outside the call there is no role to change', async () => {
  const { call, take } = open();
  await call.change('viewer');
  assert.deepEqual([call.role, take()], ['participant', []]);
});

test('an invitation goes with each join', async () => {
  const { call, connect, take } = await joined({ invite: 'token' });
  connect();
  assert.equal(take().at(-2), '{"join":{"room":"blue","invite":"token"}}');
  call.leave();
  take();
  await call.join({ role: 'viewer' });
  assert.equal(take().at(-2), '{"join":{"room":"blue","as":"viewer","invite":"token"}}');
});

test('where a password is wanted, one joins again with it', async () => {
  const { call, refuse, connect, take, told } = open();
  connect();
  await call.join({ role: 'viewer' });
  refuse('password', 'wanted');
  assert.deepEqual(told.pop(), { refused: { type: 'password', detail: 'wanted', role: 'viewer', wrong: false } });
  assert.equal(call.active, false);
  await call.join({ role: 'viewer', password: 'moon' });
  assert.equal(take().at(-2), '{"join":{"room":"blue","as":"viewer","password":"moon"}}');
  connect();
  assert.equal(take().at(-2), '{"join":{"room":"blue","as":"viewer","password":"moon"}}');
  refuse('password');
  assert.deepEqual(told.pop(), { refused: { type: 'password', detail: '', role: 'viewer', wrong: true } });
  await call.join();
  assert.equal(take().at(-2), '{"join":"blue"}');
});

test('who is not let in lets go of the devices', async () => {
  for (const type of ['invite', 'locked', 'removed', 'full']) {
    const { call, refuse, connect, take, told } = open();
    connect();
    await call.join();
    take();
    refuse(type, 'why');
    assert.deepEqual(take(), ['stop', 'close']);
    assert.deepEqual(told.at(-1), { refused: { type, detail: 'why', role: 'participant', wrong: false } });
  }
});

const FULL = 'the server carries no more people (…)';

test('what does not pass is not asked for again, whatever the detail is', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  for (const detail of ['the room takes 2 people', 'full: the server carries no more people (cpu)']) {
    const { call, refuse, connect, take } = open();
    connect();
    await call.join();
    refuse('full', detail);
    take();
    t.mock.timers.tick(60_000);
    assert.deepEqual([call.active, call.busy, take()], [false, false, []]);
  }
});

test('a busy server is asked again by and by, for a minute', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { call, refuse, connect, take, told } = open();
  connect();
  await call.join();
  take();
  for (let i = 0; i < 12; i++) {
    refuse('full', FULL, true);
    t.mock.timers.tick(4999);
    assert.deepEqual([call.active, call.busy, take()], [true, true, ['stop']]);
    t.mock.timers.tick(1);
    assert.deepEqual(take(), entering());
  }
  refuse('full', FULL, true);
  assert.deepEqual([call.active, take()], [false, ['stop', 'close']]);
  assert.deepEqual(
    told.filter(({ busy, refused }) => busy !== undefined || refused),
    [{ busy: true }, { busy: false }, { refused: { type: 'full', detail: FULL, role: 'participant', wrong: false } }],
  );
});

test('a server that was busy lets one in', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { call, server, refuse, connect, take } = open();
  connect();
  await call.join({ role: 'viewer' });
  refuse('full', FULL, true);
  t.mock.timers.tick(5000);
  server('others', { ids });
  assert.equal(call.busy, false);
  take();
  t.mock.timers.tick(60_000);
  assert.deepEqual(take(), []);
});

test('one may stop asking', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { call, refuse, connect, take } = open();
  connect();
  await call.join();
  refuse('full', FULL, true);
  call.leave();
  take();
  t.mock.timers.tick(60_000);
  assert.deepEqual([call.busy, take()], [false, []]);
});

test('in the call nobody is refused', async () => {
  const { call, refuse, take } = await joined();
  refuse('full');
  await rest();
  assert.deepEqual([call.active, take()], [true, []]);
});

test('being removed ends the call without a hang-up', async () => {
  const { call, room, take } = await joined();
  call.end();
  assert.deepEqual(take(), ['stop', 'close']);
  assert.deepEqual([call.active, room.participants], [false, []]);
});

test('which layers are wanted is the publisher’s to act on', async () => {
  const { server, take } = await joined();
  server('layers', { mid: '1', active: { q: true } });
  assert.deepEqual(take(), ['layers 1']);
});

test('that nothing arrives at the server is a reason to look for another path', () => {
  const { server, take } = open();
  server('silent', {});
  assert.deepEqual(take(), ['seek']);
});

test('a session that goes on changes nothing but the configuration', async () => {
  const { call, room, mux, server, take } = await joined();
  mux.dispatchEvent(new Event('closed'));
  server('connect', { channel_name: 'me', rtc_config: { iceServers: 'fresh' }, resumed: true });
  assert.deepEqual(take(), ['configure fresh']);
  assert.deepEqual([call.joined, room.participants], [true, ids]);
});

test('what was wished while the socket was lost is done when the session goes on', async () => {
  const { call, mux, server, connect, take } = open();
  connect();
  mux.dispatchEvent(new Event('closed'));
  await call.join();
  take();
  const resume = () => server('connect', { channel_name: 'me', rtc_config: {}, resumed: true });
  resume();
  assert.deepEqual(take().slice(1), entering());
  resume();
  assert.deepEqual(take().slice(1), [], 'it is asked already');
});
