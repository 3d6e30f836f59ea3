import { play } from './playing.js';

/**
 * @import {Room} from '../room.js'
 * @import {SlotEvent} from '../protocol.js'
 */

/**
 * The voices: an `<audio>` for each audio slot, which nobody sees. It dispatches `blocked` when the browser lets nothing
 * play before the person has clicked somewhere.
 */
export class Slots extends EventTarget {
  #root;
  /** @type {Map<number, HTMLAudioElement>} */
  #players = new Map();

  /**
   * @param {HTMLElement} root `#slots`
   * @param {Room} room
   */
  constructor(root, room) {
    super();
    this.#root = root;
    room.addEventListener('slot', (event) => {
      const { slot, stream } = /** @type {CustomEvent} */ (event).detail;
      this.#attach(slot, stream);
    });
    room.addEventListener('reset', () => {
      for (const player of this.#players.values()) player.remove();
      this.#players.clear();
    });
  }

  /** Notes whose sound a slot brings: `data-channel`. @param {SlotEvent} event */
  tell({ slot, channel_name: id }) {
    const player = this.#player(slot);
    if (id === null) delete player.dataset.channel;
    else player.dataset.channel = id;
  }

  /** Tries again what the browser had blocked; to be called while a click is handled. */
  playAll() {
    for (const player of this.#players.values()) this.#play(player);
  }

  /**
   * @param {number} slot
   * @param {MediaStream | null} stream
   */
  #attach(slot, stream) {
    const player = this.#player(slot);
    if (player.srcObject !== stream) player.srcObject = stream;
    this.#play(player);
  }

  /** @param {HTMLAudioElement} player */
  #play(player) {
    if (player.srcObject) play(player, () => this.dispatchEvent(new Event('blocked')));
  }

  /** @param {number} slot */
  #player(slot) {
    const present = this.#players.get(slot);
    if (present) return present;
    const player = document.createElement('audio');
    player.autoplay = true;
    player.dataset.slot = String(slot);
    this.#players.set(slot, player);
    this.#root.append(player);
    return player;
  }
}
