import assert from 'node:assert/strict';
import { test } from 'node:test';
import { everybodySeesEverybody, Scene } from './harness/scene.js';
import { eventually } from './harness/wait.js';

test('three Chromium and one Firefox see and hear each other, over one connection each', async (t) => {
  const scene = await Scene.open(t);
  const people = [];
  for (const [name, kind] of [
    ['Anna', 'chromium'],
    ['Ben', 'chromium'],
    ['Cleo', 'chromium'],
    ['Dora', 'firefox'],
  ]) {
    people.push(await scene.person(name, await scene.browser(kind), 'four'));
  }
  for (const person of people) await person.join();
  await everybodySeesEverybody(people);
  for (const person of people) {
    const { created, header, button } = await person.look();
    assert.equal(created, 1, `connections that ${person.name} has made`);
    assert.equal(header, 'four 4 people');
    assert.equal(button, 'leave');
  }
});

test('camera and microphone are switched off and on, and the others see it', async (t) => {
  const scene = await Scene.open(t);
  const browser = await scene.browser('chromium');
  const anna = await scene.person('Anna', browser, 'switches');
  const ben = await scene.person('Ben', browser, 'switches');
  await anna.join();
  await ben.join();
  await everybodySeesEverybody([anna, ben]);
  const shows = (classes) =>
    eventually(`Ben sees Anna marked "${classes}"`, async () => {
      const [tile] = (await ben.look()).tiles;
      return tile.classes.filter((name) => ['no-video', 'muted-audio'].includes(name)).join(' ') === classes;
    });
  await shows('');
  await anna.toggle('cam');
  await shows('no-video');
  await anna.toggle('mic');
  await shows('no-video muted-audio');
  await anna.toggle('mic');
  await anna.toggle('cam');
  await shows('');
  await everybodySeesEverybody([anna, ben]);
  assert.equal((await anna.look()).created, 1);
});

test('without camera or microphone one watches, and can switch on later', async (t) => {
  const scene = await Scene.open(t);
  const browser = await scene.browser('chromium');
  const anna = await scene.person('Anna', browser, 'watching');
  const ben = await scene.person('Ben', browser, 'watching', { missing: ['camera', 'microphone'] });
  const cleo = await scene.person('Cleo', browser, 'watching');
  await cleo.toggle('cam');
  await cleo.toggle('mic');
  await cleo.go('watching'); // it is remembered: neither is opened
  await anna.join();
  await ben.join();
  await cleo.join();
  await ben.hasPanelsOf([anna, cleo], 1); // two of Anna's, none of Cleo's
  assert.match((await ben.look()).notice, /^Camera and microphone are not connected\. You can watch and listen\./);
  await cleo.toggle('cam');
  await cleo.toggle('mic');
  await ben.seesAndHears([anna, cleo]);
  assert.deepEqual((await anna.look()).states, ['connected']);
});
