/** The page of a room: constructs the parts and connects them. Nothing imports this. */

import { Call } from './call.js';
import { Capture } from './capture.js';
import { Devices } from './devices.js';
import { Announcements } from './elements/announcements.js';
import { Badges } from './elements/badges.js';
import { barredOf, connectControls } from './elements/controls.js';
import { connectDoor } from './elements/door.js';
import { connectHands } from './elements/hands.js';
import { showMarks } from './elements/marks.js';
import { Notice } from './elements/notice.js';
import { findPage, removeElement } from './elements/page.js';
import { connectPages } from './elements/pages.js';
import { Panels } from './elements/panels.js';
import { connectRoomMenu } from './elements/roommenu.js';
import { showSelf } from './elements/self.js';
import { Slots } from './elements/slots.js';
import { Stage } from './elements/stage.js';
import { connectTools } from './elements/tools.js';
import { Viewport } from './elements/viewport.js';
import { showVoices } from './elements/voices.js';
import { Floor, hasAsked, newsOf } from './floor.js';
import { Limits } from './limits.js';
import { Mux } from './mux.js';
import { Negotiation } from './negotiation.js';
import { SFU } from './protocol.js';
import { Publisher } from './publisher.js';
import { Room } from './room.js';
import { Screen } from './screen.js';
import { Voices } from './voices.js';

/** @import {Page} from './elements/page.js' */

const HEARTBEAT = 15_000; // ms; the server wants one every 30 s
const LIMITS = 2000; // ms between looks at what limits one's own picture

/** @type {Record<string, string>} what the `error` app tells, in words */
const ERRORS = {
  bad_room: 'This room cannot be joined.',
  internal: 'The server had a problem with this call. If it stays quiet, leave and join again.',
  forbidden: 'The server did not allow that.',
};

/**
 * @typedef {ReturnType<typeof construct>} Parts
 * @typedef {{notice: Notice, announcements: Announcements}} Words what the page says, to everybody and to who listens to it
 */

const page = findPage();
if (page) start(page);

/** @param {Page} page */
function start(page) {
  const parts = construct(page);
  const { mux, call } = parts;
  const notice = new Notice(page.notice);
  const words = { notice, announcements: new Announcements(page.announcements) };
  showOthers(page, parts, words);
  connectFloor(page, parts, words);
  showSelf(page.self, parts);
  connectControls(page, parts, parts.screen.available);
  connectDoor(page.password, call, notice);
  parts.capture.addEventListener('problem', (event) => {
    notice.say('devices', /** @type {CustomEvent} */ (event).detail);
  });
  for (const [type, text] of Object.entries(ERRORS)) {
    mux.apps.add('error', type, ({ detail }) => notice.say('error', type === 'forbidden' && detail ? detail : text));
  }
  connectSocket(page, mux, notice);
  addEventListener('pagehide', () => call.suspend());
  addEventListener('pageshow', ({ persisted }) => {
    if (!persisted) return;
    void call.resume();
    reconnect(page);
  });
}

/** Everything that does not know the page. @param {Page} page */
function construct(page) {
  const mux = new Mux(page.room, removeElement);
  const room = new Room();
  const voices = new Voices();
  /** @param {object} message */
  const send = (message) => mux.send({ rtc: message });
  const floor = new Floor((message) => mux.send({ floor: message }));
  const publisher = new Publisher({
    stream: new MediaStream(),
    screen: new MediaStream(),
    announceScreen: (stream) => send({ type: 'screen', stream }),
    codecs: (page.room.dataset.codecs ?? 'opus vp8').toLowerCase().split(/\s+/),
  });
  const negotiation = new Negotiation({
    send: (signal) => send({ type: 'signal', recipient: SFU, signal }),
    prepare: (connection) => publisher.attach(connection),
  });
  const media = window.isSecureContext ? navigator.mediaDevices : undefined;
  const screen = new Screen(media);
  const capture = new Capture({ publisher, devices: new Devices(media), screen });
  const name = page.room.dataset.room ?? '';
  const invite = new URLSearchParams(location.search).get('invite') ?? '';
  const call = new Call({ name, invite, mux, room, negotiation, publisher, capture });
  const stage = new Stage(page, room, voices, floor);
  const limits = new Limits({ publisher, send });
  setInterval(() => limits.check(), LIMITS);
  return { mux, room, voices, floor, capture, call, stage, screen, send };
}

