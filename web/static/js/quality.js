/**
 * Both directions of picture quality, without the page: what the server is told of the tiles that are shown, and in
 * which words the person is told why a picture is not better.
 *
 * @import {QualityEvent, Tile, Track, Why} from './protocol.js'
 */

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

  /**
   * The tile is gone. There is nothing to tell: so is what it showed.
   * @param {string} id
   * @param {Track} track
   */
  delete(id, track) {
    this.#shown.delete(keyOf(id, track));
    this.#told.delete(keyOf(id, track));
  }

  /** The server has forgotten it all, as after a join. */
  forget() {
    this.#told.clear();
  }

  /**
   * What the server does not know yet, as much as a message takes.
   * @returns {{tiles: Tile[], appeared: boolean}} appeared: something is shown that it takes for hidden
   */
  get news() {
    const tiles = [];
    let appeared = false;
    for (const [key, tile] of this.#shown) {
      const told = this.#told.get(key);
      if (told && same(tile, told)) continue;
      appeared ||= tile.width > 0 && !(told && told.width > 0);
      if (tiles.length < MOST_TILES) tiles.push(tile);
    }
    return { tiles, appeared };
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
  #later;
  /** @type {number[]} when the last few were sent */
  #sent = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {object} options
   * @param {View} options.view
   * @param {(tiles: Tile[]) => boolean} options.send false if the message was lost
   * @param {() => number} [options.now] in ms
   * @param {(run: () => void, delay: number) => ReturnType<typeof setTimeout>} [options.later]
   */
  constructor({ view, send, now = () => performance.now(), later = (run, delay) => setTimeout(run, delay) }) {
    this.#view = view;
    this.#send = send;
    this.#now = now;
    this.#later = later;
  }

  /** The view has changed: sends what is new, now or soon. */
  changed() {
    clearTimeout(this.#timer);
    const { tiles, appeared } = this.#view.news;
    if (tiles.length === 0) return;
    const now = this.#now();
    const due = this.#due(appeared);
    if (due > now) {
      this.#timer = this.#later(() => this.changed(), due - now);
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
 * The size at which a picture appears in a box, parts that are cut off included (CSS object-fit).
 * @param {{width: number, height: number}} box
 * @param {{width: number, height: number}} picture of any unit; 0 where not known yet
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
 * @typedef {{state: 'paused' | 'reduced', why: Why, text: string, more: string}} Badge
 */

/** @type {Record<string, {who: string, paused: string, reduced: string}>} by what limits */
const WORDS = {
  bandwidth: {
    who: 'your connection is slow',
    paused: 'Your connection has no room for this picture. It comes back by itself.',
    reduced: 'Your connection has no room for a better picture. It gets better by itself.',
  },
  uplink: {
    who: 'their connection is slow',
    paused: 'Their connection has no room for the picture. It comes back by itself.',
    reduced: 'Their connection has no room for a better picture. It gets better by itself.',
  },
  cpu: {
    who: 'their computer is busy',
    paused: 'Their computer is too busy to send the picture. It comes back by itself.',
    reduced: 'Their computer is too busy to send a better picture. It gets better by itself.',
  },
};

/**
 * @param {QualityEvent} quality
 * @returns {Badge | null} null: nothing is wrong, or it was the person's own choice
 */
export function badgeOf({ layer, why }) {
  if (!Object.hasOwn(WORDS, why)) return null;
  const words = WORDS[why];
  return layer === null
    ? { state: 'paused', why, text: `Paused: ${words.who}`, more: words.paused }
    : { state: 'reduced', why, text: `Lower quality: ${words.who}`, more: words.reduced };
}
