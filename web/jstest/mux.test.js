import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Mux } from '../static/js/mux.js';

/** What hx-ws does with a frame, its swap included. */
class HxWs extends EventTarget {
  swapped = [];
  failing = false;
  connection = {
    socket: { readyState: 1, sent: [], send: (data) => this.connection.socket.sent.push(JSON.parse(data)) },
    config: { reconnect: true, reconnectCodes: [1006] },
  };

  trigger(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail: { connection: this.connection, ...detail } }));
  }

  open() {
    this.trigger('htmx:ws:before:connection', {});
    this.trigger('htmx:ws:after:connection', {});
  }

  receive(frame) {
    const message = { data: typeof frame === 'string' ? frame : JSON.stringify(frame) };
    const detail = { connection: this.connection, message, cancelled: false };
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

function open() {
  const hx = new HxWs();
  const order = [];
  const mux = new Mux(hx, (selector) => order.push(`remove ${selector}`));
  hx.open();
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

test('sends on the socket of the moment, and says when there is none', () => {
  const hx = new HxWs();
  const mux = new Mux(hx, () => {});
  assert.equal(mux.send({ a: 1 }), false);
  hx.open();
  assert.equal(mux.send({ a: 2 }), true);
  const renewed = { readyState: 0, sent: [], send: (data) => renewed.sent.push(JSON.parse(data)) };
  const former = hx.connection.socket;
  hx.connection.socket = renewed;
  assert.equal(mux.send({ a: 3 }), false);
  renewed.readyState = 1;
  assert.equal(mux.send({ a: 4 }), true);
  assert.deepEqual([former.sent, renewed.sent], [[{ a: 2 }], [{ a: 4 }]]);
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
  hx.trigger('htmx:ws:after:connection', {});
  lose();
  assert.deepEqual(waits.splice(0), [3500, 350], 'from the first again after one that opened');
  hx.connection = { ...hx.connection, config: { ...hx.connection.config } };
  hx.trigger('htmx:ws:before:connection', {});
  lose();
  assert.deepEqual(waits, [350], 'and with one that was opened in its place');
});
