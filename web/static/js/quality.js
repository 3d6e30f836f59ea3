import { t } from './words.js';

/**
 * Both directions of picture quality, without the page: what the server is told of the tiles that are shown, and when and
 * in which words the person is told why a picture is not better.
 *
 * @import {QualityEvent, Tile, Track, Why} from './protocol.js'
 */

/** @typedef {{width: number, height: number}} Size */

/** @type {Size} */
export const NOTHING = { width: 0, height: 0 };

/** The most tiles in a message. */
const MOST_TILES = 512;

/** The largest size that may be told, in device pixels. */
const LARGEST = 16384;

/** Sizes are rounded up to an eighth of the power of two below them, at least this. */
const SMALLEST_STEP = 16;

/** So many messages in so many ms, and so long between them unless somebody came into view. */
const BURST = 4;
const BURST_TIME = 1000;
const PAUSE = 250;

/**
 * What is shown of somebody. Without a size nothing is.
 * @typedef {{width: number, height: number, pinned: boolean}} Shown in device pixels
 */

/** What is shown of all others, and what the server knows of that. */
export class View {
  /** @type {Map<string, Tile>} by participant and track */
  #shown = new Map();
  /** @type {Map<string, Tile>} as the server was told */
  #told = new Map();

  /**
   * @param {string} id the participant's channel name
   * @param {Track} track
   * @param {Shown} shown
   */
  set(id, track, { width, height, pinned }) {
    const key = keyOf(id, track);
    const told = this.#told.get(key);
    const hidden = !(width > 0 && height > 0);
    this.#shown.set(key, {
      channel_name: id,
      track,
      width: hidden ? 0 : rounded(width, told?.width),
      height: hidden ? 0 : rounded(height, told?.height),
      pinned,
    });
  }

  /** Nothing of somebody is shown any more. @param {string} id */
  hide(id) {
    for (const track of /** @type {Track[]} */ (['camera', 'screen'])) {
      const shown = this.#shown.get(keyOf(id, track));
      if (shown) this.#shown.set(keyOf(id, track), { ...shown, width: 0, height: 0, pinned: false });
    }
  }

  /**
   * The tile is gone. There is nothing to tell: so is what it showed.
   * @param {string} id
   * @param {Track} track
   */
  delete(id, track) {
    this.#shown.delete(keyOf(id, track));
    this.#told.delete(keyOf(id, track));
  }

  /** Everything is gone, and the server has forgotten it, as after a join. */
  clear() {
    this.#shown.clear();
    this.#told.clear();
  }

  /**
   * What the server does not know yet (it takes for hidden what it was never told of), as much as a message takes.
   * @returns {{tiles: Tile[], appeared: boolean}} appeared: something is shown that it takes for hidden
   */
  get news() {
    const tiles = [];
    let appeared = false;
    for (const [key, tile] of this.#shown) {
      const told = this.#told.get(key);
      if (told ? same(tile, told) : tile.width === 0) continue; // what was never mentioned is hidden
      appeared ||= tile.width > 0 && !(told && told.width > 0);
      if (tiles.length < MOST_TILES) tiles.push(tile);
    }
    return { tiles, appeared };
  }

  /** The pictures that can be seen now. @returns {Tile[]} */
  get seen() {
    return [...this.#shown.values()].filter(({ width }) => width > 0);
  }

  /** The server was told. @param {Tile[]} tiles */
  told(tiles) {
    for (const tile of tiles) this.#told.set(keyOf(tile.channel_name, tile.track), tile);
  }
}

/** Sends what is new of a view, not too often: what changes meanwhile goes together. */
export class Reports {
  #view;
  #send;
  #now;
  /** @type {number[]} when the last few were sent */
  #sent = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {object} options
   * @param {View} options.view
   * @param {(tiles: Tile[]) => boolean} options.send false if the message was lost
   * @param {() => number} [options.now] in ms
   */
  constructor({ view, send, now = () => performance.now() }) {
    this.#view = view;
    this.#send = send;
    this.#now = now;
  }

