import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Mux } from '../static/js/mux.js';

/** What hx-ws does with a frame, its swap included. */
class HxWs extends EventTarget {
  swapped = [];
  failing = false;
  connection = this.make();

  make() {
    const socket = { readyState: 1, sent: [], send: (data) => socket.sent.push(JSON.parse(data)) };
    const config = { reconnect: true, reconnectCodes: [1006] };
    return { url: 'ws://server/ws/blue/', socket, config };
  }

  trigger(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail: { connection: this.connection, ...detail } }));
  }

  /** A socket, greeted by the server. */
  open(greeting = {}) {
    this.trigger('htmx:ws:before:connection', {});
    this.greet(greeting);
  }

  greet(greeting) {
    this.receive({ rtc: { type: 'connect', resume: 'token', sent: 0, received: 0, ...greeting } });
  }

  /** The socket is lost, and another opens in its place. */
  async lose() {
    this.connection.socket.readyState = 3;
    this.trigger('htmx:ws:close', { code: 1006 });
    this.trigger('htmx:ws:before:connection', {});
    this.connection.socket = this.make().socket;
    await Promise.resolve();
  }

  receive(frame, connection = this.connection) {
    const message = { data: typeof frame === 'string' ? frame : JSON.stringify(frame) };
    const detail = { connection, message, cancelled: false };
    this.dispatchEvent(new CustomEvent('htmx:ws:before:message:incoming', { detail }));
    if (detail.cancelled) return;
    const { content, swap, payload } = JSON.parse(message.data);
    assert.equal(payload, undefined);
    if (content !== undefined) {
      if (this.failing) {
        this.trigger('htmx:ws:error', { error: new Error('swap failed') });
        return;
      }
      this.swapped.push({ content, swap });
    }
    this.trigger('htmx:ws:after:message:incoming', { message });
  }
}

function open(greeting) {
  const hx = new HxWs();
  const order = [];
  const mux = new Mux(hx, (selector) => order.push(`remove ${selector}`));
  hx.open(greeting);
  return { hx, mux, order };
}

test('within a frame: html, remove, apps in frame order', () => {
  const { hx, mux, order } = open();
  mux.apps.add('b', 'x', () => order.push(`b after ${hx.swapped.length} swaps`));
  mux.apps.add('a', 'x', () => order.push('a'));
  hx.receive({ b: { type: 'x' }, remove: '#gone', a: { type: 'x' }, html: '<p id=p>' });
  assert.deepEqual(hx.swapped, [{ content: '<p id=p>', swap: 'none' }]);
  assert.deepEqual(order, ['remove #gone', 'b after 1 swaps', 'a']);
});

test('a handler learns whether html came with the message', () => {
  const { hx, mux, order } = open();
  mux.apps.add('a', 'x', (_, rendered) => order.push(rendered));
  hx.receive({ a: { type: 'x' }, html: '<p>' });
  hx.receive({ a: { type: 'x' } });
  hx.receive({ a: { type: 'x' }, html: 7 });
  assert.deepEqual(order, [true, false, false]);
});

test('an app may be called what hx-ws would swap', () => {
  const { hx, mux, order } = open();
  mux.apps.add('content', 'x', () => order.push('content'));
  mux.apps.add('payload', 'x', () => order.push('payload'));
  hx.receive({ content: { type: 'x' }, payload: { type: 'x' } });
  assert.deepEqual(hx.swapped, []);
  assert.deepEqual(order, ['content', 'payload']);
});

test('one failing handler stops nobody', (t) => {
  t.mock.method(console, 'error', () => {});
  const { hx, mux, order } = open();
  const fail = () => {
    throw new Error('handler');
  };
  mux.apps.add('a', 'x', fail);
  mux.apps.add('a', 'x', () => order.push('second'));
  mux.apps.add('b', 'x', () => order.push('b'));
  hx.receive({ a: { type: 'x' }, b: { type: 'x' } });
  assert.deepEqual(order, ['second', 'b']);
  assert.equal(console.error.mock.callCount(), 1);
});

test('html that cannot be swapped does not keep the frame from its apps', () => {
  const { hx, mux, order } = open();
  mux.apps.add('a', 'x', () => order.push('a'));
  hx.failing = true;
  hx.receive({ html: '<p>', a: { type: 'x' } });
  assert.deepEqual(order, ['a']);
});

