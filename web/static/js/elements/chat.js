import { clock, follows, newsOfMessages, Spaced } from '../chat.js';
import { t } from '../words.js';
import { Composer } from './composer.js';
import { find } from './page.js';
import { Toasts } from './toasts.js';

/**
 * @import {Chat, Line} from '../chat.js'
 * @import {Side} from './side.js'
 */

/** Lines that the list keeps; the server keeps fewer. */
const KEPT = 500;

/** So near to its end, in px, the list is at its end. */
const NEAR = 48;

/** Messages within this are told together, in ms. */
const PAUSE = 2000;

/**
 * The chat's pane: what was written, which the server renders, and what one writes.
 * @param {HTMLElement} root `#chat`
 * @param {object} around
 * @param {HTMLElement} around.button `#chat-button`, with `.badge` in it
 * @param {HTMLElement} around.toasts `#chat-toasts`
 * @param {Chat} chat
 * @param {Side} side
 * @param {(text: string) => void} announce
 * @returns {{writeTo: (id: string) => void}} opens the pane to write to that person alone
 */
export function connectChat(root, { button, toasts }, chat, side, announce) {
  const list = new List(root, chat);
  const composer = new Composer(find('#composer', root), chat);
  const bubbles = new Toasts(toasts, () => side.open('chat'));
  /** @type {Spaced<import('../protocol.js').ChatMessage>} */
  const news = new Spaced(PAUSE, (messages) => newsOfMessages(messages).forEach(announce));
  const isSeen = () => side.pane === 'chat' && !document.hidden;
  const look = () => {
    chat.setReading(isSeen());
    if (isSeen()) {
      news.clear();
      bubbles.clear();
    }
  };
  side.addEventListener('change', look);
  document.addEventListener('visibilitychange', look);
  chat.addEventListener('message', (event) => {
    const { message, own } = /** @type {CustomEvent} */ (event).detail;
    list.tell(message.id, own);
    if (own || isSeen()) return;
    news.add(message);
    if (side.pane !== 'chat') bubbles.show(message);
  });
  chat.addEventListener('history', (event) => {
    const { missed } = /** @type {CustomEvent} */ (event).detail;
    list.refresh();
    if (missed.length > 0 && !isSeen()) announce(t('chat.many', { n: missed.length }));
  });
  chat.addEventListener('cleared', () => {
    news.clear();
    bubbles.clear();
    list.clear();
  });
  const badge = find('.badge', button);
  chat.addEventListener('unread', () => {
    const n = chat.unread;
    badge.hidden = n === 0;
    badge.textContent = n > 99 ? '99+' : String(n);
    button.setAttribute('aria-label', n === 0 ? t('controls.chat') : t('chat.button', { n }));
  });
  return {
    writeTo: (id) => {
      chat.writeTo(id);
      side.open('chat');
      composer.focus();
    },
  };
}

/** `#chat-lines`, which is at its end, or where one has scrolled to. */
class List {
  #list;
  #chat;
  #later;
  #write = clock(document.documentElement.lang);
  #atEnd = true;
  #top = 0;
  #height = 0;

  /**
   * @param {HTMLElement} root
   * @param {Chat} chat
   */
  constructor(root, chat) {
    this.#list = find('#chat-lines', root);
    this.#chat = chat;
    this.#later = find('.later', root);
    this.#list.addEventListener('scroll', () => this.#onScroll(), { passive: true });
    this.#later.addEventListener('click', () => {
      this.#toEnd();
      this.#list.focus();
    });
    // Shown again it has forgotten where it was; made smaller, its end is out of sight.
    new ResizeObserver(() => this.#onResize()).observe(this.#list);
  }

  /**
   * A message has come, rendered.
   * @param {string} id
   * @param {boolean} own
   */
  tell(id, own) {
    const line = this.#list.querySelector(`#chat-${CSS.escape(id)}`);
    if (!(line instanceof HTMLElement)) return;
    this.#finish(line);
    while (this.#list.children.length > KEPT) this.#list.firstElementChild?.remove();
    this.#list.firstElementChild?.classList.remove('follows');
    if (own || this.#atEnd) this.#toEnd();
    else this.#later.hidden = false;
  }

  /** All of it is new. */
  refresh() {
    for (const line of this.#list.children) this.#finish(/** @type {HTMLElement} */ (line));
    this.#toEnd();
  }

  clear() {
    this.#list.replaceChildren();
    this.#toEnd();
  }

  /** What only this page knows of a line. @param {HTMLElement} line */
  #finish(line) {
    const own = this.#chat.isOwn({ id: line.id.replace(/^chat-/, ''), channel: line.dataset.channel ?? '' });
    line.classList.toggle('own', own);
    const previous = line.previousElementSibling;
    const follow = follows(previous instanceof HTMLElement ? read(previous) : null, read(line));
    line.classList.toggle('follows', follow);
    const time = line.querySelector('time');
    if (!time) return;
    time.textContent = this.#write(Number(line.dataset.time), Date.now());
  }

  #toEnd() {
    this.#atEnd = true;
    this.#later.hidden = true;
    if (this.#height > 0) this.#list.scrollTop = this.#list.scrollHeight; // shown again, it goes there
  }

  #onScroll() {
    const { scrollTop, scrollHeight, clientHeight } = this.#list;
    if (clientHeight === 0) return;
    this.#top = scrollTop;
    // While the list is being made smaller nobody scrolls.
    if (clientHeight === this.#height) this.#atEnd = scrollHeight - scrollTop - clientHeight < NEAR;
    if (this.#atEnd) this.#later.hidden = true;
  }

  #onResize() {
    const { clientHeight } = this.#list;
    const shown = this.#height === 0 && clientHeight > 0;
    this.#height = clientHeight;
    if (this.#atEnd) this.#toEnd();
    else if (shown) this.#list.scrollTop = this.#top;
  }
}

/**
 * @param {HTMLElement} line
 * @returns {Line}
 */
function read({ classList, dataset }) {
  return {
    by: classList.contains('own') ? 'own' : (dataset.channel ?? ''),
    to: dataset.to ?? '',
    time: Number(dataset.time),
  };
}
