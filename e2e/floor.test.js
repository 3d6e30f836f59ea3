import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scene } from './harness/scene.js';
import { eventually } from './harness/wait.js';

/**
 * Waits until a selector matches something that can be seen in somebody's page, or nothing.
 * @param {import('./harness/person.js').Person} person
 * @param {string} selector
 * @param {boolean} [visible]
 */
function sees(person, selector, visible = true) {
  const check = (which) => [...document.querySelectorAll(which)].some((element) => element.checkVisibility());
  return eventually(`${person.name} ${visible ? 'sees' : 'does not see'} ${selector}`, async () => {
    return (await person.page.evaluate(check, selector)) === visible;
  });
}

/**
 * @param {import('./harness/person.js').Person} person
 * @param {RegExp} text
 */
function isTold(person, text) {
  return eventually(`${person.name} is told ${text}`, async () => {
    assert.match((await person.look()).notice, text);
    return true;
  });
}

/** @param {import('./harness/person.js').Person} by @param {import('./harness/person.js').Person} person */
async function panelOf(by, person) {
  const channel = await eventually(`${by.name} knows ${person.name}`, () => by.channelOf(person));
  return `.panel[data-channel="${channel}"]`;
}

/** A host, a guest, and who watches, in one room. */
async function open(t, room) {
  const scene = await Scene.open(t);
  const browser = await scene.browser('chromium');
  const anna = await scene.person('Anna', browser, room);
  const ben = await scene.person('Ben', browser, room);
  const cleo = await scene.person('Cleo', browser, room);
  await anna.join();
  await ben.join();
  await cleo.joinAsViewer();
  await ben.seesAndHears([anna]);
  await sees(anna, '#room-menu-button');
  return { scene, browser, anna, ben, cleo };
}

test('a host mutes a guest, who cannot unmute', async (t) => {
  const { anna, ben } = await open(t, 'muted');
  const panel = await panelOf(anna, ben);
  await anna.choose('Ben', 'mute');
  await isTold(ben, /A host has muted your microphone/);
  await sees(ben, '#toggle-mic[aria-checked="false"]:disabled');
  await sees(anna, `${panel}.muted-audio`);
  await anna.choose('Ben', 'camera');
  await isTold(ben, /A host has switched off your camera/);
  await sees(anna, `${panel}.no-video`);
  await sees(ben, '#toggle-cam[aria-checked="false"]:disabled');

  await anna.choose('Ben', 'mute');
  await sees(ben, '#toggle-mic[aria-checked="false"]:enabled'); // it is for Ben to switch it on
  await anna.choose('Ben', 'camera');
  await sees(ben, '#toggle-cam:enabled');
  await ben.toggle('mic');
  await ben.toggle('cam');
  await anna.seesAndHears([ben]);
});

test('a host removes a guest, who cannot come back', async (t) => {
  const { anna, ben } = await open(t, 'removed');
  await anna.choose('Ben', 'remove');
  await sees(anna, '#remove-dialog');
  await anna.press('#remove-dialog [value=cancel]');
  await anna.hasPanelsOf([ben]);
  await anna.choose('Ben', 'remove');
  await anna.press('#remove-dialog [value=remove]');
  await isTold(ben, /removed you from this room/);
  await sees(ben, '#call-button.join');
  await anna.hasPanelsOf([]);
  await ben.press('#call-button');
  await isTold(ben, /You may come back when it has closed/);
  await sees(ben, '#call-button.join');
});

test('a viewer is let on stage, seen, and taken off it again', async (t) => {
  const { anna, ben, cleo } = await open(t, 'stage');
  await cleo.seesAndHears([anna, ben]);
  await sees(cleo, '#toggle-mic:disabled');
  await sees(cleo, '#self', false);
  const { header } = await anna.look();
  assert.equal(header, 'stage 2 people, 1 watching');

  await cleo.toggle('hand');
  await sees(cleo, '#toggle-hand[aria-checked="true"]');
  await sees(anna, '#hands li.viewer [data-action=stage]');
  await anna.press('#hands [data-action=stage]');
  for (const person of [anna, ben]) await person.seesAndHears([cleo, person === anna ? ben : anna]);
  await sees(cleo, '#self');
  assert.equal((await cleo.look()).created, 1, 'connections that Cleo has made');

  await anna.choose('Cleo', 'stage-off');
  await isTold(cleo, /You are off the stage/);
  await anna.seesAndHears([ben]);
  await cleo.seesAndHears([anna, ben]);
  assert.equal((await cleo.look()).created, 1, 'connections that Cleo has made');
});

test('a guest has no menus; made a host they have', async (t) => {
  const { anna, ben } = await open(t, 'hosts');
  for (const selector of ['#room-menu-button', '.tools [data-action=menu]', '#hands-card']) {
    await sees(ben, selector, false);
  }
  await ben.toggle('hand');
  const panel = await panelOf(anna, ben);
  await sees(anna, `${panel}.hand .hand-mark`);
  await sees(anna, '#hands li:not(.viewer)');
  await anna.press('#hands [data-action=lower]');
  await sees(anna, '#hands li', false);
  await sees(ben, '#toggle-hand[aria-checked="false"]');
  await anna.choose('Ben', 'host');
  await sees(ben, '#room-menu-button');
  await isTold(ben, /You are a host now/);
});

test('a room with a password lets in who knows it, and back who was there', async (t) => {
  const { scene, anna, ben } = await open(t, 'secret');
  await anna.press('#room-menu-button');
  await anna.press('#room-menu [value=password]');
  await anna.page.type('#new-password', 'moon');
  await anna.press('#room-menu form [type=submit]');
  const dora = await scene.person('Dora', await scene.browser('chromium'), 'secret');
  await sees(anna, '#room-menu .told:not(:empty)');
  const asked = async (password) => {
    await sees(dora, '#password-dialog');
    await dora.page.type('#room-password', password);
    await dora.press('#password-dialog [value=join]');
  };
  await dora.press('#call-button');
  await asked('sun');
  await sees(dora, '#password-wrong');
  await asked('moon');
  await dora.inCall();
  await dora.hasPanelsOf([anna, ben]);

  await anna.press('#room-menu .lock');
  await sees(ben, '#header .locked');
  await ben.go('secret');
  await ben.join(); // without being asked: he was there
  await ben.hasPanelsOf([anna, dora]);
});

test('an invitation lets in who has it', async (t) => {
  const { scene, anna, ben } = await open(t, 'invited');
  await anna.press('#room-menu-button');
  await anna.press('#room-menu [value=invite]');
  await anna.press('#room-menu .invite');
  const link = await eventually('Anna has a link', () => anna.page.$eval('.invitation input', ({ value }) => value));
  const dora = await scene.person('Dora', await scene.browser('chromium'), 'invited');
  await dora.press('#call-button');
  await isTold(dora, /open to those with an invitation/);
  await dora.page.goto(link);
  await dora.join();
  await dora.hasPanelsOf([anna, ben]);
});
