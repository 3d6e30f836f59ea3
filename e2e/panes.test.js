// Chat, people, reactions and settings, and what axe-core says about every state of the pages.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { isAccessible } from './harness/axe.js';
import { CROWD, guests } from './harness/guests.js';
import { Scene } from './harness/scene.js';
import { eventually } from './harness/wait.js';

const scene = await Scene.open({ after });
const chromium = await scene.browser('chromium');

/** People in the call of a room, without devices: it is about words. @param {string} room @param {string[]} names */
async function gather(room, ...names) {
  const people = [];
  for (const name of names) {
    const person = await scene.person(name, chromium, room, { missing: ['camera', 'microphone'] });
    await person.join();
    people.push(person);
  }
  return people;
}

/** @param {import('./harness/person.js').Person[]} people */
function disperse(people) {
  return Promise.all(people.map((person) => person.close()));
}

test('what is written is read by all, and by one alone if it is for them', async () => {
  const [anna, ben, cleo] = await gather('Words', 'Anna', 'Ben', 'Cleo');
  await anna.press('#chat-button');
  await anna.say('See https://example.org/a?b=c&d <b>now</b>');
  await ben.reads('#chat-button .badge', '1');
  assert.equal(await ben.attribute('#chat-button', 'aria-label'), 'Chat, 1 new message');
  await ben.reads('#announcements', /Anna: See https/);
  await ben.press('#chat-button');
  await ben.sees('#chat-button .badge', false);
  await ben.reads('#chat-lines .text', 'See https://example.org/a?b=c&d <b>now</b>');
  const link = await ben.page.$eval('#chat-lines .text a', ({ href, rel, target }) => ({ href, rel, target }));
  assert.deepEqual(link, {
    href: 'https://example.org/a?b=c&d',
    rel: 'noopener noreferrer nofollow',
    target: '_blank',
  });
  assert.equal(await ben.page.$('#chat-lines .text b'), null);
  await anna.sees('#chat-lines li.own');
  await ben.sees('#chat-lines li.own', false);

  await anna.page.focus('#chat-to');
  const channel = await anna.channelOf(ben);
  await eventually('Ben can be chosen', () => anna.page.$(`#chat-to option[value="${channel}"]`).then(Boolean));
  await anna.page.select('#chat-to', channel);
  await anna.say('Only for you');
  await ben.reads('#chat-lines li.private .text', 'Only for you');
  await ben.reads('#chat-lines li.private .from', 'privately from Anna');
  await anna.reads('#chat-lines li.private .to', 'privately to Ben');
  await anna.page.select('#chat-to', '');
  await anna.say('For all again');
  await cleo.reads('#chat-button .badge', '2');
  assert.deepEqual((await cleo.chat()).slice(1), ['For all again']);

  const dora = await scene.person('Dora', chromium, 'Words', { missing: ['camera', 'microphone'] });
  await dora.join();
  await eventually('Dora reads what was written before', async () => (await dora.chat()).length === 2);
  assert.equal((await dora.chat()).at(-1), 'For all again');
  await disperse([anna, ben, cleo, dora]);
});

test('people are listed with what they do, and found by name', async () => {
  const [anna, ben] = await gather('Listed', 'Anna', 'Ben');
  const end = [];
  await guests({ after: (close) => end.push(close) }, scene.server.url, 'Listed', 2, CROWD);
  await anna.press('#people-button');
  await anna.reads('#people-title .count', '4');
  const lines = (person) =>
    person.page.$$eval('#people-list li:not([hidden]) .name', (all) => all.map(({ textContent }) => textContent));
  assert.deepEqual((await lines(anna)).sort(), ['Anna', 'Ben', 'Guest 1', 'Guest 2']);
  const line = `#people-list li[data-channel="${await anna.channelOf(ben)}"]`;
  await anna.sees(`${line} [data-state=muted]`);
  await anna.sees(`${line} [data-state=dark]`);
  await anna.sees('#people-list .self [data-state=host]');
  await ben.toggle('hand');
  await anna.sees(`${line} [data-state=hand]`);
  await ben.toggle('hand');
  await anna.sees(`${line} [data-state=hand]`, false);
  await anna.page.type('#people-search', 'guest');
  await eventually('only guests are listed', async () => (await lines(anna)).every((name) => name.startsWith('Guest')));
  await anna.page.type('#people-search', 'x');
  await anna.reads('#people .nobody', 'Nobody by that name.');
  await anna.page.keyboard.press('Escape');

  await ben.press('#reactions-button');
  await ben.press('#reactions [data-emoji="🎉"]');
  await anna.reads('#reactions-shown .reaction', '🎉Ben');
  await anna.reads('#announcements', /Ben/);
  for (const close of end) await close();
  await anna.hasPanelsOf([ben], 0);
  await disperse([anna, ben]);
});

