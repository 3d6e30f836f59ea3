import { isFound } from '../chat.js';
import { t } from '../words.js';
import { find, findPanel } from './page.js';

/**
 * @import {Call} from '../call.js'
 * @import {Capture} from '../capture.js'
 * @import {Floor} from '../floor.js'
 * @import {Participant} from '../protocol.js'
 * @import {Room} from '../room.js'
 * @import {Voices} from '../voices.js'
 * @import {Page} from './page.js'
 * @import {Side} from './side.js'
 */

/**
 * @typedef {object} Parts
 * @property {Call} call
 * @property {Capture} capture
 * @property {Floor} floor
 * @property {Room} room
 * @property {Side} side
 * @property {Voices} voices
 *
 * @typedef {object} States what is to be seen beside a name
 * @property {boolean} host
 * @property {boolean} hand
 * @property {boolean} muted
 * @property {boolean} dark without a picture
 * @property {boolean} sharing
 * @property {boolean} watching
 */

/** So many people are muted at once, each so many ms: the server takes no flood of messages. */
const AT_ONCE = 50;
const PAUSE = 500;

/**
 * The pane of who is there. The list is made when it opens, and kept up to date while it is open. One's own line, always
 * the first, the server has rendered.
 */
export class People {
  #list;
  #self;
  #template;
  #search;
  #page;
  #room;
  #floor;
  #voices;
  #call;
  #capture;
  #root;
  #open = false;
  /** @type {Map<string, HTMLElement>} the lines of the others, by channel name */
  #lines = new Map();

