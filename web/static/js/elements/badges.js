import { announcementOf, badgeOf, patienceFor, UNTIL_FRAME } from '../quality.js';
import { findPanel } from './page.js';

/**
 * @import {Room} from '../room.js'
 * @import {Badge} from '../quality.js'
 * @import {QualityEvent, Track} from '../protocol.js'
 */

/** @typedef {{patience: number, stop: () => void}} Wait */

/** Says on the tiles why a picture is paused, or not as good as it might be. */
export class Badges {
  #root;
  #template;
  #room;
  #announce;
  /** @type {Map<string, QualityEvent>} the latest, by participant and track; may come before the tile */
  #latest = new Map();
  /** @type {Map<string, Wait>} tiles that stay as they are for a while, by participant and track */
  #waiting = new Map();

  /**
   * @param {HTMLElement} root `#others`
   * @param {HTMLTemplateElement} template of a badge
   * @param {Room} room
   * @param {(text: string) => void} announce says it to those who do not see the tiles
   */
  constructor(root, template, room, announce) {
    this.#root = root;
    this.#template = template;
    this.#room = room;
    this.#announce = announce;
    room.addEventListener('reset', () => this.#clear());
    room.addEventListener('left', (event) => {
      const { participant } = /** @type {CustomEvent} */ (event).detail;
      for (const track of /** @type {Track[]} */ (['camera', 'screen'])) {
        this.#forget(participant.channel_name, track);
      }
    });
    room.addEventListener('media', (event) => {
      const { participant, screen, stream } = /** @type {CustomEvent} */ (event).detail;
      this.#onMedia(participant.channel_name, screen ? 'screen' : 'camera', stream);
    });
    // What was out of view with the whole tab may be back before anybody has read that.
    document.addEventListener('visibilitychange', () => {
      for (const { channel_name: id, track } of this.#latest.values()) this.#show(id, track);
    });
  }

  /** @param {QualityEvent} quality */
  tell(quality) {
    const { channel_name: id, track } = quality;
    this.#latest.set(`${id} ${track}`, quality);
    this.#show(id, track);
  }

  /**
   * @param {string} id
   * @param {Track} track
   * @param {MediaStream | null} stream
   */
  #onMedia(id, track, stream) {
    if (stream) {
      this.#show(id, track);
      return;
    }
    this.#forget(id, track);
    this.#put(id, track);
  }

  /**
   * Shows what is known of a picture, now or after a while.
   * @param {string} id
   * @param {Track} track
   */
  #show(id, track) {
    const key = `${id} ${track}`;
    const wanted = this.#latestBadge(id, track);
    const video = this.#figure(id, track)?.querySelector('video') ?? null;
    const patience = patienceFor(this.#shown(id, track), wanted, Boolean(video && video.videoWidth > 0));
    const unseen = wanted?.why === 'choice' && document.hidden;
    if (!unseen && this.#waiting.get(key)?.patience === patience) return;
    this.#stopWaiting(key);
    if (unseen) return;
    const put = () => {
      this.#stopWaiting(key);
      this.#put(id, track);
    };
    if (patience === 0) put();
    else
      this.#waiting.set(key, { patience, stop: patience === UNTIL_FRAME ? onFrame(video, put) : after(patience, put) });
  }

  /**
   * @param {string} id
   * @param {Track} track
   */
  #put(id, track) {
    const figure = this.#figure(id, track);
    const badge = this.#latestBadge(id, track);
    const present = this.#element(id, track);
    if (badge && figure && !figure.classList.contains('paused')) this.#say(badge, id, track);
    figure?.classList.toggle('paused', badge?.state === 'paused');
    if (!figure || !badge) {
      present?.remove();
      return;
    }
    const element = present ?? this.#create();
    element.dataset.why = badge.why;
    element.dataset.state = badge.state;
    element.title = badge.more;
    write(element.querySelector('.words'), badge.text);
    write(element.querySelector('.short'), badge.short);
    if (!present) figure.append(element);
  }

  /**
   * Announces a pause, unless there was no picture to see in the first place.
   * @param {Badge} badge
   * @param {string} id
   * @param {Track} track
   */
  #say(badge, id, track) {
    if (track === 'camera' && findPanel(this.#root, id)?.classList.contains('no-video')) return;
    const participant = this.#room.participant(id);
    const text = participant && announcementOf(badge, track, participant.user_name);
    if (text) this.#announce(text);
  }

  /**
   * @param {string} id
   * @param {Track} track
   */
  #latestBadge(id, track) {
    const quality = this.#latest.get(`${id} ${track}`);
    return quality ? badgeOf(quality) : null;
  }

  /**
   * What the tile says at present.
   * @param {string} id
   * @param {Track} track
   */
  #shown(id, track) {
    const { state, why } = this.#element(id, track)?.dataset ?? {};
    return state ? /** @type {Pick<Badge, 'state' | 'why'>} */ ({ state, why }) : null;
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
    this.#waiting.get(key)?.stop();
    this.#waiting.delete(key);
  }

  /**
   * @param {string} id
   * @param {Track} track
   * @returns {HTMLElement | null}
   */
  #element(id, track) {
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

/**
 * @param {number} delay in ms
 * @param {() => void} run
 * @returns {() => void} stops waiting
 */
function after(delay, run) {
  const timer = setTimeout(run, delay);
  return () => clearTimeout(timer);
}

/**
 * Runs when the next frame is shown; a browser that does not tell shows it soon.
 * @param {HTMLVideoElement | null} video
 * @param {() => void} run
 * @returns {() => void} stops waiting
 */
function onFrame(video, run) {
  if (!video || !('requestVideoFrameCallback' in video)) return after(0, run);
  const handle = video.requestVideoFrameCallback(run);
  return () => video.cancelVideoFrameCallback(handle);
}

/**
 * @param {Element | null} element
 * @param {string} text
 */
function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}
