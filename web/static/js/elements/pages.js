import { find } from './page.js';

/** @import {Stage} from './stage.js' */

/**
 * Turns the pages, with buttons and keys; there is nothing to see of that where there is one only.
 * @param {HTMLElement} root `#pages`
 * @param {Stage} stage
 */
export function connectPages(root, stage) {
  const [previous, next] = ['.previous', '.next'].map((name) => /** @type {HTMLButtonElement} */ (find(name, root)));
  const which = find('.which', root);
  let pages = 1;
  stage.addEventListener('arranged', (event) => {
    const { page, pages: count } = /** @type {CustomEvent} */ (event).detail;
    pages = count;
    root.hidden = count === 1;
    previous.disabled = page === 0;
    next.disabled = page === count - 1;
    const text = `${page + 1} of ${count}`;
    if (which.textContent !== text) which.textContent = text;
  });
  previous.addEventListener('click', () => stage.turn(stage.page - 1));
  next.addEventListener('click', () => stage.turn(stage.page + 1));
  document.addEventListener('keydown', (event) => {
    const step = { PageUp: -1, PageDown: 1 }[event.key];
    if (!step || pages === 1 || event.ctrlKey || event.altKey || event.metaKey || isBusy(event.target)) return;
    event.preventDefault();
    stage.turn(Math.min(Math.max(0, stage.page + step), pages - 1));
  });
}

/**
 * The key is for something else: a text, or a dialog.
 * @param {EventTarget | null} target
 */
function isBusy(target) {
  return target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable], dialog') !== null;
}
