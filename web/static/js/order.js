/**
 * In which order the others are shown, page by page. Nobody moves without need: those who come are the last, who leaves
 * makes room for the last of all, and who is to be seen takes the place of one other person.
 */
export class Order {
  /** @type {string[]} channel names */
  #ids = [];

  get size() {
    return this.#ids.length;
  }

  /** @param {string} id the channel name */
  add(id) {
    if (!this.#ids.includes(id)) this.#ids.push(id);
  }

  /**
   * @param {string} id
   * @param {number} capacity of a page
   */
  remove(id, capacity) {
    const place = this.#ids.indexOf(id);
    if (place < 0) return;
    const last = this.#ids.length - 1;
    if (pageOf(place, capacity) === pageOf(last, capacity)) this.#ids.splice(place, 1);
    else this.#ids[place] = /** @type {string} */ (this.#ids.pop());
  }

  clear() {
    this.#ids = [];
  }

  /**
   * How many pages there are, at least 1.
   * @param {number} capacity
   */
  pages(capacity) {
    return Math.max(1, Math.ceil(this.#ids.length / capacity));
  }

  /**
   * Who is on a page.
   * @param {number} number from 0
   * @param {number} capacity
   */
  page(number, capacity) {
    return this.#ids.slice(number * capacity, (number + 1) * capacity);
  }

  /**
   * Brings somebody to the first page, in exchange with whoever on it has been silent longest; of several who have never
   * spoken, the last.
   * @param {string} id
   * @param {number} capacity
   * @param {object} about the others
   * @param {(id: string) => boolean} about.stays whether somebody keeps their place in any case
   * @param {(id: string) => number} about.heard when somebody was last heard
   * @returns {boolean} whether anything has changed
   */
  bring(id, capacity, { stays, heard }) {
    const from = this.#ids.indexOf(id);
    if (from < capacity) return false;
    let to = -1;
    for (let place = 0; place < capacity; place++) {
      const other = this.#ids[place];
      if (!stays(other) && (to < 0 || heard(other) <= heard(this.#ids[to]))) to = place;
    }
    if (to < 0) return false;
    [this.#ids[to], this.#ids[from]] = [id, this.#ids[to]];
    return true;
  }
}

/**
 * @param {number} place
 * @param {number} capacity
 */
function pageOf(place, capacity) {
  return Math.floor(place / capacity);
}
