/** Where a check takes place: in a room of its own, whose name nobody can guess. */

// As in signaling/protocol: such rooms are in no list.
const PREFIX = '_check-';
const RANDOM = 16; // bytes

export function nameRoom() {
  const random = crypto.getRandomValues(new Uint8Array(RANDOM));
  return PREFIX + [...random].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @param {string} room @returns {WebSocket} */
export function openSocket(room) {
  return new WebSocket(`${location.origin.replace(/^http/, 'ws')}/ws/${room}/`);
}
