/**
 * @import {Call} from '../call.js'
 * @import {Capture} from '../capture.js'
 * @import {Stage} from './stage.js'
 */

/**
 * One's own picture, in `#self`. A viewer has none.
 * @param {HTMLElement} root
 * @param {{call: Call, capture: Capture, stage: Stage}} parts
 */
export function showSelf(root, { call, capture, stage }) {
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
    root.hidden = call.active && call.role === 'viewer';
    stage.refresh();
  };
  for (const type of ['active', 'role']) call.addEventListener(type, update);
}
