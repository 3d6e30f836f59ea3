import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Connection } from '../static/js/connection.js';
import { rest } from './fakes.js';

/** A connection, what it is made from, and what it told. */
function make({ mock }) {
  let now = 0;
  mock.timers.enable({ apis: ['setTimeout'] });
  mock.method(performance, 'now', () => now);
  const call = Object.assign(new EventTarget(), { active: false, joined: false });
  const room = Object.assign(new EventTarget(), { participants: [] });
  const world = { online: true, reconnects: 0, beats: 0, postponed: [], welcome: () => Promise.resolve(true) };
  const mux = Object.assign(new EventTarget(), {
    beat: () => world.beats++,
    postpone: (delay) => world.postponed.push(delay),
  });
  const parts = { mux, call, room, negotiation: new EventTarget(), network: new EventTarget() };
  const connection = new Connection({
    ...parts,
    online: () => world.online,
    reconnect: () => world.reconnects++,
    welcome: () => world.welcome(),
  });
  const told = [];
  connection.addEventListener('change', () => told.push(connection.state));
  const emit = (part, type, detail) => parts[part].dispatchEvent(new CustomEvent(type, { detail }));
  return {
    connection,
    call,
    world,
    told,
    emit,
    /** Time passes. @param {number} ms */
    pass: (ms) => ((now += ms), mock.timers.tick(ms)),
    lose: (code = 1006, retrying = ![1008, 1009].includes(code), delay = 500) =>
      emit('mux', 'closed', { code, retrying, delay }),
    /** @param {object[]} people */
    enter: (people = [{}]) => {
      Object.assign(call, { active: true });
      emit('call', 'active', true);
      Object.assign(call, { joined: true });
      room.participants = people;
      emit('call', 'joined', true);
      emit('negotiation', 'state', 'connected');
    },
    leave: () => {
      Object.assign(call, { active: false, joined: false });
      emit('call', 'active', false);
    },
  };
}

test('into the call, alone and not', (t) => {
  const { connection, told, enter, emit } = make(t);
  assert.equal(connection.state, 'before');
  enter([]);
  assert.deepEqual(told, ['alone']); // what was as quick as that is not told
  enter([{}]);
  emit('room', 'joined', {});
  assert.deepEqual(told.slice(-1), ['connected']);
});

test('the way into the call is told if it takes long', (t) => {
  const { told, call, emit, leave, pass } = make(t);
  const begin = () => {
    Object.assign(call, { active: true });
    emit('call', 'active', true);
  };
  begin();
  pass(399);
  assert.deepEqual(told, []);
  pass(1);
  assert.deepEqual(told, ['joining']);
  leave();
  begin();
  pass(300);
  leave();
  pass(300);
  assert.deepEqual(told, ['joining', 'before']);
});

test('what is short is not told; a call that was lost is back when picture and sound are', (t) => {
  const { connection, told, enter, emit, lose, pass } = make(t);
  enter();
  told.length = 0;
  lose();
  pass(500);
  emit('mux', 'greeted', { resumed: false });
  emit('negotiation', 'gone');
  emit('negotiation', 'state', 'connected');
  pass(5000);
  assert.deepEqual(told, []);
  lose();
  pass(500);
  emit('mux', 'greeted', { resumed: false });
  emit('negotiation', 'gone');
  pass(500);
  assert.deepEqual([...told, connection.lost], ['reconnecting', 'media']);
  emit('negotiation', 'state', 'connected');
  assert.deepEqual(told, ['reconnecting', 'connected']);
});

test('how long until the next try', (t) => {
  const { connection, emit, lose, pass } = make(t);
  lose(1006, true, 4000);
  assert.equal(connection.wait, 4000);
  pass(1500);
  assert.equal(connection.wait, 2500);
  pass(3000);
  assert.equal(connection.wait, 0);
  lose(null, false); // it is replaced
  assert.deepEqual([connection.state, connection.reason], ['reconnecting', null]);
  emit('mux', 'greeted', { resumed: false });
  assert.equal(connection.state, 'before');
});

test('picture and sound that do not come are told, unless they had come before', (t) => {
  const { connection, told, call, emit, leave, pass } = make(t);
  const enter = () => {
    Object.assign(call, { active: true });
    emit('call', 'active', true);
    pass(20_000); // whatever the browser asks
    assert.equal(connection.slow, false);
    Object.assign(call, { joined: true });
    emit('call', 'joined', true);
    pass(14_999);
    assert.equal(connection.slow, false);
    pass(1);
  };
  enter();
  assert.deepEqual([connection.state, connection.slow, told], ['joining', true, ['joining', 'joining']]);
  leave();
  assert.equal(connection.slow, false);
  enter();
  assert.equal(connection.slow, true);
  emit('negotiation', 'state', 'connected');
  emit('negotiation', 'gone');
  pass(20_000);
  assert.deepEqual([connection.state, connection.slow], ['reconnecting', false]);
});

