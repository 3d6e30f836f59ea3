/**
 * @import {Call} from './call.js'
 * @import {Mux} from './mux.js'
 * @import {Room} from './room.js'
 */

/**
 * @typedef {'before' | 'joining' | 'connected' | 'alone' | 'reconnecting' | 'disconnected'} State
 * @typedef {'login' | 'refused' | 'closed'} Reason of being disconnected: one is logged out, the server had enough of
 *   this page, or something else that does not pass by itself
 *
 * @typedef {object} Options
 * @property {EventTarget & Pick<Mux, 'beat' | 'postpone'>} mux
 * @property {EventTarget & Pick<Call, 'active' | 'joined'>} call
 * @property {EventTarget} negotiation a Negotiation
 * @property {EventTarget & Pick<Room, 'participants'>} room
 * @property {EventTarget} network dispatches `online` and `offline`
 * @property {() => boolean} online
 * @property {() => void} reconnect opens a new socket in place of the present one
 * @property {() => Promise<boolean>} welcome whether one is logged in; fails when the server does not answer
 */

/** An interruption that is over in so many ms is not worth a word, nor is a connection that comes about sooner. */
const GRACE = 1000;
const JOINING_GRACE = 400;

/** Nor is the loss of a socket alone, while picture and sound go on. */
const QUIET_GRACE = 4000;

/** A try that has led to nothing after so many ms is followed by the next. */
const PATIENCE = 10_000;

/** Picture and sound that take longer than so many ms to come need a word more. */
const SLOW = 15_000;

/** The close codes of a session that is over, and of a page that sends too much at once or in one frame. */
const ENOUGH = [1008, 1009];

/** After so many tries in vain the server is asked whether it still knows the person: a socket does not say. */
const VAIN = 2;

/** A server that starts anew is there again after so many tries, or it is just away. */
const RESTARTING = 5;

/**
 * How it stands with the connection, in one word. hx-ws opens the socket again by itself; this knows when, hurries it, and
 * gives up one that stalls. `change` is dispatched whenever there is something else to say.
 */
export class Connection extends EventTarget {
  #mux;
  #call;
  #room;
  #online;
  #reconnect;
  #welcome;

  /** @type {'open' | 'lost' | 'closed'} lost until the server greets; of the first socket nothing is said */
  #socket = 'open';
  /** Sockets lost since one was greeted. */
  #vain = 0;
  /** When the next one is opened, by performance.now(). */
  #next = 0;
  /** @type {Reason | null} */
  #reason = null;
  /** The server has said that it starts anew. */
  #restarting = false;
  /** The state of the media connection. */
  #media = '';
  /** The media connection has worked during this stay. */
  #worked = false;
  /** @type {State} as it was told last */
  #state = 'before';
  #told = '';
  /** @type {ReturnType<typeof setTimeout> | undefined} until a state is told that may pass soon */
  #grace;
  /** @type {State} that it was found to be last, and may not have been told yet */
  #awaited = 'before';
  /** Since when, by performance.now(). */
  #since = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} until a try has taken too long */
  #patience;
  /** @type {ReturnType<typeof setTimeout> | undefined} while picture and sound have yet to come */
  #coming;
  #slow = false;

