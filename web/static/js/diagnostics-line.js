import { Apps } from './mux.js';

/**
 * @import {ConnectEvent} from './protocol.js'
 *
 * @typedef {Pick<WebSocket, 'send' | 'close' | 'readyState' | 'addEventListener'>} Socket
 */

const OPEN = 1; // WebSocket.OPEN

/** So many round trips are measured, each of at most so many ms. */
const TRIPS = 7;
const LONGEST = 3000;

/** A websocket of a check's own: without htmx, since nothing of what it brings is shown, and never opened again. */
export class Line {
  apps = new Apps();
  #socket;
  /** @type {Promise<ConnectEvent>} what the server says first; it fails when the socket does */
  connected;

  /** @param {Socket} socket one that has just been made */
  constructor(socket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#receive(data));
    this.connected = new Promise((resolve, reject) => {
      this.apps.add('rtc', 'connect', resolve);
      socket.addEventListener('close', ({ code }) => reject(new Error(`closed with ${code}`)));
    });
    this.connected.catch(() => {}); // who waits is told
  }

  /** @param {object} frame @returns {boolean} whether it was sent */
  send(frame) {
    if (this.#socket.readyState !== OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  close() {
    this.#socket.close();
  }

  /** @param {unknown} data */
  #receive(data) {
    const frame = JSON.parse(String(data));
    for (const [app, message] of Object.entries(frame)) this.apps.dispatch(app, message, 'html' in frame);
  }
}

/**
 * Round trips on a websocket, by the app `echo`, one after the other.
 * @param {{apps: Apps, send: (frame: object) => boolean}} line
 * @param {{trips?: number, signal?: AbortSignal}} [options]
 * @returns {Promise<number[]>} in ms; fewer, or none, where answers do not come
 */
export async function measureTrips(line, { trips = TRIPS, signal } = {}) {
  /** @type {number[]} */
  const times = [];
  for (let n = 0; n < trips && !signal?.aborted; n++) {
    const begun = performance.now();
    const answered = await new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), LONGEST);
      const done = (/** @type {{n: number}} */ answer) => {
        if (answer.n !== n) return; // a late one
        clearTimeout(timer);
        line.apps.remove('echo', 'trip', done);
        resolve(true);
      };
      line.apps.add('echo', 'trip', done);
      if (!line.send({ echo: { type: 'trip', n } })) resolve(false);
    });
    if (!answered) break;
    times.push(performance.now() - begun);
  }
  return times;
}

/** @param {number[]} values @returns {number | null} null of none */
export function median(values) {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