test('a socket that comes to nothing is followed by another', (t) => {
  const { connection, world, lose, pass } = make(t);
  lose();
  pass(500);
  assert.deepEqual([connection.wait, world.reconnects], [0, 0]);
  pass(10_000);
  assert.equal(world.reconnects, 1);
  lose();
  assert.equal(connection.wait, 500);
  pass(10_500);
  assert.equal(world.reconnects, 2);
});

test('who is online again does not wait', (t) => {
  const { connection, world, lose, emit, pass } = make(t);
  emit('network', 'online');
  assert.deepEqual([world.reconnects, world.beats], [0, 1], 'the socket is there, perhaps');
  for (let i = 0; i < 4; i++) lose();
  pass(1000);
  world.online = false;
  emit('network', 'offline');
  assert.equal(connection.lost, 'network');
  world.online = true;
  emit('network', 'online');
  assert.deepEqual([connection.lost, connection.wait, world.reconnects], ['socket', 0, 1]);
});

test('why it is over', async (t) => {
  const cases = [
    [1008, () => Promise.resolve(false), 'login'],
    [1008, () => Promise.resolve(true), 'refused'],
    [1008, () => Promise.reject(new Error('away')), 'refused'],
    [1009, () => Promise.resolve(true), 'refused'],
    [1003, () => Promise.resolve(true), 'closed'],
  ];
  for (const [code, welcome, want] of cases) {
    await t.test(`${code} ${want}`, async (each) => {
      const { connection, world, lose } = make(each);
      world.welcome = welcome;
      lose(code, false);
      await rest();
      assert.deepEqual([connection.state, connection.reason], ['disconnected', want]);
      connection.retry();
      assert.deepEqual([connection.state, connection.reason, world.reconnects], ['reconnecting', null, 1]);
    });
  }
});

test('who was logged out meanwhile learns it, and comes back all the same when that changes', async (t) => {
  const { connection, world, lose, emit } = make(t);
  world.welcome = () => Promise.resolve(false);
  for (let i = 0; i < 3; i++) {
    assert.equal(connection.reason, null);
    lose();
    await rest();
  }
  assert.equal(connection.reason, 'login');
  emit('mux', 'greeted', { resumed: false });
  assert.deepEqual([connection.state, connection.reason], ['before', null]);
});

test('after the call nothing is missing', (t) => {
  const { connection, enter, leave, emit, pass } = make(t);
  enter();
  emit('negotiation', 'state', 'disconnected');
  pass(1000);
  assert.equal(connection.state, 'reconnecting');
  leave();
  assert.equal(connection.state, 'before');
});

test('a socket that is lost alone is told late, and takes neither picture nor sound away', (t) => {
  const { connection, told, enter, emit, lose, pass } = make(t);
  enter();
  told.length = 0;
  lose();
  pass(3999);
  emit('mux', 'greeted', { resumed: true });
  pass(10_000);
  assert.deepEqual(told, []);
  lose();
  pass(4000);
  assert.deepEqual([...told, connection.lost], ['reconnecting', 'signals']);
  emit('negotiation', 'state', 'disconnected');
  assert.equal(connection.lost, 'socket');
  emit('negotiation', 'state', 'connected');
  emit('mux', 'greeted', { resumed: true });
  assert.equal(told.at(-1), 'connected', 'at once: nothing has to be set up');
});

test('when picture and sound go too that is told sooner', (t) => {
  const { told, enter, emit, lose, pass } = make(t);
  enter();
  told.length = 0;
  lose();
  pass(500);
  emit('negotiation', 'state', 'disconnected');
  pass(499);
  assert.deepEqual(told, []);
  pass(1);
  assert.deepEqual(told, ['reconnecting']);
});

test('a stalled socket is replaced', (t) => {
  const { connection, world, enter, emit } = make(t);
  enter();
  emit('mux', 'stalled');
  assert.deepEqual([world.reconnects, connection.lost], [1, 'signals']);
});

test('a server that starts anew says when to come back, and nothing hurries that', (t) => {
  const { connection, told, world, enter, emit, lose, pass } = make(t);
  enter();
  told.length = 0;
  connection.expectRestart(3000);
  assert.deepEqual(world.postponed, [3000]);
  lose(1012, true, 3000);
  emit('negotiation', 'state', 'failed');
  connection.look();
  emit('network', 'online');
  pass(1000);
  assert.deepEqual([...told, connection.lost, world.reconnects], ['reconnecting', 'restart', 0]);
  for (let i = 0; i < 5; i++) lose();
  assert.equal(connection.lost, 'socket', 'it does not come');
  connection.look();
  assert.equal(world.reconnects, 1);
  emit('mux', 'greeted', { resumed: false });
  emit('negotiation', 'gone');
  lose();
  assert.equal(connection.lost, 'socket');
});

test('who comes back to the page does not wait', (t) => {
  const { connection, world, enter, emit, lose } = make(t);
  enter();
  connection.look();
  assert.deepEqual([world.reconnects, world.beats], [0, 1]);
  lose();
  connection.look();
  connection.look(); // it is under way
  assert.deepEqual([world.reconnects, world.beats], [1, 1]);
  emit('mux', 'greeted', { resumed: true });
  connection.look();
  assert.deepEqual([world.reconnects, world.beats], [1, 2]);
});
