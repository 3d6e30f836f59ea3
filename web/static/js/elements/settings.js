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
  const { settings, capture } = parts;
  connectSelects(dialog, parts);
  connectTone(find('.tone', dialog), playTone);
  const fields = /** @type {(HTMLInputElement | HTMLSelectElement)[]} */ ([
    ...dialog.querySelectorAll('input[role=switch], select[name]:not([name=language])'),
  ]);
  const show = () => {
    for (const field of fields) {
      const value = settings.get(/** @type {Name} */ (field.name));
      if (field instanceof HTMLInputElement) field.checked = value === true;
      else field.value = String(value);
    }
    const blur = fields.find(({ name }) => name === 'blur')?.closest('label');
    if (blur) blur.hidden = !capture.canBlur;
  };
  for (const field of fields) {
    field.addEventListener('change', () => {
      const value = field instanceof HTMLInputElement ? field.checked : field.value;
      settings.set(/** @type {Name} */ (field.name), /** @type {Choices[Name]} */ (value));
    });
  }
  settings.addEventListener('change', show);
  capture.addEventListener('capabilities', show);
  connectTheme(/** @type {HTMLSelectElement} */ (find('#theme', dialog)));
  const open = () => {
    show();
    dialog.showModal();
  };
  button.addEventListener('click', open);
  find('button.keys', dialog).addEventListener('click', () => (dialog.close(), showKeys()));
  find('button.statistics', dialog).addEventListener('click', () => (dialog.close(), showStatistics()));
  dialog.addEventListener('click', ({ target }) => target === dialog && dialog.close()); // beside it
  return { open };
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
