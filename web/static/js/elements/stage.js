import { Focus } from '../focus.js';
import { arrange, capacityOf } from '../layout.js';
import { Order } from '../order.js';
import { Motion } from './motion.js';
import { findPanel } from './page.js';
import { play } from './playing.js';

/**
 * @import {Floor} from '../floor.js'
 * @import {Room} from '../room.js'
 * @import {Settings} from '../settings.js'
 * @import {Voices} from '../voices.js'
 * @import {Rect, Size} from '../layout.js'
 */

/**
 * Puts the tiles where they belong: those of one page. All others are hidden.
 *
 * Events: `arranged`, after all that may change what is shown or how large (with `{shown, appeared, gone, page, pages}`:
 * the size of each tile by channel name, who was not shown before and who is no more, the page from 0, and how many there
 * are), and `pinned` (with `{id, pinned}`). What somebody says or sends is none of that, unless it is of a screen.
 */
export class Stage extends EventTarget {
  #tiles;
  #others;
  #self;
  #room;
  #voices;
  #floor;
  #order = new Order();
  /** @type {Set<string>} by channel name */
  #pinned = new Set();
  /** @type {Map<string, boolean>} who shares a screen, or says so, and whether its picture comes */
  #sharing = new Map();
  #settings;
  #focus = new Focus();
  /** @type {string | null} who is large since they speak, in views that show that */
  #focused = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #waiting;
  #motion;
  #page = 0;
  /** @type {Size} */
  #size;
  /** @type {Map<string, Size>} */
  #shown = new Map();
  #pending = false;
  /** Nothing is arranged for the time being. */
  #held = false;

