import './english.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Chat,
  clock,
  follows,
  isFound,
  lengthOf,
  newsOfMessages,
  newsOfReactions,
  Rate,
  Spaced,
} from '../static/js/chat.js';
import { Room } from '../static/js/room.js';

const someone = (id) => ({ channel_name: id, user_name: id.toUpperCase(), short_name: `peer-${id}` });
const written = (id, channel, text, time = 1000, more = {}) => {
  const name = channel.toUpperCase();
  return { type: 'message', id, channel_name: channel, user_name: name, text, time, ...more };
};

/** A chat in a room with Ben and Cleo, what it sends, and a log of its events. */
function open() {
  const [sent, log, handlers] = [[], [], new Map()];
  const mux = Object.assign(new EventTarget(), {
    open: true,
    apps: { add: (app, event, handler) => handlers.set(`${app} ${event}`, handler) },
    send: (frame) => mux.open && sent.push(frame.chat) > 0,
  });
  const call = Object.assign(new EventTarget(), { joined: true, active: true });
  const room = new Room();
  const chat = new Chat({ mux, room, call });
  for (const type of ['message', 'history', 'refused', 'recipient', 'unread', 'cleared']) {
    chat.addEventListener(type, ({ detail }) => {
      const what = detail?.message?.text ?? detail?.missed?.length ?? detail?.problem;
      log.push([type, what, detail?.own && 'own'].filter((part) => part !== undefined && part !== false).join(' '));
    });
  }
  const server = (event, app = 'chat') => handlers.get(`${app} ${event.type}`)(event);
  server({ type: 'connect', channel_name: 'anna' }, 'rtc');
  room.reset([someone('ben'), someone('cleo')]);
  const leave = () => {
    Object.assign(call, { joined: false, active: false });
    call.dispatchEvent(new Event('joined'));
    call.dispatchEvent(new Event('active'));
  };
  log.length = 0;
  return { chat, mux, call, room, sent, server, leave, take: () => log.splice(0) };
}

test('what is written is on its way until it comes back', () => {
  const { chat, sent, server, take } = open();
  assert.equal(chat.say('  hello \n'), '');
  assert.equal(chat.say('again'), 'chat.sending');
  server(written('1', 'anna', 'hello'));
  assert.equal(chat.say('again'), '');
  assert.deepEqual(sent, [
    { type: 'say', text: 'hello' },
    { type: 'say', text: 'again' },
  ]);
  assert.deepEqual(take(), ['message hello own']);
});

test('what cannot be sent is not', () => {
  const { chat, mux, call, sent } = open();
  assert.equal(chat.say('x'.repeat(2001)), 'chat.too_long');
  mux.open = false;
  assert.equal(chat.say('a'), 'chat.offline');
  call.joined = false;
  assert.equal(chat.say('a'), 'chat.outside');
  assert.deepEqual(sent, []);
});

test('characters are counted as the server counts them', () => {
  const { chat } = open();
  assert.equal(lengthOf('👍é'), 2);
  assert.equal(chat.say('👍'.repeat(2000)), '');
});

for (const [about, fail, problem] of [
  ['is too fast', ({ server }) => server({ type: 'too_fast' }, 'error'), 'chat.too_fast'],
  ['is nothing to be seen', ({ server }) => server({ type: 'bad_message' }, 'error'), 'chat.bad'],
  ['is on its way when one leaves', ({ leave }) => leave(), 'chat.lost'],
]) {
  test(`what ${about} comes back`, () => {
    const scene = open();
    const texts = [];
    scene.chat.addEventListener('refused', ({ detail }) => texts.push(detail));
    fail(scene); // of nothing
    assert.deepEqual(texts, []);
    Object.assign(scene.call, { joined: true, active: true });
    scene.chat.say('hello');
    fail(scene);
    fail(scene);
    assert.deepEqual(texts, [{ text: 'hello', problem }]);
  });
}

