import { Line, measureTrips, median } from './diagnostics-line.js';
import { CheckPeer } from './diagnostics-peer.js';

/**
 * @import {Apps} from './mux.js'
 * @import {Socket} from './diagnostics-line.js'
 *
 * @typedef {object} Parts
 * @property {{apps: Apps, send: (frame: object) => boolean}} mux the page's own socket
 * @property {(room: string) => Socket} open a socket for a room
 * @property {() => string} name a fresh name of a room for a check
 * @property {AbortSignal} signal ends the check at once
 */

const PATIENCE = 8000; // ms
const TRIPS = 3;
const FAR = 400; // ms

/**
 * The part of the check that costs next to nothing: how far the server is, and whether media gets there in any way. One
 * participant connects who sends nothing and gets nothing.
 * @param {Parts} parts
 * @returns {Promise<'' | 'no_media' | 'far'>} what is wrong; '' is nothing, or nothing known
 */
export async function checkQuickly({ mux, open, name, signal }) {
  const trip = median(await measureTrips(mux, { trips: TRIPS, signal }));
  if (signal.aborted) return '';
  const room = name();
  const line = new Line(open(room));
  const peer = new CheckPeer({ line, room, role: 'viewer', furnish: () => {} });
  const stop = () => peer.close();
  signal.addEventListener('abort', stop);
  try {
    const { rtc_config: configuration } = await line.connected;
    if (signal.aborted) return '';
    peer.start(configuration);
    const through = await connects(peer, signal);
    if (through === false) return 'no_media';
  } catch {
    return ''; // the socket: of that the page tells by itself
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
  return trip !== null && trip > FAR ? 'far' : '';
}

/**
 * @param {CheckPeer} peer
 * @param {AbortSignal} signal
 * @returns {Promise<boolean | null>} null where that is not known
 */
function connects(peer, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), PATIENCE);
    const end = (/** @type {boolean | null} */ result) => (clearTimeout(timer), resolve(result));
    signal.addEventListener('abort', () => end(null), { once: true });
    peer.addEventListener('refused', () => end(null));
    peer.addEventListener('connected', () => end(true));
  });
}
