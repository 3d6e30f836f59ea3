/**
 * The books of one session with the server, which may outlive its socket (docs/protocol.md, "Resuming"): how many frames
 * have come and gone, and those of one's own that the server has not acknowledged, to be sent again over the next socket.
 * The token is nowhere but here: a tab that is duplicated is somebody else.
 *
 * @typedef {{resume?: string, sent?: number, received?: number, resumed?: boolean}} Greeting of `connect`: a token, and
 *   the numbers of the last frames that the server has sent and has taken
 */

// An acknowledgement is due after so many frames, or characters, of the server's, or frames of one's own.
const MANY = 64;
const MUCH = 128 * 1024;

// What is kept at most. More than 200 frames in a second the server would not take.
const MOST = 128;
const LARGEST = 1024 * 1024;

export class Session {
  #token = '';
  /** The number of the last frame of the server's that was taken. */
  #received = 0;
  /** That of the last frame which came over the present socket: one that was taken already may come again. */
  #place = 0;
  /** That of the last frame of one's own. */
  #sent = 0;
  /** @type {string[]} the last ones of these */
  #kept = [];
  /** Of the server's, since they were acknowledged. */
  #owed = { frames: 0, size: 0 };
  /** Of one's own, since the server was asked for an acknowledgement. */
  #unasked = 0;

  /** Whether there is anything to resume. */
  get resumable() {
    return this.#token !== '';
  }

  /** What the address of the next socket ends with. */
  get query() {
    return this.#token && `?resume=${encodeURIComponent(this.#token)}&seen=${this.#received}`;
  }

  /** Whether to acknowledge, and be acknowledged. */
  get due() {
    const { frames, size } = this.#owed;
    return this.resumable && (frames >= MANY || size >= MUCH || this.#unasked >= MANY);
  }

  /**
   * The server has greeted a socket.
   * @param {Greeting} greeting
   * @returns {string[]} what is to be sent now, before anything else
   */
  begin({ resume = '', sent = 0, received = 0, resumed = false }) {
    this.#token = resume;
    this.#place = sent;
    if (resumed) {
      this.acknowledged(received);
    } else {
      this.#received = sent;
      this.#sent = received;
      this.#kept = [];
      this.#owed = { frames: 0, size: 0 };
    }
    this.#unasked = this.#kept.length;
    return [...this.#kept];
  }

  /** The next socket begins a session of its own. */
  forget() {
    this.#token = '';
    this.#kept = [];
  }

  /**
   * A frame of the server's has come.
   * @param {number} size
   * @returns {boolean} false if it was taken before
   */
  take(size) {
    if (++this.#place <= this.#received) return false;
    this.#received = this.#place;
    this.#owed = { frames: this.#owed.frames + 1, size: this.#owed.size + size };
    return true;
  }

  /** @returns {number} what to acknowledge, which is done then */
  acknowledge() {
    this.#owed = { frames: 0, size: 0 };
    this.#unasked = 0;
    return this.#received;
  }

  /** The server has taken one's own frames up to this. @param {number} number */
  acknowledged(number) {
    const first = this.#sent - this.#kept.length + 1;
    if (number >= first) this.#kept.splice(0, number - first + 1);
  }

  /** Whether one frame more can be kept. @param {string} data */
  hasRoom(data) {
    if (!this.resumable || this.#kept.length >= MOST) return false;
    return this.#kept.reduce((size, { length }) => size + length, data.length) <= LARGEST;
  }

  /**
   * A frame of one's own goes out, now or later. Of more than can be kept the session cannot be resumed.
   * @param {string} data
   */
  keep(data) {
    if (this.resumable && !this.hasRoom(data)) this.forget();
    this.#sent++;
    this.#unasked++;
    if (this.resumable) this.#kept.push(data);
  }
}
