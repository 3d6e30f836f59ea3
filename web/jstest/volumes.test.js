import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Volumes } from '../static/js/volumes.js';

test('volumes are those of people in the room', () => {
  const room = new EventTarget();
  const volumes = new Volumes(room);
  const heard = [];
  volumes.addEventListener('change', ({ detail: { id, volume } }) => heard.push(`${id} ${volume}`));
  assert.equal(volumes.get('anna'), 1);
  volumes.set('anna', 0.3);
  volumes.set('ben', 7);
  volumes.set('cleo', -1);
  assert.deepEqual(heard, ['anna 0.3', 'ben 1', 'cleo 0']);

  room.dispatchEvent(new CustomEvent('reset', { detail: { ids: ['anna'] } }));
  assert.deepEqual([volumes.get('anna'), volumes.get('cleo')], [0.3, 1]);
  room.dispatchEvent(new CustomEvent('left', { detail: { participant: { channel_name: 'anna' } } }));
  assert.equal(volumes.get('anna'), 1);
});
