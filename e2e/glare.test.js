import assert from 'node:assert/strict';
import { test } from 'node:test';
import { everybodySeesEverybody, Scene } from './harness/scene.js';
import { PATIENCE, within } from './harness/wait.js';

const TIMES = Number(process.env.GLARES ?? 5);

/**
 * In the page: defines `e2e.change`, which adds a track or takes the one added last away again, and `e2e.meet`, which
 * does so at the moment when the next offer of the server arrives: that is held back until one's own has been made, as
 * a slower network would.
 */
function prepare() {
  const connection = window.e2e.connections.at(-1);
  let added;
  window.e2e.change = (adding) => {
    if (adding) {
      const track = connection
        .getSenders()
        .find(({ track }) => track?.kind === 'audio')
        .track.clone();
      added = connection.addTransceiver(track, { direction: 'sendonly', streams: [new MediaStream([track])] });
    } else {
      added.sender.track.stop();
      added.stop();
    }
  };
  const offered = () =>
    new Promise((resolve) => {
      const look = () => connection.signalingState === 'have-local-offer' && resolve();
      connection.addEventListener('signalingstatechange', look);
      look();
    });
  window.e2e.meet = (adding) => {
    const room = document.querySelector('#room');
    room.addEventListener(
      'htmx:ws:before:message:incoming',
      function meet({ detail }) {
        if (!/"type":"offer"/.test(detail.message.data)) return;
        room.removeEventListener('htmx:ws:before:message:incoming', meet, true);
        window.e2e.change(adding);
        detail.waitUntil(offered());
      },
      true,
    );
  };
}

/**
 * In the page: resolves when nothing is being negotiated, everything that is sent has been, and so many tracks come in.
 * It looks often, because it is waited for hundreds of times.
 * @param {number} receiving
 */
async function rest(receiving) {
  const connection = window.e2e.connections.at(-1);
  const atRest = () => {
    const sending = connection.getTransceivers().filter(({ sender, stopped }) => sender.track && !stopped);
    const done = sending.every((each) => /send/.test(each.currentDirection ?? ''));
    const present = [...document.querySelectorAll('#others > .panel')].map(({ dataset }) => dataset.channel);
    const tracks = [...window.e2e.streams]
      .filter(([{ id }, from]) => from === connection && present.includes(id.replace(/\.screen$/, '')))
      .reduce((total, [stream]) => total + stream.getTracks().length, 0);
    return connection.signalingState === 'stable' && done && tracks === receiving;
  };
  while (!atRest()) await new Promise((resolve) => setTimeout(resolve, 10));
}

test(`both sides change tracks at the same moment, ${TIMES} times, in Chromium and in Firefox`, async (t) => {
  const scene = await Scene.open(t);
  const chromium = await scene.browser('chromium');
  const anna = await scene.person('Anna', chromium, 'glare');
  const dora = await scene.person('Dora', await scene.browser('firefox'), 'glare');
  const cleo = await scene.person('Cleo', chromium, 'glare');
  const all = [anna, dora, cleo];
  for (const person of all) await person.join();
  await everybodySeesEverybody(all);
  for (const { page } of all) await page.evaluate(prepare);

  const glares = ({ page }) => page.evaluate(() => window.e2e.glares);
  const fewest = async () => Math.min(await glares(anna), await glares(dora));
  // Each sees two pictures (and hears in slots); what is added counts as the sound of a screen.
  // Pairs of changes, nearly all of which are glares, some twice over.
  for (let i = 1; i % 2 === 0 || (await fewest()) < TIMES; i++) {
    const adding = i % 2 === 1;
    assert.ok(i <= 2 * TIMES, `only ${await fewest()} glares after ${i} changes`);
    for (const { page } of [anna, dora]) await page.evaluate((add) => window.e2e.meet(add), adding);
    // Which the server offers to the two others.
    await cleo.page.evaluate((add) => window.e2e.change(add), adding);
    const resting = all.map(({ name, page }) =>
      within(page.evaluate(rest, adding ? 4 : 2), PATIENCE, `${name} is at rest after change ${i}`),
    );
    await Promise.all(resting);
  }

  await everybodySeesEverybody(all);
  for (const person of all) {
    assert.equal((await person.look()).created, 1, `${person.name} had to reset`);
    t.diagnostic(`${person.name}: ${await glares(person)} glares`);
  }
});
