/**
 * @import {Call} from '../call.js'
 * @import {Capture} from '../capture.js'
 * @import {Device} from '../devices.js'
 * @import {Floor} from '../floor.js'
 * @import {Page} from './page.js'
 */

const DEVICES = /** @type {const} */ (['camera', 'microphone']);

const WATCHING = 'You are watching. Raise your hand to be let on stage.';

/** @type {Record<Device | 'screen', {name: string, barred: string}>} what the buttons are for, and why not */
const WORDS = {
  microphone: { name: 'Microphone', barred: 'A host has muted your microphone' },
  camera: { name: 'Camera', barred: 'A host has switched off your camera' },
  screen: { name: 'Share the screen', barred: 'A host has stopped you sharing your screen' },
};

/**
 * The buttons: join, watch and leave, camera, microphone, the screen where the browser can share one, and the hand.
 * @param {Page} page
 * @param {{call: Call, capture: Capture, floor: Floor}} parts
 * @param {boolean} canShare
 */
export function connectControls(page, { call, capture, floor }, canShare) {
  connectCall(page, call);
  connectDevices(page, capture);
  page.screen.hidden = !canShare;
  page.screen.addEventListener('click', () => (capture.sharing ? capture.stopSharing() : capture.share()));
  capture.addEventListener('sharing', () => page.screen.setAttribute('aria-checked', String(capture.sharing)));
  page.hand.addEventListener('click', () => floor.raise(!floor.you?.hand));

  const update = () => {
    const watching = call.active && call.role === 'viewer';
    const barred = barredOf(floor);
    for (const device of DEVICES) {
      explain(page[device], device, (watching && WATCHING) || (barred[device] && WORDS[device].barred));
    }
    explain(page.screen, 'screen', (watching && WATCHING) || (barred.screen && WORDS.screen.barred));
    page.screen.disabled ||= !capture.ready;
    page.hand.disabled = !call.active;
    page.hand.setAttribute('aria-checked', String(floor.you?.hand ?? false));
  };
  for (const type of ['active', 'role']) call.addEventListener(type, update);
  for (const type of ['you', 'reset']) floor.addEventListener(type, update);
  capture.addEventListener('ready', update);
  update();
}

/** What a host has switched off of one's own. @param {Floor} floor */
export function barredOf({ you }) {
  return { microphone: you?.muted ?? false, camera: you?.camera_off ?? false, screen: you?.screen_off ?? false };
}

/**
 * @param {Page} page
 * @param {Call} call
 */
function connectCall(page, call) {
  page.callButton.addEventListener('click', () => (call.active ? call.leave() : call.join()));
  page.watch.addEventListener('click', () => call.join({ role: 'viewer' }));
  const update = () => {
    page.callButton.classList.toggle('join', !call.active);
    page.callButton.classList.toggle('leave', call.active);
    page.callButton.dataset.as = call.active ? call.role : 'participant';
    if (call.active && page.watch.matches(':focus')) page.callButton.focus(); // what is hidden loses it
    page.watch.hidden = call.active;
  };
  for (const type of ['active', 'role']) call.addEventListener(type, update);
}

/**
 * @param {Page} page
 * @param {Capture} capture
 */
function connectDevices(page, capture) {
  capture.addEventListener('device', (event) => {
    const { device, on } = /** @type {CustomEvent} */ (event).detail;
    page[/** @type {Device} */ (device)].setAttribute('aria-checked', String(on));
  });
  for (const device of DEVICES) {
    const isOn = () => page[device].getAttribute('aria-checked') === 'true';
    page[device].addEventListener('click', () => capture.set(device, !isOn()));
    void capture.set(device, isOn());
  }
}

/**
 * Disables a button for a reason, or enables it.
 * @param {HTMLButtonElement} button
 * @param {Device | 'screen'} what
 * @param {string | false} reason
 */
function explain(button, what, reason) {
  button.disabled = reason !== false;
  button.title = reason || WORDS[what].name;
  button.setAttribute('aria-label', reason ? `${WORDS[what].name}. ${reason}` : WORDS[what].name);
}
