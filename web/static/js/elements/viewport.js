import { NOTHING, Reports, seenSize, View, wantedSize } from '../quality.js';
import { findPanel } from './page.js';

/**
 * @import {Room} from '../room.js'
 * @import {Settings} from '../settings.js'
 * @import {Stage} from './stage.js'
 * @import {Size} from '../layout.js'
 * @import {Tile, Track} from '../protocol.js'
 */

/**
 * @typedef {object} Watched
 * @property {string} id the participant's channel name
 * @property {Track} track
 * @property {Size} box in CSS pixels
 * @property {boolean} inside whether any of it is in the viewport
 */

/**
 * Watches how large the pictures of the others are on the screen, and whether they are on it at all, and tells the
 * server. What nobody can see costs nothing.
 */
export class Viewport {
  #root;
  #room;
  #settings;
  #view = new View();
  #reports;
  /** @type {Map<string, Size>} the size of each tile on the stage, by channel name */
  #shown = new Map();
  /** @type {Map<HTMLVideoElement, Watched>} */
  #watched = new Map();
  #sizes = new ResizeObserver((entries) => this.#resized(entries));
  #crossings = new IntersectionObserver((entries) => this.#crossed(entries));
  /** @type {PictureInPictureWindow | null} the latest, of whichever picture is `document.pictureInPictureElement` */
  #window = null;

  /**
   * @param {HTMLElement} root `#others`, whose panels are up to date when the events of the others come here
   * @param {object} parts
   * @param {Room} parts.room
   * @param {Stage} parts.stage
   * @param {Settings} parts.settings
   * @param {(tiles: Tile[]) => boolean} parts.send false if the message was lost
   */
  constructor(root, { room, stage, settings, send }) {
    this.#root = root;
    this.#settings = settings;
    this.#room = room;
    this.#reports = new Reports({ view: this.#view, send });
    room.addEventListener('reset', () => this.#forget());
    room.addEventListener('left', (event) => {
      const id = /** @type {CustomEvent} */ (event).detail.participant.channel_name;
      this.#unwatch(id);
      for (const track of /** @type {Track[]} */ (['camera', 'screen'])) this.#view.delete(id, track);
    });
    for (const type of ['media', 'features']) {
      room.addEventListener(type, (event) => {
        const id = /** @type {CustomEvent} */ (event).detail.participant.channel_name;
        if (this.#shown.has(id)) this.#sync(id);
        else if (!this.#land(id)) return; // as of most in a crowd
        this.#reports.changed();
      });
    }
    stage.addEventListener('arranged', (event) => {
      const { shown, gone } = /** @type {CustomEvent} */ (event).detail;
      this.#arranged(shown, gone);
    });
    settings.addEventListener('change', (event) => {
      if (/** @type {CustomEvent} */ (event).detail.name === 'receiveQuality') this.#measureAll();
    });
    document.addEventListener('visibilitychange', () => this.#measureAll());
    root.addEventListener('enterpictureinpicture', (event) => this.#float(event), true);
    root.addEventListener('leavepictureinpicture', () => this.#landed(), true);
    root.addEventListener('resize', ({ target }) => this.#measure(target), true); // of the picture in a video
    this.#watchScale();
  }

  /** The pictures that can be seen now. */
  get seen() {
    return this.#view.seen;
  }

  /** @param {Event} event */
  #float(event) {
    this.#window = /** @type {PictureInPictureEvent} */ (event).pictureInPictureWindow;
    this.#window.addEventListener('resize', () => this.#measureAll());
    this.#measureAll();
  }

  #landed() {
    for (const { id } of [...this.#watched.values()]) {
      if (!this.#shown.has(id)) this.#land(id);
    }
    this.#measureAll();
  }

  /** Zooming, or another monitor, changes what a CSS pixel is. */
  #watchScale() {
    const changed = () => (this.#watchScale(), this.#measureAll());
    matchMedia(`(resolution: ${devicePixelRatio}dppx)`).addEventListener('change', changed, { once: true });
  }

  /**
   * @param {Map<string, Size>} shown
   * @param {string[]} gone
   */
  #arranged(shown, gone) {
    this.#shown = shown;
    for (const id of gone) this.#land(id);
    // Nothing else has the place of a camera, so it need not be measured first.
    for (const [video, watched] of this.#watched) {
      const box = shown.get(watched.id);
      if (!box || watched.track === 'screen' || this.#room.stream(watched.id, true)) continue;
      if (video.closest(':fullscreen')) continue; // larger than its place on the stage
      watched.box = box;
      this.#note(video, watched);
    }
    for (const id of shown.keys()) this.#sync(id);
    this.#reports.changed();
  }

  #forget() {
    for (const video of [...this.#watched.keys()]) this.#drop(video);
    this.#view.clear();
  }

  /**
   * Watches the pictures that a shown participant has now, and no others of theirs. Until they are measured they are as
   * large as the tile. A screen that is not there yet is asked for in the size that it will have.
   * @param {string} id
   */
  #sync(id) {
    const box = this.#shown.get(id);
    if (!box) return;
    for (const [video, watched] of this.#watched) {
      if (watched.id === id && !video.isConnected) this.#drop(video);
    }
    let shares = false;
    for (const video of findPanel(this.#root, id)?.querySelectorAll('video') ?? []) {
      const track = video.closest('figure.screen') ? 'screen' : 'camera';
      shares ||= track === 'screen';
      if (!this.#watched.has(video)) this.#watch(video, { id, track, box, inside: true });
    }
    if (shares) return;
    const comes = this.#room.features(id).screen !== false && !document.hidden;
    this.#tell(id, 'screen', comes ? box : NOTHING, false);
  }

  /**
   * @param {HTMLVideoElement} video
   * @param {Watched} watched
   */
  #watch(video, watched) {
    this.#watched.set(video, watched);
    this.#sizes.observe(video);
    this.#crossings.observe(video);
    this.#note(video, watched);
  }

  /**
   * Of somebody who is not on the page nothing is seen but a picture in a window of its own.
   * @param {string} id
   * @returns {boolean} whether anything of them was watched
   */
  #land(id) {
    this.#view.hide(id);
    const theirs = [...this.#watched].filter(([, watched]) => watched.id === id);
    for (const [video, watched] of theirs) {
      if (document.pictureInPictureElement === video && video.isConnected) this.#note(video, watched);
      else this.#drop(video);
    }
    return theirs.length > 0;
  }

  /** @param {string} id */
  #unwatch(id) {
    for (const [video, watched] of this.#watched) {
      if (watched.id === id) this.#drop(video);
    }
  }

  /** @param {HTMLVideoElement} video */
  #drop(video) {
    this.#watched.delete(video);
    this.#sizes.unobserve(video);
    this.#crossings.unobserve(video);
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
    for (const id of this.#shown.keys()) this.#sync(id);
    this.#reports.changed();
  }

  /** @param {EventTarget | null} video */
  #measure(video) {
    const watched = video instanceof HTMLVideoElement && this.#watched.get(video);
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
      fit: track === 'screen' ? 'contain' : 'cover', // as in the style sheet, which need not be asked
    });
    this.#tell(id, track, seen, video.closest('.pinned') !== null);
  }

  /**
   * @param {string} id
   * @param {Track} track
   * @param {Size} size in CSS pixels
   * @param {boolean} pinned
   */
  #tell(id, track, { width, height }, pinned) {
    const seen = { width: width * devicePixelRatio, height: height * devicePixelRatio };
    this.#view.set(id, track, { ...wantedSize(seen, track, this.#settings.get('receiveQuality')), pinned });
  }
}
