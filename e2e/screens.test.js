import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scene } from './harness/scene.js';
import { eventually } from './harness/wait.js';

/** In the page: the screen's line and which of its encodings are on. */
function shared() {
  const transceivers = window.e2e.connections.at(-1).getTransceivers();
  const { currentDirection, sender } = transceivers.find(({ sender }) => sender.getParameters().encodings.length === 2);
  const active = sender.getParameters().encodings.filter(({ active }) => active);
  return `${currentDirection} ${active.map(({ rid }) => rid).join()}`;
}

test('a screen that nobody looked at is seen when it is shared again', async (t) => {
  const scene = await Scene.open(t);
  const browser = await scene.browser('chromium');
  const missing = ['camera'];
  const display = { width: 640, height: 360, frameRate: 10 };
  const anna = await scene.person('Anna', browser, 'screens', { missing, display });
  const becomes = (want) =>
    eventually(`the screen is ${want}`, async () => {
      assert.equal(await anna.page.evaluate(shared), want);
      return true;
    });
  await anna.join();
  await anna.toggle('screen');
  await becomes('sendonly l,h');
  await becomes('sendonly '); // as there is nobody
  await anna.toggle('screen');
  await becomes('inactive l,h');
  await anna.toggle('screen');
  await becomes('sendonly l,h');

  const ben = await scene.person('Ben', browser, 'screens', { missing });
  await ben.join();
  const channel = `${await eventually('Ben knows Anna', () => ben.channelOf(anna))}.screen`;
  const frames = async () => (await ben.streams()).incoming.find((each) => each.channel === channel)?.frames ?? 0;
  const first = await eventually('Ben decodes the screen', async () => (await frames()) || false);
  await eventually('Ben goes on decoding the screen', async () => (await frames()) > first + 10);
  const paused = () => ben.page.evaluate(() => document.querySelector('figure.screen.paused') !== null);
  await eventually('Ben is not told that it is paused', async () => !(await paused()));
});
