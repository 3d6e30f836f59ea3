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
 * @typedef {{socket: Socket | null, config: ConnectionConfig}} Connection hx-ws's own; its socket changes on reconnect
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
 * One websocket. It dispatches `open` when the socket opens and `closed` (a CustomEvent with `{code, retrying, delay}`) when
 * it closes: `delay` is the time until hx-ws opens it again, in ms.
 */
export class Mux extends EventTarget {
  apps = new Apps();

  /** @type {Connection | null} */
  #connection = null;
  /** Sockets that were lost since one was open. */
  #lost = 0;
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
    listen('htmx:ws:after:connection', () => {
      this.#lost = 0;
      this.dispatchEvent(new Event('open'));
    });
    listen('htmx:ws:close', (detail) => this.#closed(detail));
    listen('htmx:ws:error', (detail) => this.#failed(detail.error));
    listen('htmx:ws:before:message:incoming', (detail) => this.#incoming(detail));
    listen('htmx:ws:after:message:incoming', (detail) => this.#deliver(detail.message));
  }

  /**
   * Sends one frame.
   * @param {Frame} frame
   * @returns {boolean} false if the socket is not open; the frame is lost then
   */
  send(frame) {
    const socket = this.#connection?.socket;
    if (socket?.readyState !== OPEN) return false;
    socket.send(JSON.stringify(frame));
    return true;
  }

  /** @param {Connection} connection */
  #begin(connection) {
    if (connection !== this.#connection) this.#lost = 0;
    this.#connection = connection;
  }

  /**
   * hx-ws tells nobody how long it waits: so it is told how long.
   * @param {CloseDetail} detail
   */
  #closed({ connection, code }) {
    if (connection !== this.#connection) return; // one that was replaced
    const { config } = connection;
    const retrying = config.reconnect && code !== null && config.reconnectCodes.includes(code);
    const delay = Math.min(FIRST * 2 ** this.#lost++, LAST) * (1 - SPREAD * Math.random());
    Object.assign(config, { reconnectDelay: delay, reconnectMaxDelay: delay, reconnectJitter: 0 });
    this.dispatchEvent(new CustomEvent('closed', { detail: { code, retrying, delay } }));
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
    const { message } = detail;
    const frame = parse(message.data);
    if (!frame) {
      detail.cancelled = true;
      return;
    }
    this.#frames.set(message, frame);
    this.#current = message;
    // hx-ws swaps `content` and nothing else. Out-of-band ids in the fragments say where they go.
    message.data = JSON.stringify(typeof frame.html === 'string' ? { content: frame.html, swap: 'none' } : {});
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
