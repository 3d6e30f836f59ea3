/** The page of a room: constructs the parts and connects them. Nothing imports this. */

import { Call } from './call.js';
import { Devices } from './devices.js';
import { Announcements } from './elements/announcements.js';
import { Badges } from './elements/badges.js';
import { connectControls } from './elements/controls.js';
import { Notice } from './elements/notice.js';
import { findPage, removeElement } from './elements/page.js';
import { Panels } from './elements/panels.js';
import { showSelf } from './elements/self.js';
import { Viewport } from './elements/viewport.js';
import { Limits } from './limits.js';
import { Mux } from './mux.js';
import { Negotiation } from './negotiation.js';
import { SFU } from './protocol.js';
import { Publisher } from './publisher.js';
import { Room } from './room.js';
import { Screen } from './screen.js';

/** @import {Page} from './elements/page.js' */

const HEARTBEAT = 15_000; // ms; the server wants one every 30 s
const LIMITS = 2000; // ms between looks at what limits one's own picture

/** @type {Record<string, string>} what the `error` app tells, in words */
const ERRORS = {
  bad_room: 'This room cannot be joined.',
  internal: 'The server had a problem with this call. If it stays quiet, leave and join again.',
};

const page = findPage();
if (page) start(page);

/** @param {Page} page */
function start(page) {
  const mux = new Mux(page.room, removeElement);
  const room = new Room();
  /** @param {object} message */
  const send = (message) => mux.send({ rtc: message });
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
  const [devices, screen] = [new Devices(media), new Screen(media)];
  const call = new Call({ name: page.room.dataset.room ?? '', mux, room, negotiation, publisher, devices, screen });

  const notice = new Notice(page.notice);
  const panels = new Panels(page.others, room);
  showSelf(page.self, call);
  connectControls(page, call, screen.available);
  const announcements = new Announcements(page.announcements);
  const badges = new Badges(page.others, page.badge, room, (text) => announcements.say(text));
  new Viewport(page.others, room, (tiles) => send({ type: 'view', tiles }));
  const limits = new Limits({ publisher, send });
  setInterval(() => limits.check(), LIMITS);

  call.addEventListener('problem', (event) => notice.say('devices', /** @type {CustomEvent} */ (event).detail));
  panels.addEventListener('blocked', () => {
    const label = 'Start sound and pictures';
    const run = () => (notice.say('blocked', ''), panels.playAll());
    notice.say('blocked', 'The browser waits for a click before it plays anything.', { label, run });
  });
  for (const [type, text] of Object.entries(ERRORS)) mux.apps.add('error', type, () => notice.say('error', text));
  let channelName = '';
  mux.apps.add('rtc', 'connect', (event) => (channelName = event.channel_name));
  mux.apps.add('rtc', 'undecodable', (event) => panels.tellUndecodable(event, event.publisher === channelName));

  mux.apps.add('rtc', 'quality', (event) => badges.tell(event));

  connectSocket(page, mux, notice);
  addEventListener('pagehide', () => call.suspend());
  addEventListener('pageshow', ({ persisted }) => {
    if (!persisted) return;
    void call.resume();
    reconnect(page);
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
