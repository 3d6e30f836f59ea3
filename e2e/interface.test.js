// Before the call, its devices, its keys, and what is said when the connection is lost.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { CROWD, guests } from './harness/guests.js';
import { Scene } from './harness/scene.js';
import { eventually, PATIENCE, within } from './harness/wait.js';

const FLAGS = ['--use-fake-device-for-media-stream=device-count=3', '--host-resolver-rules=MAP parley.test 127.0.0.1'];
const scene = await Scene.open({ after });
const chromium = await scene.browser('chromium', FLAGS);

/** The device that one's own picture comes from. @param {import('./harness/person.js').Person} person */
function cameraOf({ page }) {
  return page.$eval('#self video', ({ srcObject }) => srcObject?.getVideoTracks()[0]?.getSettings().deviceId ?? '');
}

/** One's own picture goes on. @param {import('./harness/person.js').Person} person */
async function previews({ name, page }) {
  const frame = async () => {
    const video = document.querySelector('#self:not(.no-video) video');
    await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
    await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
  };
  await page.waitForSelector('#self:not(.no-video)');
  await within(page.evaluate(frame), PATIENCE, `${name} sees their own picture`);
}

/** The level of the microphone is drawn, and told. @param {import('./harness/person.js').Person} person */
async function hearsThemselves({ name, page }) {
  const level = () => page.$eval('#prejoin .level', ({ ariaValueNow, style }) => [ariaValueNow, style.cssText]);
  const first = await eventually(`${name} is heard`, async () => {
    const [told, drawn] = await level();
    return Number(told) > 0 && drawn;
  });
  await eventually('the level moves', async () => (await level())[1] !== first);
}

/** What a picker offers, but for the browser's choice. @param {import('./harness/person.js').Person} person */
function offered({ name, page }, device) {
  const options = (which) =>
    [...document.querySelectorAll(`#prejoin [data-device=${which}] option`)].map(({ value }) => value).filter(Boolean);
  return eventually(`${name} can choose a ${device}`, async () => {
    const values = await page.evaluate(options, device);
    return values.length > 1 && values;
  });
}

for (const kind of ['chromium', 'firefox']) {
  test(`before joining one sees who is there, and oneself as in a mirror, and is heard: ${kind}`, async (t) => {
    const browser = kind === 'chromium' ? chromium : await scene.browser(kind);
    const room = `Before-${kind}`;
    await guests(t, scene.server.url, room, 2, CROWD);
    const anna = await scene.person(kind === 'chromium' ? 'Anna' : 'Fox', browser, room);
    await anna.reads('#present', /Guest 1.*Guest 2|Guest 2.*Guest 1/);
    await anna.sees('#self:not(.no-video) video');
    await previews(anna);
    const mirrored = await anna.page.$eval(
      '#self video',
      (video) => new DOMMatrix(getComputedStyle(video).transform).a,
    );
    assert.equal(mirrored, -1);
    if (kind === 'chromium') await hearsThemselves(anna); // Firefox listens to nothing on a machine without a sound card
    assert.ok((await anna.look()).created <= 1, 'one connection is made before the call');

    await anna.page.focus('#call-button');
    assert.ok(await anna.page.$('#prejoin #call-button.join'));
    await anna.page.keyboard.press('Enter');
    await anna.inCall();
    await anna.sees('.controls #call-button.leave');
    await anna.hasFocus('#call-button');
    await anna.sees('#prejoin', false);
    await anna.page.keyboard.press('Enter');
    await anna.sees('#prejoin #call-button.join');
    await anna.hasFocus('#call-button');
    await anna.reads('#prejoin-title .after', 'You have left the call');
    await anna.sees('#prejoin-title .before', false);
    assert.deepEqual((await anna.look()).errors, []);
    await anna.close();
  });
}

