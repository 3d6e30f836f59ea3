import { badgeOf } from '../quality.js';
import { findPanel } from './page.js';

/**
 * @import {Room} from '../room.js'
 * @import {QualityEvent, Track} from '../protocol.js'
 */

/** A picture that is only worse must be so for this long, in ms, before anybody is bothered with it. */
const BEAR = 2000;

/** Says on the tiles why a picture is paused, or not as good as it might be. */
export class Badges {
  #root;
  #template;
  /** @type {Map<string, QualityEvent>} the latest, by participant and track; may come before the tile */
  #latest = new Map();
  /** @type {Map<string, ReturnType<typeof setTimeout>>} badges that wait */
  #waiting = new Map();

  /**
   * @param {HTMLElement} root `#others`
   * @param {HTMLTemplateElement} template of a badge
   * @param {Room} room
   */
  constructor(root, template, room) {
    this.#root = root;
    this.#template = template;
    room.addEventListener('reset', () => this.#clear());
    room.addEventListener('left', (event) => {
      const { participant } = /** @type {CustomEvent} */ (event).detail;
      for (const track of /** @type {Track[]} */ (['camera', 'screen'])) {
        this.#forget(participant.channel_name, track);
      }
    });
    room.addEventListener('media', (event) => {
      const { participant, screen, stream } = /** @type {CustomEvent} */ (event).detail;
      const track = screen ? 'screen' : 'camera';
      if (!stream) this.#forget(participant.channel_name, track);
      this.#show(participant.channel_name, track);
    });
  }

  /** @param {QualityEvent} quality */
  tell(quality) {
    const { channel_name: id, track } = quality;
    this.#latest.set(`${id} ${track}`, quality);
    this.#show(id, track);
  }

  /**
   * Shows what is known of a picture: that it is paused at once, that it is worse after a while.
   * @param {string} id
   * @param {Track} track
   */
  #show(id, track) {
    const key = `${id} ${track}`;
    const quality = this.#latest.get(key);
    const badge = quality ? badgeOf(quality) : null;
    if (badge?.state !== 'reduced' || this.#badge(id, track)) {
      this.#stopWaiting(key);
      this.#put(id, track);
    } else if (!this.#waiting.has(key)) {
      this.#waiting.set(
        key,
        setTimeout(() => (this.#stopWaiting(key), this.#put(id, track)), BEAR),
      );
    }
  }

  /**
   * @param {string} id
   * @param {Track} track
   */
  #put(id, track) {
    const figure = this.#figure(id, track);
    const quality = this.#latest.get(`${id} ${track}`);
    const badge = quality ? badgeOf(quality) : null;
    figure?.classList.toggle('paused', badge?.state === 'paused');
    const present = this.#badge(id, track);
    if (!figure || !badge) {
      present?.remove();
      return;
    }
    const element = present ?? this.#create();
    element.dataset.why = badge.why;
    element.dataset.state = badge.state;
    element.title = badge.more;
    const words = element.querySelector('.words');
    if (words && words.textContent !== badge.text) words.textContent = badge.text;
    if (!present) figure.append(element);
  }

  #create() {
    const fragment = /** @type {DocumentFragment} */ (this.#template.content.cloneNode(true));
    return /** @type {HTMLElement} */ (fragment.firstElementChild);
  }

  #clear() {
    for (const quality of [...this.#latest.values()]) this.#forget(quality.channel_name, quality.track);
  }

  /**
   * @param {string} id
   * @param {Track} track
   */
  #forget(id, track) {
    const key = `${id} ${track}`;
    this.#latest.delete(key);
    this.#stopWaiting(key);
  }

  /** @param {string} key */
  #stopWaiting(key) {
    clearTimeout(this.#waiting.get(key));
    this.#waiting.delete(key);
  }

  /**
   * @param {string} id
   * @param {Track} track
   * @returns {HTMLElement | null}
   */
  #badge(id, track) {
    return this.#figure(id, track)?.querySelector('.quality') ?? null;
  }

  /**
   * @param {string} id
   * @param {Track} track
   */
  #figure(id, track) {
    const which = track === 'screen' ? 'figure.screen' : 'figure:not(.screen)';
    return findPanel(this.#root, id)?.querySelector(which) ?? null;
  }
}