test('what is chosen in the settings holds at once, and after a reload', async () => {
  const anna = await scene.person('Anna', chromium, 'Chosen');
  const ben = await scene.person('Ben', chromium, 'Chosen', { missing: ['camera', 'microphone'] });
  await anna.join();
  await ben.join();
  const active = async () => (await anna.streams()).outgoing.filter((each) => each.active).length;
  await ben.hasPanelsOf([anna]);
  await eventually('Anna sends the larger picture', async () => {
    const { outgoing } = await anna.streams();
    return outgoing.some(({ active: on, width }) => on && width === 480);
  });
  await anna.press('#settings-button');
  await anna.page.select('#settings [name=sendQuality]', 'low');
  await eventually('Anna sends the smaller one only', async () => {
    const widths = await ben.streams().then(({ incoming }) => incoming.map(({ width }) => width));
    return (await active()) === 1 && widths.every((width) => width === 240);
  });
  const theme = () => anna.attribute('html', 'data-theme');
  await anna.page.select('#theme', 'light');
  assert.equal(await theme(), 'light');
  const ground = () => anna.page.$eval('body', (body) => getComputedStyle(body).backgroundColor);
  const light = await ground();
  await anna.page.select('#theme', 'dark');
  assert.notEqual(await ground(), light);
  await anna.page.reload();
  assert.equal(await theme(), 'dark');
  await anna.press('#settings-button');
  assert.equal(await anna.page.$eval('#settings [name=sendQuality]', ({ value }) => value), 'low');
  await anna.page.select('#theme', '');
  assert.equal(await theme(), null);

  const speak = async (language) => {
    await anna.page.select('#language', language);
    await Promise.all([anna.page.waitForNavigation(), anna.page.click('#settings form [type=submit]')]);
    assert.equal(await anna.attribute('html', 'lang'), language);
  };
  await speak('de');
  await anna.reads('#call-button .when-join', 'Beitreten');
  await anna.join();
  await anna.reads('#call-button .when-leave', 'Verlassen');
  assert.equal(await anna.attribute('#toggle-hand', 'title'), 'Hand heben (H)');
  await anna.reads('#header .people', '2 Leute');
  await isAccessible(anna.page, 'a call in German');
  await anna.press('#settings-button');
  await speak('en');
  await anna.reads('#call-button .when-join', 'Join');
  await disperse([anna, ben]);
});

test('axe-core finds nothing on the way into a call', async (t) => {
  const { page } = await chromium.person('Ida');
  const everywhere = (state) => inBothThemes(page, state);
  await page.goto(`${scene.server.url}/login/?next=/r/Way/`);
  await everywhere('the login');
  await page.click('form[action="/login/"] [type=submit]');
  await page.waitForSelector('.error');
  await everywhere('the login, refused');
  await guests(t, scene.server.url, 'Elsewhere', 1, CROWD);
  const ida = await scene.person('Ida', chromium, 'Way');
  await ida.sees('#self:not(.no-video)');
  await ida.sees('#present .none');
  await inBothThemes(ida.page, 'the page before the call');
  await ida.page.goto(`${scene.server.url}/`);
  await ida.page.waitForSelector('.room-link');
  await inBothThemes(ida.page, 'the lobby');
  const gus = await scene.person('Gus', chromium, 'Elsewhere', { missing: ['camera', 'microphone'] });
  await gus.sees('#prejoin .problem');
  await gus.sees('#present .name');
  await inBothThemes(gus.page, 'the page before the call, without devices');
});

test('axe-core finds nothing in a call, whatever is open', async () => {
  const anna = await scene.person('Anna', chromium, 'Axe');
  const { page } = anna;
  const everywhere = (state) => inBothThemes(page, state);
  await anna.join();
  await anna.sees('#alone');
  await everywhere('the page of who is alone');
  const ben = await scene.person('Ben', chromium, 'Axe');
  await ben.join();
  await anna.seesAndHears([ben]);
  await ben.toggle('hand');
  await ben.toggle('cam');
  await anna.sees('.panel.hand.no-video');
  await anna.sees('#hands li');
  await everywhere('a call');
  await ben.press('#chat-button');
  await ben.say('See https://example.org');
  await anna.press('#chat-button');
  await anna.reads('#chat-lines .text', /example/);
  await anna.say('I see');
  await everywhere('the chat');
  await anna.press('#people-button');
  await everywhere('the people');
  await anna.press('#people-button');
  for (const [button, open] of Object.entries({
    '#mic-menu-button': '#mic-menu',
    '#cam-menu-button': '#cam-menu',
    '#view-button': '#view-menu',
    '#reactions-button': '#reactions',
    '#room-menu-button': '#room-menu',
    '.panel [data-action=menu]': '#tile-menu',
    '#settings-button': '#settings',
  })) {
    await anna.press(button);
    await anna.sees(open);
    await everywhere(open);
    await page.keyboard.press('Escape');
    await anna.sees(open, false);
  }
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press('?');
  await anna.sees('#help');
  await everywhere('the help');
  await page.keyboard.press('Escape');
  await anna.leave();
  await everywhere('the page after the call');
  await disperse([anna, ben]);
});

/** The other theme has the same elements in other colours. @param {import('puppeteer-core').Page} page @param {string} state */
async function inBothThemes(page, state) {
  const prefer = (value) => page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }]);
  await prefer('dark');
  await isAccessible(page, `${state}, dark`);
  await prefer('light');
  await isAccessible(page, `${state}, light`, ['color-contrast']);
}
