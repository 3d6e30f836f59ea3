/**
 * How loud everybody is to be, from 0 to 1: remembered by channel name, while they are in the room.
 *
 * Event: `change` (a CustomEvent with `{id, volume}`).
 *
 * @import {Room} from './room.js'
 */
export class Volumes extends EventTarget {
  /** @type {Map<string, number>} */
  #volumes = new Map();

  /** @param {Pick<Room, 'addEventListener'>} room */
  constructor(room) {
    super();
    room.addEventListener('left', (event) => {
      this.#volumes.delete(/** @type {CustomEvent} */ (event).detail.participant.channel_name);
    });
    // After a break of the connection the same people are there, by the same names.
    room.addEventListener('reset', (event) => {
      const { ids } = /** @type {CustomEvent} */ (event).detail;
      for (const id of [...this.#volumes.keys()]) {
        if (!ids.includes(id)) this.#volumes.delete(id);
      }
    });
  }

  /** @param {string} id the channel name */
  get(id) {
    return this.#volumes.get(id) ?? 1;
  }

  /**
   * @param {string} id
   * @param {number} volume
   */
  set(id, volume) {
    this.#volumes.set(id, Math.min(1, Math.max(0, volume)));
    this.dispatchEvent(new CustomEvent('change', { detail: { id, volume: this.get(id) } }));
  }
}
