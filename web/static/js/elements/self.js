import { cornerAfter, cornerAt, cornerBeside } from '../layout.js';
import { find } from './page.js';

/**
 * @import {Call} from '../call.js'
 * @import {Capture} from '../capture.js'
 * @import {Room} from '../room.js'
 * @import {Settings} from '../settings.js'
 * @import {Page} from './page.js'
 * @import {Stage} from './stage.js'
 */

/** So far a pointer moves before that is no click, in px. */
const STILL = 4;

/**
 * One's own picture, in `#self`. A viewer has none. It can be hidden, unless nobody else is here.
 * @param {Pick<Page, 'self' | 'tiles' | 'showSelf'>} page
 * @param {{call: Call, capture: Capture, room: Room, settings: Settings, stage: Stage}} parts
 */
export function showSelf({ self: root, tiles, showSelf: shower }, { call, capture, room, settings, stage }) {
  const video = root.querySelector('video');
  if (!video) throw new Error('#self has no video');
  video.muted = true; // nobody wants to hear themselves
  capture.addEventListener('device', (event) => {
    const { device, track, on } = /** @type {CustomEvent} */ (event).detail;
    if (device === 'microphone') {
      root.classList.toggle('muted-audio', !on);
      return;
    }
    root.classList.toggle('no-video', !track);
    video.srcObject = track && new MediaStream([track]);
    if (track) video.play().catch(() => {}); // interrupted by the next picture
  });
  const update = () => {
    const views = call.active && call.role === 'viewer';
    const hides = call.active && settings.get('selfHidden') && room.participants.length > 0;
    shower.hidden = views || !hides;
    if (root.hidden === (views || hides)) return;
    root.hidden = views || hides;
    stage.refresh();
  };
  for (const type of ['active', 'role']) call.addEventListener(type, update);
  for (const type of ['reset', 'joined', 'left']) room.addEventListener(type, update);
  settings.addEventListener('change', update);
  /** @param {boolean} hidden */
  const hide = (hidden) => {
    settings.set('selfHidden', hidden);
    (hidden ? shower : find('[data-action=hide]', root)).focus();
  };
  find('[data-action=hide]', root).addEventListener('click', () => hide(true));
  shower.addEventListener('click', () => hide(false));
  connectMoving(root, tiles, settings, stage);
}

/**
 * Over the only other, one's own picture is dragged from corner to corner, or goes there by the arrow keys; a press of
 * its button takes it to the next.
 * @param {HTMLElement} root
 * @param {HTMLElement} tiles
 * @param {Settings} settings
 * @param {Stage} stage
 */
function connectMoving(root, tiles, settings, stage) {
  /** @typedef {{pointer: number, x: number, y: number, moved: boolean, pressed: boolean}} Drag pressed: by its button */
  /** @type {Drag & {box: DOMRect, rect: DOMRect} | null} */
  let drag = null;
  const mover = find('[data-action=move]', root);
  const next = () => settings.set('selfCorner', cornerAfter(settings.get('selfCorner')));
  root.addEventListener('pointerdown', ({ target, button, pointerId: pointer, clientX: x, clientY: y }) => {
    const floats = tiles.classList.contains('pair') && tiles.dataset.others !== 'none';
    if (!floats || button !== 0 || (target instanceof Element && target.closest('[data-action=hide]'))) return;
    const [box, rect] = [tiles, root].map((each) => each.getBoundingClientRect());
    drag = { pointer, x, y, moved: false, pressed: mover.contains(/** @type {Node} */ (target)), box, rect };
    root.setPointerCapture(pointer); // a quick pointer is elsewhere at once
  });
  root.addEventListener('pointermove', ({ pointerId, clientX, clientY }) => {
    if (drag?.pointer !== pointerId) return;
    const { box, rect } = drag; // it stays on the stage
    const x = Math.min(Math.max(clientX - drag.x, box.left - rect.left), box.right - rect.right);
    const y = Math.min(Math.max(clientY - drag.y, box.top - rect.top), box.bottom - rect.bottom);
    if (!drag.moved && Math.hypot(x, y) < STILL) return;
    drag.moved = true;
    root.classList.add('dragged');
    root.style.translate = `${x}px ${y}px`;
  });
  for (const type of /** @type {const} */ (['pointerup', 'pointercancel'])) {
    root.addEventListener(type, ({ pointerId }) => {
      if (drag?.pointer !== pointerId) return;
      const { moved, pressed } = drag;
      drag = null;
      root.classList.remove('dragged');
      if (!moved && pressed && type === 'pointerup') next();
      if (!moved) return;
      const [box, { left, top, width, height }] = [tiles, root].map((each) => each.getBoundingClientRect());
      const middle = { x: left + width / 2 - box.left, y: top + height / 2 - box.top };
      settings.set('selfCorner', cornerAt(middle, box));
      stage.refresh(); // back to where it was, perhaps
    });
  }
  // By a key: what a pointer presses that is captured differs between browsers.
  mover.addEventListener('click', ({ detail }) => detail === 0 && next());
  mover.addEventListener('keydown', (event) => {
    const corner = cornerBeside(settings.get('selfCorner'), event.key);
    if (!corner) return;
    event.preventDefault();
    settings.set('selfCorner', corner);
  });
}
