import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CROWD, guests } from './harness/guests.js';
import { Scene } from './harness/scene.js';
import { eventually, sleep } from './harness/wait.js';

const GUESTS = 30;
const SHOWN = 9;
const SLOTS = 6;
const DESKTOP = { width: 1440, height: 900 };

/** Until the pictures of another page have begun, in ms; browsers that decode in software share two cores with the rest. */
const TURNING = 5000;

/** A picture that is shown no more is taken out of the description after 3 s. */
const GRACE = 8000; // ms

test(`among ${GUESTS} guests a page carries what it shows`, async (t) => {
  const scene = await Scene.open(t);
  const room = 'crowd';
  const [talker] = await guests(t, scene.server.url, room, GUESTS, CROWD);
  talker.talk();
  const people = [];
  for (const [name, kind] of [
    ['Anna', 'chromium'],
    ['Dora', 'firefox'],
  ]) {
    people.push(await scene.person(name, await scene.browser(kind), room, { viewport: DESKTOP }));
  }
  for (const person of people) {
    await person.toggle('mic'); // one guest is who speaks
    await person.join();
  }
  for (const person of people) {
    await t.test(`${person.name} sees ${SHOWN} of ${GUESTS + 1}, and hears the slots`, () =>
      carriesWhatItShows(person),
    );
    await t.test(`${person.name} turns the pages`, (part) => turnsPages(part, person));
  }
  for (const person of people) {
    const { created, states, errors, tiles } = await person.look();
    assert.deepEqual([created, states, errors], [1, ['connected'], []], person.name);
    assert.equal(tiles.length, GUESTS + 1);
  }
});

/** The channels of those on the page. @param {import('./harness/person.js').Person} person */
async function shownTo(person) {
  const { tiles } = await person.look();
  return tiles.filter(({ shown }) => shown).map(({ channel }) => channel);
}

/** @param {import('./harness/person.js').Person} person */
async function carriesWhatItShows(person) {
  await person.seesShown(SHOWN);
  await eventually(`${person.name} gets the pictures that are shown, and no more`, async () => {
    const { pictures, sounds, slots } = await person.described();
    assert.deepEqual(pictures.sort(), (await shownTo(person)).sort());
    assert.deepEqual(sounds, []);
    assert.ok(slots.length > 0 && slots.length <= SLOTS, `${slots.length} slots`);
    return true;
  });
  const playing = () =>
    person.page.evaluate(() => {
      const players = [...document.querySelectorAll('#slots audio')];
      const hidden = document.querySelectorAll('.panel[hidden] video');
      return {
        players: players.filter(({ srcObject, paused }) => srcObject && !paused).length,
        heard: players.filter(({ dataset }) => dataset.channel).length,
        streams: [...hidden].filter(({ srcObject }) => srcObject).length,
      };
    });
  await eventually(`${person.name} hears the slots`, async () => {
    const { players, heard, streams } = await playing();
    assert.ok(players > 0 && players <= SLOTS && heard > 0, `${players} players, ${heard} of them somebody's`);
    assert.equal(streams, 0, 'hidden tiles with a stream');
    return true;
  });
}

/**
 * @param {import('node:test').TestContext} t
 * @param {import('./harness/person.js').Person} person
 */
async function turnsPages(t, person) {
  const first = await shownTo(person);
  const pages = await person.page.$eval('#pages .which', ({ textContent }) => textContent);
  assert.equal(pages, `1 of ${Math.ceil((GUESTS + 1) / SHOWN)}`);
  const turned = performance.now();
  await person.press('#pages .next');
  const second = (await person.seesShown(SHOWN, TURNING)).map(({ channel }) => channel);
  t.diagnostic(`another page is there after ${Math.round(performance.now() - turned)} ms`);
  assert.ok(
    second.every((channel) => !first.includes(channel)),
    'others are on the second page',
  );
  const settled = async () => {
    const { pictures } = await person.described();
    assert.deepEqual(pictures.sort(), second.sort());
    return true;
  };
  await eventually(`${person.name} gets the pictures of the second page only`, settled, GRACE);
  await person.page.keyboard.press('PageUp');
  await person.seesShown(SHOWN, TURNING);
  const again = await shownTo(person);
  const moved = first.filter((channel) => !again.includes(channel));
  assert.ok(moved.length <= 1, 'the first page is as it was, but for who speaks now');
}

test('a page of a crowd keeps its main thread free', async (t) => {
  const scene = await Scene.open(t);
  const [talker] = await guests(t, scene.server.url, 'busy', GUESTS, CROWD);
  talker.talk();
  const anna = await scene.person('Anna', await scene.browser('chromium'), 'busy', { viewport: DESKTOP });
  await anna.join();
  await anna.seesShown(SHOWN);
  const session = await anna.page.createCDPSession();
  await session.send('Performance.enable');
  const busy = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    const value = (name) => metrics.find((metric) => metric.name === name).value;
    return { tasks: value('TaskDuration'), time: value('Timestamp') };
  };
  const before = await busy();
  await sleep(10_000); // that is what is measured
  const after = await busy();
  const share = (after.tasks - before.tasks) / (after.time - before.time);
  t.diagnostic(`the main thread is busy for ${(100 * share).toFixed(1)} % of the time`);
  assert.ok(share <= 0.25, `${share}`);
});

