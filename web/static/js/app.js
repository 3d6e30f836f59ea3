/** The page of a room: constructs the parts and connects them. Nothing imports this. */

import { Call } from './call.js';
import { Capture } from './capture.js';
import { Chat } from './chat.js';
import { Codecs } from './codecs.js';
import { tellComings } from './comings.js';
import { Connection } from './connection.js';
import { Devices } from './devices.js';
import { Announcements } from './elements/announcements.js';
import { Badges } from './elements/badges.js';
import { connectChat } from './elements/chat.js';
import { connectConnection, isWelcome } from './elements/connection.js';
import { barredOf, connectControls } from './elements/controls.js';
import { connectDeviceMenus } from './elements/devicemenus.js';
import { connectDoor } from './elements/door.js';
import { connectHands } from './elements/hands.js';
import { connectHearing } from './elements/hearing.js';
import { connectInvitation } from './elements/invitation.js';
import { showMarks } from './elements/marks.js';
import { Notice } from './elements/notice.js';
import { findPage, removeElement } from './elements/page.js';
import { connectPages } from './elements/pages.js';
import { Panels } from './elements/panels.js';
import { connectMuteAll, People } from './elements/people.js';
import { connectPrejoin, showTrouble } from './elements/prejoin.js';
import { connectReactions } from './elements/reactions.js';
import { connectRoomMenu } from './elements/roommenu.js';
import { showSelf } from './elements/self.js';
import { connectSettings } from './elements/settings.js';
import { connectShortcuts, toggleHelp } from './elements/shortcuts.js';
import { Side } from './elements/side.js';
import { Slots } from './elements/slots.js';
import { Stage } from './elements/stage.js';
import { StatisticsOverlays } from './elements/statistics.js';
import { TileMenu } from './elements/tilemenu.js';
import { connectTools } from './elements/tools.js';
import { connectView } from './elements/view.js';
import { Viewport } from './elements/viewport.js';
import { showVoices } from './elements/voices.js';
import { translateNews } from './elements/words.js';
import { Floor, hasAsked, newsOf } from './floor.js';
import { Hearing } from './hearing.js';
import { Limits } from './limits.js';
import { Mux } from './mux.js';
import { Negotiation } from './negotiation.js';
import { SFU } from './protocol.js';
import { Publisher } from './publisher.js';
import { offerReception } from './reception.js';
import { Room } from './room.js';
import { Screen } from './screen.js';
import { Settings } from './settings.js';
import { TestTone } from './testtone.js';
import { Voices } from './voices.js';
import { Volumes } from './volumes.js';
import { WakeLock } from './wakelock.js';
import { said, speak, t } from './words.js';

/** @import {Page} from './elements/page.js' */

const HEARTBEAT = 15_000; // ms; the server wants one every 30 s
const IDLE = 3000; // ms on the page before the connection is tried, so that it is in nobody's way who joins at once
const LIMITS = 2000; // ms between looks at what limits one's own picture

/** What the `error` app tells that is said on the page. */
const ERRORS = ['bad_room', 'internal', 'forbidden'];

/**
 * @typedef {ReturnType<typeof construct>} Parts
 * @typedef {{notice: Notice, announcements: Announcements}} Words what the page says, to everybody and to who listens to it
 */

speak(JSON.parse(document.querySelector('#words')?.textContent ?? '{}'));
const page = findPage();
if (page) start(page);

/** @param {Page} page */
function start(page) {
  translateNews(page.room);
  const parts = construct(page);
  const { mux, call, capture } = parts;
  const notice = new Notice(page.notice);
  const words = { notice, announcements: new Announcements(page.announcements) };
  const menu = showOthers(page, parts, words);
  const statistics = connectStatistics(page, parts, menu);
  connectFloor(page, parts, words);
  showSelf(page, parts);
  connectControls(page, parts, parts.screen.available);
  connectDoor(page.password, call, notice);
  const side = connectSide(page, parts, words, menu);
  connectDevices(page, parts, notice, side, () => statistics.toggle());
  for (const type of ERRORS) {
    mux.apps.add('error', type, ({ detail }) => {
      notice.say('error', type === 'forbidden' && detail ? said(detail) : t(`error.${type}`));
    });
  }
  connectSocket(page, parts, words);
  tryConnection(page, parts);
  void capture.open(); // to be looked at before the call
  addEventListener('pagehide', () => call.suspend());
  addEventListener('pageshow', ({ persisted }) => {
    if (!persisted) return;
    void (call.active ? call.resume() : capture.open());
    parts.connection.retry();
  });
}

