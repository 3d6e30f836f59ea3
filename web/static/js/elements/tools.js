import { t } from '../words.js';
import { find, findPanel, findTile } from './page.js';

/**
 * @import {Room} from '../room.js'
 * @import {Page} from './page.js'
 * @import {Stage} from './stage.js'
 * @import {TileMenu} from './tilemenu.js'
 */

/** The tools of a tile that was tapped are shown so long, in ms: nothing points at a telephone. */
const TAPPED = 4000;

/** What the buttons are called, with the name of whose tile it is. @type {Record<string, string>} */
const LABELS = { pin: 'tile.pin', fullscreen: 'tile.fullscreen', float: 'tile.float', menu: 'tile.more' };

/**
 * The buttons on the tiles of the others: the pin, the full screen, the window of its own, and what opens the menu. A tile
 * gets them when it is shown first; one listener is for all of them.
 * @param {Page} page
 * @param {{room: Room, stage: Stage, menu: TileMenu}} parts
 */
export function connectTools(page, { room, stage, menu }) {
  stage.addEventListener('arranged', (event) => {
    for (const id of /** @type {CustomEvent} */ (event).detail.appeared) {
      const panel = findPanel(page.others, id);
      if (!panel || panel.querySelector('.tools')) continue;
      equip(panel, page.tools, room.participant(id)?.user_name ?? '');
      showPin(panel, stage.isPinned(id));
    }
  });
  stage.addEventListener('pinned', (event) => {
    const { id, pinned } = /** @type {CustomEvent} */ (event).detail;
    const panel = findPanel(page.others, id);
    if (panel) showPin(panel, pinned);
  });
  page.others.addEventListener('click', ({ target }) => {
    const button = target instanceof Element ? target.closest('button') : null;
    const panel = button?.closest('.panel');
    if (!button || !(panel instanceof HTMLElement)) return;
    const id = panel.dataset.channel ?? '';
    const { action } = button.dataset;
    if (action === 'menu') menu.open(id, button);
    if (action === 'pin') stage.pin(id, !stage.isPinned(id));
    if (action === 'fullscreen') void fill(panel);
    if (action === 'float') void float(panel);
  });
  page.others.addEventListener('dblclick', ({ target }) => {
    const panel = target instanceof Element && !target.closest('button') ? target.closest('.panel') : null;
    if (!(panel instanceof HTMLElement) || document.fullscreenElement) return;
    const id = panel.dataset.channel ?? '';
    stage.pin(id, !stage.isPinned(id));
  });
  document.addEventListener('fullscreenchange', () => showFullscreen(page.others));
  showOnTap(page, stage);
}

/**
 * A tap shows the tools of one tile, for a while. A second one, or one elsewhere, hides them.
 * @param {Page} page
 * @param {Stage} stage
 */
function showOnTap(page, stage) {
  /** @type {Element | null} */
  let tapped = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const hide = () => {
    clearTimeout(timer);
    tapped?.classList.remove('tapped');
    tapped = null;
  };
  let touched = false; // not every browser says it of a click
  page.tiles.addEventListener('pointerdown', ({ pointerType }) => (touched = pointerType === 'touch'), true);
  /** @param {MouseEvent} event */
  const tap = (event) => {
    if (!touched || event.detail === 0 || !(event.target instanceof Element)) return; // 0: a key
    const [tile, button] = [event.target.closest('.tile'), event.target.closest('button')];
    // What was not to be seen was not meant.
    if (button && tile && tile !== tapped && !tile.classList.contains('pinned')) event.stopPropagation();
    const again = tile === tapped && !button;
    hide();
    if (!tile || again) return;
    tapped = tile;
    tile.classList.add('tapped');
    timer = setTimeout(hide, TAPPED);
  };
  page.tiles.addEventListener('click', tap, true);
  stage.addEventListener('arranged', (event) => {
    const { gone } = /** @type {CustomEvent} */ (event).detail;
    if (gone.some((/** @type {string} */ id) => findTile(page, id) === tapped)) hide();
  });
}

/**
 * @param {HTMLElement} panel
 * @param {HTMLTemplateElement} template
 * @param {string} name
 */
function equip(panel, template, name) {
  const content = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
  const [tools, off] = [find('.tools', content), find('.pictures-off', content)];
  tools.setAttribute('aria-label', name);
  for (const button of tools.querySelectorAll('button')) {
    button.setAttribute('aria-label', t(LABELS[button.dataset.action ?? ''], { name }));
  }
  find('[data-action=fullscreen]', tools).hidden = !document.fullscreenEnabled;
  find('[data-action=float]', tools).hidden = !document.pictureInPictureEnabled;
  panel.append(tools);
  find('figure', panel).append(off);
  find('figcaption', panel).prepend(content); // the marks
}

/**
 * @param {HTMLElement} panel
 * @param {boolean} pinned
 */
function showPin(panel, pinned) {
  panel.querySelector('[data-action=pin]')?.setAttribute('aria-pressed', String(pinned));
}

/** The whole tile, with its tools: Escape leaves as well. @param {HTMLElement} panel */
async function fill(panel) {
  try {
    if (document.fullscreenElement === panel) await document.exitFullscreen();
    else await panel.requestFullscreen();
  } catch (error) {
    console.warn('no full screen', error);
  }
}

/** @param {HTMLElement} others */
function showFullscreen(others) {
  for (const button of others.querySelectorAll('[data-action=fullscreen]')) {
    const panel = button.closest('.panel');
    const on = panel !== null && document.fullscreenElement === panel;
    const name = panel?.querySelector('.name')?.textContent ?? '';
    button.classList.toggle('on', on);
    const label = on ? t('tile.leave_fullscreen') : t('tile.fullscreen', { name });
    button.setAttribute('aria-label', label);
    button.setAttribute('title', label);
  }
}

/** The screen, if there is one, else the camera. @param {HTMLElement} panel */
async function float(panel) {
  const video = panel.querySelector('figure.screen video') ?? panel.querySelector('video');
  if (!(video instanceof HTMLVideoElement)) return;
  try {
    if (document.pictureInPictureElement === video) await document.exitPictureInPicture();
    else await video.requestPictureInPicture(); // not before it has a picture
  } catch (error) {
    console.warn('no picture in picture', error);
  }
}
