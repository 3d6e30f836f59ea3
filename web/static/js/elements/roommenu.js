import { t } from '../words.js';
import { connectInvitation } from './invitation.js';
import { find } from './page.js';

/**
 * @import {Floor} from '../floor.js'
 * @import {Access} from '../protocol.js'
 * @import {Copy} from './invitation.js'
 */

/**
 * The room's menu, for hosts: who gets in, and how.
 * @param {HTMLElement} root `#room-menu`
 * @param {Floor} floor
 * @param {Copy} copy
 */
export function connectRoomMenu(root, floor, copy) {
  const [lock, byInvitation] = ['.lock', '.by-invitation'].map((name) => find(name, root));
  const isOn = (/** @type {Element} */ element) => element.getAttribute('aria-checked') === 'true';
  lock.addEventListener('click', () => floor.lock(!isOn(lock)));
  byInvitation.addEventListener('click', () => floor.byInvitation(!isOn(byInvitation)));
  floor.addEventListener('state', () => {
    const { locked = false, by_invitation: invited = false } = floor.state ?? {};
    lock.setAttribute('aria-checked', String(locked));
    byInvitation.setAttribute('aria-checked', String(invited));
  });
  connectAccess(root, floor);
  floor.addEventListener('you', () => !floor.you?.host && root.matches(':popover-open') && root.hidePopover());
  connectInvitation(find('.invitation', root), floor, { copy });
}

/**
 * Open and by invitation count at once; a password has to be given first.
 * @param {HTMLElement} root
 * @param {Floor} floor
 */
function connectAccess(root, floor) {
  const form = /** @type {HTMLFormElement} */ (find('form.access', root));
  const radios = /** @type {HTMLInputElement[]} */ ([...form.querySelectorAll('[name=access]')]);
  const password = /** @type {HTMLInputElement} */ (find('[name=password]', form));
  const field = find('.field', form);
  const told = find('.told', form);
  /** @type {Access | null} as the server said last */
  let access = null;
  let asked = false;
  const chosen = () => /** @type {Access} */ (radios.find(({ checked }) => checked)?.value ?? 'open');
  form.addEventListener('change', ({ target }) => {
    if (target === password) return;
    field.hidden = chosen() !== 'password';
    if (field.hidden) floor.access(chosen());
    else password.focus();
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (chosen() !== 'password' || password.value === '') return;
    floor.access('password', password.value);
    password.value = '';
    asked = access !== 'password'; // of one password after another the server says nothing
    told.textContent = asked ? '' : t('access.password_set');
  });
  const show = () => {
    for (const radio of radios) radio.checked = radio.value === access;
    field.hidden = access !== 'password';
  };
  // What is chosen or typed meanwhile stays, unless that has changed.
  floor.addEventListener('state', () => {
    const former = access;
    access = floor.state?.access ?? 'open';
    if (access === former) return;
    told.textContent = asked && access === 'password' ? t('access.password_set') : '';
    asked = false;
    show();
  });
  root.addEventListener('toggle', (event) => {
    if (/** @type {ToggleEvent} */ (event).newState === 'open') show();
  });
}
