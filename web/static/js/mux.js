import { Session } from './session.js';

/**
 * Many apps on one websocket, which htmx's `hx-ws` owns. A frame is an object whose keys are apps; `html` is given to
 * htmx, `remove` is a selector, every other key goes to the handlers registered for that app and event. This module
 * knows no app.
 *
 * @typedef {{readyState: number, send: (data: string) => void}} Socket
 * @typedef {object} ConnectionConfig the delays are in ms
 * @property {boolean} reconnect
 * @property {number[]} reconnectCodes
 * @property {number} reconnectDelay before the first try, doubled before each further one
 * @property {number} reconnectMaxDelay
 * @property {number} reconnectJitter
 * @typedef {{url: string, socket: Socket | null, config: ConnectionConfig}} Connection hx-ws's own; its socket changes on
 *   reconnect, and goes to the address that is there then
 * @typedef {{data: unknown}} Message one frame, the same object before and after hx-ws handles it
 * @typedef {{connection: Connection, message: Message, cancelled?: boolean}} MessageDetail
 * @typedef {{connection: Connection, code: number | null}} CloseDetail
 * @typedef {Record<string, any>} Frame
 * @typedef {(event: any, rendered: boolean) => void} Handler
 */

const OPEN = 1; // WebSocket.OPEN

// Before a lost socket is opened again: FIRST, doubled up to LAST, in ms, less up to SPREAD of that, so that not all who
// lost it at one time come back at one time.
const FIRST = 500;
const LAST = 5000;
const SPREAD = 0.3;

// A heartbeat is answered within ANSWER, in ms. A timer that is LATE by more tells of this page, not of the server.
const ANSWER = 5000;
const LATE = 1500;

/** The handlers of every app, by app and event. */
export class Apps {
  /** @type {Map<string, Set<Handler>>} */
  #handlers = new Map();

  /**
   * @param {string} app
   * @param {string} event
   * @param {Handler} handler called with the app's message, whose `type` is `event`, and whether `html` came with it in
   *   one frame
   */
  add(app, event, handler) {
    const key = JSON.stringify([app, event]);
    const handlers = this.#handlers.get(key) ?? new Set();
    this.#handlers.set(key, handlers.add(handler));
  }

  /**
   * @param {string} app
   * @param {string} event
   * @param {Handler} [handler] without it, all handlers of the event go
   */
  remove(app, event, handler) {
    const key = JSON.stringify([app, event]);
    if (handler) this.#handlers.get(key)?.delete(handler);
    else this.#handlers.delete(key);
  }

