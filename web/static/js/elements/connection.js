import { t } from '../words.js';
import { find } from './page.js';

/** @import {Connection} from '../connection.js' */

const SECOND = 1000; // ms

/**
 * Says how it stands with the connection. What goes on stays in view meanwhile; only what will not pass by itself takes
 * the stage. The numbers of the countdown are for the eye alone: they would talk into everything.
 * @param {object} elements
 * @param {HTMLElement} elements.bar `#connection`: `.words` has role=status, beside `.count` and `.rejoin`
 * @param {HTMLElement} elements.card `#disconnected`
 * @param {HTMLElement} elements.alone `#alone`
 * @param {Connection} connection
 * @param {(text: string) => void} announce
 */
export function connectConnection({ bar, card, alone }, connection, announce) {
  const words = find('.words', bar);
  const count = find('.count', bar);
  const login = find('.login', card);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let was = connection.state;
  const tick = () => {
    clearTimeout(timer);
    count.textContent = '';
    if (connection.state !== 'reconnecting' || !['network', 'socket'].includes(connection.lost)) return;
    const { wait } = connection;
    const n = Math.ceil(wait / SECOND);
    count.textContent = n > 0 ? t('connection.in', { n }) : t('connection.now');
    if (n > 0) timer = setTimeout(tick, wait - (n - 1) * SECOND + 1);
  };
  const show = () => {
    const { state, lost, slow, reason } = connection;
    const joining = state === 'joining';
    bar.hidden = !joining && state !== 'reconnecting';
    bar.dataset.state = state;
    const quiet = joining || lost === 'signals' || lost === 'restart'; // nothing to worry about, and nothing to do
    bar.classList.toggle('quiet', quiet);
    find('.rejoin', bar).hidden = quiet;
    const text = bar.hidden ? '' : t(`connection.${joining ? (slow ? 'slow' : 'joining') : lost}`);
    if (words.textContent !== text) words.textContent = text; // the same is not said twice
    alone.hidden = state !== 'alone';
    showCard(card, login, reason);
    if (was === 'reconnecting' && (state === 'connected' || state === 'alone')) announce(t('connection.back'));
    was = state;
    tick();
  };
  for (const root of [bar, card]) find('.rejoin', root).addEventListener('click', () => connection.retry());
  connection.addEventListener('change', show);
  show();
}

/** Whether the server still knows who this is; else it would lead this page to the login. It fails while it is away. */
export async function isWelcome() {
  const { type } = await fetch(document.location.pathname, { method: 'HEAD', redirect: 'manual', cache: 'no-store' });
  return type !== 'opaqueredirect';
}

/**
 * @param {HTMLElement} card
 * @param {HTMLElement} login the link, in it
 * @param {import('../connection.js').Reason | null} reason
 */
function showCard(card, login, reason) {
  const appears = card.hidden && reason !== null;
  card.hidden = reason === null;
  if (reason === null) return;
  find('h2', card).textContent = t(`connection.${reason}`);
  find('p', card).textContent = t(`connection.${reason}_more`);
  const { pathname, search } = document.location;
  login.setAttribute('href', `/login/?next=${encodeURIComponent(pathname + search)}`);
  login.hidden = reason !== 'login';
  find('.rejoin', card).hidden = reason === 'login';
  if (appears) card.focus();
}