/**
 * The others: their tiles, pictures and sound, and who speaks.
 * @param {Page} page
 * @param {Parts} parts
 * @param {Words} words
 */
function showOthers(page, { mux, room, voices, floor, stage, send }, { notice, announcements }) {
  const panels = new Panels(page.others, room, floor);
  const slots = new Slots(page.slots, room);
  const badges = new Badges(page.others, page.badge, room, (text) => announcements.say(text));
  stage.addEventListener('arranged', (event) => {
    const { appeared, gone } = /** @type {CustomEvent} */ (event).detail;
    for (const id of [...appeared, ...gone]) panels.update(id);
  });
  new Viewport(page.others, room, stage, (tiles) => send({ type: 'view', tiles }));
  connectPages(page.pages, stage);
  showVoices(page, voices, room);
  const blocked = () => {
    const label = 'Start sound and pictures';
    const run = () => (notice.say('blocked', ''), panels.playAll(), slots.playAll());
    notice.say('blocked', 'The browser waits for a click before it plays anything.', { label, run });
  };
  for (const player of [panels, slots]) player.addEventListener('blocked', blocked);

  mux.apps.add('rtc', 'connect', (event) => (page.self.dataset.channel = event.channel_name));
  mux.apps.add('rtc', 'undecodable', (event) => {
    panels.tellUndecodable(event, event.publisher === page.self.dataset.channel);
  });
  mux.apps.add('rtc', 'quality', (event) => badges.tell(event));
  mux.apps.add('rtc', 'slot', (event) => slots.tell(event));
  mux.apps.add('rtc', 'speaker', (event) => voices.setSpeaker(event));
  mux.apps.add('rtc', 'levels', (event) => voices.setLevels(event));
  room.addEventListener('left', (event) => {
    voices.delete(/** @type {CustomEvent} */ (event).detail.participant.channel_name);
  });
}

/**
 * Who may do what.
 * @param {Page} page
 * @param {Parts} parts
 * @param {Words} words
 */
function connectFloor(page, { mux, room, voices, floor, capture, call, stage }, { notice, announcements }) {
  floor.listen(mux.apps);
  showMarks(page, room, floor);
  connectHands(page.hands, room, floor, (text) => announcements.say(text));
  connectTools(page, { room, floor, stage });
  connectRoomMenu(page.roomMenu, floor, (text) => navigator.clipboard?.writeText(text) ?? Promise.reject());
  const forget = () => {
    voices.clear();
    floor.reset();
    notice.say('floor', '');
  };
  call.addEventListener('joining', forget);
  call.addEventListener('active', () => !call.active && forget());
  floor.addEventListener('you', (event) => {
    const { you, former } = /** @type {CustomEvent} */ (event).detail;
    if (!call.active) return; // of a stay that is over
    capture.bar(barredOf(floor));
    const news = newsOf(you, former);
    if (news) notice.say('floor', news);
    // Nobody is to be seen and heard all of a sudden who has not asked for it.
    if (you.on_stage && call.role === 'viewer' && !hasAsked(you, former)) capture.switchOff();
    void call.change(you.on_stage ? 'participant' : 'viewer');
  });
  floor.addEventListener('reset', () => capture.bar(barredOf(floor)));
  floor.addEventListener('removed', () => {
    call.end();
    notice.say('door', 'A host has removed you from this room.');
  });
}

/**
 * @param {Page} page
 * @param {Mux} mux
 * @param {Notice} notice
 */
function connectSocket(page, mux, notice) {
  mux.addEventListener('open', () => notice.say('socket', ''));
  mux.addEventListener('closed', (event) => {
    const { retrying } = /** @type {CustomEvent} */ (event).detail;
    const text = retrying ? 'The connection was lost. Trying again…' : 'The connection was closed.';
    notice.say('socket', text, { label: 'Rejoin now', run: () => reconnect(page) });
  });
  setInterval(() => mux.send({ signal: 'hb' }), HEARTBEAT);
  // htmx may have connected before this script listened.
  if (page.room.hasAttribute('data-htmx-powered')) reconnect(page);
}

/** Opens a new socket in place of the present one, if any. @param {Page} page */
function reconnect(page) {
  /** @type {{htmx: {process: (element: Element, force: boolean) => void}}} */ (
    /** @type {unknown} */ (globalThis)
  ).htmx.process(page.room, true);
}
