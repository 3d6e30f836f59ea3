/**
 * @import {Call} from '../call.js'
 * @import {Capture} from '../capture.js'
 * @import {Connection} from '../connection.js'
 * @import {Mux} from '../mux.js'
 */

const TICK = 2000; // ms

/** A clock that goes on by so much more at once was stopped: the machine slept. */
const SLEPT = 10_000;

/**
 * Follows the page through being put away and brought back, hidden and shown, frozen and thawed, and through the sleep of
 * the machine: whoever comes back finds the call as it was, or on its way.
 * @param {object} parts
 * @param {Mux} parts.mux
 * @param {Call} parts.call
 * @param {Capture} parts.capture
 * @param {Connection} parts.connection
 */
export function followLife({ mux, call, capture, connection }) {
  const wake = () => {
    connection.look();
    capture.wake();
  };
  // What is closed by then does not keep the page out of the back/forward cache.
  addEventListener('pagehide', () => {
    call.suspend();
    mux.forget(); // its socket is closed for good
  });
  addEventListener('pageshow', ({ persisted }) => {
    if (!persisted) return;
    void (call.active ? call.resume() : capture.open());
    connection.retry();
  });
  document.addEventListener('resume', wake); // Page Lifecycle: it was frozen
  document.addEventListener('visibilitychange', () => document.hidden || wake());
  let last = Date.now();
  setInterval(() => {
    const now = Date.now();
    if (now - last > SLEPT) wake();
    last = now;
  }, TICK);
}
