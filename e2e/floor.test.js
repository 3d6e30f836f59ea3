import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scene } from './harness/scene.js';
import { eventually } from './harness/wait.js';

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
  await anna.sees('#room-menu-button');
  return { scene, browser, anna, ben, cleo };
}

test('a host mutes a guest, who cannot unmute', async (t) => {
  const { anna, ben } = await open(t, 'muted');
  const panel = await panelOf(anna, ben);
  await anna.choose('Ben', 'mute');
  await isTold(ben, /A host has muted your microphone/);
  await ben.sees('#toggle-mic[aria-checked="false"]:disabled');
  await anna.sees(`${panel}.muted-audio`);
  await anna.choose('Ben', 'camera');
  await isTold(ben, /A host has switched off your camera/);
  await anna.sees(`${panel}.no-video`);
  await ben.sees('#toggle-cam[aria-checked="false"]:disabled');

  await anna.choose('Ben', 'mute');
  await ben.sees('#toggle-mic[aria-checked="false"]:enabled'); // it is for Ben to switch it on
  await anna.choose('Ben', 'camera');
  await ben.sees('#toggle-cam:enabled');
  await ben.toggle('mic');
  await ben.toggle('cam');
  await anna.seesAndHears([ben]);
});

test('a host removes a guest, who cannot come back', async (t) => {
  const { anna, ben } = await open(t, 'removed');
  await anna.choose('Ben', 'remove');
  await anna.sees('#remove-dialog');
  await anna.press('#remove-dialog [value=cancel]');
  await anna.hasPanelsOf([ben]);
  await anna.choose('Ben', 'remove');
  await anna.press('#remove-dialog [value=remove]');
  await isTold(ben, /removed you from this room/);
  await ben.sees('#call-button.join');
  await anna.hasPanelsOf([]);
  await ben.press('#call-button');
  await isTold(ben, /You may come back when it has closed/);
  await ben.sees('#call-button.join');
});

test('a viewer is let on stage, seen, and taken off it again', async (t) => {
  const { anna, ben, cleo } = await open(t, 'stage');
  await cleo.seesAndHears([anna, ben]);
  await cleo.sees('#toggle-mic:disabled');
  await cleo.sees('#self', false);
  const { header } = await anna.look();
  assert.equal(header, 'stage 2 people, 1 watching');

  await cleo.toggle('hand');
  await cleo.sees('#toggle-hand[aria-checked="true"]');
  await anna.sees('#hands li.viewer [data-action=stage]');
  await anna.press('#hands [data-action=stage]');
  for (const person of [anna, ben]) await person.seesAndHears([cleo, person === anna ? ben : anna]);
  await cleo.sees('#self');
  assert.equal((await cleo.look()).created, 1, 'connections that Cleo has made');

  await anna.choose('Cleo', 'stage-off');
  await isTold(cleo, /You are off the stage/);
  await anna.seesAndHears([ben]);
  await cleo.seesAndHears([anna, ben]);
  assert.equal((await cleo.look()).created, 1, 'connections that Cleo has made');
});

test('a guest has no menu of the room; made a host they have', async (t) => {
  const { anna, ben } = await open(t, 'hosts');
  for (const selector of ['#room-menu-button', '#tile-menu [data-action=mute]', '#hands-card']) {
    await ben.sees(selector, false);
  }
  await ben.toggle('hand');
  const panel = await panelOf(anna, ben);
  await anna.sees(`${panel}.hand .hand-mark`);
  await anna.sees('#hands li:not(.viewer)');
  await anna.press('#hands [data-action=lower]');
  await anna.sees('#hands li', false);
  await ben.sees('#toggle-hand[aria-checked="false"]');
  await anna.choose('Ben', 'host');
  await ben.sees('#room-menu-button');
  await isTold(ben, /You are a host now/);
});

test('a room with a password lets in who knows it, and back who was there', async (t) => {
  const { scene, anna, ben } = await open(t, 'secret');
  await anna.press('#room-menu-button');
  await anna.press('#room-menu [value=password]');
  await anna.page.type('#new-password', 'moon');
  await anna.press('#room-menu form [type=submit]');
  const dora = await scene.person('Dora', await scene.browser('chromium'), 'secret');
  await anna.sees('#room-menu .told:not(:empty)');
  const asked = async (password) => {
    await dora.sees('#password-dialog');
    await dora.page.type('#room-password', password);
    await dora.press('#password-dialog [value=join]');
  };
  await dora.press('#call-button');
  await asked('sun');
  await dora.sees('#password-wrong');
  await asked('moon');
  await dora.inCall();
  await dora.hasPanelsOf([anna, ben]);

  await anna.press('#room-menu .lock');
  await ben.sees('#header .locked');
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
