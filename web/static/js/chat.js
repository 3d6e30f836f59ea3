import { t } from './words.js';

/**
 * @import {Call} from './call.js'
 * @import {ChatHistory, ChatMessage, ErrorEvent, ReactionEvent} from './protocol.js'
 * @import {Mux} from './mux.js'
 * @import {Room} from './room.js'
 */

/** The longest text of a message, in characters. */
export const LONGEST = 2000;

/** Messages of one person within so many ms belong together. */
const TOGETHER = 180_000;

/** More news than this at once are only counted. */
const MANY = 3;

/** A message told aloud has so many characters at most; the rest is in the list. */
const TOLD = 300;

/** The errors that answer a message. */
const REFUSALS = /** @type {const} */ ({ gone: 'chat.gone', too_fast: 'chat.too_fast', bad_message: 'chat.bad' });

/**
 * @typedef {object} Recipient the one person who alone gets what is written
 * @property {string} id the channel name, empty where several could be meant
 * @property {string} name
 * @property {boolean} gone nobody gets anything before somebody else, or everybody, is chosen
 */

/**
 * @typedef {object} Parts
 * @property {Pick<Mux, 'send' | 'apps'>} mux
 * @property {Room} room
 * @property {Pick<Call, 'joined' | 'active' | 'addEventListener'>} call
 */

/**
 * The `chat` app: what is written in the room, to whom one writes, and what one has not read.
 *
 * Of what one writes one message at a time is on its way: it is sent when it comes back. What was meant for one person
 * never goes to all because that person, or the connection, is gone: then one has to choose.
 *
 * Events, CustomEvents:
 * - `message` (with `{message, own}`): somebody wrote
 * - `history` (with `{missed}`): what was written before, which the server has rendered; `missed` is what came while
 *   the session was lost
 * - `refused` (with `{text, problem}`): what one wrote did not get through, and why
 * - `recipient`, `unread`: have changed
 * - `cleared`: one has left, and nothing is known any more
 */
export class Chat extends EventTarget {
  #mux;
  #room;
  #call;
  /** One's own channel name. */
  #id = '';
  /** @type {Set<string>} ids of messages that one wrote in an earlier stay */
  #yours = new Set();
  /** @type {Map<string, string>} names of those who wrote, by channel name: also viewers, who are not announced */
  #authors = new Map();
  /** @type {Recipient | null} null: everybody */
  #recipient = null;
  /** @type {{text: string, to: Recipient | null} | null} what is on its way */
  #pending = null;
  #reading = false;
  #unread = 0;
  /** @type {number | null} of the latest message, in Unix ms on the server's clock; null before the history came */
  #latest = null;