/** Everything that does not know the page. @param {Page} page */
function construct(page) {
  const mux = new Mux(page.room, removeElement);
  const room = new Room();
  const voices = new Voices();
  const volumes = new Volumes(room);
  const settings = new Settings(storage());
  /** @param {object} message */
  const send = (message) => mux.send({ rtc: message });
  const floor = new Floor((message) => mux.send({ floor: message }));
  const codecs = new Codecs((page.room.dataset.codecs ?? 'opus vp8').toLowerCase().split(/\s+/));
  const publisher = new Publisher({
    stream: new MediaStream(),
    screen: new MediaStream(),
    announceScreen: (stream) => send({ type: 'screen', stream }),
    codecs,
  });
  const negotiation = new Negotiation({
    send: (signal) => send({ type: 'signal', recipient: SFU, signal }),
    furnish: (connection) => {
      publisher.attach(connection);
      offerReception(connection, codecs);
    },
  });
  const media = window.isSecureContext ? navigator.mediaDevices : undefined;
  const screen = new Screen(media);
  const devices = new Devices(media, { speakers: 'setSinkId' in HTMLMediaElement.prototype });
  const capture = new Capture({ publisher, devices, screen, settings });
  const hearing = new Hearing({ capture, open: () => new AudioContext() });
  const name = page.room.dataset.room ?? '';
  const invite = new URLSearchParams(location.search).get('invite') ?? '';
  const call = new Call({ name, invite, mux, room, negotiation, publisher, capture });
  const chat = new Chat({ mux, room, call });
  const stage = new Stage(page, { room, voices, floor, settings });
  const connection = new Connection({
    mux,
    call,
    negotiation,
    room,
    network: window,
    online: () => navigator.onLine,
    reconnect: () => reconnect(page),
    welcome: isWelcome,
  });
  const limits = new Limits({ publisher, send });
  setInterval(() => limits.check(), LIMITS);
  return {
    mux,
    room,
    voices,
    volumes,
    floor,
    settings,
    devices,
    capture,
    hearing,
    negotiation,
    call,
    connection,
    chat,
    stage,
    screen,
    send,
  };
}

/** What the browser keeps for this page, unless it keeps nothing. */
function storage() {
  try {
    return window.localStorage;
  } catch {
    return undefined;
  }
}

/**
 * The others: their tiles, pictures and sound, and who speaks.
 * @param {Page} page
 * @param {Parts} parts
 * @param {Words} words
 */