test('another camera is used at once, before the call and in it, and remembered', async () => {
  const anna = await scene.person('Anna', chromium, 'Devices');
  const ben = await scene.person('Ben', chromium, 'Devices');
  const cameras = await offered(anna, 'camera');
  const [first, other] = [await cameraOf(anna), cameras.at(-1)];
  assert.equal(cameras.length, 3);
  assert.ok(cameras.includes(first));
  assert.ok((await offered(anna, 'microphone')).length > 1);
  const uses = (id) => eventually(`Anna uses ${id}`, async () => (await cameraOf(anna)) === id);
  await anna.page.select('#prejoin [data-device=camera] select', other);
  await uses(other);
  await anna.page.reload();
  await uses(other);
  await previews(anna);

  await anna.join();
  await ben.join();
  await ben.seesAndHears([anna]);
  await anna.seesAndHears([ben]);
  const offers = await anna.page.evaluate(() => window.e2e.offers);
  await anna.press('#cam-menu-button');
  await anna.sees(`#cam-menu input[value="${other}"]:checked`);
  await anna.hasFocus('#cam-menu input:checked');
  await anna.press(`#cam-menu input[value="${first}"]`);
  await uses(first);
  await ben.seesAndHears([anna]);
  await anna.page.keyboard.press('Escape');
  await anna.sees('#cam-menu', false);

  await anna.page.evaluate((id) => window.e2e.unplug(id), first);
  await eventually('another takes its place', async () => !['', first].includes(await cameraOf(anna)));
  await anna.reads('#notice', /^The camera was disconnected\. “.+” is used now\./);
  const last = await cameraOf(anna);
  const others = cameras.filter((id) => id !== last);
  for (const id of [...others, last]) await anna.page.evaluate((each) => window.e2e.unplug(each), id);
  await anna.sees('#self.no-video');
  await anna.reads('#notice', /^The camera was disconnected\.(?! “)/);
  await ben.sees('.panel.no-video');
  await anna.page.evaluate((id) => window.e2e.plug(id), first); // what was chosen
  await uses(first);
  await ben.seesAndHears([anna]);
  assert.equal(await anna.page.evaluate(() => window.e2e.offers), offers, 'descriptions exchanged');
  assert.equal((await anna.look()).created, 1, 'connections that Anna has made');
  await anna.close();
  await ben.close();
});

test('what is switched off before the call stays off after a reload', async () => {
  const anna = await scene.person('Anna', chromium, 'Remembered');
  await anna.sees('#self:not(.no-video)');
  await anna.toggle('cam');
  await anna.sees('#self.no-video .initials');
  await anna.toggle('mic');
  await anna.page.reload();
  await anna.sees('#toggle-cam[aria-checked=false]');
  await anna.sees('#toggle-mic[aria-checked=false]');
  await anna.sees('#self.no-video.muted-audio');
  await anna.join();
  await anna.toggle('cam');
  await anna.sees('#self:not(.no-video)');
  await previews(anna);
  await anna.close();
});

test('each problem of a device is told in its own words, with ways on', async () => {
  const told = {
    denied: [['NotAllowedError', 'Permission denied'], /blocked.*Allow it in the site settings/],
    dismissed: [['NotAllowedError', 'Permission dismissed'], /not allowed.*closed without an answer/],
    system: [['NotAllowedError', 'Permission denied by system'], /blocked.*settings of this computer/],
    missing: [['NotFoundError'], /not connected.*Connect one/],
    busy: [['NotReadableError'], /in use by another program.*Close the other program/],
    failed: [['TypeError'], /not working.*Plug it in again/],
  };
  const anna = await scene.person('Anna', chromium, 'Problems', { refused: { camera: told.denied[0] } });
  for (const [reason, [error, words]] of Object.entries(told)) {
    await anna.page.evaluate((each) => (window.e2e.refused.camera = each), error);
    await anna.press('#prejoin .again');
    await anna.reads('#prejoin .problem', words);
    assert.equal((await anna.page.$$('#prejoin .problem')).length, 1, reason);
    assert.match(await anna.page.$eval('#prejoin .problem', (line) => line.textContent), /The camera/);
  }
  await anna.sees('#self.no-video');
  await anna.page.evaluate(() => delete window.e2e.refused.camera);
  await anna.press('#prejoin .again');
  await anna.sees('#prejoin .problem', false);
  await anna.sees('#prejoin .ways', false);
  await previews(anna);

  const error = told.denied[0];
  const ben = await scene.person('Ben', chromium, 'Problems', { refused: { camera: error, microphone: error } });
  await ben.reads('#prejoin .problems', /The microphone is blocked\..*The camera is blocked\./);
  await ben.press('#prejoin .without-camera');
  await ben.inCall();
  await anna.press('#watch-button');
  await anna.inCall();
  await anna.hasPanelsOf([ben], 0);
  await anna.sees('#self', false);
  await anna.sees('#toggle-mic:disabled');
  await anna.leave();
  await anna.sees('#self');
  await anna.close();
  await ben.close();
});

