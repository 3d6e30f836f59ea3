import { find } from './page.js';

/** @typedef {{label: string, run: () => void}} Action */

/** So many lines are shown, the latest; those before them come back when there is room again. */
const MOST = 3;

/** What the page has to say: at most one line per topic, each with an action perhaps. All can be put away. */
export class Notice {
  #root;
  #template = /** @type {HTMLTemplateElement} */ (find('#notice-line'));
  /** @type {Map<string, HTMLElement>} the latest last */
  #lines = new Map();

  /** @param {HTMLElement} root has role=status */
  constructor(root) {
    this.#root = root;
  }

  /**
   * @param {string} topic what was said about it before is replaced
   * @param {string} text empty when there is nothing to say any more
   * @param {Action} [action]
   */
  say(topic, text, action) {
    const before = this.#lines.get(topic);
    const focused = before?.contains(document.activeElement) ?? false;
    before?.remove();
    this.#lines.delete(topic);
    if (text !== '') {
      const line = this.#make(topic, text, action);
      this.#lines.set(topic, line);
      this.#root.append(line);
    }
    const lines = [...this.#lines.values()].reverse();
    for (const [i, line] of lines.entries()) line.hidden = i >= MOST;
    // A button that is gone must not take the focus with it while there is another.
    if (focused && lines[0]) find('.dismiss', lines[0]).focus();
  }

  /**
   * @param {string} topic
   * @param {string} text
   * @param {Action} [action]
   */
  #make(topic, text, action) {
    const content = /** @type {DocumentFragment} */ (this.#template.content.cloneNode(true));
    const line = find('span', content);
    line.dataset.topic = topic;
    find('.text', line).textContent = text;
    const act = find('.act', line);
    act.hidden = action === undefined;
    act.textContent = action?.label ?? '';
    act.addEventListener('click', () => action?.run());
    find('.dismiss', line).addEventListener('click', () => this.say(topic, ''));
    return line;
  }
}
