import assert from 'node:assert/strict';
import { afterEach, before, mock, test } from 'node:test';
import { Negotiation } from '../static/js/negotiation.js';
import { FakeConnection, rest } from './fakes.js';

const RESET = { description: { type: '_reset' } };

/** All that a test made, to be stopped after it: what has not come about is tried again and again. */
const all = [];
afterEach(() => all.splice(0).forEach((negotiation) => negotiation.stop()));

/** A negotiation, its connections so far, and what it sent; `server` hands it a signal of the server's peer. */
function open() {
  const connections = [];
  const sent = [];
  const events = [];
  const negotiation = new Negotiation({
    send: (signal) => sent.push(structuredClone(signal)),
    furnish: () => {},
    create: (configuration) => {
      connections.push(new FakeConnection(configuration));
      return connections.at(-1);
    },
  });
  all.push(negotiation);
  for (const type of ['track', 'removetrack', 'gone', 'features', 'state']) {
    negotiation.addEventListener(type, ({ detail }) => events.push([type, detail]));
  }
  const server = (signal, sender = 'sfu') => negotiation.receive({ type: 'signal', sender, recipient: 'me', signal });
  const offer = (sdp) => server({ description: { type: 'offer', sdp } });
  const answer = (sdp) => server({ description: { type: 'answer', sdp } });
  const take = () =>
    sent.splice(0).map(({ description, candidate }) => description?.sdp ?? description?.type ?? candidate);
  return { negotiation, connections, events, server, offer, answer, take };
}

/** The same, after the first offer was answered. */
async function connected() {
  const parts = open();
  parts.negotiation.start();
  await rest();
  parts.answer('first answer');
  await rest();
  assert.deepEqual(parts.take(), ['offer 1']);
  return { ...parts, connection: parts.connections[0] };
}

before(() => mock.method(console, 'warn', () => {})); // they are expected here

test('the client makes the first offer, with the features channel', async () => {
  const { connection, connections } = await connected();
  assert.equal(connections.length, 1);
  assert.equal(connection.signalingState, 'stable');
  assert.deepEqual(
    connection.channels.map(({ label, init }) => ({ label, ...init })),
    [{ label: 'features', negotiated: true, id: 500 }],
  );
});

test('a connection that does not come about is begun anew, and so is a reset that is not answered', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { negotiation, connections, server, take } = open();
  negotiation.start();
  t.mock.timers.tick(24_999);
  assert.deepEqual(take(), []);
  t.mock.timers.tick(1);
  assert.deepEqual(take(), ['_reset']);
  t.mock.timers.tick(25_000);
  t.mock.timers.tick(1000); // the second one waits a little
  assert.deepEqual(take(), ['_reset']);
  server(RESET);
  assert.equal(connections.length, 2);
  connections.at(-1).change('connected');
  t.mock.timers.tick(600_000);
  assert.deepEqual(take(), []);
});

test('an offer that was prepared goes out at the start, with the candidates that there are', async () => {
  const { negotiation, connections, answer, take } = open();
  negotiation.prepare();
  await rest();
  const [connection] = connections;
  const gather = (candidate) => {
    const told = candidate && { candidate, toJSON: () => candidate };
    connection.dispatchEvent(Object.assign(new Event('icecandidate'), { candidate: told }));
  };
  gather('one');
  gather(null);
  assert.deepEqual(take(), []);
  connection.iceGatheringState = 'complete';
  negotiation.start();
  assert.deepEqual(take(), ['offer 1', null]);
  gather('two');
  assert.deepEqual(take(), ['two']);
  answer('answer');
  await rest();
  assert.deepEqual([connections.length, connection.signalingState], [1, 'stable']);
});

test('an offer that is still being made at the start goes out once', async () => {
  for (let turns = 0; turns < 6; turns++) {
    const { negotiation, connections, take } = open();
    negotiation.prepare();
    for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
    negotiation.start();
    await rest();
    assert.deepEqual([take(), connections.length], [['offer 1'], 1], `after ${turns} turns`);
  }
});

test('what was prepared is replaced, dropped, and not heard of by the server', async () => {
  const { negotiation, connections, offer, server, take } = open();
  negotiation.prepare();
  await rest();
  negotiation.prepare();
  await rest();
  offer('early');
  server(RESET);
  await rest();
  assert.deepEqual([connections.map(({ closed }) => closed), take()], [[true, false], []]);
  negotiation.stop();
  assert.equal(connections[1].closed, true);
  negotiation.start();
  await rest();
  assert.deepEqual([connections.length, take()], [3, ['offer 1']]);
});

