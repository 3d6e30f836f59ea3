/**
 * @import {Call} from '../call.js'
 * @import {Device} from '../devices.js'
 * @import {Page} from './page.js'
 */

/**
 * The buttons: join and leave, camera, microphone, and the screen where the browser can share one.
 * @param {Page} page
 * @param {Call} call
 * @param {boolean} canShare
 */
export function connectControls(page, call, canShare) {
  page.callButton.addEventListener('click', () => (call.active ? call.leave() : call.join()));
  call.addEventListener('active', () => {
    page.callButton.classList.toggle('join', !call.active);
    page.callButton.classList.toggle('leave', call.active);
  });
  call.addEventListener('device', (event) => {
    const { device, on } = /** @type {CustomEvent} */ (event).detail;
    page[/** @type {Device} */ (device)].setAttribute('aria-checked', String(on));
  });
  for (const device of /** @type {Device[]} */ (['camera', 'microphone'])) {
    const isOn = () => page[device].getAttribute('aria-checked') === 'true';
    page[device].addEventListener('click', () => call.set(device, !isOn()));
    void call.set(device, isOn());
  }
  page.screen.hidden = !canShare;
  call.addEventListener('ready', (event) => {
    page.screen.disabled = !(/** @type {CustomEvent} */ (event).detail);
  });
  page.screen.addEventListener('click', () => (call.sharing ? call.stopSharing() : call.share()));
  call.addEventListener('sharing', () => page.screen.setAttribute('aria-checked', String(call.sharing)));
}
