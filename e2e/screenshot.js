// Pictures of a call of four and of one of thirty, for the README and to look at: node screenshot.js <directory>

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CROWD, guests } from './harness/guests.js';
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
  const eve = await scene.person('Eve', browser, 'Hall', { viewport: SIZES.desktop }); // the host
  await eve.toggle('mic');
  await eve.join();
  const [talker] = await guests({ after: (end) => ends.push(end) }, scene.server.url, 'Hall', 29, CROWD);
  talker.talk();
  const fred = await scene.person('Fred', browser, 'Hall');
  await fred.joinAsViewer();
  await fred.page.click('#toggle-hand');
  await eve.page.bringToFront();
  await eve.page.waitForSelector('.panel.speaker');
  await eve.page.waitForSelector('#hands li');
  for (const [name, size] of Object.entries(SIZES)) {
    await eve.page.setViewport(size);
    await eve.page.bringToFront();
    await eve.seesShown(name === 'desktop' ? 9 : 5);
    await eve.page.screenshot({ path: join(directory, `crowd-${name}.png`) });
  }
} finally {
  for (const end of ends) await end();
}