/** One more than there is room for on three pages: the last has one person. */
const ONE_MORE = 3 * SHOWN + 1;

test('nothing that a person holds is taken away, and nothing is done twice', async (t) => {
  const scene = await Scene.open(t);
  const crowd = await guests(t, scene.server.url, 'held', ONE_MORE, CROWD);
  const anna = await scene.person('Anna', await scene.browser('chromium'), 'held', { viewport: DESKTOP });
  await anna.join();
  await anna.seesShown(SHOWN);
  await t.test('a page that is turned is arranged once', () => arrangesOnce(anna));
  await t.test('a tile has no listeners left of the times it was shown', () => leavesNoListeners(anna));
  await t.test('the tile with the focus stays when somebody else speaks', () => keepsTile(anna, crowd));
  await t.test('the buttons keep the focus, and only turning is told of', () => keepsButton(anna));
  await t.test('a picture in a window of its own goes on while its tile is on another page', () => floats(anna));
});

/** @param {import('./harness/person.js').Person} anna */
async function arrangesOnce(anna) {
  await anna.page.evaluate(() => {
    const { dispatchEvent } = EventTarget.prototype;
    window.counts = {};
    EventTarget.prototype.dispatchEvent = function (event) {
      window.counts[event.type] = (window.counts[event.type] ?? 0) + 1;
      return dispatchEvent.call(this, event);
    };
  });
  await anna.press('#pages .next');
  await anna.seesShown(SHOWN);
  const { arranged, media } = await anna.page.evaluate(() => ({ ...window.counts }));
  await anna.press('#pages .previous');
  await anna.seesShown(SHOWN);
  assert.ok(media >= SHOWN, `${media} streams`);
  assert.equal(arranged, 1);
}

/** @param {import('./harness/person.js').Person} anna */
async function leavesNoListeners(anna) {
  const session = await anna.page.createCDPSession();
  const expression = `document.querySelector('.panel:not([hidden]) video')`;
  const { result } = await session.send('Runtime.evaluate', { expression });
  const { listeners } = await session.send('DOMDebugger.getEventListeners', { objectId: result.objectId });
  assert.deepEqual(
    listeners.filter(({ type }) => type === 'resize'),
    [],
  );
}

/**
 * @param {import('./harness/person.js').Person} anna
 * @param {{name: string, talk: () => void}[]} crowd
 */
async function keepsTile(anna, crowd) {
  const { tiles } = await anna.look();
  // Nobody has spoken yet, so the last on the page would make room.
  const last = await anna.page.$$eval('.panel:not([hidden])', (panels) => {
    const place = ({ style }) => 1e4 * parseInt(style.top) + parseInt(style.left);
    return panels.sort((a, b) => place(a) - place(b)).at(-1).dataset.channel;
  });
  await anna.page.focus(`.panel[data-channel="${last}"] .pin`);
  const hidden = tiles.find(({ shown }) => !shown);
  crowd.find(({ name }) => name === hidden.name).talk();
  await anna.page.waitForSelector(`.panel[data-channel="${hidden.channel}"]:not([hidden])`);
  // The browser takes the focus from what is hidden with its next frame only.
  const focused = await anna.page.evaluate(
    () => document.activeElement.closest('.panel:not([hidden])')?.dataset.channel,
  );
  assert.equal(focused, last);
}

/** @param {import('./harness/person.js').Person} anna */
async function keepsButton(anna) {
  const look = () =>
    anna.page.evaluate(() => ({
      focused: document.activeElement.matches('#pages .next'),
      off: document.activeElement.getAttribute('aria-disabled'),
      said: document.querySelector('#pages .turned').textContent,
      pair: document.querySelector('.tiles.pair #self') !== null,
    }));
  assert.equal(await anna.page.$eval('#pages .which', ({ role }) => role), null);
  await anna.page.focus('#pages .next');
  for (const page of [2, 3, 4]) {
    await anna.page.keyboard.press('Enter');
    const told = `Page ${page} of 4`;
    await anna.page.waitForFunction((text) => document.querySelector('.turned').textContent === text, {}, told);
  }
  await anna.page.keyboard.press('Enter'); // does nothing
  assert.deepEqual(await look(), { focused: true, off: 'true', said: 'Page 4 of 4', pair: true });
}

/** From the last page on. @param {import('./harness/person.js').Person} anna */
async function floats(anna) {
  await anna.seesShown(1);
  await anna.page.evaluate(async () => {
    const video = document.querySelector('.panel:not([hidden]) video');
    window.floating = video;
    await video.requestPictureInPicture();
  });
  await anna.press('#pages .previous');
  await anna.seesShown(SHOWN);
  await sleep(GRACE / 2); // by then what is not shown is taken out of the description
  const decoded = async () => {
    const id = await anna.page.evaluate(() => window.floating.closest('.panel[hidden]').dataset.channel);
    return (await anna.look()).tiles.find(({ channel }) => channel === id).frames;
  };
  const before = await decoded();
  await eventually('it goes on', async () => (await decoded()) > before + 3);
  await anna.page.evaluate(() => document.exitPictureInPicture());
  await anna.page.waitForFunction(() => window.floating.srcObject === null);
}
