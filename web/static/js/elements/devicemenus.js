import { choose, connectTone, follow, kindOf, offer } from './choices.js';
import { find } from './page.js';
import { placeAbove } from './placing.js';

/**
 * @import {Offer, Parts} from './choices.js'
 */

/**
 * @typedef {object} Menu
 * @property {HTMLElement} root
 * @property {HTMLElement} button that opens it
 */

/**
 * The menus beside microphone and camera: other devices, at once.
 * @param {{microphone: Menu, camera: Menu}} menus
 * @param {HTMLTemplateElement} template of a choice
 * @param {Parts} parts
 * @param {{playTone: () => Promise<boolean>, openSettings: () => void}} actions
 */
export function connectDeviceMenus(menus, template, parts, { playTone, openSettings }) {
  for (const menu of Object.values(menus)) {
    connectMenu(menu, template, parts);
    find('.to-settings', menu.root).addEventListener('click', () => (menu.root.hidePopover(), openSettings()));
  }
  connectTone(menus.microphone.root, playTone);
  connectBlur(find('.blur', menus.camera.root), parts);
}

/**
 * Its lists are as when it was opened, or when devices came and went since.
 * @param {Menu} menu
 * @param {HTMLTemplateElement} template
 * @param {Parts} parts
 */
function connectMenu({ root, button }, template, parts) {
  const show = async () => {
    const lists = await parts.devices.list();
    if (!root.matches(':popover-open')) return;
    for (const fieldset of root.querySelectorAll('fieldset')) {
      fill(fieldset, template, offer(lists, kindOf(fieldset), parts));
    }
    placeAbove(root, button);
  };
  root.addEventListener('toggle', async (event) => {
    if (/** @type {ToggleEvent} */ (event).newState !== 'open') return;
    await show();
    const first = root.querySelector('input:checked') ?? root.querySelector('input, button');
    if (first instanceof HTMLElement) first.focus();
  });
  root.addEventListener('change', ({ target }) => {
    if (target instanceof HTMLInputElement) choose(parts, kindOf(target), target.value);
  });
  follow(parts, () => root.matches(':popover-open') && show());
}

/**
 * @param {HTMLElement} blur a switch
 * @param {Parts} parts
 */
function connectBlur(blur, { settings, capture }) {
  const show = () => {
    blur.hidden = !capture.canBlur;
    blur.setAttribute('aria-checked', String(settings.get('blur')));
  };
  blur.addEventListener('click', () => settings.set('blur', !settings.get('blur')));
  capture.addEventListener('capabilities', show);
  settings.addEventListener('change', show);
  show();
}

/**
 * @param {HTMLFieldSetElement} fieldset
 * @param {HTMLTemplateElement} template
 * @param {Offer} offer
 */
function fill(fieldset, template, { choices, chosen }) {
  fieldset.hidden = choices.length === 0;
  const before = fieldset.querySelectorAll('label');
  const same = before.length === choices.length && choices.every((choice, i) => isFor(before[i], choice));
  if (!same) {
    const focused = fieldset.contains(document.activeElement);
    for (const label of before) label.remove();
    fieldset.append(...choices.map((choice) => line(template, `choice-${kindOf(fieldset)}`, choice)));
    if (focused) fieldset.querySelector('input')?.focus();
  }
  // What has the focus is not to lose it: the lines stay if they can.
  for (const input of fieldset.querySelectorAll('input')) input.checked = input.value === chosen;
}

/** @param {HTMLLabelElement} label @param {Offer['choices'][number]} choice */
function isFor(label, choice) {
  return label.querySelector('input')?.value === choice.id && label.textContent === choice.label;
}

/**
 * @param {HTMLTemplateElement} template
 * @param {string} name of the group
 * @param {Offer['choices'][number]} choice
 */
function line(template, name, { id, label }) {
  const element = find('label', /** @type {DocumentFragment} */ (template.content.cloneNode(true)));
  const input = /** @type {HTMLInputElement} */ (find('input', element));
  input.name = name;
  input.value = id;
  find('span', element).textContent = label;
  return element;
}