test('the present connection is there for its statistics', async () => {
  const { negotiation, connections, server } = await connected();
  assert.equal(negotiation.connection, connections[0]);
  server(RESET);
  assert.equal(negotiation.connection, connections[1]);
  negotiation.stop();
  assert.equal(negotiation.connection, null);
});

test('signals before start and after stop are stale, and so are those of anyone but the server', async () => {
  const { negotiation, connections, offer, server, take } = open();
  offer('early');
  server(RESET);
  negotiation.start();
  server({ description: { type: 'offer', sdp: 'foreign' } }, 'someone');
  await rest();
  assert.equal(connections.length, 1);
  assert.deepEqual(take(), ['offer 1']);
  negotiation.stop();
  offer('late');
  server(RESET);
  await rest();
  assert.equal(connections.length, 1);
  assert.deepEqual(take(), []);
});

test('an offer of the server is answered', async () => {
  const { connection, offer, take } = await connected();
  offer('joined');
  offer('left');
  await rest();
  assert.deepEqual(take(), ['answer to joined', 'answer to left']);
  assert.equal(connection.signalingState, 'stable');
});

test('glare: the own offer is rolled back, the server answered, and the offer made again', async () => {
  const { connection, offer, answer, take } = await connected();
  connection.need();
  await rest();
  assert.deepEqual(take(), ['offer 2']); // which the impolite server drops
  offer('theirs');
  await rest();
  assert.deepEqual(take(), ['answer to theirs', 'offer 3']);
  answer('at last');
  await rest();
  assert.equal(connection.signalingState, 'stable');
  assert.deepEqual(take(), []);
});

test('glare at every point of making an offer ends the same way', async () => {
  for (let turns = 0; turns < 6; turns++) {
    const { connection, offer, answer, take } = await connected();
    connection.need();
    for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
    offer('theirs');
    await rest();
    const sent = take();
    assert.ok(sent.includes('answer to theirs'), `after ${turns} turns: ${sent}`);
    assert.match(sent.at(-1), /^offer/);
    answer('at last');
    await rest();
    assert.equal(connection.signalingState, 'stable');
    assert.deepEqual(take(), []);
  }
});

test('a change during an offer makes another offer', async () => {
  const { connection, answer, take } = await connected();
  connection.need();
  await rest();
  connection.need();
  await rest();
  assert.deepEqual(take(), ['offer 2']);
  answer('to offer 2');
  await rest();
  assert.deepEqual(take(), ['offer 3']);
});

test('an answer that nobody waits for is ignored', async () => {
  const { connection, connections, answer, take } = await connected();
  answer('twice');
  await rest();
  assert.equal(connection.remoteDescription.sdp, 'first answer');
  assert.equal(connections.length, 1);
  assert.deepEqual(take(), []);
});

test('candidates go both ways, and wait for the first description', async () => {
  const { negotiation, connections, server, answer, take } = open();
  negotiation.start();
  server({ candidate: { candidate: 'a' } });
  await rest();
  const [connection] = connections;
  assert.deepEqual(connection.candidates, []);
  answer('answer');
  server({ candidate: { candidate: 'bad' } });
  server({ candidate: { candidate: 'b' } });
  server({ candidate: null });
  await rest();
  assert.deepEqual(connection.candidates, [{ candidate: 'a' }, { candidate: 'b' }, undefined]);
  take();
  for (const candidate of [{ candidate: 'c', toJSON: () => ({ candidate: 'c' }) }, { candidate: '' }, null]) {
    connection.dispatchEvent(Object.assign(new Event('icecandidate'), { candidate }));
  }
  assert.deepEqual(take(), [{ candidate: 'c' }, null]);
});

test('a reset by the server makes a fresh connection that offers', async () => {
  const { connection, connections, events, server, take } = await connected();
  server(RESET);
  await rest();
  assert.equal(connection.closed, true);
  assert.equal(connections.length, 2);
  assert.deepEqual(take(), ['offer 1']);
  assert.deepEqual(events, [['gone', null]]);
});

test('a failed connection asks for a reset, and drops signals until it came', async () => {
  const { connection, connections, offer, server, take } = await connected();
  connection.change('failed');
  assert.equal(connection.closed, true);
  assert.deepEqual(take(), ['_reset']);
  offer('for the old one');
  server({ candidate: { candidate: 'old' } });
  await rest();
  assert.equal(connections.length, 1);
  assert.deepEqual(take(), []);
  server(RESET);
  await rest();
  assert.equal(connections.length, 2);
  assert.deepEqual(take(), ['offer 1']);
  offer('for the new one');
  await rest();
  assert.equal(take()[0], 'answer to for the new one');
});

