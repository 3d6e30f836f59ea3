import { knows, t } from '../words.js';

const MARKED = '[data-t], [data-t-label], [data-t-title]';

/**
 * What the server says to many at once it says in English, with the keys of the words: `data-t` for the text of an
 * element, `data-t-label` and `data-t-title` for attributes, `data-t-name` and `data-t-n` for values. A page in another
 * language puts in its own.
 * @param {HTMLElement} root of what comes
 */
export function translateNews(root) {
  if (document.documentElement.lang === 'en') return;
  const observer = new MutationObserver((records) => {
    for (const { addedNodes } of records) {
      for (const node of addedNodes) {
        if (node instanceof HTMLElement) translateAll(node);
      }
    }
  });
  observer.observe(root, { childList: true, subtree: true });
}

/** @param {HTMLElement} root */
function translateAll(root) {
  if (root.matches(MARKED)) translate(root);
  for (const element of root.querySelectorAll(MARKED)) translate(/** @type {HTMLElement} */ (element));
}

/** @param {HTMLElement} element */
function translate(element) {
  const { t: text, tLabel: label, tTitle: title, tName: name = '', tN: n = '' } = element.dataset;
  const values = { name, n: Number(n) };
  if (text && knows(text)) element.textContent = t(text, values);
  if (label && knows(label)) element.setAttribute('aria-label', t(label, values));
  if (title && knows(title)) element.title = t(title, values);
}