test('what nobody registered for, and what is no frame, is ignored', () => {
  const { hx, mux, order } = open();
  mux.apps.add('a', 'x', () => order.push('a'));
  for (const frame of [{ other: { type: 'x' } }, { a: { type: 'y' } }, { a: null }, { a: 'x' }, [], 'null', '{', '7']) {
    hx.receive(frame);
  }
  assert.deepEqual(order, []);
  assert.deepEqual(hx.swapped, []);
  hx.receive({ a: { type: 'x' } });
  assert.deepEqual(order, ['a']);
});

test('handlers are removed one by one or all at once, also while they run', () => {
  const { hx, mux, order } = open();
  const once = () => {
    order.push('once');
    mux.apps.remove('a', 'x', once);
  };
  mux.apps.add('a', 'x', once);
  mux.apps.add('a', 'x', () => order.push('always'));
  hx.receive({ a: { type: 'x' } });
  hx.receive({ a: { type: 'x' } });
  assert.deepEqual(order, ['once', 'always', 'always']);
  mux.apps.remove('a', 'x');
  hx.receive({ a: { type: 'x' } });
  assert.equal(order.length, 3);
});

test('sends over the socket of the moment, once it is greeted, or says that it cannot', () => {
  const hx = new HxWs();
  const mux = new Mux(hx, () => {});
  assert.equal(mux.send({ a: 1 }), false);
  hx.trigger('htmx:ws:before:connection', {});
  assert.deepEqual([mux.send({ a: 2 }), mux.open], [false, false]);
  hx.greet();
  assert.deepEqual([mux.send({ a: 3 }), mux.open], [true, true]);
  assert.deepEqual(hx.connection.socket.sent, [{ a: 3 }]);
});

test('a session is asked for, and resumed after what has come', async () => {
  const { hx } = open();
  assert.equal(hx.connection.url, 'ws://server/ws/blue/?resume');
  hx.receive({ a: {} });
  hx.receive('no frame');
  await hx.lose();
  assert.equal(hx.connection.url, 'ws://server/ws/blue/?resume=token&seen=2');
});

test('what is sent while there is no socket goes out over the next, after what was not acknowledged', async () => {
  const { hx, mux, order } = open();
  mux.addEventListener('greeted', ({ detail: { resumed } }) => order.push(resumed ? 'same' : 'other'));
  mux.send({ n: 1 });
  mux.send({ n: 2 });
  hx.receive({ ack: 1 });
  await hx.lose();
  assert.equal(mux.send({ n: 3 }), true);
  const { sent } = hx.connection.socket;
  assert.deepEqual(sent, [], 'before it is greeted');
  hx.greet({ sent: 1, received: 1, resumed: true });
  mux.send({ n: 4 });
  assert.deepEqual(sent, [{ n: 2 }, { n: 3 }, { n: 4 }]);
  await hx.lose();
  mux.send({ n: 5 });
  hx.greet({ resume: 'new' });
  assert.deepEqual([hx.connection.socket.sent, order], [[], ['same', 'other']]);
});

test('what comes twice is delivered once', async () => {
  const { hx, mux, order } = open();
  mux.apps.add('a', 'x', ({ n }) => order.push(n));
  hx.receive({ a: { type: 'x', n: 1 } });
  await hx.lose();
  hx.receive({ a: { type: 'x', n: 2 } }); // of the former socket: it had come, and hx-ws was behind
  hx.greet({ sent: 1, resumed: true });
  for (const n of [2, 3]) hx.receive({ a: { type: 'x', n } });
  assert.deepEqual(order, [1, 2, 3]);
});

test('what a replaced socket brings is left to the next', () => {
  const { hx, mux, order } = open();
  mux.apps.add('a', 'x', ({ n }) => order.push(n));
  const former = hx.connection;
  hx.connection = hx.make();
  hx.trigger('htmx:ws:before:connection', {});
  hx.receive({ a: { type: 'x', n: 1 } }, former);
  assert.equal(hx.connection.url, 'ws://server/ws/blue/?resume=token&seen=0');
  hx.greet({ resumed: true });
  hx.receive({ a: { type: 'x', n: 1 } });
  assert.deepEqual(order, [1]);
});