test('what is private goes to one person, and to nobody once they have left', () => {
  const { chat, room, sent, server, take } = open();
  chat.writeTo('ben');
  chat.say('psst');
  server(written('1', 'anna', 'psst', 1, { to: 'ben', to_name: 'BEN' }));
  take();
  room.remove('ben');
  assert.deepEqual(chat.recipient, { id: 'ben', name: 'BEN', gone: true });
  assert.deepEqual(take(), ['recipient']);
  assert.equal(chat.say('secret'), 'chat.choose');
  room.add(someone('dora'));
  assert.equal(chat.say('secret'), 'chat.choose');
  chat.writeTo('');
  chat.say('hello');
  assert.deepEqual(sent, [
    { type: 'say', text: 'psst', to: 'ben' },
    { type: 'say', text: 'hello' },
  ]);
});

test('who has left while a message was on its way', () => {
  const { chat, server, take } = open();
  chat.writeTo('ben');
  chat.say('psst');
  take();
  server({ type: 'gone' }, 'error');
  assert.deepEqual(take(), ['recipient', 'refused chat.gone']);
  assert.equal(chat.say('psst'), 'chat.choose');
});

test('what comes back to a draft for somebody else is for nobody', () => {
  const { chat, server } = open();
  chat.writeTo('ben');
  chat.say('psst');
  chat.writeTo('');
  server({ type: 'too_fast' }, 'error');
  assert.equal(chat.recipient.gone, true);
  assert.equal(chat.say('psst'), 'chat.choose');
});

test('to whom one writes is kept while the socket is lost, if they are still there', () => {
  const { chat, room, leave, call } = open();
  chat.writeTo('ben');
  room.reset([]);
  assert.equal(chat.recipient.gone, true);
  room.reset([someone('ben')]);
  assert.deepEqual(chat.recipient, { id: 'ben', name: 'BEN', gone: false });
  leave();
  room.reset([]);
  assert.equal(chat.recipient.gone, true);
  Object.assign(call, { joined: true, active: true });
  room.reset([someone('cleo')]);
  assert.equal(chat.recipient.gone, true);
});

test('who can be written to: those on stage, and who wrote', () => {
  const { chat, room, server } = open();
  const ids = () => chat.others.map(({ id }) => id);
  server(written('1', 'viewer', 'hello'));
  server(written('2', 'anna', 'hello'));
  server(written('3', 'ben', 'hello'));
  assert.deepEqual(ids(), ['ben', 'cleo', 'viewer']);
  chat.writeTo('viewer');
  chat.say('hello');
  server({ type: 'gone' }, 'error');
  assert.deepEqual(ids(), ['ben', 'cleo']);
  room.remove('ben');
  assert.deepEqual(ids(), ['cleo']);
});

test('what others write is unread until it is seen', () => {
  const { chat, server, take } = open();
  server({ type: 'history', messages: [written('0', 'ben', 'old', 10)], yours: [] });
  server(written('1', 'ben', 'one', 20));
  server(written('2', 'anna', 'two', 30));
  assert.equal(chat.unread, 1);
  chat.setReading(true);
  server(written('3', 'ben', 'three', 40));
  assert.equal(chat.unread, 0);
  chat.setReading(false);
  server(written('4', 'ben', 'four', 50));
  assert.equal(chat.unread, 1);
  assert.deepEqual(take(), [
    'history 0',
    'message one',
    'unread',
    'message two own',
    'unread',
    'message three',
    'message four',
    'unread',
  ]);
});

test('what came while the socket was lost is unread, but not what one had, or has written', () => {
  const { chat, server } = open();
  const [one, two, three] = [
    written('1', 'ben', 'one', 10),
    written('2', 'old', 'two', 20),
    written('3', 'ben', 'x', 30),
  ];
  server({ type: 'history', messages: [], yours: [] });
  server(one);
  chat.setReading(true);
  chat.setReading(false);
  server({ type: 'history', messages: [one, two, three], yours: ['2'] });
  assert.equal(chat.unread, 1);
  assert.deepEqual(
    [one, two, three].map(({ id, channel_name: channel }) => chat.isOwn({ id, channel })),
    [false, true, false],
  );
});

