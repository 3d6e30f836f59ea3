import { actionOf } from '../shortcuts.js';

/**
 * @import {Settings} from '../settings.js'
 */

/**
 * @typedef {Record<'microphone' | 'camera' | 'screen' | 'hand' | 'chat' | 'people' | 'help', () => void>} Presses
 * @typedef {object} Held
 * @property {(on: boolean) => void} talk while the space bar is held
 * @property {(n: number) => void} pin the n-th tile, from 1
 */

const TYPING =
  'input:not([type=radio], [type=checkbox], [type=range]), textarea, select, [contenteditable]:not([contenteditable=false])';
const CONTROLS = 'button, a[href], input, summary, [role=button], [role=switch]';

/**
 * The keys of a room, while they are switched on.
 * @param {Settings} settings
 * @param {Presses & Held} actions
 */
export function connectShortcuts(settings, { talk, pin, ...presses }) {
  let talking = false;
  const hush = () => {
    if (!talking) return;
    talking = false;
    talk(false);
  };
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented) return;
    if (talking && event.key === ' ') event.preventDefault(); // held, it would scroll
    const action = actionOf(event, where(event.target, settings));
    if (!action) return;
    event.preventDefault();
    if (action === 'talk') {
      talking = true;
      talk(true);
    } else if (action.startsWith('pin')) pin(Number(action.slice(4)));
    else presses[/** @type {keyof Presses} */ (action)]();
  });
  document.addEventListener('keyup', (event) => {
    if (event.key !== ' ' || !talking) return;
    event.preventDefault(); // whatever has the focus by now is not pressed
    hush();
  });
  document.defaultView?.addEventListener('blur', hush);
  document.addEventListener('visibilitychange', () => document.hidden && hush());
}

/**
 * @param {EventTarget | null} target
 * @param {Settings} settings
 */
function where(target, settings) {
  const focus = target instanceof Element ? target : null;
  return {
    enabled: settings.get('shortcuts'),
    typing: Boolean(focus?.closest(TYPING)),
    onControl: Boolean(focus?.closest(CONTROLS)),
    inDialog: document.querySelector('dialog[open], :popover-open') !== null,
  };
}

/**
 * Opens the list of keys, or closes it.
 * @param {HTMLDialogElement} dialog
 */
export function toggleHelp(dialog) {
  if (dialog.open) dialog.close();
  else dialog.showModal();
}
