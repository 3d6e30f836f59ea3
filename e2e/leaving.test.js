import assert from 'node:assert/strict';
import { test } from 'node:test';
import { everybodySeesEverybody, Scene } from './harness/scene.js';

const TIMES = Number(process.env.LEAVES ?? 1);

test('whoever goes, in whatever way, is gone for those who stay, and may come back', async (t) => {
  const scene = await Scene.open(t);
  const browser = await scene.browser('chromium');
  const stayers = [];
  for (const name of ['Anna', 'Ben']) stayers.push(await scene.person(name, browser, 'home'));
  const [anna, ben] = stayers;
  for (const person of stayers) await person.join();

  const gone = async () => {
    await Promise.all([anna.hasPanelsOf([ben]), ben.hasPanelsOf([anna])]);
    await everybodySeesEverybody(stayers);
  };
  const there = (leaver) => everybodySeesEverybody([...stayers, leaver]);
  const newcomer = async (name, another) => {
    const person = await scene.person(name, another, 'home');
    await person.join();
    await there(person);
    return person;
  };

  for (const kind of ['firefox', 'chromium']) {
    const another = await scene.browser(kind);
    const cleo = await newcomer('Cleo', another);
    await t.test(`by the button, in ${kind}`, async () => {
      for (let i = 0; i < TIMES; i++) {
        await cleo.leave();
        await gone();
        const { tiles, states } = await cleo.look();
        assert.deepEqual([tiles, states], [[], []]);
        await cleo.join();
        await there(cleo);
      }
    });
    await t.test(`by a reload, in ${kind}`, async () => {
      await cleo.page.reload();
      await gone();
      await cleo.join();
      await there(cleo);
    });
    if (kind === 'firefox') {
      await another.close();
      await gone();
      continue;
    }
    await t.test('to another room', async () => {
      const dora = await scene.person('Dora', another, 'away');
      await dora.join();
      await cleo.go('away');
      await gone();
      await cleo.join();
      await everybodySeesEverybody([cleo, dora]);
      await everybodySeesEverybody(stayers);
      await dora.close();
      await cleo.go('home');
      await cleo.join();
      await there(cleo);
    });
    await t.test('with a browser that stops without a word, after a while', async () => {
      another.freeze();
      await gone();
      // It wakes up, finds its socket closed, and joins again by itself.
      another.thaw();
      await there(cleo);
    });
    await t.test('with a tab that is closed', async () => {
      await cleo.close();
      await gone();
    });
    await t.test('with a browser that is killed', async () => {
      await newcomer('Cleo', another);
      another.kill();
      await gone();
    });
  }
  // Nobody else had to connect anew.
  for (const person of stayers) assert.equal((await person.look()).created, 1, person.name);
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