  /** @param {Options} options */
  constructor({ mux, call, negotiation, room, network, online, reconnect, welcome }) {
    super();
    this.#mux = mux;
    this.#call = call;
    this.#room = room;
    this.#online = online;
    this.#reconnect = reconnect;
    this.#welcome = welcome;
    const update = () => this.#update();
    mux.addEventListener('greeted', (event) => this.#greeted(/** @type {CustomEvent} */ (event).detail));
    mux.addEventListener('stalled', () => this.retry());
    mux.addEventListener('closed', (event) => this.#closed(/** @type {CustomEvent} */ (event).detail));
    call.addEventListener('active', () => {
      this.#worked = false;
      update();
    });
    call.addEventListener('joined', update);
    negotiation.addEventListener('state', (event) => this.#mediaChanged(/** @type {CustomEvent} */ (event).detail));
    negotiation.addEventListener('gone', () => this.#mediaChanged(''));
    for (const type of ['joined', 'left', 'reset']) room.addEventListener(type, update);
    network.addEventListener('offline', update);
    network.addEventListener('online', () => this.#reconnected());
  }

  get state() {
    return this.#state;
  }

  /**
   * What is missing while the state is `reconnecting`: of the server, which starts anew, or of its socket, picture and
   * sound too or not.
   * @returns {'network' | 'restart' | 'signals' | 'socket' | 'media'}
   */
  get lost() {
    if (this.#socket === 'open') return 'media';
    if (!this.#online()) return 'network';
    if (this.#restarting) return 'restart';
    return this.#flows ? 'signals' : 'socket';
  }

  /** Picture and sound go on. */
  get #flows() {
    return this.#call.active && this.#media === 'connected';
  }

  /** Why the state is `disconnected`. */
  get reason() {
    return this.#reason;
  }

  /** Whether, while the state is `joining`, something keeps picture and sound away for a long time. */
  get slow() {
    return this.#slow;
  }

  /** In how many ms the socket is tried again; 0 while that is under way. */
  get wait() {
    return this.#socket === 'lost' ? Math.max(0, this.#next - performance.now()) : 0;
  }

  /** The server starts anew: the next socket has to wait so long. @param {number} after ms */
  expectRestart(after) {
    this.#restarting = true;
    this.#mux.postpone(after);
  }

  /** There is a network again: what was tried before may be lost in the former. */
  #reconnected() {
    if (this.#socket === 'open') this.#mux.beat();
    else if (!this.#restarting) this.retry();
    this.#update();
  }

  /** The person, or the machine, is back: time may have passed unnoticed. */
  look() {
    if (this.#socket === 'open') this.#mux.beat();
    else if (this.#socket === 'lost' && !this.#reason && !this.#restarting && this.wait > 0) this.retry();
  }

  /** Opens a new socket now. */
  retry() {
    this.#reason = null;
    this.#open();
    this.#update();
  }

  #open() {
    this.#socket = 'lost';
    this.#awaitSocket(0);
    this.#reconnect();
  }

  /** @param {{resumed: boolean}} detail */
  #greeted({ resumed }) {
    clearTimeout(this.#patience);
    this.#socket = 'open';
    this.#vain = 0;
    this.#reason = null;
    this.#restarting = false;
    if (!resumed) this.#media = ''; // what flows still was the former session's, and ends now
    this.#update();
  }

  /** @param {{code: number | null, retrying: boolean, delay: number}} detail */
  #closed({ code, retrying, delay }) {
    if (code === null) return; // by this page, which opens another
    clearTimeout(this.#patience);
    this.#socket = retrying ? 'lost' : 'closed';
    const enough = ENOUGH.includes(code);
    if (retrying) this.#awaitSocket(delay);
    else if (!enough) this.#reason = 'closed';
    if (++this.#vain > RESTARTING) this.#restarting = false;
    if (enough || this.#vain > VAIN) void this.#ask();
    this.#update();
  }

  /** @param {number} delay ms until it is opened */
  #awaitSocket(delay) {
    clearTimeout(this.#patience);
    this.#next = performance.now() + delay;
    this.#patience = setTimeout(() => this.#open(), delay + PATIENCE);
  }

  /** Why the server does not want this page. */
  async #ask() {
    const before = this.#socket;
    let welcome = true;
    try {
      welcome = await this.#welcome();
    } catch {
      // It is away: no more is known than that the socket is closed.
    }
    if (this.#socket !== before || this.#reason) return;
    if (!welcome) this.#reason = 'login';
    else if (this.#socket === 'closed') this.#reason = 'refused';
    this.#update();
  }

  /** @param {string} state */
  #mediaChanged(state) {
    this.#media = state;
    if (state === 'connected') this.#worked = true;
    this.#update();
  }

  /** @returns {State} */
  #find() {
    const { active, joined } = this.#call;
    if (this.#reason) return 'disconnected';
    if (this.#socket !== 'open') return 'reconnecting';
    if (!active) return 'before';
    if (!joined || this.#media !== 'connected') return this.#worked ? 'reconnecting' : 'joining';
    return this.#room.participants.length === 0 ? 'alone' : 'connected';
  }

  #update() {
    const state = this.#find();
    this.#watch(state === 'joining' && this.#call.joined);
    if (state !== this.#awaited) this.#since = performance.now();
    this.#awaited = state;
    clearTimeout(this.#grace);
    const left = this.#since + this.#graceOf(state) - performance.now();
    if (left <= 0) this.#tell(state);
    else this.#grace = setTimeout(() => this.#tell(state), left);
  }

  /** How long a state may last before it is told, in ms. @param {State} state */
  #graceOf(state) {
    if (state === 'joining') return this.#state === 'before' ? JOINING_GRACE : 0;
    if (state !== 'reconnecting' || ['reconnecting', 'disconnected'].includes(this.#state)) return 0;
    return this.#flows && this.#socket !== 'open' ? QUIET_GRACE : GRACE;
  }

  /** @param {boolean} coming picture and sound, for the first time in this stay */
  #watch(coming) {
    if (coming) {
      this.#coming ??= setTimeout(() => {
        this.#slow = true;
        this.#update();
      }, SLOW);
      return;
    }
    clearTimeout(this.#coming);
    this.#coming = undefined;
    this.#slow = false;
  }

  /** @param {State} state */
  #tell(state) {
    this.#state = state;
    const told = JSON.stringify([state, this.lost, this.#slow, this.#reason, this.#socket === 'lost' && this.#next]);
    if (told === this.#told) return;
    this.#told = told;
    this.dispatchEvent(new Event('change'));
  }
}
