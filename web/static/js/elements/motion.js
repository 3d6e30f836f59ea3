/** Tiles that move: they are placed at once, and shown on their way there. */

const DURATION = 240; // ms, and the curve: --smooth and --ease of the style sheet
const EASING = 'cubic-bezier(0.2, 0.7, 0.2, 1)';

/** @import {Rect} from '../layout.js' */

export class Motion {
  #box;
  /** @type {Map<HTMLElement, DOMRect>} where tiles were, in the window */
  #before = new Map();
  /** @type {Rect | undefined} of the box, likewise */
  #around;
  /** @type {WeakMap<HTMLElement, Animation>} */
  #running = new WeakMap();
  #calm = matchMedia('(prefers-reduced-motion: reduce)');

  /** @param {HTMLElement} box the tiles are placed in */
  constructor(box) {
    this.#box = box;
  }

  /**
   * Notes where tiles are now, on their way perhaps; to be called before anything is written.
   * @param {HTMLElement[]} tiles those that are shown
   */
  begin(tiles) {
    this.#before.clear();
    if (tiles.length === 0 || this.#calm.matches || document.hidden) return;
    this.#around = this.#box.getBoundingClientRect();
    for (const tile of tiles) this.#before.set(tile, tile.getBoundingClientRect());
  }

  /**
   * A tile was placed. It moves from where it was. What its size is, is not changed by that: a transform does not.
   * @param {HTMLElement} tile
   * @param {Rect} rect in the box
   */
  play(tile, { left, top, width, height }) {
    const before = this.#before.get(tile);
    this.#running.get(tile)?.cancel();
    if (!before || !this.#around || !(before.width > 0 && width > 0 && height > 0)) return;
    const [x, y] = [before.left - this.#around.left - left, before.top - this.#around.top - top];
    const [wider, higher] = [before.width / width, before.height / height];
    if (Math.hypot(x, y) < 1 && Math.abs(wider - 1) < 0.01 && Math.abs(higher - 1) < 0.01) return;
    const from = { transformOrigin: '0 0', transform: `translate(${x}px, ${y}px) scale(${wider}, ${higher})` };
    const to = { transformOrigin: '0 0', transform: 'none' };
    this.#running.set(tile, tile.animate([from, to], { duration: DURATION, easing: EASING }));
  }
}
