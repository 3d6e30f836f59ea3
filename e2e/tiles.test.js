// What can be done with one tile, what the page notices of the machine, and figures.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Scene } from './harness/scene.js';
import { scratch } from './harness/scratch.js';
import { writeSilence, writeSpeech } from './harness/voice.js';
import { eventually } from './harness/wait.js';

const scene = await Scene.open({ after });
const chromium = await scene.browser('chromium');
const CLIPBOARD = /** @type {const} */ (['clipboard-read', 'clipboard-write']);

/** @param {import('./harness/person.js').Person} person */
async function enter(person) {
  await person.join();
  await person.page.evaluate(() => document.activeElement.blur());
  return person;
}

/** @param {import('./harness/person.js').Person} person */
function clipboardOf({ page }) {
  return page.evaluate(() => navigator.clipboard.readText());
}

test('one is made quieter, watched alone, and in a window of its own', async () => {
  const anna = await enter(await scene.person('Anna', chromium, 'Tools'));
  const ben = await enter(await scene.person('Ben', chromium, 'Tools'));
  await anna.seesAndHears([ben]);
  const channel = await anna.channelOf(ben);
  const volume = () =>
    anna.page.$eval(`#slots audio[data-channel="${channel}"]`, (audio) => Math.round(audio.volume * 100));
  assert.equal(await volume(), 100);
  await anna.press('.panel [data-action=menu]');
  await anna.sees('#tile-menu .volume');
  await anna.hasFocus('#tile-menu .volume input');
  for (let i = 0; i < 4; i++) await anna.page.keyboard.press('ArrowLeft');
  await eventually('Ben is quieter', async () => (await volume()) === 80);
  await anna.page.keyboard.press('Escape');
  await anna.sees('#tile-menu', false);
  await anna.press('.panel [data-action=menu]');
  assert.equal(await anna.page.$eval('#tile-menu input', ({ value }) => value), '80');
  await anna.page.keyboard.press('Escape');

  const full = () => anna.page.evaluate(() => document.fullscreenElement?.matches('.panel') ?? false);
  const wide = () => anna.page.$eval('.panel', ({ clientWidth }) => clientWidth);
  const before = await wide();
  await anna.page.hover('.panel');
  await anna.page.click('.panel [data-action=fullscreen]'); // by a hand: only that may
  await eventually('Ben has the whole screen', full);
  await eventually('his tile is larger', async () => (await wide()) > before);
  await anna.page.hover('.panel');
  await anna.page.click('.panel [data-action=fullscreen]');
  await eventually('Ben has a tile again', async () => !(await full()));
  await eventually('it is as large as before', async () => (await wide()) === before);

  const floats = () => anna.page.evaluate(() => document.pictureInPictureElement?.matches('.panel video') ?? false);
  await anna.page.hover('.panel');
  await anna.page.click('.panel [data-action=float]');
  await eventually('Ben has a window of his own', floats);
  await anna.page.click('.panel [data-action=float]');
  await eventually('the window is closed', async () => !(await floats()));
  await anna.seesAndHears([ben]);
  await Promise.all([anna.close(), ben.close()]);
});

test('figures of a tile and of the connection, and a report of them for the operator', async () => {
  const anna = await enter(await scene.person('Anna', chromium, 'Figures'));
  const ben = await enter(await scene.person('Ben', chromium, 'Figures'));
  await anna.page.browserContext().setPermission(
    scene.server.url,
    ...CLIPBOARD.map((name) => ({
      permission: { name },
      state: 'granted',
    })),
  );
  await anna.seesAndHears([ben]);
  await anna.press('.panel [data-action=menu]');
  await anna.press('#tile-menu [data-action=statistics]');
  const tile = (figure) => `.panel .statistics [data-figure=${figure}] .value`;
  await anna.reads(tile('picture'), /^(480|240) ?× ?(270|135)/);
  await anna.reads(tile('down'), /[1-9]\d* kbit\/s/);
  await anna.reads(tile('codec'), /VP8/);
  await anna.reads(tile('layer'), /\d/);
  await eventually('the chart is drawn', () =>
    anna.page.$eval('.panel .statistics [data-figure=down] polyline', (line) => line.points.numberOfItems > 2),
  );
  await anna.press('.panel .statistics .close');
  await anna.sees('.panel .statistics', false);

  await anna.press('#view-button');
  await anna.press('#view-menu .statistics');
  const whole = (figure) => `#statistics [data-figure=${figure}] .value`;
  for (const figure of ['up', 'down']) await anna.reads(whole(figure), /[1-9]\d* kbit\/s/);
  await anna.reads(whole('rtt'), /\d+ ms/);
  await anna.reads(whole('path'), /udp/i);
  await anna.reads('#statistics tbody', /VP8/);
  await anna.page.click('#statistics .copy');
  await anna.reads('#statistics .told', /./);
  const report = await clipboardOf(anna);
  for (const word of ['Figures', 'VP8', 'Chrom']) assert.ok(report.includes(word), `${word} is in:\n${report}`);
  assert.ok(!report.includes('Anna of the tests'), 'real names are nobody’s business');
  await anna.page.keyboard.press('Escape');
  await anna.sees('#statistics', false);

  await anna.press('#people-button');
  await anna.page.click('#people .invite');
  await anna.reads('#people .told', /copied/i);
  assert.equal(await clipboardOf(anna), `${scene.server.url}/r/Figures/`);
  await Promise.all([anna.close(), ben.close()]);
});