  /**
   * @param {HTMLElement} root `#people`
   * @param {Pick<Page, 'others' | 'self'>} page whose panels know how people look without a picture
   * @param {Parts} parts
   * @param {(id: string, button: HTMLElement) => void} openMenu of what can be done about somebody
   */
  constructor(root, page, { call, capture, floor, room, side, voices }, openMenu) {
    this.#root = root;
    this.#list = find('#people-list', root);
    this.#self = find('li.self', this.#list);
    this.#template = /** @type {HTMLTemplateElement} */ (find('#person', root));
    this.#search = /** @type {HTMLInputElement} */ (find('#people-search', root));
    this.#page = page;
    this.#room = room;
    this.#floor = floor;
    this.#voices = voices;
    this.#call = call;
    this.#capture = capture;
    side.addEventListener('change', () => this.#setOpen(side.pane === 'people'));
    this.#search.addEventListener('input', () => this.#filter());
    this.#list.addEventListener('click', ({ target }) => {
      const button = target instanceof Element ? target.closest('button') : null;
      const id = button?.closest('li')?.dataset.channel;
      if (button && id) openMenu(id, button);
    });
    this.#listen();
  }

  #listen() {
    /** @param {EventTarget} source @param {string} type @param {(detail: any) => void} handler */
    const listen = (source, type, handler) => {
      source.addEventListener(type, (event) => this.#open && handler(/** @type {CustomEvent} */ (event).detail));
    };
    listen(this.#room, 'reset', () => this.#empty());
    listen(this.#room, 'joined', ({ participant }) => this.#add(participant));
    listen(this.#room, 'left', ({ participant }) => this.#remove(participant.channel_name));
    for (const type of ['features', 'media']) {
      listen(this.#room, type, ({ participant }) => this.#update(participant.channel_name));
    }
    listen(this.#floor, 'about', ({ id }) => this.#update(id));
    for (const type of ['you', 'reset']) listen(this.#floor, type, () => this.#updateSelf());
    listen(this.#capture, 'features', () => this.#updateSelf());
    listen(this.#call, 'role', () => this.#updateSelf());
    listen(this.#voices, 'voice', ({ id, on }) => {
      const line = id === this.#page.self.dataset.channel ? this.#self : this.#lines.get(id);
      line?.classList.toggle('speaking', on);
    });
  }

  /** @param {boolean} open */
  #setOpen(open) {
    if (open === this.#open) return;
    this.#open = open;
    this.#search.value = '';
    this.#empty();
    if (!open) return;
    for (const participant of this.#room.participants) this.#add(participant);
    this.#updateSelf();
    this.#self.classList.toggle('speaking', this.#voices.speaks(this.#page.self.dataset.channel ?? ''));
    this.#filter();
  }

  #empty() {
    for (const line of this.#lines.values()) line.remove();
    this.#lines.clear();
    this.#count();
  }

  /** @param {Participant} participant */
  #add({ channel_name: id, user_name: name }) {
    const line = find('li', /** @type {DocumentFragment} */ (this.#template.content.cloneNode(true)));
    line.dataset.channel = id;
    find('.name', line).textContent = name;
    find('button', line).setAttribute('aria-label', t('people.more', { name }));
    const panel = findPanel(this.#page.others, id);
    const avatar = find('.avatar', line);
    avatar.textContent = panel?.querySelector('.initials')?.textContent ?? '';
    avatar.classList.add(...[...(panel?.classList ?? [])].filter((each) => each.startsWith('hue-')));
    line.classList.toggle('speaking', this.#voices.speaks(id));
    line.hidden = !isFound(name, this.#search.value);
    this.#lines.get(id)?.remove();
    this.#lines.set(id, line);
    this.#list.append(line);
    this.#update(id);
    this.#count();
  }

  /** @param {string} id */
  #remove(id) {
    const line = this.#lines.get(id);
    if (line?.contains(document.activeElement)) this.#list.focus();
    line?.remove();
    this.#lines.delete(id);
    this.#count();
  }

  /** @param {string} id */
  #update(id) {
    const line = this.#lines.get(id);
    if (!line) {
      this.#updateSelf(); // who is a host, or has raised a hand, may be oneself
      return;
    }
    const [{ audio, video }, { host, hand, muted }] = [this.#room.features(id), this.#floor.about(id)];
    const dark = video === false;
    show(line, { host, hand, muted: muted || audio === false, dark, sharing: this.#room.shares(id), watching: false });
  }

  #updateSelf() {
    const { audio, video, screen } = this.#capture.features;
    const { host = false, hand = false } = this.#floor.you ?? {};
    const watching = this.#call.role === 'viewer';
    const states = {
      host,
      hand,
      muted: !audio && !watching,
      dark: !video && !watching,
      sharing: screen === true,
      watching,
    };
    show(this.#self, states);
  }

  #filter() {
    for (const line of /** @type {Iterable<HTMLElement>} */ (this.#list.children)) {
      line.hidden = !isFound(find('.name', line).textContent ?? '', this.#search.value);
    }
    this.#count();
  }

  #count() {
    const own = this.#call.joined && this.#call.role !== 'viewer' ? 1 : 0;
    find('.count', this.#root).textContent = String(this.#lines.size + own);
    find('.nobody', this.#root).hidden = this.#list.querySelector('li:not([hidden])') !== null;
  }
}

/**
 * @param {HTMLElement} line
 * @param {States} states
 */
function show(line, states) {
  for (const [state, on] of Object.entries(states)) {
    line.classList.toggle(state, on);
    const mark = line.querySelector(`[data-state="${state}"]`);
    if (mark instanceof HTMLElement) mark.hidden = !on;
  }
}

/**
 * What hosts do about all others: mute them, once they have said that they mean it, and let them speak again.
 * @param {HTMLElement} root `#people`
 * @param {HTMLDialogElement} dialog `#mute-all-dialog`
 * @param {Room} room
 * @param {Floor} floor
 */
export function connectMuteAll(root, dialog, room, floor) {
  const [mute, free] = ['.mute-all', '.unmute-all'].map((selector) => find(selector, root));
  const muted = (/** @type {boolean} */ on) => {
    return room.participants.map(({ channel_name: id }) => id).filter((id) => floor.about(id).muted === on);
  };
  const update = () => (free.hidden = muted(true).length === 0);
  for (const type of ['about', 'reset']) floor.addEventListener(type, update);
  room.addEventListener('left', update);
  mute.addEventListener('click', () => {
    dialog.returnValue = '';
    dialog.showModal();
  });
  dialog.addEventListener('close', () => {
    if (dialog.returnValue === 'mute') muteEach(muted(false), true, floor);
  });
  free.addEventListener('click', () => {
    muteEach(muted(true), false, floor);
    mute.focus(); // the button goes
  });
}

/**
 * @param {string[]} ids
 * @param {boolean} on
 * @param {Floor} floor
 */
function muteEach(ids, on, floor) {
  if (!floor.you?.host) return; // no longer
  for (const id of ids.slice(0, AT_ONCE)) floor.mute(id, on);
  if (ids.length > AT_ONCE) setTimeout(() => muteEach(ids.slice(AT_ONCE), on, floor), PAUSE);
}
