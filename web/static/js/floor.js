import { t } from './words.js';

/**
 * The `floor` app: who may do what in the room, as far as the server has told, and what one asks of it.
 *
 * Events, CustomEvents:
 * - `you` (with `{you, former}`): what one may do; `former` is null at the first of a stay
 * - `state`: how the room is
 * - `about` (with `{id}`): a participant is a host or has raised a hand, or no longer, or is restricted otherwise
 * - `hands`: who has raised a hand; after their `about`
 * - `removed` (with `{closed}`: the room was, for everybody), and `invitation` (with `{path, expires}`)
 * - `reset`: nothing is known any more
 *
 * @import {Room} from './room.js'
 * @import {
 *   Access, HandsEvent, InvitationEvent, Participant, RestrictedEvent, Restrictions, StateEvent, YouEvent
 * } from './protocol.js'
 */

/** @typedef {Restrictions & {host: boolean, hand: boolean}} About */

/** @type {Restrictions} */
const FREE = { muted: false, camera_off: false, screen_off: false };

/** @type {Record<keyof Restrictions, {barred: string, free: string}>} keys of words */
const RESTRICTIONS = {
  muted: { barred: 'floor.muted', free: 'floor.unmuted' },
  camera_off: { barred: 'floor.camera_off', free: 'floor.camera_free' },
  screen_off: { barred: 'floor.screen_off', free: 'floor.screen_free' },
};

/** More hands than this at once are only counted. */
const MANY = 3;

export class Floor extends EventTarget {
  #send;
  /** One's own channel name. */
  #id = '';
  /** @type {YouEvent | null} null before the server has told */
  #you = null;
  /** @type {StateEvent | null} likewise */
  #state = null;
  /** @type {Participant[]} */
  #hands = [];
  /** @type {Map<string, Restrictions>} by channel name; of those who are restricted, while they are on stage */
  #restricted = new Map();

  /** @param {(message: {type: string} & Record<string, unknown>) => void} send */
  constructor(send) {
    super();
    this.#send = send;
  }

