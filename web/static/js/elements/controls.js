import { t } from '../words.js';

/**
 * @import {Call} from '../call.js'
 * @import {Capture} from '../capture.js'
 * @import {Device} from '../devices.js'
 * @import {Floor} from '../floor.js'
 * @import {Negotiation} from '../negotiation.js'
 * @import {Settings} from '../settings.js'
 * @import {Page} from './page.js'
 * @import {Stage} from './stage.js'
 */

/**
 * @typedef {object} Parts
 * @property {Call} call
 * @property {Capture} capture
 * @property {Floor} floor
 * @property {Negotiation} negotiation
 * @property {Settings} settings
 * @property {Stage} stage
 */

/** So many ms at most the page stays as it is after the press of Join. */
const AT_ONCE = 200;

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
export function connectControls(page, { call, capture, floor, negotiation, settings, stage }, canShare) {
  connectCall(page, { call, negotiation, stage });
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
 * on the card before the call, and in the bar in it. To draw all anew takes as long as to connect, so on the way into the
 * call it waits until the server has answered.
 * @param {Page} page
 * @param {Pick<Parts, 'call' | 'negotiation' | 'stage'>} parts
 */
function connectCall(page, { call, negotiation, stage }) {
  let been = false; // in this or an earlier one
  let inside = false; // in this stay, though the socket may be lost
  let shown = false; // that one is in it, or on the way
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const show = () => {
    clearTimeout(timer);
    timer = undefined;
    shown = call.active;
    if (shown) page.room.dataset.state = inside ? 'call' : 'joining';
    else page.room.dataset.state = been ? 'left' : 'before';
    page.callButton.classList.toggle('join', !shown);
    page.callButton.classList.toggle('leave', shown);
    page.callButton.dataset.as = shown ? call.role : 'participant';
    page.watch.hidden = shown;
    move(page, shown ? page.end : page.go);
    stage.release();
  };
  const update = () => {
    inside = call.active && (inside || call.joined);
    been ||= inside;
    if (!call.active || shown) show();
    else if (!timer) {
      stage.hold();
      timer = setTimeout(show, AT_ONCE);
    }
  };
  for (const type of ['active', 'role', 'joined']) call.addEventListener(type, update);
  negotiation.addEventListener('described', () => timer && setTimeout(show, 0)); // the pictures are attached first
  show();
  page.callButton.addEventListener('click', () => {
    if (!call.active) void call.join();
    else if (shown) call.leave(); // else it is the second press of two
  });
  page.watch.addEventListener('click', () => call.join({ role: 'viewer' }));
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
