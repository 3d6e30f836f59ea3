import { connectSelects, connectTone } from './choices.js';
import { find } from './page.js';

/**
 * @import {Choices, Name} from '../settings.js'
 * @import {Parts} from './choices.js'
 */

const YEAR = 365 * 24 * 3600; // s

/**
 * @typedef {object} Actions
 * @property {() => Promise<boolean>} playTone
 * @property {() => void} showKeys
 * @property {() => void} showStatistics
 */

/**
 * The dialog of settings. What is changed holds at once.
 * @param {HTMLDialogElement} dialog
 * @param {HTMLElement} button that opens it
 * @param {Parts} parts
 * @param {Actions} actions
 * @returns {{open: () => void}}
 */
export function connectSettings(dialog, button, parts, { playTone, showKeys, showStatistics }) {
  connectSelects(dialog, parts);
  connectTone(dialog, playTone);
  connectChoices(dialog, parts);
  connectTheme(/** @type {HTMLSelectElement} */ (find('#theme', dialog)));
  const open = () => dialog.showModal();
  button.addEventListener('click', open);
  find('button.keys', dialog).addEventListener('click', () => (dialog.close(), showKeys()));
  find('button.statistics', dialog).addEventListener('click', () => (dialog.close(), showStatistics()));
  dialog.addEventListener('click', ({ target }) => target === dialog && dialog.close()); // beside it
  return { open };
}

/**
 * Switches and selects that are named as what they choose.
 * @param {HTMLElement} root
 * @param {Parts} parts
 */
function connectChoices(root, { settings, capture }) {
  const switches = /** @type {NodeListOf<HTMLInputElement>} */ (root.querySelectorAll('input[role=switch]'));
  const selects = /** @type {NodeListOf<HTMLSelectElement>} */ (root.querySelectorAll('select[name]:not(form select)'));
  const blur = /** @type {HTMLElement} */ (find('[name=blur]', root).closest('label'));
  const show = () => {
    for (const each of switches) each.checked = settings.get(/** @type {Name} */ (each.name)) === true;
    for (const each of selects) each.value = String(settings.get(/** @type {Name} */ (each.name)));
    blur.hidden = !capture.canBlur;
  };
  /** @param {string} name @param {boolean | string} value */
  const set = (name, value) => settings.set(/** @type {Name} */ (name), /** @type {Choices[Name]} */ (value));
  for (const each of switches) each.addEventListener('change', () => set(each.name, each.checked));
  for (const each of selects) each.addEventListener('change', () => set(each.name, each.value));
  settings.addEventListener('change', show);
  capture.addEventListener('capabilities', show);
  show();
}

/** The server has to know it too, so that no page begins in the other colours. @param {HTMLSelectElement} select */
function connectTheme(select) {
  select.addEventListener('change', () => {
    const age = select.value ? YEAR : 0;
    document.cookie = `theme=${select.value}; path=/; max-age=${age}; samesite=lax`;
    if (select.value) document.documentElement.dataset.theme = select.value;
    else delete document.documentElement.dataset.theme;
  });
}
