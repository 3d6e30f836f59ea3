// The operator's page.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAccessible } from './harness/axe.js';
import { everybodySeesEverybody, Scene } from './harness/scene.js';
import { eventually, PATIENCE } from './harness/wait.js';

const TOKEN = 'a token of the tests';

/** Submits the form, and waits for what comes then. @param {import('puppeteer-core').Page} page */
function submit(page) {
  return Promise.all([page.waitForNavigation(), page.click('main form [type=submit]')]);
}

test('the operator sees two people with their figures, and removes one', async (t) => {
  const scene = await Scene.open(t, { flags: ['--admin-token', TOKEN] });
  const browser = await scene.browser('chromium');
  const anna = await scene.person('Anna', browser, 'Watched');
  const ben = await scene.person('Ben', browser, 'Watched');
  await anna.join();
  await ben.join();
  await everybodySeesEverybody([anna, ben]);

  const page = await browser.page();
  page.setDefaultTimeout(PATIENCE);
  await page.goto(`${scene.server.url}/admin/`);
  await isAccessible(page, 'the form for the token');
  await page.type('#token', TOKEN);
  await submit(page);

  /** What the row of somebody says, by the head of its columns. */
  const row = (name) =>
    page.evaluate((who) => {
      const rows = [...document.querySelectorAll('.room tbody tr:not(.details)')];
      const found = rows.find((each) => each.querySelector('.name').textContent === who);
      const cells = [...(found?.querySelectorAll('[data-label]') ?? [])];
      return Object.fromEntries(cells.map(({ dataset, textContent }) => [dataset.label, textContent.trim()]));
    }, name);
  for (const { name } of [anna, ben]) {
    await eventually(`the operator sees the figures of ${name}`, async () => {
      const figures = await row(name); // which come anew, without the page
      assert.equal(figures.Path, 'UDP');
      assert.match(figures['Round trip'], /^\d+ ms$/);
      assert.match(figures['Lost up / down'], /^[\d.]+ % \/ [\d.]+ %$/);
      assert.match(figures.Sends, /^\d+(\.\d)? [kM]bit\/s$/);
      assert.match(figures.Gets, /^\d+(\.\d)? [kM]bit\/s of /);
      assert.match(figures.Pictures, /^1 /);
      return true;
    });
  }
  const before = await page.$eval('.facts time', ({ dateTime }) => dateTime);
  await page.waitForFunction((then) => document.querySelector('.facts time').dateTime !== then, {}, before);

  const link = '.room tbody tr:nth-of-type(2) .person';
  await Promise.all([page.waitForNavigation(), page.click(link)]);
  await page.waitForSelector('.details .sends .layers li');
  assert.match(
    await page.$eval('.details', ({ textContent }) => textContent),
    /Microphone[^]*opus[^]*Camera[^]*vp8[^]*Anna/,
  );
  for (const theme of ['light', 'dark']) {
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }]);
    await isAccessible(page, `the operator's page, ${theme}`);
  }
  await Promise.all([page.waitForNavigation(), page.click('[aria-label="Remove Ben"]')]);
  await isAccessible(page, 'the question whether somebody is to be removed');
  await submit(page);
  await ben.reads('#notice', 'A host has removed you from this room.');
  await anna.hasPanelsOf([]);
  await page.waitForFunction(() => document.querySelectorAll('.room tbody tr').length === 1);
  assert.match(await page.$eval('.events', ({ textContent }) => textContent), /Ben was removed from Watched/);
  await ben.press('#call-button.join');
  await ben.reads('#notice', /removed you/);

  await Promise.all([page.waitForNavigation(), page.click('.bar [type=submit]')]);
  await page.waitForSelector('#token');
});