test('a silent path is looked for anew, on the same connection, whoever notices it first', async () => {
  const { negotiation, connection, connections, answer, take } = await connected();
  connection.change('connected');
  negotiation.seekPath();
  connection.change('disconnected');
  await rest();
  assert.equal(connection.restarts, 1);
  assert.deepEqual(take(), ['offer 2']);
  answer('with other candidates');
  connection.change('connected');
  await rest();
  assert.deepEqual(take(), []);
  assert.equal(connections.length, 1);
  assert.equal(connection.closed, false);
});

test('a description that is refused asks for a reset', async () => {
  const { connection, offer, take } = await connected();
  connection.refusing = true;
  offer('broken');
  offer('behind it');
  await rest();
  assert.deepEqual(take(), ['_reset']);
  assert.equal(connection.closed, true);
});

test('resets that do not help come slower and slower', async (t) => {
  const { connections, server, take } = await connected();
  connections.at(-1).change('connected');
  t.mock.timers.enable({ apis: ['setTimeout'] });
  connections.at(-1).change('failed');
  assert.deepEqual(take(), ['_reset']);
  for (const wait of [1000, 2000, 4000, 8000, 16000, 16000]) {
    server(RESET);
    connections.at(-1).change('failed');
    t.mock.timers.tick(wait - 1);
    assert.deepEqual(take(), []);
    t.mock.timers.tick(1);
    assert.deepEqual(take(), ['_reset']);
  }
  server(RESET);
  connections.at(-1).change('connected');
  connections.at(-1).change('failed');
  assert.deepEqual(take(), ['_reset']);
});

test('a stopped negotiation does not ask for a reset later', async (t) => {
  const { negotiation, connections, server, take } = await connected();
  connections.at(-1).change('connected');
  t.mock.timers.enable({ apis: ['setTimeout'] });
  connections.at(-1).change('failed');
  server(RESET);
  connections.at(-1).change('failed');
  take();
  negotiation.stop();
  t.mock.timers.tick(60_000);
  assert.deepEqual(take(), []);
});

test('events of a connection that was replaced are ignored', async () => {
  const { connection, connections, events, server, take } = await connected();
  connection.need();
  await new Promise((resolve) => setImmediate(resolve)); // an offer is being made
  server(RESET);
  connection.change('failed');
  connection.dispatchEvent(Object.assign(new Event('icecandidate'), { candidate: null }));
  connection.dispatchEvent(Object.assign(new Event('track'), { track: {}, streams: [{ id: 'x' }] }));
  connection.channels[0].dispatchEvent(Object.assign(new Event('message'), { data: '{}' }));
  await rest();
  assert.equal(connections.length, 2);
  assert.deepEqual(take(), ['offer 1']);
  assert.deepEqual(events, [['gone', null]]);
});

test('tracks come and go by their stream', async () => {
  const { connection, events } = await connected();
  const [track, stream] = [{}, { id: 'anna' }];
  connection.dispatchEvent(Object.assign(new Event('track'), { track, streams: [stream] }));
  stream.onremovetrack({ track });
  assert.deepEqual(events, [
    ['track', { track, stream }],
    ['removetrack', { track, stream }],
  ]);
});

test('features are sent when the channel opens, and when they change', async () => {
  const { negotiation, connection, connections, events, server } = await connected();
  const [channel] = connection.channels;
  negotiation.setFeatures({ video: true });
  assert.deepEqual(channel.sent, []);
  channel.readyState = 'open';
  channel.dispatchEvent(new Event('open'));
  negotiation.setFeatures({ video: false });
  assert.deepEqual(channel.sent, ['{"video":true}', '{"video":false}']);
  channel.dispatchEvent(Object.assign(new Event('message'), { data: '{"channel_name":"anna","features":{}}' }));
  channel.dispatchEvent(Object.assign(new Event('message'), { data: '{' }));
  assert.deepEqual(events, [['features', { channel_name: 'anna', features: {} }]]);
  server(RESET);
  const fresh = connections[1].channels[0];
  fresh.dispatchEvent(new Event('open'));
  assert.deepEqual(fresh.sent, ['{"video":false}']);
});

test('new ICE servers count at once and for later connections', async () => {
  const { negotiation, connection, connections, server } = await connected();
  negotiation.configure({ iceServers: [{ urls: 'turn:a' }] });
  server(RESET);
  const expected = { iceServers: [{ urls: 'turn:a' }], bundlePolicy: 'max-bundle' };
  assert.deepEqual([connection.configuration, connections[1].configuration], [expected, expected]);
});
