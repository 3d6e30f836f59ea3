import { Reports, seenSize, View } from '../quality.js';
import { findPanel } from './page.js';

/**
 * @import {Room} from '../room.js'
 * @import {Tile, Track} from '../protocol.js'
 */

/**
 * @typedef {object} Watched
 * @property {string} id the participant's channel name
 * @property {Track} track
 * @property {{width: number, height: number} | null} box in CSS pixels; null before it was measured
 * @property {boolean | null} inside whether any of it is in the viewport; null likewise
 */

/**
 * Watches how large the pictures of the others are on the screen, and whether they are on it at all, and tells the
 * server. What nobody can see costs nothing.
 */
export class Viewport {
  #root;
  #view = new View();
  #reports;
  /** @type {Map<HTMLVideoElement, Watched>} */
  #watched = new Map();
  #sizes = new ResizeObserver((entries) => this.#resized(entries));
  #crossings = new IntersectionObserver((entries) => this.#crossed(entries));
  /** @type {PictureInPictureWindow | null} the latest, of whichever picture is `document.pictureInPictureElement` */
  #window = null;

  /**
   * @param {HTMLElement} root `#others`, whose panels are up to date when the room's events come here
   * @param {Room} room
   * @param {(tiles: Tile[]) => boolean} send false if the message was lost
   */
  constructor(root, room, send) {
    this.#root = root;
    this.#reports = new Reports({ view: this.#view, send });
    room.addEventListener('reset', () => this.#forget());
    for (const type of ['joined', 'left', 'media']) {
      room.addEventListener(type, (event) => {
        this.#sync(/** @type {CustomEvent} */ (event).detail.participant.channel_name);
      });
    }
    document.addEventListener('visibilitychange', () => this.#measureAll());
    root.addEventListener('enterpictureinpicture', (event) => this.#float(event), true);
    root.addEventListener('leavepictureinpicture', () => this.#measureAll(), true);
    this.#watchScale();
  }

  /** @param {Event} event */
  #float(event) {
    this.#window = /** @type {PictureInPictureEvent} */ (event).pictureInPictureWindow;
    this.#window.addEventListener('resize', () => this.#measureAll());
    this.#measureAll();
  }

  /** Zooming, or another monitor, changes what a CSS pixel is. */
  #watchScale() {
    const changed = () => (this.#watchScale(), this.#measureAll());
    matchMedia(`(resolution: ${devicePixelRatio}dppx)`).addEventListener('change', changed, { once: true });
  }

  #forget() {
    for (const video of [...this.#watched.keys()]) this.#unwatch(video);
    this.#view.forget();
  }

  /**
   * Watches the pictures that this participant has now, and no others of theirs.
   * @param {string} id
   */
  #sync(id) {
    const videos = findPanel(this.#root, id)?.querySelectorAll('video') ?? [];
    for (const [video, watched] of this.#watched) {
      if (watched.id === id && !video.isConnected) this.#unwatch(video);
    }
    for (const video of videos) {
      if (this.#watched.has(video)) continue;
      const track = video.closest('figure.screen') ? 'screen' : 'camera';
      this.#watched.set(video, { id, track, box: null, inside: null });
      video.addEventListener('resize', () => this.#measure(video)); // of the picture in it
      this.#sizes.observe(video);
      this.#crossings.observe(video);
      this.#measure(video); // in a hidden tab the observers say nothing
    }
  }

  /** @param {HTMLVideoElement} video */
  #unwatch(video) {
    const watched = this.#watched.get(video);
    if (!watched) return;
    this.#watched.delete(video);
    this.#sizes.unobserve(video);
    this.#crossings.unobserve(video);
    this.#view.delete(watched.id, watched.track);
  }

  /** @param {ResizeObserverEntry[]} entries */
  #resized(entries) {
    for (const { target, contentRect } of entries) {
      const watched = this.#watched.get(/** @type {HTMLVideoElement} */ (target));
      if (watched) watched.box = { width: contentRect.width, height: contentRect.height };
    }
    this.#measureAll();
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #crossed(entries) {
    for (const { target, isIntersecting } of entries) {
      const watched = this.#watched.get(/** @type {HTMLVideoElement} */ (target));
      if (watched) watched.inside = isIntersecting;
    }
    this.#measureAll();
  }

  #measureAll() {
    for (const [video, watched] of this.#watched) this.#note(video, watched);
    this.#reports.changed();
  }

  /** @param {HTMLVideoElement} video */
  #measure(video) {
    const watched = this.#watched.get(video);
    if (!watched) return;
    this.#note(video, watched);
    this.#reports.changed();
  }

  /**
   * @param {HTMLVideoElement} video
   * @param {Watched} watched
   */
  #note(video, { id, track, box, inside }) {
    const seen = seenSize({
      hidden: document.hidden,
      floating: document.pictureInPictureElement === video ? this.#window : null,
      box,
      inside,
      picture: { width: video.videoWidth, height: video.videoHeight },
      fit: getComputedStyle(video).objectFit,
    });
    if (!seen) return;
    const [width, height] = [seen.width * devicePixelRatio, seen.height * devicePixelRatio];
    this.#view.set(id, track, { width, height, pinned: video.closest('.pinned') !== null });
  }
}
