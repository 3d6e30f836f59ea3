import { knows, said, t } from '../words.js';
import { find } from './page.js';

/**
 * @import {Call} from '../call.js'
 * @import {Notice} from './notice.js'
 * @import {Role} from '../protocol.js'
 */

/**
 * Where one is not let in: asks for the password, or says why, and what is done about it.
 * @param {HTMLDialogElement} dialog asks for the room's password
 * @param {Call} call
 * @param {Notice} notice
 */
export function connectDoor(dialog, call, notice) {
  const input = /** @type {HTMLInputElement} */ (find('input', dialog));
  const wrong = find('.error', dialog);
  /** @type {Role} */
  let role = 'participant';
  call.addEventListener('refused', (event) => {
    const { type, detail, role: asked, wrong: typed } = /** @type {CustomEvent} */ (event).detail;
    if (type === 'password') {
      role = asked;
      wrong.hidden = !typed;
      input.setAttribute('aria-invalid', String(typed));
      dialog.returnValue = '';
      dialog.showModal();
      return;
    }
    const key = `door.${type}`;
    const text = knows(key) ? t(key) : '';
    notice.say('door', detail ? `${text} (${said(detail)})` : text);
  });
  call.addEventListener('joining', () => !call.busy && notice.say('door', ''));
  call.addEventListener('busy', () => {
    const stop = { label: t('door.stop'), run: () => call.leave() };
    notice.say('door', call.busy ? t('door.busy') : '', stop);
  });
  dialog.addEventListener('close', () => {
    const password = input.value;
    input.value = '';
    if (dialog.returnValue === 'join') void call.join({ role, password });
  });
}