  /** @param {Parts} parts */
  constructor({ mux, room, call }) {
    super();
    this.#mux = mux;
    this.#room = room;
    this.#call = call;
    mux.apps.add('rtc', 'connect', ({ channel_name: id }) => (this.#id = id));
    mux.apps.add('chat', 'message', (message) => this.#onMessage(message));
    mux.apps.add('chat', 'history', (history) => this.#onHistory(history));
    for (const type of Object.keys(REFUSALS)) mux.apps.add('error', type, (event) => this.#onError(event));
    call.addEventListener('joined', () => !call.joined && this.#refuse('chat.lost'));
    call.addEventListener('active', () => !call.active && this.#clear());
    room.addEventListener('left', (event) => {
      this.#lose(/** @type {CustomEvent} */ (event).detail.participant.channel_name);
    });
    room.addEventListener('reset', (event) => this.#look(/** @type {CustomEvent} */ (event).detail.ids));
  }

  /** To whom one writes; null: everybody. */
  get recipient() {
    return this.#recipient;
  }

  /** How many messages of others one has not seen. */
  get unread() {
    return this.#unread;
  }

  /** Who can be written to alone: those on stage, and whoever else has written. */
  get others() {
    const names = new Map(this.#authors);
    for (const { channel_name: id, user_name: name } of this.#room.participants) names.set(id, name);
    names.delete(this.#id);
    return [...names].map(([id, name]) => ({ id, name })).sort((a, b) => a.name.localeCompare(b.name));
  }

  /** Whether one wrote it, now or in an earlier stay. @param {{id: string, channel: string}} message */
  isOwn({ id, channel }) {
    return channel === this.#id || this.#yours.has(id);
  }

  /** @param {string} id a channel name; empty: everybody */
  writeTo(id) {
    const name = this.others.find((other) => other.id === id)?.name;
    if (name !== undefined) this.#setRecipient({ id, name, gone: false });
    else this.#setRecipient(id === '' ? null : { id, name: '', gone: true });
  }

  /**
   * @param {string} text
   * @returns {string} the key of the words for why it was not sent; empty if it is on its way
   */
  say(text) {
    const to = this.#recipient;
    const trimmed = text.trim();
    if (lengthOf(trimmed) > LONGEST) return 'chat.too_long';
    if (to?.gone) return 'chat.choose';
    if (!this.#call.joined) return 'chat.outside';
    if (this.#pending) return 'chat.sending';
    if (!this.#mux.send({ chat: { type: 'say', text: trimmed, ...(to && { to: to.id }) } })) return 'chat.offline';
    this.#pending = { text, to };
    return '';
  }

  /** What comes is seen from now on, and all that has come, or no more. @param {boolean} reading */
  setReading(reading) {
    this.#reading = reading;
    if (reading) this.#setUnread(0);
  }

  /** @param {ChatMessage} message */
  #onMessage(message) {
    if (!this.#call.active) {
      this.#emit('cleared'); // of a stay that is over
      return;
    }
    const { id, channel_name: channel, user_name: name, time } = message;
    const own = this.isOwn({ id, channel });
    if (own) this.#pending = null;
    else this.#authors.set(channel, name);
    this.#latest = Math.max(this.#latest ?? 0, time);
    this.#emit('message', { message, own });
    if (!own && !this.#reading) this.#setUnread(this.#unread + 1);
  }

  /** @param {ChatHistory} history */
  #onHistory({ messages, yours }) {
    if (!this.#call.active) {
      this.#emit('cleared');
      return;
    }
    this.#yours = new Set(yours);
    const latest = this.#latest;
    // A newcomer has missed nothing.
    const missed = messages.filter(({ id, time }) => latest !== null && time > latest && !this.#yours.has(id));
    this.#latest = messages.reduce((last, { time }) => Math.max(last, time), latest ?? 0);
    this.#emit('history', { missed });
    if (!this.#reading) this.#setUnread(this.#unread + missed.length);
  }

  /** @param {ErrorEvent} event */
  #onError({ type }) {
    const to = this.#pending?.to;
    if (type === 'gone' && to) this.#lose(to.id);
    this.#refuse(REFUSALS[/** @type {keyof typeof REFUSALS} */ (type)]);
  }

  /** @param {string} problem the key of the words */
  #refuse(problem) {
    const pending = this.#pending;
    if (!pending) return;
    this.#pending = null;
    // It comes back to what is meant for somebody else now: for whom both are, the person has to say.
    if (pending.to?.id !== this.#recipient?.id) this.#setRecipient({ id: '', name: '', gone: true });
    this.#emit('refused', { text: pending.text, problem });
  }

  /** Somebody has left. @param {string} id */
  #lose(id) {
    this.#authors.delete(id);
    if (this.#recipient?.id === id) this.#setRecipient({ ...this.#recipient, gone: true });
  }

  /** Everybody who is here is known afresh; of viewers one does not know. @param {string[]} ids */
  #look(ids) {
    this.#authors.clear();
    const to = this.#recipient;
    if (to?.id) this.#setRecipient({ ...to, gone: !ids.includes(to.id) });
  }

  /** One has left the room. To whom one wrote stays: what is in the field is for them. */
  #clear() {
    this.#refuse('chat.lost');
    this.#authors.clear();
    this.#yours.clear();
    this.#latest = null;
    this.#setUnread(0);
    this.#emit('cleared');
  }

  /** @param {Recipient | null} recipient */
  #setRecipient(recipient) {
    this.#recipient = recipient;
    this.#emit('recipient');
  }

  /** @param {number} unread */
  #setUnread(unread) {
    if (unread === this.#unread) return;
    this.#unread = unread;
    this.#emit('unread');
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
 * @typedef {object} Line of the list
 * @property {string} by who wrote it: a channel name, or something else for all of one's own
 * @property {string} to channel name; empty: everybody
 * @property {number} time Unix ms
 */

/**
 * Whether a line belongs to the one before, so that it need not say again whose it is.
 * @param {Line | null} previous
 * @param {Line} line
 */
export function follows(previous, line) {
  if (previous?.by !== line.by || previous.to !== line.to) return false;
  return line.time - previous.time < TOGETHER && isSameDay(line.time, previous.time);
}

/**
 * How times are written in a language: with the day, unless it is today.
 * @param {string} language
 * @returns {(time: number, now: number) => string} of Unix ms
 */
export function clock(language) {
  const short = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit' });
  const long = new Intl.DateTimeFormat(language, {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
  });
  return (time, now) => (isSameDay(time, now) ? short : long).format(time);
}

/** In characters, as the server counts them. @param {string} text */
export function lengthOf(text) {
  return [...text].length;
}

/**
 * What is told of messages to those who do not see the list, in words.
 * @param {ChatMessage[]} messages
 * @returns {string[]} lines
 */
export function newsOfMessages(messages) {
  if (messages.length > MANY) return [t('chat.many', { n: messages.length })];
  return messages.map(({ user_name: name, text, to }) => {
    return t(to ? 'chat.told_privately' : 'chat.told', { name, text: [...text].slice(0, TOLD).join('') });
  });
}

/**
 * Likewise of reactions.
 * @param {ReactionEvent[]} reactions
 */
export function newsOfReactions(reactions) {
  const names = new Set(reactions.map(({ user_name: name }) => name));
  const emoji = [...new Set(reactions.map((reaction) => reaction.emoji))].join(' ');
  return names.size === 1
    ? t('reactions.one', { name: [...names][0], emoji })
    : t('reactions.many', { n: names.size, emoji });
}

/**
 * Those whose names have all the words that are searched for, whatever their accents and case.
 * @param {string} name
 * @param {string} query
 */
export function isFound(name, query) {
  const folded = fold(name);
  return fold(query)
    .split(/\s+/)
    .every((word) => folded.includes(word));
}

/** @param {string} text */
function fold(text) {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().replaceAll('ß', 'ss').trim();
}

/** Tells the first of what comes at once, and what comes within so many ms together. @template T */
export class Spaced {
  /** @type {T[]} */
  #waiting = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #pause;
  #tell;

  /**
   * @param {number} pause in ms
   * @param {(items: T[]) => void} tell
   */
  constructor(pause, tell) {
    this.#pause = pause;
    this.#tell = tell;
  }

  /** @param {T} item */
  add(item) {
    this.#waiting.push(item);
    if (this.#timer === undefined) this.#flush();
  }

  /** What waits is not told. */
  clear() {
    this.#waiting = [];
  }

  #flush() {
    const items = this.#waiting.splice(0);
    this.#timer = items.length > 0 ? setTimeout(() => this.#flush(), this.#pause) : undefined;
    if (items.length > 0) this.#tell(items);
  }
}

/** At most so many in so many ms. */
export class Rate {
  #most;
  #span;
  /** @type {number[]} */
  #times = [];

  /**
   * @param {number} most
   * @param {number} span in ms
   */
  constructor(most, span) {
    this.#most = most;
    this.#span = span;
  }

  /** Counts one more, or says that it would be too many. @param {number} now in ms */
  allows(now) {
    this.#times = this.#times.filter((time) => now - time < this.#span);
    if (this.#times.length >= this.#most) return false;
    this.#times.push(now);
    return true;
  }
}

/**
 * @param {number} a Unix ms
 * @param {number} b
 */
function isSameDay(a, b) {
  return new Date(a).toDateString() === new Date(b).toDateString();
}
