/**
 * Keeps the screen on. The browser lets go of it whenever the page is hidden, and may at other times.
 *
 * @typedef {{released: boolean, release: () => Promise<void>}} Sentinel
 * @typedef {{wakeLock?: {request: (type: 'screen') => Promise<Sentinel>}}} Source
 * @typedef {EventTarget & {visibilityState: string}} Page
 */
export class WakeLock {
  #source;
  #page;
  #wanted = false;
  /** It was asked for, and the answer is not there. */
  #asking = false;
  /** @type {Sentinel | null} */
  #sentinel = null;

  /**
   * @param {Source} source the navigator; not every browser can
   * @param {Page} page the document
   */
  constructor(source, page) {
    this.#source = source;
    this.#page = page;
    page.addEventListener('visibilitychange', () => this.#acquire());
  }

  /** From now on, as far as the browser allows it. */
  async hold() {
    this.#wanted = true;
    await this.#acquire();
  }

  async release() {
    this.#wanted = false;
    const sentinel = this.#sentinel;
    this.#sentinel = null;
    await sentinel?.release();
  }

  async #acquire() {
    const held = this.#sentinel && !this.#sentinel.released;
    if (!this.#wanted || held || this.#asking || this.#page.visibilityState !== 'visible') return;
    this.#asking = true;
    try {
      this.#sentinel = (await this.#source.wakeLock?.request('screen')) ?? null;
    } catch {
      // An empty battery, or hidden meanwhile: the next time that it is visible.
    }
    this.#asking = false;
    if (!this.#wanted) await this.release(); // meanwhile
  }
}
