import { t } from '../words.js';
import { find, findPanel } from './page.js';

/**
 * @import {Floor} from '../floor.js'
 * @import {Room} from '../room.js'
 * @import {Page} from './page.js'
 * @import {Stage} from './stage.js'
 */

/**
 * @typedef {object} Parts
 * @property {Room} room
 * @property {Floor} floor
 * @property {Stage} stage
 */

const MARGIN = 8; // px between a menu and the edge of the window

/**
 * The buttons on the tiles of the others: the pin, and what opens the menu of hosts. A tile gets them when it is shown
 * first; one listener is for all of them.
 * @param {Page} page
 * @param {Parts} parts
 */
export function connectTools(page, { room, floor, stage }) {
  const menu = new TileMenu(page, { room, floor });
  stage.addEventListener('arranged', (event) => {
    for (const id of /** @type {CustomEvent} */ (event).detail.appeared) {
      const panel = findPanel(page.others, id);
      if (panel && !panel.querySelector('.tools')) equip(panel, page.tools, room.participant(id)?.user_name ?? '');
    }
  });
  page.others.addEventListener('click', ({ target }) => {
    const button = target instanceof Element ? target.closest('button') : null;
    const panel = button?.closest('.panel');
    if (!button || !(panel instanceof HTMLElement)) return;
    const id = panel.dataset.channel ?? '';
    if (button.dataset.action === 'menu') menu.open(id, button);
    if (button.dataset.action !== 'pin') return;
    stage.pin(id, !stage.isPinned(id));
    button.setAttribute('aria-pressed', String(stage.isPinned(id)));
  });
  return menu;
}

/**
 * @param {HTMLElement} panel
 * @param {HTMLTemplateElement} template
 * @param {string} name
 */
function equip(panel, template, name) {
  const content = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
  const tools = find('.tools', content);
  for (const button of tools.querySelectorAll('button')) {
    button.setAttribute('aria-label', `${button.getAttribute('aria-label')}: ${name}`);
  }
  panel.append(tools);
  panel.querySelector('figcaption')?.prepend(content); // the marks
}

/** What hosts can do about somebody. */
class TileMenu {
  #root;
  #room;
  #floor;
  #ask;
  #id = '';

  /**
   * @param {Page} page
   * @param {{room: Room, floor: Floor}} parts
   */
  constructor({ tileMenu, removing }, { room, floor }) {
    this.#root = tileMenu;
    this.#room = room;
    this.#floor = floor;
    this.#ask = askToRemove(removing, floor);
    floor.addEventListener('about', (event) => {
      if (/** @type {CustomEvent} */ (event).detail.id === this.#id) this.#update();
    });
    floor.addEventListener('you', () => !floor.you?.host && this.#close());
    room.addEventListener('left', (event) => {
      if (/** @type {CustomEvent} */ (event).detail.participant.channel_name === this.#id) this.#close();
    });
    room.addEventListener('reset', () => this.#close());
    tileMenu.addEventListener('click', ({ target }) => {
      const action = target instanceof Element ? target.closest('button')?.dataset.action : '';
      if (!action) return;
      this.#close();
      this.#act(action);
    });
  }

  /**
   * @param {string} id the channel name
   * @param {HTMLElement} button beside which it opens
   */
  open(id, button) {
    this.#id = id;
    this.#update();
    this.#root.showPopover();
    const [{ right, bottom }, { width, height }] = [button, this.#root].map((each) => each.getBoundingClientRect());
    const { clientWidth, clientHeight } = document.documentElement;
    this.#root.style.left = `${Math.max(MARGIN, Math.min(right - width, clientWidth - width - MARGIN))}px`;
    this.#root.style.top = `${Math.max(MARGIN, Math.min(bottom + MARGIN / 2, clientHeight - height - MARGIN))}px`;
    this.#root.querySelector('button')?.focus();
  }

  #close() {
    if (this.#root.matches(':popover-open')) this.#root.hidePopover();
  }

  #update() {
    const { host, muted, camera_off: cameraOff, screen_off: screenOff } = this.#floor.about(this.#id);
    const { classList } = this.#root;
    classList.toggle('is-host', host);
    classList.toggle('barred-microphone', muted);
    classList.toggle('barred-camera', cameraOff);
    classList.toggle('barred-screen', screenOff);
    find('.name', this.#root).textContent = this.#room.participant(this.#id)?.user_name ?? '';
  }

  /** @param {string} action */
  #act(action) {
    const [floor, id] = [this.#floor, this.#id];
    const { host, muted, camera_off: cameraOff, screen_off: screenOff } = floor.about(id);
    if (action === 'mute') floor.mute(id, !muted);
    if (action === 'camera') floor.camera(id, !cameraOff);
    if (action === 'screen') floor.screen(id, !screenOff);
    if (action === 'stage-off') floor.stage(id, false);
    if (action === 'host') floor.host(id, !host);
    if (action === 'remove') this.#ask(id, this.#room.participant(id)?.user_name ?? '');
  }
}

/**
 * @param {HTMLDialogElement} dialog
 * @param {Floor} floor
 * @returns {(id: string, name: string) => void}
 */
function askToRemove(dialog, floor) {
  const title = find('h2', dialog);
  let asked = '';
  dialog.addEventListener('close', () => {
    if (dialog.returnValue === 'remove') floor.remove(asked);
  });
  return (id, text) => {
    asked = id;
    title.textContent = t('tools.remove', { name: text });
    dialog.returnValue = '';
    dialog.showModal();
  };
}
