import { find } from './page.js';
import { placeAbove } from './placing.js';

/** @import {Settings} from '../settings.js' */

/**
 * The menu of how the tiles are arranged, with the statistics and the full screen.
 * @param {HTMLElement} root `#view-menu`
 * @param {HTMLElement} button that opens it
 * @param {Settings} settings
 * @param {() => void} showStatistics
 */
export function connectView(root, button, settings, showStatistics) {
  const radios = /** @type {NodeListOf<HTMLInputElement>} */ (root.querySelectorAll('[name=view]'));
  const show = () => {
    for (const radio of radios) radio.checked = radio.value === settings.get('view');
  };
  root.addEventListener('toggle', (event) => {
    if (/** @type {ToggleEvent} */ (event).newState === 'open') placeAbove(root, button);
  });
  root.addEventListener('change', ({ target }) => {
    if (target instanceof HTMLInputElement) settings.set('view', /** @type {any} */ (target.value));
  });
  settings.addEventListener('change', show);
  show();
  find('.statistics', root).addEventListener('click', () => {
    root.hidePopover();
    showStatistics();
  });
  const fullscreen = find('.fullscreen', root);
  fullscreen.hidden = !document.fullscreenEnabled;
  fullscreen.addEventListener('click', () => {
    root.hidePopover();
    if (document.fullscreenElement) void document.exitFullscreen();
    else document.documentElement.requestFullscreen().catch((error) => console.warn('no full screen', error));
  });
}
