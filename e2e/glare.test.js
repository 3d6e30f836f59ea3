import assert from 'node:assert/strict';
import { test } from 'node:test';
import { everybodySeesEverybody, Scene } from './harness/scene.js';
import { eventually } from './harness/wait.js';

const TIMES = Number(process.env.GLARES ?? 200);

/**
 * In the page: adds a track at the given time, or takes the one added last away again.
 * @param {number} at milliseconds since the epoch
 * @param {boolean} adding
 */
async function change(at, adding) {
  await new Promise((resolve) => setTimeout(resolve, at - Date.now()));
  const connection = window.e2e.connections.at(-1);
  if (adding) {
    const { stream } = new AudioContext().createMediaStreamDestination();
    window.e2e.added = connection.addTransceiver(stream.getAudioTracks()[0], {
      direction: 'sendonly',
      streams: [stream],
    });
  } else {
    window.e2e.added.stop();
  }
}

/** In the page: whether all is agreed on, and nothing waits. */
function atRest() {
  const connection = window.e2e.connections.at(-1);
  const agreed = connection
    .getTransceivers()
    .every(({ direction, currentDirection, stopped }) => stopped || direction === currentDirection);
  return connection.signalingState === 'stable' && agreed;
}

test(`both sides change tracks at the same moment, ${TIMES} times, in Chromium and in Firefox`, async (t) => {
  const scene = await Scene.open(t);
  const people = [];
  for (const [name, kind] of [
    ['Anna', 'chromium'],
    ['Dora', 'firefox'],
  ]) {
    people.push(await scene.person(name, await scene.browser(kind), 'glare'));
  }
  for (const person of people) await person.join();
  await everybodySeesEverybody(people);

  for (let i = 0; i < TIMES; i++) {
    const adding = i % 2 === 0;
    // What one adds, the server offers to the other, who is making an offer too.
    const at = Date.now() + 60;
    await Promise.all(people.map(({ page }, k) => page.evaluate(change, at + k * ((i >> 1) % 12), adding)));
    for (const person of people) {
      await eventually(`${person.name} is at rest after change ${i}`, async () => {
        assert.equal((await person.look()).receiving, adding ? 3 : 2);
        return person.page.evaluate(atRest);
      });
    }
  }

  for (const { name, page } of people) {
    const glares = await page.evaluate(() => window.e2e.glares);
    t.diagnostic(`${name}: ${glares} glares`);
    assert.ok(glares >= TIMES / 20, `only ${glares} of the changes of ${name} met one of the server`);
  }
  await everybodySeesEverybody(people);
  for (const person of people) assert.equal((await person.look()).created, 1, `${person.name} had to reset`);
});
