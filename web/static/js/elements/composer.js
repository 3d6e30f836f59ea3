import { lengthOf, LONGEST } from '../chat.js';
import { t } from '../words.js';
import { find } from './page.js';

/** @import {Chat} from '../chat.js' */

/** The characters that are left are told when they are so few. */
const FEW = 200;

/** The value of the choice that is none: somebody has to be chosen. */
const NOBODY = 'nobody';

/** What one writes, and to whom. It keeps what could not be sent, and says why. */
export class Composer {
  #chat;
  #text;
  #to;
  #left;
  #note;

  /**
   * @param {HTMLElement} root `#composer`
   * @param {Chat} chat
   */
  constructor(root, chat) {
    this.#chat = chat;
    this.#text = /** @type {HTMLTextAreaElement} */ (find('textarea', root));
    this.#to = /** @type {HTMLSelectElement} */ (find('select', root));
    this.#left = find('.left', root);
    this.#note = find('.note', root);
    root.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#text.addEventListener('input', () => this.#update());
    this.#text.addEventListener('keydown', (event) => {
      // With Enter an input method ends a word; Safari then says so by the code alone.
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      if (!event.repeat) this.#send();
    });
    this.#to.addEventListener('change', () => {
      if (this.#to.value !== NOBODY) chat.writeTo(this.#to.value);
      this.#say('');
    });
    for (const type of ['pointerdown', 'focus']) this.#to.addEventListener(type, () => this.#offer());
    chat.addEventListener('recipient', () => this.#showRecipient(root));
    chat.addEventListener('message', (event) => {
      const { message, own } = /** @type {CustomEvent} */ (event).detail;
      if (!own) return;
      this.#say('');
      // It had come back as if it were lost.
      if (this.#text.value.trim() === message.text) this.#fill('');
    });
    chat.addEventListener('refused', (event) => {
      const { text, problem } = /** @type {CustomEvent} */ (event).detail;
      this.#fill(this.#text.value === '' ? text : `${text}\n${this.#text.value}`);
      this.#say(t(problem));
    });
  }

  focus() {
    this.#text.focus();
  }

  #send() {
    const text = this.#text.value;
    if (text.trim() === '') return;
    const problem = this.#chat.say(text);
    if (problem === '') this.#fill('');
    this.#say(problem && t(problem));
    this.#text.focus();
  }

  /** @param {string} text */
  #fill(text) {
    this.#text.value = text;
    this.#update();
  }

  /** The field is as high as its text, within the limits of the style sheet. */
  #update() {
    this.#text.style.height = 'auto';
    this.#text.style.height = `${this.#text.scrollHeight + this.#text.offsetHeight - this.#text.clientHeight}px`;
    const left = LONGEST - lengthOf(this.#text.value.trim());
    this.#left.hidden = left > FEW;
    this.#left.textContent = left < 0 ? t('chat.over', { n: -left }) : t('chat.left', { n: left });
    this.#left.classList.toggle('over', left < 0);
  }

  /** @param {string} text empty when there is nothing to say any more */
  #say(text) {
    this.#note.textContent = text;
  }

  /** @param {HTMLElement} root */
  #showRecipient(root) {
    const to = this.#chat.recipient;
    root.classList.toggle('private', to !== null);
    root.classList.toggle('lost', to?.gone ?? false);
    this.#offer();
    if (to?.gone) this.#say(to.name ? t('chat.left_room', { name: to.name }) : t('chat.choose'));
    else this.#say('');
  }

  /** The choices, of which the first is the server's. They are made when they are looked at: people come and go. */
  #offer() {
    const to = this.#chat.recipient;
    const [everyone] = this.#to.options;
    const others = this.#chat.others.map(({ id, name }) => option(id, t('chat.to', { name })));
    const known = others.some(({ value }) => value === to?.id);
    if (to?.gone) others.unshift(option(NOBODY, to.name ? t('chat.to_left', { name: to.name }) : t('chat.to_nobody')));
    else if (to && !known) others.unshift(option(to.id, t('chat.to', { name: to.name })));
    this.#to.replaceChildren(everyone, ...others);
    this.#to.value = to?.gone ? NOBODY : (to?.id ?? '');
  }
}

/**
 * @param {string} value
 * @param {string} text
 */
function option(value, text) {
  const element = document.createElement('option');
  element.value = value;
  element.textContent = text;
  return element;
}
