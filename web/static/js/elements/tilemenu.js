import { t } from '../words.js';
import { find } from './page.js';

/**
 * @import {Floor} from '../floor.js'
 * @import {Room} from '../room.js'
 * @import {Volumes} from '../volumes.js'
 * @import {Page} from './page.js'
 */

const MARGIN = 8; // px between a menu and the edge of the window

/**
 * What can be done about somebody: by everybody, and by hosts.
 *
 * Events: `message` and `statistics` (CustomEvents with `{id}`): these are asked for.
 */
export class TileMenu extends EventTarget {
  #root;
  #room;
  #floor;
  #volumes;
  #volume;
  #ask;
  #id = '';

  /**
   * @param {Pick<Page, 'tileMenu' | 'removing'>} page
   * @param {{room: Room, floor: Floor, volumes: Volumes}} parts
   */
  constructor({ tileMenu, removing }, { room, floor, volumes }) {
    super();
    this.#root = tileMenu;
    this.#room = room;
    this.#floor = floor;
    this.#volumes = volumes;
    this.#volume = /** @type {HTMLInputElement} */ (find('.volume input', tileMenu));
    this.#ask = askToRemove(removing, floor);
    find('.volume', tileMenu).hidden = !canBeQuieter();
    this.#volume.addEventListener('input', () => volumes.set(this.#id, this.#volume.valueAsNumber / 100));
    floor.addEventListener('about', (event) => {
      if (/** @type {CustomEvent} */ (event).detail.id === this.#id) this.#update();
    });
    floor.addEventListener('you', (event) => {
      const { you, former } = /** @type {CustomEvent} */ (event).detail;
      if (former?.host && !you.host) this.#close();
    });
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
    const first = this.#root.querySelector(':is(input, button):not([hidden] *)');
    if (first instanceof HTMLElement) first.focus();
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
    this.#volume.value = String(this.#volumes.get(this.#id) * 100);
    find('.name', this.#root).textContent = this.#room.participant(this.#id)?.user_name ?? '';
  }

  /** @param {string} action */
  #act(action) {
    const [floor, id] = [this.#floor, this.#id];
    if (action === 'message' || action === 'statistics')
      this.dispatchEvent(new CustomEvent(action, { detail: { id } }));
    const { host, muted, camera_off: cameraOff, screen_off: screenOff } = floor.about(id);
    if (action === 'mute') floor.mute(id, !muted);
    if (action === 'camera') floor.camera(id, !cameraOff);
    if (action === 'screen') floor.screen(id, !screenOff);
    if (action === 'stage-off') floor.stage(id, false);
    if (action === 'host') floor.host(id, !host);
    if (action === 'remove') this.#ask(id, this.#room.participant(id)?.user_name ?? '');
  }
}

/** An iPhone has buttons of its own for that, and pages change nothing. */
function canBeQuieter() {
  const probe = document.createElement('audio');
  probe.volume = 0.5;
  return probe.volume === 0.5;
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
