import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { Scene } from './harness/scene.js';
import { scratch } from './harness/scratch.js';
import { eventually } from './harness/wait.js';
import { writeSpeech } from './harness/voice.js';

/** A page of two others. */
const SMALL = { width: 320, height: 568 };

/** Until the page has followed, in ms; the server tells within 300. */
const FOLLOWING = 5000;

/** In the page: what it shows of who speaks, by name. */
function speaking() {
  const names = (selector) =>
    [...document.querySelectorAll(`#others > .panel${selector}`)].map(
      (panel) => panel.querySelector('figcaption .name').textContent,
    );
  const places = [...document.querySelectorAll('#others > .panel:not([hidden])')]
    .map((panel) => ({ panel, box: panel.getBoundingClientRect() }))
    .sort((a, b) => a.box.top - b.box.top || a.box.left - b.box.left);
  return {
    speaker: names('.speaker').join(),
    speaking: names('.speaking'),
    page: places.map(({ panel }) => panel.querySelector('figcaption .name').textContent),
    ring: names('.speaking:not([hidden])').length > 0,
  };
}

test('rings and the first page follow who speaks', async (t) => {
  const scene = await Scene.open(t);
  const path = join(await scratch(t), 'speech.wav');
  await writeSpeech(path);
  const missing = ['camera'];
  const anna = await scene.person('Anna', await scene.browser('chromium'), 'speakers', { missing, viewport: SMALL });
  await anna.toggle('mic');
  await anna.join();
  const people = {};
  for (const name of ['Ben', 'Cleo', 'Dora']) {
    const browser = await scene.browser('chromium', [`--use-file-for-fake-audio-capture=${path}`]);
    people[name] = await scene.person(name, browser, 'speakers', { missing });
    await people[name].toggle('mic'); // off: they are silent
    await people[name].join();
  }
  const look = () => anna.page.evaluate(speaking);
  await eventually('Anna is shown the first two', async () => (await look()).page.join() === 'Ben,Cleo');

  /** Somebody says something, and stops; the page is then this. */
  const speaks = async (name, page) => {
    await people[name].toggle('mic');
    const shown = async () => {
      const view = await look();
      assert.equal(view.speaker, name);
      assert.deepEqual(view.speaking, [name]);
      assert.deepEqual(view.page, page);
      assert.ok(view.ring);
      return true;
    };
    const begun = performance.now();
    await eventually(`${name} speaks and is seen to`, shown, FOLLOWING);
    t.diagnostic(`${name} was seen to speak after ${Math.round(performance.now() - begun)} ms`);
    await people[name].toggle('mic');
    const silent = async () => {
      const view = await look();
      assert.deepEqual(view.speaking, []);
      assert.equal(view.speaker, name, 'the last who spoke stays marked');
      return true;
    };
    await eventually(`${name} is silent and seen to be`, silent, FOLLOWING);
  };
  await speaks('Ben', ['Ben', 'Cleo']);
  await speaks('Dora', ['Ben', 'Dora']); // instead of Cleo, who said nothing; Ben stays where he is
  await speaks('Cleo', ['Cleo', 'Dora']); // Ben has been silent longer than Dora
  await speaks('Dora', ['Cleo', 'Dora']);
  await anna.toggle('mic'); // her fake microphone beeps
  await eventually('Anna sees that she speaks herself', () =>
    anna.page.$eval('#self', (self) => self.matches('.speaking')),
  );
});