  /**
   * @param {string} app
   * @param {unknown} message ignored unless it is an object with a `type` that someone registered for
   * @param {boolean} rendered whether `html` came with it
   */
  dispatch(app, message, rendered) {
    const type = /** @type {any} */ (message)?.type;
    for (const handler of [...(this.#handlers.get(JSON.stringify([app, type])) ?? [])]) {
      guard(() => handler(message, rendered));
    }
  }
}

/**
 * One session with the server, over one websocket after the other: what is sent while there is none goes out over the
 * next, and nothing that the server sent meanwhile is missing, unless it has given the session up.
 *
 * Events, CustomEvents: `greeted` (with `{resumed}`: whether it is still the same session) once a socket can be used,
 * `closed` (with `{code, retrying, delay}`) when it closes: `delay` is the time until hx-ws opens it again, in ms;
 * `stalled`: the server does not answer any more.
 */
export class Mux extends EventTarget {
  apps = new Apps();

  #session = new Session();
  /** @type {Connection | null} */
  #connection = null;
  /** The present socket is open, and its `connect` came. */
  #greeted = false;
  /** Sockets that were lost since one was greeted. */
  #lost = 0;
  /** @type {number | null} how long the server wants the next socket to wait, in ms */
  #postponed = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} while a heartbeat is not answered */
  #answer;
  /** @type {WeakMap<Message, Frame>} frames between hx-ws's before and after */
  #frames = new WeakMap();
  /** @type {Message | null} the message hx-ws is handling */
  #current = null;
  #removeElement;

  /**
   * @param {EventTarget} target where htmx dispatches its events: the element with `hx-ws:connect`
   * @param {(selector: string) => void} removeElement
   */
  constructor(target, removeElement) {
    super();
    this.#removeElement = removeElement;
    /** @param {string} name @param {(detail: any) => void} handler */
    const listen = (name, handler) => {
      target.addEventListener(name, (event) => handler(/** @type {CustomEvent} */ (event).detail));
    };
    listen('htmx:ws:before:connection', (detail) => this.#begin(detail.connection));
    listen('htmx:ws:close', (detail) => this.#closed(detail));
    listen('htmx:ws:error', (detail) => this.#failed(detail.error));
    listen('htmx:ws:before:message:incoming', (detail) => this.#incoming(detail));
    listen('htmx:ws:after:message:incoming', (detail) => this.#deliver(detail.message));
  }

  /** Whether there is a socket that can be used. */
  get open() {
    return this.#greeted && this.#connection?.socket?.readyState === OPEN;
  }

  /**
   * Sends one frame, over the next socket if the present one is lost.
   * @param {Frame} frame
   * @returns {boolean} false if there is none, and no session that would be resumed; the frame is lost then
   */
  send(frame) {
    const data = JSON.stringify(frame);
    if (!this.open && !this.#session.hasRoom(data)) return false;
    this.#session.keep(data);
    if (this.open) this.#connection?.socket?.send(data);
    if (this.open && this.#session.due) this.send({ ack: this.#session.acknowledge() });
    return true;
  }

  /** Shows the server that one is there, and sees whether it is. */
  beat() {
    if (!this.open) return;
    if (!this.#session.resumable) {
      this.send({ signal: 'hb' });
      return;
    }
    this.send({ signal: 'hb', ack: this.#session.acknowledge() });
    this.#answer ??= this.#await(ANSWER);
  }

  /** The next socket, should the present one be lost, waits so long. @param {number} delay ms */
  postpone(delay) {
    this.#postponed = delay;
  }

  /** One goes for good: the next socket begins a session of its own. */
  forget() {
    this.#session.forget();
  }

  /** @param {number} patience ms */
  #await(patience) {
    const due = performance.now() + patience;
    return setTimeout(() => {
      // Whoever was asleep, or busy, may not have got to an answer that is there.
      const late = performance.now() - due > LATE;
      this.#answer = late ? this.#await(LATE) : undefined;
      if (!late) this.dispatchEvent(new CustomEvent('stalled'));
    }, patience);
  }

  #answered() {
    clearTimeout(this.#answer);
    this.#answer = undefined;
  }

  /** @param {Connection} connection */
  #begin(connection) {
    if (connection !== this.#connection) this.#lost = 0;
    this.#connection = connection;
    this.#greeted = false;
    this.#answered();
    connection.url = `${connection.url.split('?')[0]}${this.#session.query || '?resume'}`;
  }

  /**
   * hx-ws tells nobody how long it waits: so it is told how long.
   * @param {CloseDetail} detail
   */
  #closed({ connection, code }) {
    if (connection !== this.#connection) return; // one that was replaced
    this.#greeted = false;
    this.#answered();
    const { config } = connection;
    const retrying = config.reconnect && code !== null && config.reconnectCodes.includes(code);
    if (!retrying && code !== null) this.#session.forget(); // it was not lost, it is over
    const backoff = Math.min(FIRST * 2 ** this.#lost++, LAST) * (1 - SPREAD * Math.random());
    const delay = this.#postponed ?? backoff;
    this.#postponed = null;
    Object.assign(config, { reconnectDelay: delay, reconnectMaxDelay: delay, reconnectJitter: 0 });
    this.dispatchEvent(new CustomEvent('closed', { detail: { code, retrying, delay } }));
  }

  /** @param {import('./session.js').Greeting} greeting */
  #greet(greeting) {
    const resumed = greeting.resumed === true;
    this.#greeted = true;
    this.#lost = 0;
    this.#postponed = null;
    for (const data of this.#session.begin(greeting)) this.#connection?.socket?.send(data);
    this.dispatchEvent(new CustomEvent('greeted', { detail: { resumed } }));
  }

  /**
   * htmx could not swap the frame's html: its apps still get theirs. Errors of the socket come here too, as events.
   * @param {unknown} error
   */
  #failed(error) {
    if (error instanceof Error && this.#current) this.#deliver(this.#current);
  }

  /** @param {MessageDetail} detail */
  #incoming(detail) {
    const { message, connection } = detail;
    const frame = parse(message.data);
    // What a socket that was replaced has brought comes again over the next.
    if (connection !== this.#connection || !this.#take(frame, message) || !frame) {
      detail.cancelled = true;
      return;
    }
    this.#frames.set(message, frame);
    this.#current = message;
    // hx-ws swaps `content` and nothing else. Out-of-band ids in the fragments say where they go.
    message.data = JSON.stringify(typeof frame.html === 'string' ? { content: frame.html, swap: 'none' } : {});
  }

  /**
   * @param {Frame | null} frame
   * @param {Message} message
   * @returns {boolean} whether it is to be delivered
   */
  #take(frame, message) {
    if (!this.#greeted && frame?.rtc?.type === 'connect') {
      this.#greet(frame.rtc);
      return true;
    }
    if (!this.#session.take(String(message.data).length)) return false;
    if (typeof frame?.ack === 'number') {
      this.#answered();
      this.#session.acknowledged(frame.ack);
    }
    if (this.open && this.#session.due) this.send({ ack: this.#session.acknowledge() });
    return true;
  }

  /** @param {Message} message */
  #deliver(message) {
    const frame = this.#frames.get(message);
    if (!frame) return;
    this.#frames.delete(message);
    this.#current = null;
    const { html, remove, ...apps } = frame;
    if (typeof remove === 'string') guard(() => this.#removeElement(remove));
    for (const [app, value] of Object.entries(apps)) this.apps.dispatch(app, value, typeof html === 'string');
  }
}

/**
 * @param {unknown} data
 * @returns {Frame | null} null unless data is a JSON object
 */
function parse(data) {
  if (typeof data !== 'string') return null;
  try {
    const frame = JSON.parse(data);
    return frame !== null && typeof frame === 'object' && !Array.isArray(frame) ? frame : null;
  } catch {
    return null;
  }
}

/**
 * One failing handler must not keep a frame from the others.
 * @param {() => void} call
 */
function guard(call) {
  try {
    call();
  } catch (error) {
    console.error(error);
  }
}
