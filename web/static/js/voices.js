/**
 * Who speaks now, and who did last.
 *
 * Events: `voice` (a CustomEvent with `{id, on}`: somebody begins to speak, or ends), `speaker` (with `{id, former}`,
 * each a channel name or null: another one is the one who speaks, more than others).
 *
 * @import {LevelsEvent, SpeakerEvent} from './protocol.js'
 */

/** The levels hold for so many ms: while anybody speaks they come at least once a second. */
const LEVELS_HOLD = 1000;

export class Voices extends EventTarget {
  /** @type {Set<string>} who speaks now, by channel name */
  #speaking = new Set();
  /** @type {Map<string, number>} when those who do not speak now last did */
  #heard = new Map();
  /** @type {string | null} */
  #speaker = null;
  #now;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {object} [options]
   * @param {() => number} [options.now] in ms
   */
  constructor({ now = () => performance.now() } = {}) {
    super();
    this.#now = now;
  }

  /** Who speaks, more than others, or did last; null before anybody has. */
  get speaker() {
    return this.#speaker;
  }

  /** @param {string} id the channel name */
  speaks(id) {
    return this.#speaking.has(id);
  }

  /**
   * When somebody was last heard, in ms: Infinity while they speak, -Infinity if they never did.
   * @param {string} id the channel name
   */
  heard(id) {
    return this.#speaking.has(id) ? Infinity : (this.#heard.get(id) ?? -Infinity);
  }

  /** @param {SpeakerEvent} event */
  setSpeaker({ channel_name: id }) {
    const former = this.#speaker;
    if (id === former) return;
    this.#speaker = id;
    if (id !== null) this.#heard.set(id, this.#now());
    this.#emit('speaker', { id, former });
  }

  /** @param {LevelsEvent} event */
  setLevels({ levels }) {
    if (!levels || typeof levels !== 'object') return;
    clearTimeout(this.#timer);
    for (const id of [...this.#speaking]) {
      if (!Object.hasOwn(levels, id)) this.#silence(id);
    }
    for (const id of Object.keys(levels)) {
      if (this.#speaking.has(id)) continue;
      this.#speaking.add(id);
      this.#emit('voice', { id, on: true });
    }
    if (this.#speaking.size > 0) {
      this.#timer = setTimeout(() => this.setLevels({ type: 'levels', levels: {} }), LEVELS_HOLD);
    }
  }

  /** Somebody has left. @param {string} id the channel name */
  delete(id) {
    if (this.#speaking.has(id)) this.#silence(id);
    this.#heard.delete(id);
    if (this.#speaker === id) this.setSpeaker({ type: 'speaker', channel_name: null });
  }

  /** Everybody has, or one has left them. */
  clear() {
    this.setLevels({ type: 'levels', levels: {} });
    this.setSpeaker({ type: 'speaker', channel_name: null });
    this.#heard.clear();
  }

  /** @param {string} id */
  #silence(id) {
    this.#speaking.delete(id);
    this.#heard.set(id, this.#now());
    this.#emit('voice', { id, on: false });
  }

  /**
   * @param {string} type
   * @param {object} detail
   */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
