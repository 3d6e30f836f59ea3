import { t } from '../words.js';

/** @typedef {{label: string, run: () => void}} Action */

/** What the page has to say: at most one line per topic, each with an action perhaps. */
export class Notice {
  #root;
  /** @type {Map<string, HTMLElement>} */
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
    this.#lines.get(topic)?.remove();
    this.#lines.delete(topic);
    if (text === '') return;
    const line = document.createElement('span');
    line.dataset.topic = topic;
    line.append(text);
    line.append(' ');
    line.append(action ? button(action.label, action.run) : button(t('notice.dismiss'), () => this.say(topic, '')));
    this.#lines.set(topic, line);
    this.#root.append(line);
  }
}

/**
 * @param {string} label
 * @param {() => void} run
 */
function button(label, run) {
  const element = document.createElement('button');
  element.type = 'button';
  element.textContent = label;
  element.addEventListener('click', run);
  return element;
}
