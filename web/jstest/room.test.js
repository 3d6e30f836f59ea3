import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Room } from '../static/js/room.js';

const anna = { channel_name: 'anna-channel', user_name: 'Anna', short_name: 'peer-hannel' };
const ben = { channel_name: 'ben-channel', user_name: 'Ben', short_name: 'peer-hannel' };

/** A room and a log of its events: "type name", with what there is for media. */
function record() {
  const room = new Room();
  const log = [];
  for (const type of ['joined', 'left', 'media', 'features', 'reset']) {
    room.addEventListener(type, ({ detail: { participant, screen, stream, features, ids } }) => {
      const words = [type, participant?.user_name];
      if (type === 'media') words.push(screen ? 'screen' : 'camera', stream ? stream.id : 'none');
      if (type === 'features') words.push(JSON.stringify(features));
      if (type === 'reset') words.push(ids.join());
      log.push(words.filter(Boolean).join(' '));
    });
  }
  const take = () => log.splice(0);
  return { room, take };
}

const camera = { id: 'anna-channel' };
const screen = { id: 'anna-channel.screen' };

test('a track after its participant', () => {
  const { room, take } = record();
  room.add(anna);
  room.addTrack({ kind: 'video' }, camera);
  room.addTrack({ kind: 'audio' }, camera);
  room.addTrack({ kind: 'video' }, screen);
  assert.deepEqual(take(), [
    'joined Anna',
    'media Anna camera anna-channel',
    'media Anna camera anna-channel',
    'media Anna screen anna-channel.screen',
  ]);
});

test('a track before its participant', () => {
  const { room, take } = record();
  room.addTrack({}, camera);
  room.addTrack({}, screen);
  room.setFeatures(anna.channel_name, { video: false });
  assert.deepEqual(take(), []);
  room.add(anna);
  assert.deepEqual(take(), [
    'joined Anna',
    'features Anna {"video":false}',
    'media Anna camera anna-channel',
    'media Anna screen anna-channel.screen',
  ]);
});

test('what is said by many who never come is not kept for ever', () => {
  const { room, take } = record();
  room.add(anna);
  room.setFeatures(anna.channel_name, { video: false });
  for (let i = 0; i < 2001; i++) room.setFeatures(`guest ${i}`, { audio: i > 0 });
  room.setFeatures('guest 1', { audio: false }); // not the oldest any more
  room.setFeatures('guest 2001', {});
  take();
  for (const i of [0, 1, 2, 3]) room.add({ channel_name: `guest ${i}`, user_name: `${i}`, short_name: '' });
  assert.deepEqual(take(), [
    'joined 0',
    'joined 1',
    'features 1 {"audio":false}',
    'joined 2',
    'joined 3',
    'features 3 {"audio":true}',
  ]);
  assert.deepEqual(room.features(anna.channel_name), { video: false });
});

test('who left before being announced has said nothing', () => {
  const { room, take } = record();
  room.setFeatures(anna.channel_name, { video: false });
  room.remove(anna.channel_name);
  room.add(anna);
  assert.deepEqual(take(), ['joined Anna']);
});

test('streams of nobody are ignored', () => {
  const { room, take } = record();
  room.add(anna);
  take();
  for (const id of ['', '.screen', 'slot.0', 'anna', 'anna-channel.screen.screen', '{f81d4fae}']) {
    room.addTrack({}, { id });
  }
  assert.deepEqual(take(), []);
});

test('a stream is gone with its last track', () => {
  const { room, take } = record();
  const [video, audio] = [{}, {}];
  room.add(anna);
  room.addTrack(video, camera);
  room.addTrack(audio, camera);
  take();
  room.removeTrack(video, camera);
  room.removeTrack(video, camera); // told twice
  room.removeTrack(audio, camera);
  room.removeTrack(audio, { id: 'nobody' });
  assert.deepEqual(take(), ['media Anna camera anna-channel', 'media Anna camera none']);
});