test('the screen stays on during the call', async () => {
  const anna = await scene.person('Anna', chromium, 'Awake', {
    missing: ['camera', 'microphone'],
  });
  const locks = () => anna.page.evaluate(() => window.locks.filter(({ released }) => !released).length);
  await anna.page.evaluateOnNewDocument(() => {
    window.locks = [];
    const request = () => {
      const lock = { released: false, release: () => Promise.resolve((lock.released = true)) };
      window.locks.push(lock);
      return Promise.resolve(lock);
    };
    Object.defineProperty(navigator, 'wakeLock', { value: { request } });
  });
  await anna.go('Awake');
  await anna.join();
  await eventually('the screen is kept on', async () => (await locks()) === 1);
  await anna.leave();
  await eventually('it may go off', async () => (await locks()) === 0);
  await anna.close();
});

test('a browser that plays nothing before a click is given one', async () => {
  const ben = await enter(await scene.person('Ben', chromium, 'Blocked'));
  const anna = await scene.person('Anna', chromium, 'Blocked');
  await anna.page.evaluateOnNewDocument(() => {
    const media = Object.getPrototypeOf(HTMLVideoElement.prototype);
    const { play } = media;
    window.played = 0;
    media.play = function () {
      if (this.muted) return play.call(this);
      if (window.blocking ?? true) return Promise.reject(new DOMException('not before a click', 'NotAllowedError'));
      window.played++;
      return play.call(this);
    };
  });
  await anna.go('Blocked');
  await anna.join();
  await anna.reads('#notice [data-topic=blocked] .text', /click before it plays/);
  await anna.page.evaluate(() => (window.blocking = false));
  await anna.press('#notice [data-topic=blocked] .act');
  await anna.sees('#notice [data-topic=blocked]', false);
  await eventually('picture and sound are played', () => anna.page.evaluate(() => window.played >= 2));
  await anna.seesAndHears([ben]);
  await Promise.all([anna.close(), ben.close()]);
});

test('who speaks and is muted is told, and so is whose microphone gives nothing', async (t) => {
  const directory = await scratch(t);
  await writeSpeech(join(directory, 'speech.wav'));
  await writeSilence(join(directory, 'silence.wav'));
  const microphone = (file) => [`--use-file-for-fake-audio-capture=${join(directory, file)}`];
  const speaker = await scene.browser('chromium', microphone('speech.wav'));
  const anna = await enter(await scene.person('Anna', speaker, 'Heard'));
  await anna.toggle('mic');
  await anna.reads('#notice [data-topic=muted] .text', 'You are muted.');
  await anna.press('#notice [data-topic=muted] .act');
  await anna.sees('#notice [data-topic=muted]', false);
  await anna.sees('#toggle-mic[aria-checked=true]');
  await anna.close();

  const mute = await scene.browser('chromium', microphone('silence.wav'));
  const ben = await enter(await scene.person('Ben', mute, 'Heard'));
  await ben.reads('#notice [data-topic=silent] .text', /no sound from your microphone/);
  await ben.press('#notice [data-topic=silent] .act');
  await ben.sees('#mic-menu');
  await ben.close();
});

test('chat, keys and settings in Firefox', async () => {
  const firefox = await scene.browser('firefox');
  const fox = await scene.person('Fox', firefox, 'Fox', {
    missing: ['camera', 'microphone'],
  });
  const ben = await scene.person('Ben', chromium, 'Fox', {
    missing: ['camera', 'microphone'],
  });
  await fox.join();
  await ben.join();
  const { keyboard } = fox.page;
  await fox.page.evaluate(() => document.activeElement.blur());
  await keyboard.press('h');
  await ben.sees('.panel.hand .hand-mark');
  await keyboard.press('c');
  await fox.hasFocus('#chat-text');
  await fox.page.type('#chat-text', 'hello from the fox');
  await keyboard.press('Enter');
  await ben.press('#chat-button');
  await ben.reads('#chat-lines .text', 'hello from the fox');
  await ben.page.type('#chat-text', 'and back');
  await ben.page.keyboard.press('Enter');
  await fox.reads('#chat-lines li:last-child .text', 'and back');
  await keyboard.press('Escape');
  await fox.sees('#chat', false);
  await keyboard.press('p');
  await fox.reads('#people-title .count', '2');
  await keyboard.press('Escape');
  await keyboard.press('?');
  await fox.sees('#help[open]');
  await keyboard.press('Escape');
  await fox.press('#settings-button');
  await fox.page.select('#theme', 'dark');
  assert.equal(await fox.attribute('html', 'data-theme'), 'dark');
  assert.deepEqual((await fox.look()).errors, []);
  await fox.page.reload();
  assert.equal(await fox.attribute('html', 'data-theme'), 'dark');
  await Promise.all([fox.close(), ben.close()]);
});
