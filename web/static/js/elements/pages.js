import { t } from '../words.js';
import { find } from './page.js';

/** @import {Stage} from './stage.js' */

/**
 * Turns the pages, with buttons and keys; there is nothing to see of that where there is one only.
 * @param {HTMLElement} root `#pages`
 * @param {Stage} stage
 */
export function connectPages(root, stage) {
  const [previous, next] = ['.previous', '.next'].map((name) => /** @type {HTMLButtonElement} */ (find(name, root)));
  const [which, turned] = [find('.which', root), find('.turned', root)];
  let pages = 1;
  let turning = false;
  stage.addEventListener('arranged', (event) => {
    const { page, pages: count } = /** @type {CustomEvent} */ (event).detail;
    pages = count;
    root.hidden = count === 1;
    // The attribute `disabled` would take the focus from them.
    previous.setAttribute('aria-disabled', String(page === 0));
    next.setAttribute('aria-disabled', String(page === count - 1));
    const where = { page: page + 1, n: count };
    const text = t('pages.of', where);
    if (which.textContent !== text) {
      which.textContent = text;
      turned.textContent = turning ? t('pages.turned', where) : ''; // people who come and go are nothing to interrupt with
    }
    turning = false;
  });
  /** @param {number} step */
  const turn = (step) => {
    const page = Math.min(Math.max(0, stage.page + step), pages - 1);
    if (page === stage.page) return;
    turning = true;
    stage.turn(page);
  };
  previous.addEventListener('click', () => turn(-1));
  next.addEventListener('click', () => turn(1));
  document.addEventListener('keydown', (event) => {
    const step = { PageUp: -1, PageDown: 1 }[event.key];
    if (!step || pages === 1 || event.ctrlKey || event.altKey || event.metaKey || isBusy(event.target)) return;
    event.preventDefault();
    turn(step);
  });
}

/**
 * The key is for something else: a text, or a dialog.
 * @param {EventTarget | null} target
 */
function isBusy(target) {
  return target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable], dialog') !== null;
}