  /**
   * @param {{tiles: HTMLElement, others: HTMLElement, self: HTMLElement}} page
   * @param {object} parts
   * @param {Room} parts.room
   * @param {Voices} parts.voices
   * @param {Pick<Floor, 'about' | 'addEventListener'>} parts.floor
   * @param {Settings} parts.settings
   */
  constructor({ tiles, others, self }, { room, voices, floor, settings }) {
    super();
    this.#tiles = tiles;
    this.#others = others;
    this.#self = self;
    this.#room = room;
    this.#voices = voices;
    this.#floor = floor;
    this.#settings = settings;
    this.#motion = new Motion(tiles);
    this.#size = { width: tiles.clientWidth, height: tiles.clientHeight };
    new ResizeObserver(([{ contentRect }]) => {
      const { width, height } = this.#size;
      if (contentRect.width === width && contentRect.height === height) return;
      this.#size = { width: contentRect.width, height: contentRect.height };
      if (!this.#held) this.#update(false); // many times a second, while a window is resized
    }).observe(tiles);
    this.#listen();
  }

  #listen() {
    const [room, floor] = [this.#room, this.#floor];
    /** @param {string} type @param {(detail: any) => void} handler */
    const listen = (type, handler) => {
      room.addEventListener(type, (event) => {
        handler(/** @type {CustomEvent} */ (event).detail);
        this.#changed();
      });
    };
    listen('reset', () => this.#clear());
    listen('joined', ({ participant: { channel_name: id } }) => this.#order.add(id));
    listen('left', ({ participant: { channel_name: id } }) => this.#remove(id));
    for (const type of ['media', 'features']) {
      room.addEventListener(type, (event) => {
        this.#noteScreen(/** @type {CustomEvent} */ (event).detail.participant.channel_name);
      });
    }
    floor.addEventListener('about', (event) => this.#noteScreen(/** @type {CustomEvent} */ (event).detail.id));
    this.#voices.addEventListener('speaker', (event) => {
      const { id } = /** @type {CustomEvent} */ (event).detail;
      if (id !== null && room.participant(id)) this.#changed(); // one's own voice moves nothing
    });
    this.#settings.addEventListener('change', (event) => {
      if (['view', 'selfCorner'].includes(/** @type {CustomEvent} */ (event).detail.name)) this.#changed();
    });
  }

  /** @param {number} page from 0; the nearest that there is */
  turn(page) {
    this.#page = page;
    this.#changed();
  }

  get page() {
    return this.#page;
  }

  /** @param {string} id the channel name */
  isPinned(id) {
    return this.#pinned.has(id);
  }

  /**
   * Keeps somebody on the first page, large.
   * @param {string} id
   * @param {boolean} pinned
   */
  pin(id, pinned) {
    if (pinned) this.#pinned.add(id);
    else this.#pinned.delete(id);
    findPanel(this.#others, id)?.classList.toggle('pinned', pinned);
    this.dispatchEvent(new CustomEvent('pinned', { detail: { id, pinned } }));
    this.#changed();
  }

  /**
   * Pins the n-th of the tiles that are shown, or no longer.
   * @param {number} n from 1
   */
  pinNth(n) {
    const id = [...this.#shown.keys()][n - 1];
    if (id !== undefined) this.pin(id, !this.isPinned(id));
  }

  /** Whether one's own picture is shown has changed. */
  refresh() {
    this.#changed();
  }

  #clear() {
    for (const id of this.#shown.keys()) this.#hide(id);
    this.#shown = new Map();
    this.#order.clear();
    this.#pinned.clear();
    this.#sharing.clear();
    this.#page = 0;
  }

  /** @param {string} id */
  #remove(id) {
    this.#order.remove(id, this.#capacity);
    this.#pinned.delete(id);
    this.#sharing.delete(id);
  }

  /** Of a crowd, most of what comes changes nothing here. @param {string} id */
  #noteScreen(id) {
    const before = this.#sharing.get(id);
    if (this.#room.shares(id) && !this.#floor.about(id).screen_off) this.#sharing.set(id, this.#room.hasScreen(id));
    else this.#sharing.delete(id);
    if (this.#sharing.get(id) !== before) this.#changed();
  }

  get #capacity() {
    return capacityOf(this.#size, !this.#self.hidden);
  }

  /** Arranges nothing, and one's own picture stands still, until it is released: what is drawn delays what is under way. */
  hold() {
    this.#held = true;
    this.#self.querySelector('video')?.pause();
  }

  /** Whether it arranges nothing for the time being. */
  get held() {
    return this.#held;
  }

  release() {
    if (!this.#held) return;
    this.#held = false;
    this.#size = { width: this.#tiles.clientWidth, height: this.#tiles.clientHeight };
    this.#update(false);
    const video = this.#self.querySelector('video');
    if (video?.srcObject) play(video, () => {});
  }

  /** Arranges once for all that comes before the next picture of the page, where one is drawn. */
  #changed() {
    if (this.#pending) return;
    this.#pending = true;
    const arrange = () => {
      this.#pending = false;
      if (!this.#held) this.#update(true);
    };
    if (document.hidden) queueMicrotask(arrange);
    else requestAnimationFrame(arrange);
  }

  /** @param {boolean} moving whether tiles are seen to move */
  #update(moving) {
    const capacity = this.#capacity;
    this.#bring(capacity);
    const pages = this.#order.pages(capacity);
    this.#page = Math.min(Math.max(0, this.#page), pages - 1);
    const ids = this.#order.page(this.#page, capacity);
    const corner = this.#settings.get('selfCorner');
    const { others, self, pair } = arrange({
      stage: this.#size,
      others: this.#largeOnes(ids),
      self: !this.#self.hidden,
      view: this.#settings.get('view'),
      corner,
    });
    const shown = [...this.#shown.keys()].map((id) => findPanel(this.#others, id)).filter((panel) => panel !== null);
    this.#motion.begin(moving && shown.length > 0 ? [...shown, this.#self] : []); // who joins does not wait for it
    this.#tiles.dataset.corner = self ? corner : '';
    this.#tiles.dataset.others = ['none', 'one'][this.#order.size] ?? 'many';
    this.#tiles.classList.toggle('pair', pair); // also where the last page has one of many
    place(this.#self, self);
    this.#self.style.translate = ''; // as it was dragged
    if (self) this.#motion.play(this.#self, self);
    this.#show(new Map(ids.map((id, i) => [id, others[i]])), pages);
  }

  /**
   * Who shares, is pinned, or speaks is to be on the first page. Of those who speak only the present one, and not while
   * another page is looked at: nobody is to vanish from it because they speak. Nor are those whose tile has the focus
   * or the whole screen, or whose picture is in a window of its own.
   * @param {number} capacity
   */
  #bring(capacity) {
    const held = [document.activeElement, document.fullscreenElement, document.pictureInPictureElement].map(channelOf);
    const about = {
      stays: (/** @type {string} */ id) =>
        this.#pinned.has(id) || this.#sharing.has(id) || held.includes(id) || id === this.#focused,
      heard: (/** @type {string} */ id) => this.#heard(id),
    };
    for (const id of [...this.#pinned, ...this.#sharing.keys()]) this.#order.bring(id, capacity, about);
    const { speaker } = this.#voices;
    if (speaker !== null && this.#page === 0) this.#order.bring(speaker, capacity, about);
  }

  /**
   * Who is large of those on the page. A screen, or a pin, goes before who speaks.
   * @param {string[]} ids
   */
  #largeOnes(ids) {
    const large = ids.map((id) => this.#isLarge(id));
    const follows = ['speaker', 'side'].includes(this.#settings.get('view'));
    clearTimeout(this.#waiting);
    this.#focused = null;
    if (!follows || this.#page > 0 || ids.length < 2 || large.includes(true)) return large;
    const { id: focused, wait } = this.#focus.next(this.#voices.speaker, ids);
    if (wait > 0) this.#waiting = setTimeout(() => this.#changed(), wait);
    this.#focused = focused;
    return ids.map((id) => id === focused);
  }

  /** It takes a screen that is there: anybody may say that they share one. @param {string} id */
  #isLarge(id) {
    return this.#pinned.has(id) || this.#sharing.get(id) === true;
  }

  /** The present speaker may be between two words. @param {string} id */
  #heard(id) {
    return id === this.#voices.speaker ? Infinity : this.#voices.heard(id);
  }

  /** @param {string} id */
  #hide(id) {
    const panel = findPanel(this.#others, id);
    if (panel) panel.hidden = true;
  }

  /**
   * @param {Map<string, Rect>} rects of those who are shown now
   * @param {number} pages
   */
  #show(rects, pages) {
    const gone = [...this.#shown.keys()].filter((id) => !rects.has(id));
    for (const id of gone) this.#hide(id);
    const appeared = [];
    for (const [id, rect] of rects) {
      const panel = findPanel(this.#others, id);
      if (!panel) continue;
      place(panel, rect);
      panel.hidden = false;
      this.#motion.play(panel, rect);
      if (!this.#shown.has(id)) appeared.push(id);
    }
    this.#shown = rects;
    const detail = { shown: rects, appeared, gone, page: this.#page, pages };
    this.dispatchEvent(new CustomEvent('arranged', { detail }));
  }
}

/**
 * Whose panel something is in.
 * @param {Element | null | undefined} element
 */
function channelOf(element) {
  const panel = element?.closest('.panel');
  return panel instanceof HTMLElement ? panel.dataset.channel : undefined;
}

/**
 * @param {HTMLElement} tile
 * @param {Rect | null} rect null: where the style sheet has it
 */
function place({ style }, rect) {
  for (const side of /** @type {const} */ (['left', 'top', 'width', 'height'])) {
    const value = rect ? `${rect[side]}px` : '';
    if (style[side] !== value) style[side] = value;
  }
}