test('much is acknowledged at once, in either direction', () => {
  const { hx, mux } = open();
  const { sent } = hx.connection.socket;
  for (let i = 0; i < 64; i++) hx.receive({ a: {} });
  assert.deepEqual(sent.splice(0), [{ ack: 64 }]);
  for (let i = 0; i < 63; i++) mux.send({ a: i });
  assert.deepEqual(sent.at(-1), { ack: 64 });
  assert.equal(sent.length, 64);
});

test('a server that does not answer a heartbeat has stalled', (t) => {
  let now = 0;
  t.mock.timers.enable({ apis: ['setTimeout'] });
  t.mock.method(performance, 'now', () => now);
  const pass = (ms, late = 0) => ((now += ms + late), t.mock.timers.tick(ms));
  const { hx, mux } = open();
  let stalled = 0;
  mux.addEventListener('stalled', () => stalled++);
  hx.receive({ a: {} });
  mux.beat();
  assert.deepEqual(hx.connection.socket.sent, [{ signal: 'hb', ack: 1 }]);
  pass(4999);
  hx.receive({ ack: 1 });
  pass(10_000);
  assert.equal(stalled, 0);
  mux.beat();
  pass(3000);
  mux.beat();
  pass(2000);
  assert.equal(stalled, 1, 'from the first that was not answered');
  mux.beat();
  pass(5000, 60_000);
  assert.equal(stalled, 1, 'this page slept');
  pass(1500);
  assert.equal(stalled, 2);
  mux.beat();
  hx.trigger('htmx:ws:close', { code: 1006 });
  mux.beat();
  pass(10_000);
  assert.equal(stalled, 2, 'a socket that is lost is known to be');
});

test('one that acknowledges nothing gets heartbeats alone', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { hx, mux } = open({ resume: undefined });
  mux.addEventListener('stalled', () => assert.fail());
  mux.beat();
  t.mock.timers.tick(60_000);
  assert.deepEqual(hx.connection.socket.sent, [{ signal: 'hb' }]);
});

test('a session that ended is not resumed', async () => {
  for (const end of [(hx) => hx.trigger('htmx:ws:close', { code: 1000 }), (_, mux) => mux.forget()]) {
    const { hx, mux } = open();
    end(hx, mux);
    await hx.lose();
    assert.equal(hx.connection.url, 'ws://server/ws/blue/?resume');
    assert.equal(mux.send({ a: 1 }), false);
  }
});

test('tells whether a lost socket is tried again', () => {
  const { hx, mux } = open();
  const closed = [];
  mux.addEventListener('closed', ({ detail }) => closed.push(detail));
  hx.trigger('htmx:ws:close', { code: 1006 });
  hx.trigger('htmx:ws:close', { code: 1008 });
  hx.trigger('htmx:ws:close', { connection: { ...hx.connection }, code: 1006 }); // of one that was replaced
  assert.deepEqual(
    closed.map(({ code, retrying }) => [code, retrying]),
    [
      [1006, true],
      [1008, false],
    ],
  );
});

test('the waits grow to five seconds, are spread, and are those of hx-ws', (t) => {
  const { hx, mux } = open();
  const waits = [];
  mux.addEventListener('closed', ({ detail }) => waits.push(detail.delay));
  const lose = () => {
    hx.trigger('htmx:ws:close', { code: 1006 });
    const { reconnectDelay, reconnectMaxDelay, reconnectJitter } = hx.connection.config;
    assert.deepEqual([reconnectDelay, reconnectMaxDelay, reconnectJitter], [waits.at(-1), waits.at(-1), 0]);
    hx.trigger('htmx:ws:before:connection', {});
  };
  const random = t.mock.method(Math, 'random', () => 0);
  for (let i = 0; i < 6; i++) lose();
  assert.deepEqual(waits.splice(0), [500, 1000, 2000, 4000, 5000, 5000]);
  random.mock.mockImplementation(() => 1);
  lose();
  hx.greet();
  lose();
  assert.deepEqual(waits.splice(0), [3500, 350], 'from the first again after one that was greeted');
  mux.postpone(7000);
  lose();
  assert.deepEqual(waits.splice(0), [7000], 'the server knows better');
  lose();
  assert.equal(waits.splice(0).length, 1);
  hx.connection = { ...hx.connection, config: { ...hx.connection.config } };
  hx.trigger('htmx:ws:before:connection', {});
  lose();
  assert.deepEqual(waits, [350], 'and with one that was opened in its place');
});
