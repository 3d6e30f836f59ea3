import { t } from '../words.js';

/**
 * @import {Call} from '../call.js'
 * @import {Capture} from '../capture.js'
 * @import {Hearing} from '../hearing.js'
 * @import {Notice} from './notice.js'
 */

/**
 * Says what one would not notice oneself: that one speaks and is muted, or that nothing comes from the microphone.
 * @param {{call: Call, capture: Capture, hearing: Hearing}} parts
 * @param {Notice} notice
 * @param {() => void} chooseMicrophone
 */
export function connectHearing({ call, capture, hearing }, notice, chooseMicrophone) {
  hearing.start();
  for (const type of ['pointerdown', 'keydown']) document.addEventListener(type, () => hearing.resume());
  hearing.addEventListener('talking-muted', () => {
    if (!call.joined) return;
    notice.say('muted', t('hearing.muted'), {
      label: t('hearing.unmute'),
      run: () => void capture.set('microphone', true),
    });
  });
  hearing.addEventListener('silent', (event) => {
    const silent = /** @type {CustomEvent} */ (event).detail;
    notice.say('silent', silent ? t('hearing.silent') : '', { label: t('hearing.choose'), run: chooseMicrophone });
  });
  capture.addEventListener('device', (event) => {
    const { device, on } = /** @type {CustomEvent} */ (event).detail;
    if (device === 'microphone' && on) notice.say('muted', '');
  });
  call.addEventListener('active', () => notice.say('muted', ''));
}