  /** @param {{add: (app: string, event: string, handler: (event: any) => void) => void}} apps */
  listen(apps) {
    apps.add('floor', 'you', (event) => this.#onYou(event));
    apps.add('floor', 'state', (event) => this.#onState(event));
    apps.add('floor', 'hands', (event) => this.#onHands(event));
    apps.add('floor', 'restricted', (event) => this.#onRestricted(event));
    apps.add('floor', 'removed', ({ closed = false }) => this.#emit('removed', { closed }));
    apps.add('floor', 'invitation', (event) => this.#onInvitation(event));
    apps.add('rtc', 'connect', ({ channel_name: id }) => (this.#id = id));
    apps.add('rtc', 'disconnected', ({ channel_name: id }) => this.#restricted.delete(id)); // told again with the next stay
  }

  get you() {
    return this.#you;
  }

  get state() {
    return this.#state;
  }

  /** Who has raised a hand, in that order. */
  get hands() {
    return this.#hands;
  }

  /**
   * @param {string} id the channel name
   * @returns {About}
   */
  about(id) {
    return {
      ...(this.#restricted.get(id) ?? FREE),
      host: this.#state?.hosts.includes(id) ?? false,
      hand: this.#hands.some(({ channel_name }) => channel_name === id),
    };
  }

  /**
   * Whether somebody is on stage, oneself or another.
   * @param {string} id the channel name
   * @param {Pick<Room, 'participant'>} others those on stage
   */
  isOnStage(id, others) {
    return id === this.#id ? (this.#you?.on_stage ?? false) : others.participant(id) !== null;
  }

  /** One enters a room, or has left it. */
  reset() {
    this.#you = null;
    this.#state = null;
    this.#hands = [];
    this.#restricted.clear();
    this.#emit('reset');
  }

  /** Raises one's hand, or lowers it. @param {boolean} up */
  raise(up) {
    this.#send({ type: 'hand', up });
  }

  /** @param {string} id */
  lower(id) {
    this.#send({ type: 'hand', channel_name: id, up: false });
  }

  /** @param {string} id @param {boolean} on */
  stage(id, on) {
    this.#send({ type: 'stage', channel_name: id, on });
  }

  /** @param {string} id @param {boolean} on */
  mute(id, on) {
    this.#send({ type: 'mute', channel_name: id, on });
  }

  /** @param {string} id @param {boolean} off */
  camera(id, off) {
    this.#send({ type: 'camera', channel_name: id, off });
  }

  /** @param {string} id @param {boolean} off */
  screen(id, off) {
    this.#send({ type: 'screen', channel_name: id, off });
  }

  /** @param {string} id */
  remove(id) {
    this.#send({ type: 'remove', channel_name: id });
  }

  /** @param {string} id @param {boolean} on */
  host(id, on) {
    this.#send({ type: 'host', channel_name: id, on });
  }

  /** @param {boolean} on */
  lock(on) {
    this.#send({ type: 'lock', on });
  }

  /**
   * @param {Access} access
   * @param {string} [password] with that access
   */
  access(access, password) {
    this.#send(access === 'password' ? { type: 'access', access, password } : { type: 'access', access });
  }

  /** @param {boolean} on */
  byInvitation(on) {
    this.#send({ type: 'by_invitation', on });
  }

  /** Asks for an `invitation`. */
  invite() {
    this.#send({ type: 'invite' });
  }

  /** @param {YouEvent} you */
  #onYou(you) {
    const former = this.#you;
    this.#you = you;
    this.#emit('you', { you, former });
  }

  /** @param {StateEvent} state */
  #onState(state) {
    if (!Array.isArray(state.hosts)) return;
    const former = this.#state?.hosts ?? [];
    this.#state = state;
    this.#tellChanges(former, state.hosts);
    this.#emit('state');
  }

  /** @param {HandsEvent} event */
  #onHands({ hands }) {
    if (!Array.isArray(hands)) return;
    const idsOf = (/** @type {Participant[]} */ list) => list.map(({ channel_name }) => channel_name);
    const former = idsOf(this.#hands);
    this.#hands = hands;
    this.#tellChanges(former, idsOf(hands));
    this.#emit('hands');
  }

  /** @param {RestrictedEvent} event */
  #onRestricted({ channel_name: id, muted, camera_off, screen_off }) {
    if (muted || camera_off || screen_off) this.#restricted.set(id, { muted, camera_off, screen_off });
    else this.#restricted.delete(id);
    this.#emit('about', { id });
  }

  /** @param {InvitationEvent} event */
  #onInvitation({ path, expires }) {
    // It becomes a link.
    if (typeof path === 'string' && path.startsWith('/r/')) this.#emit('invitation', { path, expires });
  }

  /**
   * Those who are in one of the lists only.
   * @param {string[]} former
   * @param {string[]} present
   */
  #tellChanges(former, present) {
    const [before, now] = [new Set(former), new Set(present)];
    for (const id of new Set([...former, ...present])) {
      if (before.has(id) !== now.has(id)) this.#emit('about', { id });
    }
  }

  /**
   * @param {string} type
   * @param {object} [detail]
   */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/**
 * What hosts are told of hands that went up, in words: whose, unless there are many.
 * @param {Participant[]} hands
 * @param {Set<string>} former the channel names of those that were up before
 * @returns {string[]} lines
 */
export function newsOfHands(hands, former) {
  const fresh = hands.filter(({ channel_name: id }) => !former.has(id));
  if (fresh.length > MANY) return [t('floor.hands', { n: hands.length })];
  return fresh.map(({ user_name: name }) => t('floor.hand', { name }));
}

/**
 * Whether whoever is let on stage had raised a hand.
 * @param {YouEvent} you
 * @param {YouEvent | null} former
 */
export function hasAsked(you, former) {
  return you.hand || (former?.hand ?? false);
}

/**
 * What a person is to be told of what they may do now, in words.
 * @param {YouEvent} you
 * @param {YouEvent | null} former null at the first of a stay
 * @returns {string} empty if it is nothing new
 */
export function newsOf(you, former) {
  const was = former ?? { ...FREE, host: you.host, on_stage: you.on_stage };
  const news = you.host && !was.host ? [t('floor.host')] : [];
  if (!you.on_stage) {
    if (was.on_stage) news.push(t('floor.off_stage'));
    else if (!former) news.push(t('floor.watching'));
    return news.join(' ');
  }
  if (!was.on_stage) news.push(onStage(hasAsked(you, former)));
  for (const [key, { barred, free }] of Object.entries(RESTRICTIONS)) {
    const [is, before] = [you, was].map((each) => each[/** @type {keyof Restrictions} */ (key)]);
    if (is !== before) news.push(t(is ? barred : free));
  }
  return news.join(' ');
}

/** @param {boolean} asked */
function onStage(asked) {
  return t(asked ? 'floor.on_stage' : 'floor.let_on_stage');
}
