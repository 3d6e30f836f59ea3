import './english.js';

import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { newsOfComings, tellComings } from '../static/js/comings.js';
import { Room } from '../static/js/room.js';

/** @param {string} name */
const person = (name) => ({ channel_name: name, user_name: name, short_name: `peer-${name}` });

test('who comes and goes is told, several together, and nobody who was there', (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const room = new Room();
  /** @type {string[]} */
  const told = [];
  tellComings(room, (text) => told.push(text));
  room.reset([person('Ann'), person('Ben')]);
  mock.timers.tick(5000);
  assert.deepEqual(told, []);
  room.add(person('Cleo'));
  room.remove('Ann');
  room.add(person('Dora'));
  room.remove('Dora'); // gone before anybody was told
  mock.timers.tick(1000);
  assert.deepEqual(told.splice(0), ['Cleo has joined.', 'Ann has left.']);
  for (const name of ['E', 'F', 'G', 'H']) room.add(person(name));
  room.reset([]); // of a stay that is over
  mock.timers.tick(5000);
  assert.deepEqual(told, []);
});

test('of many only the number is told', () => {
  assert.deepEqual(newsOfComings(['A', 'B', 'C', 'D'], ['E']), ['4 people have joined.', 'E has left.']);
});
