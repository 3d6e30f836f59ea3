import './english.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Floor, hasAsked, newsOf, newsOfHands } from '../static/js/floor.js';

const FREE = { muted: false, camera_off: false, screen_off: false };
const YOU = { type: 'you', host: false, on_stage: true, hand: false, ...FREE };
const STATE = { type: 'state', hosts: ['anna'], locked: false, by_invitation: false, access: 'open' };
const someone = (id) => ({ channel_name: id, user_name: id, short_name: `peer-${id}` });

/** A floor, what it sends, and a log of its events. */
function open() {
  const sent = [];
  const log = [];
  const handlers = new Map();
  const floor = new Floor((message) => sent.push(message));
  floor.listen({ add: (app, event, handler) => handlers.set(`${app} ${event}`, handler) });
  for (const type of ['you', 'state', 'about', 'hands', 'removed', 'invitation', 'reset']) {
    floor.addEventListener(type, ({ detail }) =>
      log.push([type, detail?.id ?? detail?.path ?? (detail?.closed && 'closed')].filter(Boolean).join(' ')),
    );
  }
  const server = (event, app = 'floor') => handlers.get(`${app} ${event.type}`)(event);
  return { floor, sent, server, take: () => log.splice(0) };
}

test('before the server has told nothing is known', () => {
  const { floor } = open();
  assert.deepEqual([floor.you, floor.state, floor.hands], [null, null, []]);
  assert.deepEqual(floor.about('anna'), { ...FREE, host: false, hand: false });
});

test('what one may do is told with what one could before', () => {
  const { floor, server } = open();
  const told = [];
  floor.addEventListener('you', ({ detail: { you, former } }) => told.push([you.hand, former?.hand ?? null]));
  server(YOU);
  server({ ...YOU, hand: true });
  assert.deepEqual(told, [
    [false, null],
    [true, false],
  ]);
  assert.equal(floor.you.hand, true);
});

test('of hosts and hands only the changes are told', () => {
  const { floor, server, take } = open();
  server(STATE);
  server({ ...STATE, hosts: ['anna', 'ben'], locked: true });
  server({ ...STATE, hosts: ['ben'] });
  assert.deepEqual(take(), ['about anna', 'state', 'about ben', 'state', 'about anna', 'state']);
  server({ type: 'hands', hands: [someone('cleo')] });
  server({ type: 'hands', hands: [someone('cleo'), someone('dora')] });
  server({ type: 'hands', hands: [someone('dora')] });
  assert.deepEqual(take(), ['about cleo', 'hands', 'about dora', 'hands', 'about cleo', 'hands']);
  assert.deepEqual(floor.about('dora'), { ...FREE, host: false, hand: true });
  assert.deepEqual(floor.about('ben'), { ...FREE, host: true, hand: false });
});

test('who is restricted', () => {
  const { floor, server, take } = open();
  server({ type: 'restricted', channel_name: 'ben', ...FREE, muted: true });
  assert.deepEqual(floor.about('ben'), { ...FREE, muted: true, host: false, hand: false });
  server({ type: 'restricted', channel_name: 'ben', ...FREE });
  assert.equal(floor.about('ben').muted, false);
  assert.deepEqual(take(), ['about ben', 'about ben']);
});

test('who comes back is free until the server says otherwise', () => {
  const { floor, server } = open();
  for (const id of ['ben', 'cleo']) server({ type: 'restricted', channel_name: id, ...FREE, muted: true });
  server({ type: 'disconnected', channel_name: 'ben' }, 'rtc');
  assert.deepEqual([floor.about('ben').muted, floor.about('cleo').muted], [false, true]);
});

test('of oneself the server has told who is on stage', () => {
  const { floor, server } = open();
  const others = { participant: (id) => (id === 'ben' ? someone('ben') : null) }; // without oneself
  const onStage = () => ['anna', 'ben', 'cleo'].filter((id) => floor.isOnStage(id, others));
  server({ type: 'connect', channel_name: 'anna' }, 'rtc');
  assert.deepEqual(onStage(), ['ben']);
  server(YOU);
  assert.deepEqual(onStage(), ['anna', 'ben']);
  server({ ...YOU, on_stage: false });
  assert.deepEqual(onStage(), ['ben']);
});

test('a few hands are told of by name, many are counted', () => {
  const hands = ['anna', 'ben', 'cleo', 'dora', 'emil'].map(someone);
  const cases = [
    [hands.slice(0, 2), [], ['anna has raised a hand.', 'ben has raised a hand.']],
    [hands.slice(0, 4), ['anna'], ['ben', 'cleo', 'dora'].map((name) => `${name} has raised a hand.`)],
    [hands, ['anna'], ['5 hands are up.']],
    [hands.slice(1), hands.map(({ channel_name: id }) => id), []],
  ];
  for (const [up, former, want] of cases) assert.deepEqual(newsOfHands(up, new Set(former)), want);
});

