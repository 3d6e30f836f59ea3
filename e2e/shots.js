// Pictures of every state of the page, to look at: node shots.js <directory> [part of a name]

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CROWD, guests } from './harness/guests.js';
import { everybodySeesEverybody, Scene } from './harness/scene.js';

const SIZES = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };
const THEMES = ['dark', 'light'];
const SCREEN = { width: 1280, height: 720, frameRate: 5 };

const [directory = '.', only = ''] = process.argv.slice(2);
const ends = [];
const later = { after: (end) => ends.push(end) };
await mkdir(directory, { recursive: true });
const scene = await Scene.open(later);
const { url } = scene.server;

/**
 * @param {import('puppeteer-core').Page} page
 * @param {string} name
 * @param {() => Promise<void>} [settled] once more for each size
 */
async function shoot(page, name, settled = async () => {}) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewport(viewport);
    for (const theme of THEMES) {
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }]);
      await page.bringToFront();
      await settled();
      await page.evaluate(() => Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => {}))));
      await page.screenshot({ path: join(directory, `${name}-${size}-${theme}.png`) });
    }
  }
}

/** @type {Record<string, (browser: import('./harness/browsers.js').Browser) => Promise<void>>} */
const STATES = {
  async entry(browser) {
    const { page } = await browser.person('Ida');
    await page.goto(`${url}/login/?next=/r/Kitchen/`);
    await shoot(page, 'login');
    await page.click('form[action="/login/"] [type=submit]');
    await page.waitForSelector('.error');
    await shoot(page, 'login-refused');
    await guests(later, url, 'Garden', 3, CROWD);
    await guests(later, url, 'Standup', 2, CROWD);
    const ida = await scene.person('Ida', browser, 'Kitchen');
    await ida.page.goto(`${url}/`);
    await shoot(ida.page, 'lobby');
  },

  async prejoin(browser) {
    await guests(later, url, 'Kitchen', 3, CROWD);
    const anna = await scene.person('Anna', browser, 'Kitchen');
    await anna.page.waitForSelector('#self:not(.no-video)');
    await anna.page.waitForSelector('#present :is(li, [class*=avatar])');
    await shoot(anna.page, 'prejoin');
    const ben = await scene.person('Ben', browser, 'Kitchen', { missing: ['camera', 'microphone'] });
    await ben.page.waitForSelector('#prejoin .problem');
    await shoot(ben.page, 'prejoin-without');
  },

  async diagnostics(browser) {
    const anna = await scene.person('Anna', browser, 'Kitchen', { concealed: true });
    await anna.page.goto(`${url}/diagnostics/`);
    await shoot(anna.page, 'diagnostics-before');
    await anna.page.click('#start');
    await anna.page.waitForSelector('[data-row=camera][data-state=running]');
    await anna.page.screenshot({ path: join(directory, 'diagnostics-running.png') });
    await anna.page.waitForSelector('main[data-state=done]', { timeout: 60_000 });
    await shoot(anna.page, 'diagnostics-good');
    const ben = await scene.person('Ben', browser, 'Kitchen', { refused: { camera: ['NotAllowedError'] } });
    await ben.page.goto(`${url}/diagnostics/`);
    await ben.page.click('#start');
    await ben.page.waitForSelector('main[data-state=done]', { timeout: 60_000 });
    await shoot(ben.page, 'diagnostics-denied');
  },

  async trouble(browser) {
    const closed = await Scene.open(later, { flags: ['--announce', '127.0.0.1:1999', '--public-host', '192.0.2.1'] });
    const anna = await closed.person('Anna', browser, 'Kitchen', { concealed: true });
    await anna.page.waitForSelector('#prejoin .trouble', { visible: true });
    await shoot(anna.page, 'prejoin-trouble');
    await anna.page.goto(`${closed.server.url}/diagnostics/`);
    await anna.page.click('#start');
    await anna.page.waitForSelector('main[data-state=done]', { timeout: 60_000 });
    await shoot(anna.page, 'diagnostics-no-media');
  },

  async admin(browser) {
    const token = 'a token of the shots';
    const watched = await Scene.open(later, { flags: ['--admin-token', token, '--egress-limit', '200M'] });
    const page = await browser.page();
    await page.goto(`${watched.server.url}/admin/`);
    await shoot(page, 'admin-login');
    await page.type('#token', token);
    await Promise.all([page.waitForNavigation(), page.click('main form [type=submit]')]);
    await shoot(page, 'admin-nobody');
    await guests(later, watched.server.url, 'Garden', 4, CROWD);
    const anna = await watched.person('Anna', browser, 'Kitchen');
    const ben = await watched.person('Ben', browser, 'Kitchen');
    await anna.join();
    await ben.join();
    await everybodySeesEverybody([anna, ben]);
    await page.waitForSelector('.chip.good');
    await shoot(page, 'admin');
    await Promise.all([page.waitForNavigation(), page.click('section:last-of-type tbody .person')]);
    await shoot(page, 'admin-details', () => page.waitForSelector('.details'));
    await Promise.all([page.waitForNavigation(), page.click('section:last-of-type .do a')]);
    await shoot(page, 'admin-remove');
  },

  async few(browser) {
    const people = [];
    for (const name of ['Anna', 'Ben', 'Cleo', 'Dora'])
      people.push(await scene.person(name, browser, 'Few', { display: SCREEN }));
    const [anna, ben, cleo, dora] = people;
    await anna.join();
    await anna.page.waitForSelector('#alone');
    await shoot(anna.page, '1');
    await ben.join();
    await shoot(anna.page, '2', () => anna.seesShown(1));
    await cleo.join();
    await dora.join();
    await everybodySeesEverybody(people);
    await ben.toggle('mic');
    await dora.toggle('cam');
    await anna.page.waitForSelector('.panel.no-video');
    await anna.page.waitForSelector('.panel.muted-audio');
    await shoot(anna.page, '4', () =>
      anna.page.waitForFunction(() => document.querySelectorAll('.panel:not([hidden])').length === 3),
    );
    await anna.press('#people-button');
    await shoot(anna.page, 'people');
    await anna.press('#people-button');
    await say(ben, 'Hello everybody! The agenda is at https://example.org/agenda');
    await say(ben, 'Shall we begin?');
    await say(anna, 'Two minutes: Cleo looks for her headset.');
    await say(cleo, 'Found it, here I am.');
    await anna.press('#chat-button');
    await shoot(anna.page, 'chat');
    await anna.press('#chat-button');
    await cleo.toggle('screen');
    await anna.page.waitForSelector('.panel .screen');
    await shoot(anna.page, 'screen', () => anna.page.waitForSelector('.panel:not([hidden]) .screen'));
    await cleo.toggle('screen');
    await anna.press('#settings-button');
    await anna.page.waitForSelector('#settings[open]');
    await shoot(anna.page, 'settings');
    await anna.page.keyboard.press('Escape');
    await anna.press('#view-button');
    await anna.press('#view-menu .statistics');
    await shoot(anna.page, 'statistics');
  },

  async crowd(browser) {
    const eve = await scene.person('Eve', browser, 'Nine');
    await eve.join();
    await guests(later, url, 'Nine', 8, CROWD);
    await shoot(eve.page, '9', () => eve.page.waitForSelector('.panel:not([hidden])'));
    const fred = await scene.person('Fred', browser, 'Hall');
    await fred.toggle('mic');
    await fred.join();
    const [talker] = await guests(later, url, 'Hall', 24, CROWD);
    talker.talk();
    const gus = await scene.person('Gus', browser, 'Hall');
    await gus.joinAsViewer();
    await gus.toggle('hand');
    await fred.page.bringToFront();
    await fred.page.waitForSelector('.panel.speaker');
    await fred.page.waitForSelector('#hands li');
    await shoot(fred.page, '25');
  },

  async lost(browser) {
    const anna = await scene.person('Anna', browser, 'Lost');
    const ben = await scene.person('Ben', browser, 'Lost');
    await anna.join();
    await ben.join();
    await everybodySeesEverybody([anna, ben]);
    await scene.server.kill();
    await shoot(anna.page, 'reconnecting', () => anna.page.waitForSelector('#connection:not([hidden])'));
    await scene.server.revive();
  },
};

/** @param {import('./harness/person.js').Person} person @param {string} text */
async function say({ page }, text) {
  await page.bringToFront();
  if (!(await page.$('#side:not([hidden]) #chat'))) await page.click('#chat-button');
  await page.waitForSelector('#chat textarea', { visible: true });
  await page.type('#chat textarea', text);
  await page.keyboard.press('Enter');
  await page.waitForFunction((said) => document.querySelector('#chat-lines')?.textContent.includes(said), {}, text);
  await page.click('#chat-button');
}

try {
  for (const [name, take] of Object.entries(STATES)) {
    if (!name.includes(only)) continue;
    const browser = await scene.browser('chromium');
    await take(browser);
    await browser.close();
  }
} finally {
  for (const end of ends.reverse()) await end();
}