test('on an insecure page the way to a secure one is told, and one can watch', async (t) => {
  const room = 'Insecure';
  await guests(t, scene.server.url, room, 1, CROWD);
  const anna = await chromium.person('Anna');
  await anna.visit(scene.server.url.replace('127.0.0.1', 'parley.test'), room);
  assert.equal(await anna.page.evaluate(() => window.isSecureContext), false);
  await anna.reads('#prejoin .problems', /The camera is available on secure pages only\..*Open this page by https/);
  assert.equal(await anna.page.$eval('#prejoin a.secure', ({ href }) => href), `https://parley.test/r/${room}/`);
  await anna.sees('#prejoin .again', false);
  await anna.press('#call-button');
  await anna.inCall();
  await eventually('Anna has a panel', async () => (await anna.look()).tiles.length === 1);
  assert.deepEqual((await anna.look()).errors, []);
  await anna.close();
});

test('keys do what the list of keys says, but not where one types, nor when they are switched off', async () => {
  const anna = await scene.person('Anna', chromium, 'Keys');
  const ben = await scene.person('Ben', chromium, 'Keys');
  const { keyboard } = anna.page;
  await anna.join();
  await ben.join();
  await anna.seesAndHears([ben]);
  await ben.seesAndHears([anna]);
  await anna.page.evaluate(() => document.activeElement.blur());
  for (const [key, id] of Object.entries({ m: 'mic', v: 'cam', h: 'hand' })) {
    const before = await anna.attribute(`#toggle-${id}`, 'aria-checked');
    await keyboard.press(key);
    await anna.sees(`#toggle-${id}[aria-checked=${before !== 'true'}]`);
  }
  await ben.sees('.panel.muted-audio.no-video.hand .hand-mark');
  await keyboard.down('Space');
  await ben.sees('.panel:not(.muted-audio)');
  await anna.sees('#toggle-mic[aria-checked=true]');
  await keyboard.up('Space');
  await ben.sees('.panel.muted-audio');
  for (const key of ['h', 'v', 'm']) await keyboard.press(key);
  await ben.sees('.panel:not(.muted-audio, .no-video, .hand)');
  await keyboard.press('1');
  await anna.sees('.panel .pin[aria-pressed=true]');
  await keyboard.press('1');
  await anna.sees('.panel .pin[aria-pressed=true]', false);

  await keyboard.press('c');
  await anna.hasFocus('#chat-text');
  await anna.page.type('#chat-text', 'mvhcp? 1');
  assert.equal(await anna.page.$eval('#chat-text', ({ value }) => value), 'mvhcp? 1');
  await keyboard.press('Escape');
  await anna.sees('#chat', false);
  await anna.hasFocus('#chat-button');
  await keyboard.press('p');
  await anna.hasFocus('#people-search');
  await keyboard.press('Escape');
  await anna.hasFocus('#people-button');
  await keyboard.press('?');
  await anna.sees('#help[open]');
  await keyboard.press('m'); // it is the dialog's
  await keyboard.press('?');
  await anna.sees('#help[open]', false);
  const states = () =>
    anna.page.$$eval('[id^=toggle-]', (all) => all.map(({ id, ariaChecked }) => `${id} ${ariaChecked}`).sort());
  assert.deepEqual(await states(), ['toggle-cam true', 'toggle-hand false', 'toggle-mic true', 'toggle-screen false']);

  await anna.page.focus('#settings-button');
  await keyboard.press('Enter');
  await anna.press('#settings [name=shortcuts]');
  await keyboard.press('Escape');
  await anna.hasFocus('#settings-button');
  for (const key of ['m', 'v', 'h', 'c', 'p', '?']) await keyboard.press(key);
  await anna.sees('#side:not([hidden]), dialog[open]', false);
  assert.deepEqual(await states(), ['toggle-cam true', 'toggle-hand false', 'toggle-mic true', 'toggle-screen false']);
  await anna.close();
  await ben.close();
});

