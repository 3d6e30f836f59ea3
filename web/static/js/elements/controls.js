import { t } from '../words.js';

/**
 * @import {Call} from '../call.js'
 * @import {Capture} from '../capture.js'
 * @import {Device} from '../devices.js'
 * @import {Floor} from '../floor.js'
 * @import {Settings} from '../settings.js'
 * @import {Page} from './page.js'
 */

/** @typedef {{call: Call, capture: Capture, floor: Floor, settings: Settings}} Parts */

const DEVICES = /** @type {const} */ (['camera', 'microphone']);

/** @type {Record<Device, 'cameraOn' | 'microphoneOn'>} */
const CHOSEN = { camera: 'cameraOn', microphone: 'microphoneOn' };

/**
 * The buttons: join, watch and leave, camera, microphone, the screen where the browser can share one, and the hand. They
 * say what a press does and its key, or why there is none.
 * @param {Page} page
 * @param {Parts} parts
 * @param {boolean} canShare
 */
export function connectControls(page, { call, capture, floor, settings }, canShare) {
  connectCall(page, call);
  connectDevices(page, capture, settings);
  page.screen.hidden = !canShare;
  page.screen.addEventListener('click', () => (capture.sharing ? capture.stopSharing() : capture.share()));
  page.hand.addEventListener('click', () => floor.raise(!floor.you?.hand));

  const update = () => {
    const watching = call.active && call.role === 'viewer';
    const barred = barredOf(floor);
    for (const device of DEVICES) {
      explain(page[device], device, (watching && 'watching') || (barred[device] && 'barred'));
    }
    page.screen.setAttribute('aria-checked', String(capture.sharing));
    explain(
      page.screen,
      capture.sharing ? 'unshare' : 'screen',
      (watching && 'watching') || (barred.screen && 'barred'),
    );
    page.screen.disabled ||= !(call.active && capture.ready);
    const up = floor.you?.hand ?? false;
    page.hand.setAttribute('aria-checked', String(up));
    explain(page.hand, up ? 'lower' : 'hand', false);
    page.hand.disabled = !call.active;
  };
  for (const type of ['active', 'role']) call.addEventListener(type, update);
  for (const type of ['you', 'reset']) floor.addEventListener(type, update);
  for (const type of ['ready', 'sharing']) capture.addEventListener(type, update);
  update();
}

/** What a host has switched off of one's own. @param {Floor} floor */
export function barredOf({ you }) {
  return { microphone: you?.muted ?? false, camera: you?.camera_off ?? false, screen: you?.screen_off ?? false };
}

/**
 * The page is in one of four states: before the call, on the way into it, in it, and after it. The button that joins is
 * on the card before the call, and in the bar in it.
 * @param {Page} page
 * @param {Call} call
 */
function connectCall(page, call) {
  page.callButton.addEventListener('click', () => (call.active ? call.leave() : call.join()));
  page.watch.addEventListener('click', () => call.join({ role: 'viewer' }));
  let inside = false; // in this stay, though the socket may be lost
  let been = false; // in this or an earlier one
  const update = () => {
    inside = call.active && (inside || call.joined);
    been ||= inside;
    if (call.active) page.room.dataset.state = inside ? 'call' : 'joining';
    else page.room.dataset.state = been ? 'left' : 'before';
    page.callButton.classList.toggle('join', !call.active);
    page.callButton.classList.toggle('leave', call.active);
    page.callButton.dataset.as = call.active ? call.role : 'participant';
    page.watch.hidden = call.active;
    move(page, call.active ? page.end : page.go);
  };
  for (const type of ['active', 'role', 'joined']) call.addEventListener(type, update);
  update();
}

/**
 * A button that is moved, or hidden, loses the focus: the one that joins gets it back.
 * @param {Page} page
 * @param {HTMLElement} place
 */
function move({ callButton, watch }, place) {
  if (callButton.parentElement === place) return;
  const focused = [callButton, watch].some((button) => button === document.activeElement);
  place.append(callButton, watch);
  if (focused) callButton.focus();
}

/**
 * @param {Page} page
 * @param {Capture} capture
 * @param {Settings} settings
 */
function connectDevices(page, capture, settings) {
  capture.addEventListener('device', (event) => {
    const { device, on } = /** @type {CustomEvent} */ (event).detail;
    page[/** @type {Device} */ (device)].setAttribute('aria-checked', String(on));
  });
  for (const device of DEVICES) {
    page[device].setAttribute('aria-checked', String(settings.get(CHOSEN[device])));
    page[device].addEventListener('click', () => {
      void capture.set(device, page[device].getAttribute('aria-checked') !== 'true');
    });
  }
}

/**
 * Disables a button for a reason, or enables it.
 * @param {HTMLButtonElement} button
 * @param {string} what of the words `controls.<what>`
 * @param {'watching' | 'barred' | false} reason
 */
function explain(button, what, reason) {
  button.disabled = reason !== false;
  const name = t(`controls.${what}`);
  const why = reason === 'barred' ? t(`controls.barred.${what}`) : t('controls.watching');
  button.title = reason ? why : t('controls.tip', { name, key: t(`controls.key.${what}`) });
  button.setAttribute('aria-label', reason ? `${name}. ${why}` : name);
}
