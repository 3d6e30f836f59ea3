import './english.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Apps } from '../static/js/mux.js';
import { hearServer } from '../static/js/server.js';

function make() {
  const mux = { apps: new Apps() };
  const log = [];
  const connection = { expectRestart: (after) => log.push(after) };
  hearServer({ mux, connection, language: 'en', say: (text) => log.push(text) });
  return { log, hear: (app, message) => mux.apps.dispatch(app, message, false) };
}

test('people are told that the server will stop, and until when', () => {
  const { log, hear } = make();
  hear('server', { type: 'draining', until: new Date().setHours(14, 30, 0, 0) });
  hear('server', { type: 'draining', until: 0 });
  hear('server', { type: 'draining', until: null });
  const [timed, untimed, none] = log;
  assert.match(timed, /^The server will be restarted at 02:30 PM\./u);
  assert.match(untimed, /^The server will be restarted soon\./);
  assert.equal(none, '');
});

test('with another session that is over, with the same it is not', () => {
  const { log, hear } = make();
  hear('rtc', { type: 'connect', resumed: true });
  assert.deepEqual(log, []);
  hear('rtc', { type: 'connect' });
  assert.deepEqual(log, ['']);
});

test('a server that starts anew is given its time, within reason', () => {
  const { log, hear } = make();
  for (const after of [2500, -1, 'soon', 1e9]) hear('server', { type: 'restarting', after });
  assert.deepEqual(log, [2500, 0, 0, 60_000]);
});