function showOthers(page, parts, { notice, announcements }) {
  const { mux, room, voices, volumes, floor, settings, stage, send } = parts;
  const panels = new Panels(page.others, parts);
  const slots = new Slots(page.slots, room, volumes);
  const follow = () => {
    for (const player of [panels, slots]) player.setSink(settings.get('speaker'));
  };
  settings.addEventListener('change', follow);
  follow();
  const badges = new Badges(page.others, page.badge, room, (text) => announcements.say(text));
  new Viewport(page.others, { room, stage, settings, send: (tiles) => send({ type: 'view', tiles }) });
  connectPages(page.pages, stage);
  showVoices(page, voices, room);
  tellComings(room, (text) => announcements.say(text));
  const blocked = () => {
    const run = () => (notice.say('blocked', ''), panels.playAll(), slots.playAll());
    notice.say('blocked', t('blocked.text'), { label: t('blocked.start'), run });
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
  const menu = new TileMenu(page, { room, floor, volumes });
  connectTools(page, { room, stage, menu });
  return menu;
}

/**
 * Who may do what.
 * @param {Page} page
 * @param {Parts} parts
 * @param {Words} words
 */
function connectFloor(page, { mux, room, voices, floor, capture, call }, { notice, announcements }) {
  floor.listen(mux.apps);
  showMarks(page, room, floor);
  connectHands(page.hands, room, floor, (text) => announcements.say(text));
  connectRoomMenu(page.roomMenu, floor, copy);
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
  floor.addEventListener('removed', (event) => {
    const { closed } = /** @type {CustomEvent} */ (event).detail;
    call.end();
    notice.say('door', closed ? t('floor.closed') : t('floor.removed'));
  });
}

/**
 * What is beside the stage, and what rises over it.
 * @param {Page} page
 * @param {Parts} parts
 * @param {Words} words
 * @param {TileMenu} menu of a tile
 */
function connectSide(page, parts, { announcements }, menu) {
  const { mux, room, floor, call, chat } = parts;
  /** @param {string} text */
  const announce = (text) => announcements.say(text);
  const side = new Side(page.side, { chat: page.chatButton, people: page.peopleButton }, [page.bar, page.stage]);
  call.addEventListener('active', () => call.active || side.close());
  const { writeTo } = connectChat(page.chat, { button: page.chatButton, toasts: page.toasts }, chat, side, announce);
  menu.addEventListener('message', (event) => writeTo(/** @type {CustomEvent} */ (event).detail.id));
  new People(page.people, page, { ...parts, side }, (id, button) => menu.open(id, button));
  connectMuteAll(page.people, page.muting, room, floor);
  connectInvitation(page.invitation, floor, { copy, address: location.origin + location.pathname });
  const reactions = { menu: page.reactions, button: page.reactionsButton, sky: page.sky };
  connectReactions(page, reactions, { mux, call }, announce);
  return side;
}

/**
 * Camera, microphone, speaker, and what is chosen about them and about the page.
 * @param {Page} page
 * @param {Parts} parts
 * @param {Notice} notice
 * @param {Side} side
 * @param {() => void} showStatistics
 */
function connectDevices(page, parts, notice, side, showStatistics) {
  const { call, capture, settings, stage } = parts;
  const tone = new TestTone(() => new AudioContext(), new Audio());
  const playTone = () => tone.play(settings.get('speaker'));
  const showKeys = () => toggleHelp(page.help);
  connectPrejoin(page.prejoin, parts, playTone);
  const dialog = connectSettings(page.settings, page.settingsButton, parts, { playTone, showKeys, showStatistics });
  connectDeviceMenus(page.deviceMenus, page.deviceChoice, parts, { playTone, openSettings: dialog.open });
  connectView(page.viewMenu, page.viewButton, settings, showStatistics);
  connectHearing(parts, notice, () => page.deviceMenus.microphone.root.showPopover());
  let problem = ''; // before the call the card says it, with ways on
  const tellProblem = () => notice.say('devices', call.active ? problem : '');
  capture.addEventListener('problem', (event) => {
    problem = /** @type {CustomEvent} */ (event).detail;
    tellProblem();
  });
  call.addEventListener('active', tellProblem);
  const lock = new WakeLock(navigator, document);
  call.addEventListener('joined', () => call.joined && lock.hold()); // not while every ms counts
  call.addEventListener('active', () => !call.active && lock.release());
  connectShortcuts(settings, {
    microphone: () => page.microphone.click(),
    camera: () => page.camera.click(),
    screen: () => page.screen.click(),
    hand: () => page.hand.click(),
    chat: () => call.active && side.toggle('chat'),
    people: () => call.active && side.toggle('people'),
    help: showKeys,
    talk: (on) => capture.talk(on),
    pin: (n) => stage.pinNth(n),
  });
}

/**
 * Figures of the connection, and of single tiles.
 * @param {Page} page
 * @param {Parts} parts
 * @param {TileMenu} menu
 */
function connectStatistics(page, { mux, room, negotiation }, menu) {
  const about = { room: page.room.dataset.room ?? '', agent: navigator.userAgent };
  const statistics = new StatisticsOverlays(page.statistics, page, { negotiation, room }, { copy, about });
  mux.apps.add('rtc', 'quality', (event) => statistics.tell(event));
  menu.addEventListener('statistics', (event) => statistics.toggle(/** @type {CustomEvent} */ (event).detail.id));
  return statistics;
}

/** @param {string} text */
function copy(text) {
  return navigator.clipboard?.writeText(text) ?? Promise.reject(new Error('no clipboard'));
}

/**
 * The socket, and what is said of the connection.
 * @param {Page} page
 * @param {Parts} parts
 * @param {Words} words
 */
function connectSocket(page, { mux, connection, floor }, { announcements }) {
  connectConnection(page.connection, connection, (text) => announcements.say(text));
  connectInvitation(page.connection.alone, floor, { copy, address: location.origin + location.pathname });
  setInterval(() => mux.send({ signal: 'hb' }), HEARTBEAT);
  // htmx may have connected before this script listened.
  if (page.room.hasAttribute('data-htmx-powered')) reconnect(page);
}

/**
 * Looks once, while nobody has joined yet, whether a call would come about, and says so if not.
 * @param {Page} page
 * @param {Parts} parts
 */
function tryConnection({ prejoin }, { mux, call, negotiation }) {
  const ending = new AbortController();
  call.addEventListener('active', () => {
    ending.abort();
    showTrouble(prejoin, '');
  });
  const run = async () => {
    if (ending.signal.aborted) return;
    const [{ checkQuickly }, { nameRoom, openSocket }] = await Promise.all([
      import('./diagnostics-quick.js'),
      import('./diagnostics-socket.js'),
    ]);
    const connection = () => negotiation.connection;
    const trouble = await checkQuickly({ mux, connection, open: openSocket, name: nameRoom, signal: ending.signal });
    if (!ending.signal.aborted) showTrouble(prejoin, trouble);
  };
  const begin = () => {
    mux.apps.remove('rtc', 'connect', begin);
    setTimeout(run, IDLE);
  };
  mux.apps.add('rtc', 'connect', begin);
}

/** Opens a new socket in place of the present one, if any. @param {Page} page */
function reconnect(page) {
  /** @type {{htmx: {process: (element: Element, force: boolean) => void}}} */ (
    /** @type {unknown} */ (globalThis)
  ).htmx.process(page.room, true);
}
