import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Session } from '../static/js/session.js';

const begun = (token = 'token') => {
  const session = new Session();
  assert.deepEqual(session.begin({ resume: token, sent: 0, received: 0 }), []);
  return session;
};

test('the next socket says whose session it resumes, and what has come', () => {
  const session = new Session();
  assert.deepEqual([session.resumable, session.query], [false, '']);
  session.begin({ resume: 'a+b', sent: 0, received: 0 });
  session.take(10);
  session.take(10);
  assert.equal(session.query, '?resume=a%2Bb&seen=2');
  session.forget();
  assert.deepEqual([session.resumable, session.query], [false, '']);
});

test('what the server has not taken is sent again, in order', () => {
  const session = begun();
  for (const data of ['1', '2', '3', '4']) session.keep(data);
  session.acknowledged(1);
  assert.deepEqual(session.begin({ resume: 'other', sent: 0, received: 2, resumed: true }), ['3', '4']);
  session.keep('5');
  assert.deepEqual(session.begin({ resume: 'other', sent: 0, received: 3, resumed: true }), ['4', '5']);
  session.acknowledged(2); // of before
  assert.deepEqual(session.begin({ resume: 'other', sent: 0, received: 5, resumed: true }), []);
  assert.equal(session.query, '?resume=other&seen=0');
});

test('of a session that is over nothing is sent again', () => {
  const session = begun();
  session.take(1);
  session.keep('1');
  assert.deepEqual(session.begin({ resume: 'new', sent: 0, received: 0 }), []);
  assert.equal(session.query, '?resume=new&seen=0');
});

test('frames of the former socket that were still on their way in are not taken twice', () => {
  const session = begun();
  for (let i = 0; i < 3; i++) session.take(1);
  // The next socket was asked for with seen=3; then two more that had come already were taken.
  for (let i = 0; i < 2; i++) assert.equal(session.take(1), true);
  session.begin({ resume: 'token', sent: 3, received: 0, resumed: true });
  assert.deepEqual(
    [1, 2, 3].map(() => session.take(1)),
    [false, false, true],
  );
  assert.equal(session.acknowledge(), 6);
});

test('when an acknowledgement is due', () => {
  const session = begun();
  for (let i = 0; i < 63; i++) session.take(1);
  assert.equal(session.due, false);
  session.take(1);
  assert.equal(session.due, true);
  assert.equal(session.acknowledge(), 64);
  assert.equal(session.due, false);
  session.take(128 * 1024);
  assert.equal(session.due, true);
  session.acknowledge();
  for (let i = 0; i < 64; i++) session.keep('x');
  assert.equal(session.due, true, 'one wants to be acknowledged');
  session.acknowledge();
  assert.equal(session.due, false);
});

test('no more is kept than can be sent again', () => {
  const session = begun();
  for (let i = 0; i < 128; i++) {
    assert.equal(session.hasRoom('x'), true);
    session.keep('x');
  }
  assert.equal(session.hasRoom('x'), false);
  session.keep('x'); // over an open socket: it could not be resumed
  assert.equal(session.resumable, false);

  const large = begun();
  large.keep('x'.repeat(1024 * 1024 - 1));
  assert.deepEqual([large.hasRoom('x'), large.hasRoom('xx')], [true, false]);
});

test('a server that gives no token is asked for nothing', () => {
  const session = new Session();
  session.begin({});
  for (let i = 0; i < 200; i++) session.take(1);
  assert.deepEqual([session.due, session.hasRoom('x'), session.query], [false, false, '']);
});
