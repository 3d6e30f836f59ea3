import { find } from './page.js';

/**
 * @import {Call} from '../call.js'
 * @import {Notice} from './notice.js'
 * @import {Refusal, Role} from '../protocol.js'
 */

/** @type {Partial<Record<Refusal, string>>} */
const REFUSALS = {
  invite: 'This room is open to those with an invitation. Ask for a link.',
  locked: 'This room is locked. Ask a host to unlock it.',
  removed: 'A host has removed you from this room. You may come back when it has closed.',
  full: 'There is no room for more people.',
};

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
    const text = REFUSALS[/** @type {Refusal} */ (type)] ?? '';
    notice.say('door', detail ? `${text} (${detail})` : text);
  });
  call.addEventListener('joining', () => !call.busy && notice.say('door', ''));
  call.addEventListener('busy', () => {
    const stop = { label: 'Stop', run: () => call.leave() };
    notice.say('door', call.busy ? 'The server is busy; trying again…' : '', stop);
  });
  dialog.addEventListener('close', () => {
    const password = input.value;
    input.value = '';
    if (dialog.returnValue === 'join') void call.join({ role, password });
  });
}
