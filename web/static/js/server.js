import { clock } from './chat.js';
import { t } from './words.js';

/**
 * @import {Connection} from './connection.js'
 * @import {Mux} from './mux.js'
 * @import {DrainingEvent, RestartingEvent} from './protocol.js'
 */

/** The longest that a server may have a page wait, in ms. */
const LONGEST = 60_000;

/**
 * What the server says about itself: that it will stop, and that it starts anew.
 * @param {object} parts
 * @param {Pick<Mux, 'apps'>} parts.mux
 * @param {Pick<Connection, 'expectRestart'>} parts.connection
 * @param {string} parts.language how times are written
 * @param {(text: string) => void} parts.say empty when there is nothing to say any more
 */
export function hearServer({ mux, connection, language, say }) {
  const write = clock(language);
  mux.apps.add('server', 'draining', (/** @type {DrainingEvent} */ { until }) => {
    if (until === null) say('');
    else say(until > 0 ? t('server.draining', { time: write(until, Date.now()) }) : t('server.draining_some_time'));
  });
  mux.apps.add('server', 'restarting', (/** @type {RestartingEvent} */ { after }) => {
    connection.expectRestart(Math.min(Math.max(Number(after) || 0, 0), LONGEST));
  });
  // Another session may be another server's, which says for itself how it is.
  mux.apps.add('rtc', 'connect', ({ resumed }) => resumed || say(''));
}