test('a new stay begins with nothing', () => {
  const { floor, server, take } = open();
  server(STATE);
  server(YOU);
  server({ type: 'hands', hands: [someone('cleo')] });
  server({ type: 'restricted', channel_name: 'ben', ...FREE, muted: true });
  take();
  floor.reset();
  assert.deepEqual(take(), ['reset']);
  assert.deepEqual([floor.you, floor.state, floor.hands], [null, null, []]);
  assert.equal(floor.about('ben').muted, false);
});

test('an invitation is to this server', () => {
  const { server, take } = open();
  server({ type: 'invitation', path: '/r/blue/?invite=token', expires: 1 });
  server({ type: 'invitation', path: 'https://example.org/', expires: 1 });
  server({ type: 'invitation', expires: 1 });
  server({ type: 'removed' });
  server({ type: 'removed', closed: true });
  assert.deepEqual(take(), ['invitation /r/blue/?invite=token', 'removed', 'removed closed']);
});

test('malformed events change nothing', () => {
  const { floor, server, take } = open();
  server({ type: 'state' });
  server({ type: 'hands', hands: 7 });
  assert.deepEqual([take(), floor.hands], [[], []]);
});

test('what is asked of the server has the form of the contract', () => {
  const { floor, sent } = open();
  floor.raise(true);
  floor.lower('ben');
  floor.stage('ben', true);
  floor.mute('ben', true);
  floor.camera('ben', false);
  floor.screen('ben', true);
  floor.remove('ben');
  floor.host('ben', true);
  floor.lock(true);
  floor.access('password', 'moon');
  floor.access('open', 'moon');
  floor.byInvitation(true);
  floor.invite();
  assert.deepEqual(sent, [
    { type: 'hand', up: true },
    { type: 'hand', channel_name: 'ben', up: false },
    { type: 'stage', channel_name: 'ben', on: true },
    { type: 'mute', channel_name: 'ben', on: true },
    { type: 'camera', channel_name: 'ben', off: false },
    { type: 'screen', channel_name: 'ben', off: true },
    { type: 'remove', channel_name: 'ben' },
    { type: 'host', channel_name: 'ben', on: true },
    { type: 'lock', on: true },
    { type: 'access', access: 'password', password: 'moon' },
    { type: 'access', access: 'open' },
    { type: 'by_invitation', on: true },
    { type: 'invite' },
  ]);
});

test('who had raised a hand has asked for the stage', () => {
  const cases = [
    [{ hand: false }, { hand: true }, true],
    [{ hand: true }, { hand: false }, true],
    [{ hand: false }, { hand: false }, false],
    [{ hand: false }, null, false],
  ];
  for (const [you, former, want] of cases) {
    assert.equal(hasAsked({ ...YOU, ...you }, former && { ...YOU, ...former }), want);
  }
});

test('what a person is told', () => {
  const viewer = { ...YOU, on_stage: false };
  const cases = [
    [YOU, null, ''],
    [{ ...YOU, host: true }, null, ''],
    [viewer, null, 'You are watching. Raise your hand to be let on stage.'],
    [YOU, { ...viewer, hand: true }, 'You are on stage.'],
    [YOU, viewer, 'A host has let you on stage. Switch on your microphone and camera when you are ready.'],
    [viewer, YOU, 'You are off the stage, and watch.'],
    [viewer, { ...viewer, muted: true }, ''],
    [viewer, { ...YOU, muted: true }, 'You are off the stage, and watch.'],
    [{ ...YOU, muted: true }, YOU, 'A host has muted your microphone.'],
    [{ ...YOU, muted: true }, null, 'A host has muted your microphone.'],
    [YOU, { ...YOU, muted: true }, 'You may switch your microphone on again.'],
    [{ ...YOU, camera_off: true }, YOU, 'A host has switched off your camera.'],
    [YOU, { ...YOU, camera_off: true }, 'You may switch your camera on again.'],
    [{ ...YOU, screen_off: true }, YOU, 'A host has stopped you sharing your screen.'],
    [YOU, { ...YOU, screen_off: true }, 'You may share your screen again.'],
    [{ ...YOU, host: true }, YOU, 'You are a host now.'],
    [YOU, { ...YOU, host: true }, ''],
    [{ ...YOU, hand: true }, YOU, ''],
  ];
  for (const [you, former, want] of cases) assert.equal(newsOf(you, former), want);
});
