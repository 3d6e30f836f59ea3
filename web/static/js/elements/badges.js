import { badgeOf } from '../quality.js';
import { findPanel } from './page.js';

/**
 * @import {Room} from '../room.js'
 * @import {QualityEvent, Track} from '../protocol.js'
 */

/**
 * For so long, in ms, nobody is bothered with a picture that is only worse, or has not begun yet: most get better soon.
 * One that stops is told of at once.
 */
const WORSE = 2000;
const BEGINNING = 1000;

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
   * Shows what is known of a picture, now or after a while.
   * @param {string} id
   * @param {Track} track
   */
  #show(id, track) {
    const key = `${id} ${track}`;
    const delay = this.#delay(id, track);
    const put = () => {
      this.#stopWaiting(key);
      this.#put(id, track);
    };
    if (delay === 0) put();
    else if (!this.#waiting.has(key)) this.#waiting.set(key, setTimeout(put, delay));
  }

  /**
   * @param {string} id
   * @param {Track} track
   * @returns {number} how long to bear with the picture, in ms
   */
  #delay(id, track) {
    const badge = this.#latestBadge(id, track);
    if (!badge || this.#badge(id, track)) return 0;
    if (badge.state === 'reduced') return WORSE;
    const video = this.#figure(id, track)?.querySelector('video');
    return video && video.videoWidth > 0 ? 0 : BEGINNING;
  }

  /**
   * @param {string} id
   * @param {Track} track
   */
  #put(id, track) {
    const figure = this.#figure(id, track);
    const badge = this.#latestBadge(id, track);
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

  /**
   * @param {string} id
   * @param {Track} track
   */
  #latestBadge(id, track) {
    const quality = this.#latest.get(`${id} ${track}`);
    return quality ? badgeOf(quality) : null;
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
