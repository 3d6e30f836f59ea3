import { t } from '../words.js';
import { find } from './page.js';

/** @import {ChatMessage} from '../protocol.js' */

const SHOWN = 5000; // ms
const MOST = 3;

/** What was written while the chat is closed, for a moment over the stage. Who listens is told it otherwise. */
export class Toasts {
  #root;
  #template;
  #open;

  /**
   * @param {HTMLElement} root with the template in it
   * @param {() => void} open the chat
   */
  constructor(root, open) {
    this.#root = root;
    this.#template = /** @type {HTMLTemplateElement} */ (find('template', root));
    this.#open = open;
  }

  /** @param {ChatMessage} message */
  show({ user_name: name, text, to }) {
    const toast = find('button', /** @type {DocumentFragment} */ (this.#template.content.cloneNode(true)));
    find('.name', toast).textContent = to ? `${name}, ${t('chat.privately')}` : name;
    find('.text', toast).textContent = text;
    toast.classList.toggle('private', to !== undefined);
    toast.addEventListener('click', () => this.#open());
    this.#root.append(toast);
    const all = this.#all();
    for (const old of all.slice(0, -MOST)) old.remove();
    setTimeout(() => toast.remove(), SHOWN);
  }

  clear() {
    for (const toast of this.#all()) toast.remove();
  }

  #all() {
    return [...this.#root.querySelectorAll(':scope > button')];
  }
}