test('a whole call by keyboard: joining, writing, leaving', async () => {
  const anna = await scene.person('Anna', chromium, 'Keyboard');
  const ben = await scene.person('Ben', chromium, 'Keyboard');
  const { keyboard } = anna.page;
  await ben.join();
  await anna.page.bringToFront();
  await anna.tabTo('#toggle-cam');
  await keyboard.press('Space');
  await anna.sees('#toggle-cam[aria-checked=false]');
  await anna.tabTo('#call-button');
  await keyboard.press('Enter');
  await anna.inCall();
  await anna.hasFocus('#call-button');
  await anna.tabTo('#toggle-hand', 'Shift+Tab');
  await keyboard.press('Space');
  await ben.sees('.panel.hand');
  await anna.tabTo('#chat-button');
  await keyboard.press('Enter');
  await anna.hasFocus('#chat-text');
  await keyboard.type('by keyboard');
  await keyboard.press('Enter');
  await ben.reads('#chat-lines .text', 'by keyboard');
  await anna.hasFocus('#chat-text');
  await keyboard.press('Escape');
  await anna.hasFocus('#chat-button');
  await anna.tabTo('#view-button');
  await keyboard.press('Enter');
  await anna.tabTo('#view-menu [name=view]');
  await keyboard.press('ArrowDown');
  await anna.sees('#view-menu [value=grid]:checked');
  await keyboard.press('Escape');
  await anna.hasFocus('#view-button');
  await anna.tabTo('.panel [data-action=menu]', 'Shift+Tab');
  await keyboard.press('Enter');
  await anna.sees('#tile-menu');
  assert.ok(await anna.page.evaluate(() => document.activeElement.closest('#tile-menu') !== null));
  await keyboard.press('Escape');
  await anna.hasFocus('.panel [data-action=menu]');
  await anna.tabTo('#call-button');
  await keyboard.press('Enter');
  await anna.sees('#prejoin #call-button.join');
  await anna.hasFocus('#call-button');
  await ben.hasPanelsOf([]);
  await anna.close();
  await ben.close();
});

test('a server that dies is told, and that one is back', async () => {
  const anna = await scene.person('Anna', chromium, 'Lost');
  const ben = await scene.person('Ben', chromium, 'Lost');
  await anna.join();
  await anna.sees('#alone');
  await ben.join();
  await anna.sees('#alone', false);
  await anna.seesAndHears([ben]);
  await scene.server.kill();
  await anna.reads('#connection .words', 'The connection to the server was lost.');
  await anna.sees('#connection .rejoin');
  await anna.reads('#connection .count', /^Reconnecting( in \d s|…)$/);
  assert.equal((await anna.look()).button, 'leave');
  await scene.server.revive();
  await anna.press('#connection .rejoin');
  await anna.sees('#connection', false);
  await anna.seesAndHears([ben]);
  await ben.sees('#connection', false); // by itself
  await ben.seesAndHears([anna]);
  await anna.reads('#announcements', /Connected again\./);
  await anna.close();
  await ben.close();
});
