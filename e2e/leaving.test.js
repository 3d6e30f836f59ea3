import assert from 'node:assert/strict';
import { test } from 'node:test';
import { everybodySeesEverybody, Scene } from './harness/scene.js';

/** Anna and Ben in one browser, Cleo in another of her own; all in the call. */
async function threeInCall(t, room, kind = 'chromium') {
  const scene = await Scene.open(t);
  const browser = await scene.browser('chromium');
  const anna = await scene.person('Anna', browser, room);
  const ben = await scene.person('Ben', browser, room);
  const cleo = await scene.person('Cleo', await scene.browser(kind), room);
  for (const person of [anna, ben, cleo]) await person.join();
  await everybodySeesEverybody([anna, ben, cleo]);
  return { scene, anna, ben, cleo };
}

for (const kind of ['chromium', 'firefox']) {
  test(`leaving by the button and joining again, in ${kind}`, async (t) => {
    const { anna, ben, cleo } = await threeInCall(t, 'button', kind);
    for (let i = 0; i < 3; i++) {
      await cleo.leave();
      await Promise.all([anna.hasPanelsOf([ben]), ben.hasPanelsOf([anna])]);
      const { tiles, states } = await cleo.look();
      assert.deepEqual([tiles, states], [[], []]);
      await everybodySeesEverybody([anna, ben]);
      await cleo.join();
      await everybodySeesEverybody([anna, ben, cleo]);
    }
    // Nobody else had to connect anew.
    assert.deepEqual([(await anna.look()).created, (await ben.look()).created], [1, 1]);
  });
}

test('a closed tab', async (t) => {
  const { anna, ben, cleo } = await threeInCall(t, 'tab');
  await ben.close();
  await Promise.all([anna.hasPanelsOf([cleo]), cleo.hasPanelsOf([anna])]);
  await everybodySeesEverybody([anna, cleo]);
});

test('a browser that is killed', async (t) => {
  const { anna, ben, cleo } = await threeInCall(t, 'killed');
  cleo.browser.kill();
  await Promise.all([anna.hasPanelsOf([ben]), ben.hasPanelsOf([anna])]);
  await everybodySeesEverybody([anna, ben]);
});

test('a browser that stops without a word is gone after a while', async (t) => {
  const { anna, ben, cleo } = await threeInCall(t, 'frozen');
  cleo.browser.freeze();
  await Promise.all([anna.hasPanelsOf([ben]), ben.hasPanelsOf([anna])]);
  await everybodySeesEverybody([anna, ben]);
  // It wakes up, finds its socket closed, and joins again by itself.
  cleo.browser.thaw();
  await everybodySeesEverybody([anna, ben, cleo]);
});

for (const kind of ['chromium', 'firefox']) {
  test(`a reload, in ${kind}`, async (t) => {
    const { anna, ben, cleo } = await threeInCall(t, 'reload', kind);
    await cleo.page.reload();
    await Promise.all([anna.hasPanelsOf([ben]), ben.hasPanelsOf([anna])]);
    await cleo.join();
    await everybodySeesEverybody([anna, ben, cleo]);
  });
}

test('going to another room', async (t) => {
  const { scene, anna, ben, cleo } = await threeInCall(t, 'first');
  const dora = await scene.person('Dora', cleo.browser, 'second');
  await dora.join();
  await cleo.go('second');
  await Promise.all([anna.hasPanelsOf([ben]), ben.hasPanelsOf([anna])]);
  await cleo.join();
  await everybodySeesEverybody([cleo, dora]);
  await everybodySeesEverybody([anna, ben]);
});

test('two rooms never mix', async (t) => {
  const scene = await Scene.open(t);
  const browser = await scene.browser('chromium');
  const [red, blue] = [[], []];
  for (const name of ['Anna', 'Ben']) red.push(await scene.person(name, browser, 'red'));
  for (const name of ['Cleo', 'Dora']) blue.push(await scene.person(name, browser, 'blue'));
  // Joining in turns, each sees only those of their own room at every moment.
  for (const person of [red[0], blue[0], red[1], blue[1]]) await person.join();
  await everybodySeesEverybody(red);
  await everybodySeesEverybody(blue);
  await red[0].leave();
  await everybodySeesEverybody(blue);
  await red[1].hasPanelsOf([]);
  await red[0].join();
  await everybodySeesEverybody(red);
  for (const person of [...red, ...blue]) assert.equal((await person.look()).receiving, 2);
});
