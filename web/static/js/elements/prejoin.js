import { connectSelects, connectTone } from './choices.js';
import { find } from './page.js';

/**
 * @import {Call} from '../call.js'
 * @import {Hearing} from '../hearing.js'
 * @import {Problem} from '../problems.js'
 * @import {Parts} from './choices.js'
 */

/** How often those who listen are told of the level, in ms; it is drawn as it comes. */
const SPOKEN = 500;

/**
 * The card before the call: devices, how loud the microphone is, and what is wrong with them.
 * @param {HTMLElement} root `#prejoin`
 * @param {Parts & {call: Call, hearing: Hearing}} parts
 * @param {() => Promise<boolean>} playTone
 */
export function connectPrejoin(root, parts, playTone) {
  const { capture, call, hearing } = parts;
  connectSelects(root, parts);
  connectTone(find('.tone', root), playTone);
  const level = find('.level', root);
  let told = 0;
  hearing.addEventListener('level', (event) => {
    if (call.active) return;
    const { detail } = /** @type {CustomEvent} */ (event);
    level.style.setProperty('--level', detail.toFixed(2));
    if (performance.now() - told < SPOKEN) return;
    told = performance.now();
    level.setAttribute('aria-valuenow', String(Math.round(detail * 100)));
  });
  const [list, ways] = [find('.problems', root), find('.ways', root)];
  const template = /** @type {HTMLTemplateElement} */ (find('template', root));
  capture.addEventListener('problems', (event) => {
    const problems = /** @type {Problem[]} */ (/** @type {CustomEvent} */ (event).detail);
    list.replaceChildren(...problems.map((problem) => line(template, problem)));
    list.hidden = ways.hidden = problems.length === 0;
    find('.without-camera', root).hidden = !problems.some(({ device }) => device === 'camera');
  });
  find('.again', root).addEventListener('click', async () => {
    const failed = capture.problems.map(({ device }) => device);
    await capture.open();
    for (const device of failed) await capture.set(device, true);
  });
  find('.without-camera', root).addEventListener('click', async () => {
    await capture.set('camera', false);
    void call.join();
  });
}

/**
 * @param {HTMLTemplateElement} template
 * @param {Problem} problem
 */
function line(template, { device, reason, text, help }) {
  const element = find('li', /** @type {DocumentFragment} */ (template.content.cloneNode(true)));
  element.dataset.device = device;
  element.dataset.reason = reason;
  find('strong', element).textContent = text;
  find('p > span', element).textContent = help;
  return element;
}
