import { t } from '../words.js';
import { find } from './page.js';

/**
 * @import {Floor} from '../floor.js'
 * @typedef {(text: string) => Promise<void> | undefined} Copy
 */

/**
 * A button that copies where the room is. Into a room that is by invitation that alone leads nobody: hosts get a link
 * from the server, which holds for a while.
 * @param {HTMLElement} root with `.invite`, a field and `.told` in it
 * @param {Floor} floor
 * @param {object} options
 * @param {Copy} options.copy fails where the browser does not let a page
 * @param {string} [options.address] of the room; without it, it is always a link of the server's
 */
export function connectInvitation(root, floor, { copy, address }) {
  const field = /** @type {HTMLInputElement} */ (find('input', root));
  const told = find('.told', root);
  let asked = false;
  /** @param {string} link @param {string} more what else there is to say of it */
  const offer = async (link, more) => {
    field.value = link;
    field.hidden = false;
    try {
      await copy(link);
      told.textContent = [t('invitation.copied'), more].filter(Boolean).join(' ');
    } catch {
      field.focus();
      field.select();
      told.textContent = [t('invitation.copy'), more].filter(Boolean).join(' ');
    }
  };
  find('.invite', root).addEventListener('click', () => {
    const invited = floor.state?.access === 'invite';
    asked = address === undefined || (invited && (floor.you?.host ?? false));
    if (asked) floor.invite();
    else if (address) void offer(address, invited ? t('invitation.by_host') : '');
  });
  floor.addEventListener('invitation', (event) => {
    if (!asked) return; // another button did
    asked = false;
    const { path, expires } = /** @type {CustomEvent} */ (event).detail;
    const format = /** @type {const} */ ({ dateStyle: 'medium', timeStyle: 'short' });
    const until = new Date(expires * 1000).toLocaleString(document.documentElement.lang, format);
    void offer(new URL(path, document.baseURI).href, t('invitation.until', { until }));
  });
  floor.addEventListener('reset', () => {
    asked = false;
    field.value = '';
    field.hidden = true;
    told.textContent = '';
  });
}
