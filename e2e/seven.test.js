import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guests } from './harness/guests.js';
import { others, Scene } from './harness/scene.js';

test('seven people, two of them at browsers, see and hear each other', async (t) => {
  const scene = await Scene.open(t);
  const anna = await scene.person('Anna', await scene.browser('chromium'), 'seven');
  const dora = await scene.person('Dora', await scene.browser('firefox'), 'seven');
  await anna.join();
  const five = await guests(t, scene.server.url, 'seven', 5);
  await dora.join();
  const people = [anna, dora, ...five];
  for (const person of [anna, dora]) {
    await person.seesAndHears(others(people, person));
    const { created, header } = await person.look();
    assert.equal(created, 1, `connections that ${person.name} has made`);
    assert.equal(header, 'seven 7 people');
  }
});
