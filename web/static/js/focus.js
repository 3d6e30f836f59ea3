/**
 * Who is large in a view that shows the speaker large. It does not follow every word: whoever has the place keeps it for
 * a while.
 */

const KEEPS = 2000; // ms

export class Focus {
  /** @type {string | null} */
  #id = null;
  #since = -Infinity;
  #now;

  /**
   * @param {object} [options]
   * @param {() => number} [options.now] in ms
   */
  constructor({ now = () => performance.now() } = {}) {
    this.#now = now;
  }

  /**
   * Nobody has the place without being shown; who speaks gets it, if they are, and else the first.
   * @param {string | null} speaker
   * @param {string[]} ids of the others who are shown, in order
   * @returns {{id: string | null, wait: number}} who is large, and in how many ms that may change; 0: nobody waits
   */
  next(speaker, ids) {
    const wanted = speaker !== null && ids.includes(speaker) ? speaker : null;
    const present = this.#id !== null && ids.includes(this.#id);
    if (present && (wanted === null || wanted === this.#id)) return { id: this.#id, wait: 0 };
    const wait = this.#since + KEEPS - this.#now();
    if (present && wait > 0) return { id: this.#id, wait };
    this.#id = wanted ?? ids[0] ?? null;
    this.#since = wanted === null ? -Infinity : this.#now(); // the first has it until somebody speaks
    return { id: this.#id, wait: 0 };
  }
}
