// Pictures of a call of four, for the README and to look at: node screenshot.js <directory>

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { everybodySeesEverybody, Scene } from './harness/scene.js';

const SIZES = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };

const directory = process.argv[2] ?? '.';
const ends = [];
const scene = await Scene.open({ after: (end) => ends.push(end) });
try {
  await mkdir(directory, { recursive: true });
  const browser = await scene.browser('chromium');
  const people = [];
  for (const name of ['Anna', 'Ben', 'Cleo', 'Dora']) people.push(await scene.person(name, browser, 'Kitchen'));
  const [anna, ben, , dora] = people;
  for (const [name, size] of Object.entries(SIZES)) {
    await anna.page.setViewport(size);
    await anna.page.screenshot({ path: join(directory, `before-${name}.png`) });
  }
  for (const person of people) await person.join();
  await everybodySeesEverybody(people);
  await ben.toggle('mic');
  await dora.toggle('cam');
  await anna.page.waitForSelector('.panel.no-video');
  await anna.page.waitForSelector('.panel.muted-audio');
  await anna.page.evaluate(() => Promise.all(document.getAnimations().map(({ finished }) => finished)));
  for (const [name, size] of Object.entries(SIZES)) {
    await anna.page.setViewport(size);
    await anna.page.bringToFront();
    await anna.page.screenshot({ path: join(directory, `call-${name}.png`) });
  }
} finally {
  for (const end of ends) await end();
}
