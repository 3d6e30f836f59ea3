import { play } from './playing.js';
import { sendTo } from './sink.js';

/**
 * @import {Room} from '../room.js'
 * @import {SlotEvent} from '../protocol.js'
 * @import {Volumes} from '../volumes.js'
 */

/**
 * The voices: an `<audio>` for each audio slot that brings somebody, which nobody sees. It dispatches `blocked` when the browser lets nothing
 * play before the person has clicked somewhere.
 */
export class Slots extends EventTarget {
  #root;
  /** @type {Map<number, HTMLAudioElement>} */
  #players = new Map();
  /** @type {Map<number, MediaStream | null>} of all slots */
  #streams = new Map();
  #volumes;
  #sink = '';

  /**
   * @param {HTMLElement} root `#slots`
   * @param {Room} room
   * @param {Volumes} volumes
   */
  constructor(root, room, volumes) {
    super();
    this.#root = root;
    this.#volumes = volumes;
    volumes.addEventListener('change', (event) => {
      const { id, volume } = /** @type {CustomEvent} */ (event).detail;
      for (const player of this.#players.values()) {
        if (player.dataset.channel === id) player.volume = volume;
      }
    });
    room.addEventListener('slot', (event) => {
      const { slot, stream } = /** @type {CustomEvent} */ (event).detail;
      this.#streams.set(slot, stream);
      const player = this.#players.get(slot);
      if (player) this.#attach(player, stream);
    });
    room.addEventListener('reset', () => {
      for (const player of this.#players.values()) player.remove();
      this.#players.clear();
      this.#streams.clear();
    });
  }

  /** Notes whose sound a slot brings: `data-channel`. @param {SlotEvent} event */
  tell({ slot, channel_name: id }) {
    if (id === null && !this.#players.has(slot)) return;
    const player = this.#player(slot);
    if (id === null) delete player.dataset.channel;
    else player.dataset.channel = id;
    player.volume = id === null ? 1 : this.#volumes.get(id);
  }

  /** Sends all voices to an output device. @param {string} device its deviceId; '' is the browser's choice */
  setSink(device) {
    this.#sink = device;
    for (const player of this.#players.values()) sendTo(player, device);
  }

  /** Tries again what the browser had blocked; to be called while a click is handled. */
  playAll() {
    for (const player of this.#players.values()) this.#play(player);
  }

  /**
   * @param {HTMLAudioElement} player
   * @param {MediaStream | null} stream
   */
  #attach(player, stream) {
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
    sendTo(player, this.#sink);
    this.#players.set(slot, player);
    this.#root.append(player);
    this.#attach(player, this.#streams.get(slot) ?? null);
    return player;
  }
}