test('the same track comes back in another stream', () => {
  const { room, take } = record();
  const track = {};
  room.add(anna);
  room.add(ben);
  room.addTrack(track, camera);
  take();
  room.removeTrack(track, camera);
  room.addTrack(track, { id: 'ben-channel' });
  assert.deepEqual(take(), ['media Anna camera none', 'media Ben camera ben-channel']);
  // In the other order, as a browser may tell it.
  room.addTrack(track, camera);
  room.removeTrack(track, { id: 'ben-channel' });
  assert.deepEqual(take(), ['media Anna camera anna-channel', 'media Ben camera none']);
});

test('who left is told of once, and their tracks of no more', () => {
  const { room, take } = record();
  const track = {};
  room.add(anna);
  room.add(anna);
  room.addTrack(track, camera);
  room.remove(anna.channel_name);
  room.remove(anna.channel_name);
  room.removeTrack(track, camera);
  room.setFeatures(anna.channel_name, {});
  assert.deepEqual(take(), ['joined Anna', 'media Anna camera anna-channel', 'left Anna']);
  assert.deepEqual(room.participants, []);
});

test('all tracks go with their connection, the participants stay', () => {
  const { room, take } = record();
  room.add(anna);
  room.addTrack({}, camera);
  take();
  room.clearTracks();
  assert.deepEqual(take(), ['media Anna camera none']);
  room.addTrack({}, camera);
  assert.deepEqual(take(), ['media Anna camera anna-channel']);
});

test('reset leaves nothing of before', () => {
  const { room, take } = record();
  room.add(anna);
  room.addTrack({}, camera);
  room.setFeatures(anna.channel_name, {});
  take();
  room.reset([ben, anna]);
  assert.deepEqual(take(), ['reset ben-channel,anna-channel', 'joined Ben', 'joined Anna']);
});

test('the streams of audio slots are told by their number', () => {
  const { room, take } = record();
  const told = [];
  room.addEventListener('slot', ({ detail: { slot, stream } }) => told.push([slot, stream?.id ?? null]));
  const [first, second] = [{}, {}];
  room.addTrack(first, { id: 'slot.0' });
  room.addTrack(second, { id: 'slot.12' });
  for (const id of ['slot.', 'slot.x', 'slot.-1', 'slot.123', 'slot.1.screen']) room.addTrack({}, { id });
  room.removeTrack(first, { id: 'slot.0' });
  room.clearTracks();
  assert.deepEqual(told, [
    [0, 'slot.0'],
    [12, 'slot.12'],
    [0, null],
    [12, null],
  ]);
  assert.deepEqual(take(), []);
});

test('what there is of somebody can be asked for', () => {
  const { room } = record();
  room.add(anna);
  assert.deepEqual([room.participant('anna-channel'), room.participant('nobody')], [anna, null]);
  assert.deepEqual([room.stream('anna-channel', false), room.features('anna-channel')], [null, {}]);
  room.addTrack({}, camera);
  room.setFeatures('anna-channel', { audio: false });
  assert.equal(room.stream('anna-channel', false), camera);
  assert.equal(room.stream('anna-channel', true), null);
  assert.deepEqual(room.features('anna-channel'), { audio: false });
});

test('to say that one shares a screen does not make it one', () => {
  const { room } = record();
  room.add(anna);
  const there = (...kinds) => {
    const stream = { ...screen, getTracks: () => kinds.map((kind) => ({ kind })) };
    const track = {};
    room.addTrack(track, stream);
    const has = room.hasScreen('anna-channel');
    room.removeTrack(track, stream);
    return has;
  };
  room.setFeatures('anna-channel', { screen: true });
  assert.equal(room.hasScreen('anna-channel'), false);
  assert.deepEqual([there('audio'), there('audio', 'video')], [false, true]);
});

test('who shares a screen says so, or is seen to', () => {
  const { room } = record();
  room.add(anna);
  assert.equal(room.shares('anna-channel'), false);
  room.setFeatures('anna-channel', { screen: true });
  assert.equal(room.shares('anna-channel'), true);
  room.setFeatures('anna-channel', { screen: false });
  const track = {};
  room.addTrack(track, screen);
  assert.equal(room.shares('anna-channel'), true);
  room.removeTrack(track, screen);
  assert.equal(room.shares('anna-channel'), false);
});
