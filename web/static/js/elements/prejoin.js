import { connectSelects, connectTone } from './choices.js';
import { t } from '../words.js';
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
  connectSelects(root, parts);
  connectTone(root, playTone);
  showLevel(find('.level', root), parts);
  showProblems(root, parts);
  find('.again', root).addEventListener('click', () => tryAgain(parts));
  find('.without-camera', root).addEventListener('click', async () => {
    await parts.capture.set('camera', false);
    void parts.call.join();
  });
}

/**
 * One line on what is wrong with the connection, and where to learn more.
 * @param {HTMLElement} root `#prejoin`
 * @param {'' | 'no_media' | 'far'} trouble
 */
export function showTrouble(root, trouble) {
  const line = find('.trouble', root);
  line.hidden = trouble === '';
  find('.words', line).textContent = trouble && t(`quick.${trouble}`);
}

/**
 * @param {HTMLElement} meter
 * @param {{call: Call, hearing: Hearing}} parts
 */
function showLevel(meter, { call, hearing }) {
  let told = 0;
  hearing.addEventListener('level', (event) => {
    if (call.active) return; // it is not shown
    const level = /** @type {CustomEvent} */ (event).detail;
    meter.style.setProperty('--level', level.toFixed(2));
    if (performance.now() - told < SPOKEN) return;
    told = performance.now();
    meter.setAttribute('aria-valuenow', String(Math.round(level * 100)));
  });
}

/**
 * Each problem in its own words, and ways on. On an insecure page trying again is none: another address is.
 * @param {HTMLElement} root
 * @param {Parts} parts
 */
function showProblems(root, { capture }) {
  const [list, ways] = [find('.problems', root), find('.ways', root)];
  const [again, without] = [find('.again', ways), find('.without-camera', ways)];
  const secure = /** @type {HTMLAnchorElement} */ (find('a.secure', ways));
  const template = /** @type {HTMLTemplateElement} */ (find('template', root));
  secure.href = securely(document.URL);
  find('span', secure).textContent = secure.href;
  capture.addEventListener('problems', (event) => {
    const problems = /** @type {Problem[]} */ (/** @type {CustomEvent} */ (event).detail);
    const insecure = problems.some(({ reason }) => reason === 'insecure');
    list.replaceChildren(...problems.map((problem, i) => line(template, problem, problems[i + 1])));
    list.hidden = ways.hidden = problems.length === 0;
    secure.hidden = !insecure;
    again.hidden = insecure;
    without.hidden = insecure || !problems.some(({ device }) => device === 'camera');
  });
}

/** Where this page is, if its server speaks https on the usual port. @param {string} address */
function securely(address) {
  const url = new URL(address);
  return `https://${url.hostname}${url.pathname}${url.search}`;
}

/**
 * @param {HTMLTemplateElement} template
 * @param {Problem} problem
 * @param {Problem} [next] the way on is said once for both
 */
function line(template, { device, reason, text, help }, next) {
  const element = find('li', /** @type {DocumentFragment} */ (template.content.cloneNode(true)));
  element.dataset.device = device;
  element.dataset.reason = reason;
  find('strong', element).textContent = text;
  find('p > span', element).textContent = next?.help === help ? '' : help;
  return element;
}

/** @param {Parts} parts */
async function tryAgain({ capture }) {
  for (const { device } of [...capture.problems]) await capture.set(device, true);
}