test('who has left knows nothing any more, also of what crossed that', () => {
  const { chat, server, leave, take } = open();
  server({ type: 'history', messages: [], yours: ['7'] });
  server(written('1', 'ben', 'one'));
  take();
  leave();
  assert.deepEqual(take(), ['unread', 'cleared']);
  server(written('2', 'ben', 'two'));
  server({ type: 'history', messages: [written('1', 'ben', 'one')], yours: [] });
  assert.deepEqual(take(), ['cleared', 'cleared']);
  assert.deepEqual([chat.unread, chat.isOwn({ id: '7', channel: 'old' })], [0, false]);
});

test('lines of one person belong together', () => {
  const noon = new Date(2026, 4, 4, 12).getTime();
  const midnight = new Date(2026, 4, 5).getTime();
  const line = (by, time, to = '') => ({ by, time, to });
  for (const [about, previous, next, expected] of [
    ['the first', null, line('ben', noon), false],
    ['soon after', line('ben', noon), line('ben', noon + 179_999), true],
    ['later', line('ben', noon), line('ben', noon + 180_000), false],
    ["another's", line('ben', noon), line('cleo', noon), false],
    ['private', line('ben', noon), line('ben', noon, 'anna'), false],
    ['to another', line('own', noon, 'ben'), line('own', noon, 'cleo'), false],
    ['to the same', line('own', noon, 'ben'), line('own', noon, 'ben'), true],
    ['the next day', line('ben', midnight - 1), line('ben', midnight), false],
  ]) {
    assert.equal(follows(previous, next), expected, about);
  }
});

test('times are of the language, with the day unless it is today', () => {
  const now = new Date(2026, 4, 4, 18, 5).getTime();
  const before = new Date(2026, 4, 3, 18, 5).getTime();
  assert.match(clock('en')(now, now), /^0?6:05\sPM$/);
  assert.match(clock('en')(before, now), /^May 3, /);
  assert.equal(clock('de')(now, now), '18:05');
  assert.match(clock('de')(before, now), /^3\. Mai.*18:05$/);
});

test('a few messages are told, many are counted', () => {
  const messages = [written('1', 'ben', 'hello'), written('2', 'cleo', 'psst', 1, { to: 'anna' })];
  assert.deepEqual(newsOfMessages(messages), ['BEN: hello', 'CLEO, privately: psst']);
  assert.deepEqual(newsOfMessages([...messages, ...messages]), ['4 new messages']);
  assert.equal(lengthOf(newsOfMessages([written('1', 'ben', '👍'.repeat(2000))])[0]), 305);
});

test('reactions are told together', () => {
  const reaction = (name, emoji) => ({ type: 'reaction', channel_name: name, user_name: name, emoji });
  assert.equal(newsOfReactions([reaction('Ben', '👍'), reaction('Ben', '👍')]), 'Ben reacts with 👍');
  assert.equal(newsOfReactions([reaction('Ben', '👍'), reaction('Cleo', '🎉')]), '2 people react with 👍 🎉');
});

test('names are found by parts of them, whatever their case and accents', () => {
  for (const [name, query, found] of [
    ['Zoë Müller', '', true],
    ['Zoë Müller', ' muller zoe', true],
    ['Zoe Muller', 'ZOË', true],
    ['Jörg Groß', 'gross', true],
    ['Zoë Müller', 'zoe x', false],
    ['山田', '山', true],
  ]) {
    assert.equal(isFound(name, query), found, `${query} in ${name}`);
  }
});

test('the first is told at once, what follows together', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const told = [];
  const spaced = new Spaced(100, (items) => told.push(items.join('')));
  spaced.add('a');
  spaced.add('b');
  spaced.add('c');
  t.mock.timers.tick(99);
  assert.deepEqual(told, ['a']);
  t.mock.timers.tick(1);
  spaced.add('d');
  spaced.clear();
  assert.deepEqual(told, ['a', 'bc']);
  t.mock.timers.tick(100);
  spaced.add('e');
  assert.deepEqual(told, ['a', 'bc', 'e']);
});

test('so many in so long', () => {
  const rate = new Rate(2, 100);
  assert.deepEqual(
    [0, 50, 99, 100, 120, 150].map((now) => rate.allows(now)),
    [true, true, false, true, false, true],
  );
});
