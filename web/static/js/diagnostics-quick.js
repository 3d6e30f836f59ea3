import { Line, measureTrips, median } from './diagnostics-line.js';
import { CheckPeer } from './diagnostics-peer.js';

/**
 * @import {Apps} from './mux.js'
 * @import {Socket} from './diagnostics-line.js'
 *
 * @typedef {object} Parts
 * @property {{apps: Apps, send: (frame: object) => boolean}} mux the page's own socket
 * @property {() => RTCPeerConnection | null} connection the page's own, which waits for the call
 * @property {(room: string) => Socket} open a socket for a room
 * @property {() => string} name a fresh name of a room for a check
 * @property {AbortSignal} signal ends the check at once
 */

const PATIENCE = 8000; // ms
const TRIPS = 3;
const FAR = 400; // ms

/**
 * The part of the check that costs next to nothing: how far the server is, and whether media gets there in any way.
 * Where the page's own connection leaves that in doubt, one participant connects who sends nothing and gets nothing.
 * @param {Parts} parts
 * @returns {Promise<'' | 'no_media' | 'far'>} what is wrong; '' is nothing, or nothing known
 */
export async function checkQuickly({ mux, connection, open, name, signal }) {
  const trip = median(await measureTrips(mux, { trips: TRIPS, signal }));
  if (signal.aborted) return '';
  const far = trip !== null && trip > FAR ? 'far' : '';
  const waiting = connection();
  if (waiting) await gathered(waiting, signal);
  if (signal.aborted || !inDoubt(waiting)) return far;
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
  return far;
}

/**
 * Waits until a connection has a relay, or has looked for all, or has had time enough.
 * @param {RTCPeerConnection} connection
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function gathered(connection, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(() => end(), PATIENCE);
    const look = () => {
      if (connection.iceGatheringState === 'complete' || !inDoubt(connection)) end();
    };
    const events = ['icecandidate', 'icegatheringstatechange'];
    const end = () => {
      clearTimeout(timer);
      for (const type of events) connection.removeEventListener(type, look);
      resolve();
    };
    for (const type of events) connection.addEventListener(type, look);
    signal.addEventListener('abort', end, { once: true });
    look();
  });
}

/**
 * Whether a connection that waits for its call has been given relays and got none. One relay that has answered leads to
 * the server's media, so that something gets through; where there are none it tells nothing, and is let be.
 * @param {RTCPeerConnection | null} connection
 */
export function inDoubt(connection) {
  const servers = connection?.getConfiguration().iceServers ?? [];
  const relays = servers.flatMap(({ urls }) => urls).some((url) => /^turns?:/.test(url));
  return relays && !connection?.localDescription?.sdp.includes(' typ relay ');
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
