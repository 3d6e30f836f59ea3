import { t } from '../words.js';
import { find } from './page.js';

/**
 * @import {Choice, Choices, Devices} from '../devices.js'
 * @import {Settings} from '../settings.js'
 * @import {Capture} from '../capture.js'
 */

/**
 * @typedef {'camera' | 'microphone' | 'speaker'} Kind
 * @typedef {{devices: Devices, settings: Settings, capture: Capture}} Parts
 * @typedef {{choices: Choice[], chosen: string}} Offer what there is to choose from, and the id of what is in use
 */

const LISTS = /** @type {const} */ ({ camera: 'cameras', microphone: 'microphones', speaker: 'speakers' });

/** What is used from now on. @param {Parts} parts @param {Kind} kind @param {string} id */
export function choose({ settings, capture }, kind, id) {
  if (kind === 'speaker') settings.set('speaker', id);
  else void capture.choose(kind, id);
}

/**
 * What there is of a kind. What the browser chooses is offered too, but for cameras, which have no order; and it is what
 * is in use if that is none of the others.
 * @param {Choices} lists
 * @param {Kind} kind
 * @param {Parts} parts
 * @returns {Offer} empty choices if there is nothing to choose from
 */
export function offer(lists, kind, { settings, capture }) {
  const named = lists[LISTS[kind]].filter(({ id }) => id !== ''); // before the browser tells of them
  const used = kind === 'speaker' ? undefined : capture.track(kind)?.getSettings().deviceId;
  const id = used ?? settings.get(kind);
  const chosen = named.some((choice) => choice.id === id) ? id : '';
  const browsers = { id: '', label: t('choices.default') };
  return { choices: named.length > 0 && (kind !== 'camera' || !chosen) ? [browsers, ...named] : named, chosen };
}

/**
 * Calls back when other devices are there, or in use. While one is being opened, what was chosen stays chosen.
 * @param {Parts} parts
 * @param {() => void} show
 */
export function follow({ devices, settings, capture }, show) {
  devices.addEventListener('change', show);
  capture.addEventListener('device', show);
  settings.addEventListener('change', (event) => {
    const kind = /** @type {CustomEvent} */ (event).detail.name;
    if (kind in LISTS && (kind === 'speaker' || !capture.track(kind))) show();
  });
}

/**
 * Fills the selects of an element, `[data-device] select`, and has them choose. Where there is nothing to choose from they
 * are disabled, and what is about speakers, `[data-needs=speaker]`, is not there.
 * @param {HTMLElement} root
 * @param {Parts} parts
 */
export function connectSelects(root, parts) {
  const selects = /** @type {HTMLSelectElement[]} */ ([...root.querySelectorAll('[data-device] select')]);
  const show = async () => {
    const lists = await parts.devices.list();
    for (const select of selects) fill(select, lists, parts);
    for (const element of root.querySelectorAll('[data-needs=speaker]')) {
      element.toggleAttribute('hidden', offer(lists, 'speaker', parts).choices.length === 0);
    }
  };
  for (const select of selects) select.addEventListener('change', () => choose(parts, kindOf(select), select.value));
  follow(parts, show);
  void show();
}

/** @param {HTMLElement} element within `[data-device]` */
export function kindOf(element) {
  return /** @type {Kind} */ (/** @type {HTMLElement} */ (element.closest('[data-device]')).dataset.device);
}

/**
 * @param {HTMLSelectElement} select
 * @param {Choices} lists
 * @param {Parts} parts
 */
function fill(select, lists, parts) {
  const kind = kindOf(select);
  const { choices, chosen } = offer(lists, kind, parts);
  select.disabled = choices.length === 0;
  const none = lists[LISTS[kind]].length === 0 && kind !== 'speaker' ? t(`choices.no_${kind}`) : t('choices.default');
  const offered = select.disabled ? [{ id: '', label: none }] : choices;
  const before = [...select.options];
  if (offered.some(({ id, label }, i) => before[i]?.value !== id || before[i].label !== label)) {
    select.replaceChildren(...offered.map(({ id, label }) => option(id, label)));
  } else {
    for (const extra of before.slice(offered.length)) extra.remove();
  }
  select.value = chosen;
}

/** @param {string} value @param {string} label */
function option(value, label) {
  const element = document.createElement('option');
  element.value = value;
  element.textContent = label;
  return element;
}

/**
 * A button, `.tone`, that plays the test tone, and says in the `output` after it when that does not work.
 * @param {HTMLElement} root
 * @param {() => Promise<boolean>} play
 */
export function connectTone(root, play) {
  const [button, output] = [find('.tone', root), find('.tone ~ output', root)];
  button.addEventListener('click', async () => {
    output.textContent = '';
    output.textContent = (await play()) ? '' : t('choices.no_tone');
  });
}