  /** The view has changed: sends what is new, now or soon. */
  changed() {
    clearTimeout(this.#timer);
    const { tiles, appeared } = this.#view.news;
    if (tiles.length === 0) return;
    const now = this.#now();
    const due = this.#due(appeared);
    if (due > now) {
      this.#timer = setTimeout(() => this.changed(), due - now);
      return;
    }
    this.#sent = [...this.#sent, now].slice(-BURST);
    if (!this.#send(tiles)) return; // with a new socket everything is told again
    this.#view.told(tiles);
    this.changed(); // more than a message takes
  }

  /** @param {boolean} urgent */
  #due(urgent) {
    const last = this.#sent.at(-1) ?? -Infinity;
    const first = this.#sent.length < BURST ? -Infinity : this.#sent[0];
    return Math.max(first + BURST_TIME, urgent ? -Infinity : last + PAUSE);
  }
}

/**
 * The size at which somebody can see a picture, in CSS pixels.
 *
 * Nobody sees what is in a hidden tab, where the browser measures nothing either, but for a picture in a window of its
 * own. Of Firefox's such windows scripts learn nothing, so in Firefox that picture stops with its tab: to send everything
 * to every hidden tab for the sake of the few that have one would cost all the others, and a telephone its battery.
 * @param {object} options
 * @param {boolean} options.hidden whether the tab is
 * @param {Size | null} options.floating the window that the picture alone is in
 * @param {Size} options.box of its tile
 * @param {boolean} options.inside whether any of that is in the viewport
 * @param {Size} options.picture
 * @param {string} options.fit
 * @returns {Size}
 */
export function seenSize({ hidden, floating, box, inside, picture, fit }) {
  if (floating) return shownSize(floating, picture, 'contain');
  if (hidden) return NOTHING;
  return inside ? shownSize(box, picture, fit) : NOTHING;
}

/** What a picture may have at most while data is saved, in device pixels, whichever way it is turned. */
const SAVED = { camera: { long: 320, short: 180 }, screen: { long: 1280, short: 720 } };

/**
 * The size to ask for, of what is seen.
 * @param {Size} seen in device pixels
 * @param {Track} track
 * @param {'high' | 'saver' | 'none'} receive what the person has chosen; none: no pictures of cameras
 * @returns {Size}
 */
export function wantedSize(seen, track, receive) {
  if (receive === 'high' || !(seen.width > 0 && seen.height > 0)) return seen;
  if (receive === 'none' && track === 'camera') return NOTHING;
  const { long, short } = SAVED[track];
  const { width, height } = seen;
  const scale = Math.min(1, long / Math.max(width, height), short / Math.min(width, height));
  return { width: width * scale, height: height * scale };
}

/**
 * The size at which a picture appears in a box, parts that are cut off included (CSS object-fit).
 * @param {Size} box
 * @param {Size} picture of any unit; 0 where not known yet
 * @param {string} fit cover or contain
 */
export function shownSize(box, picture, fit) {
  if (!(picture.width > 0 && picture.height > 0)) return box;
  const scales = [box.width / picture.width, box.height / picture.height];
  const scale = fit === 'cover' ? Math.max(...scales) : Math.min(...scales);
  return { width: picture.width * scale, height: picture.height * scale };
}

/**
 * Rounds up, and sticks to what was told as long as that is not far off.
 * @param {number} size
 * @param {number} [told]
 */
function rounded(size, told = 0) {
  const step = Math.max(SMALLEST_STEP, 2 ** (Math.floor(Math.log2(size)) - 3));
  if (size <= told && told < size + 2 * step) return told;
  return Math.min(Math.ceil(size / step) * step, LARGEST);
}

/** @param {Tile} a @param {Tile} b */
function same(a, b) {
  return a.width === b.width && a.height === b.height && a.pinned === b.pinned;
}

/** @param {string} id @param {Track} track */
function keyOf(id, track) {
  return `${id} ${track}`;
}

/**
 * What to say about a picture.
 *
 * @typedef {object} Badge
 * @property {'paused' | 'reduced'} state
 * @property {Why} why
 * @property {string} text
 * @property {string} short where there is little room
 * @property {string} more
 * @property {string} reason a clause, for a sentence; may be empty
 */

/** What limits a picture; the words are `quality.<limit>.<what>`. */
const LIMITS = ['bandwidth', 'uplink', 'cpu', 'server'];

/**
 * @param {QualityEvent} quality
 * @returns {Badge | null} null: nothing is wrong, or it is only as small as the person shows it
 */
export function badgeOf({ layer, why }) {
  const state = layer === null ? 'paused' : 'reduced';
  /** @param {string} about @param {string} reason */
  const say = (about, reason) => ({
    text: reason ? t(`quality.${state}`, { reason }) : t(`quality.${about}.text`),
    short: t(`quality.${about}.short`),
    more: t(`quality.${about}.${reason ? state : 'more'}`),
    reason,
  });
  if (LIMITS.includes(why)) return { state, why, ...say(why, t(`quality.${why}.reason`)) };
  if (state === 'reduced') return null;
  if (why === 'choice') return { state, why, ...say('choice', '') };
  return { state, why: '', ...say('nothing', '') };
}

/**
 * What is said to those who do not see the tile: that a picture stops.
 * @param {Badge} badge
 * @param {Track} track
 * @param {string} name whose it is
 * @returns {string} empty if there is nothing to say
 */
export function announcementOf({ state, why, reason }, track, name) {
  if (state !== 'paused' || why === 'choice') return '';
  return t(`quality.says.${track}${reason ? '_why' : ''}`, { name, reason });
}

/** Patience without end: until the next frame comes. */
export const UNTIL_FRAME = Infinity;

// In ms. Most pictures that are worse get better soon, and most reasons come and go; those that are back in view, or have
// not begun, need a moment.
const WORSE = 2000;
const BEGINNING = 1000;
const BACK = 500;

/**
 * How long a tile stays as it is when there is something else to say. A picture that stops is told of at once; one that
 * was paused is not taken for alive before it is.
 * @param {Pick<Badge, 'state' | 'why'> | null} shown
 * @param {Badge | null} wanted
 * @param {boolean} begun whether there was a picture at all
 * @returns {number} in ms
 */
export function patienceFor(shown, wanted, begun) {
  if (wanted?.state === 'paused') {
    if (shown?.state === 'paused') return 0;
    if (!begun) return BEGINNING;
    return wanted.why === 'choice' ? BACK : 0;
  }
  if (shown?.state === 'paused') return UNTIL_FRAME;
  return !wanted || wanted.why === shown?.why ? 0 : WORSE;
}
