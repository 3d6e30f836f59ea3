/** @import {Call} from '../call.js' */

/**
 * One's own picture, in `#self`.
 * @param {HTMLElement} root
 * @param {Call} call
 */
export function showSelf(root, call) {
  const video = root.querySelector('video');
  if (!video) throw new Error('#self has no video');
  video.muted = true; // nobody wants to hear themselves
  call.addEventListener('device', (event) => {
    const { device, track, on } = /** @type {CustomEvent} */ (event).detail;
    if (device === 'microphone') {
      root.classList.toggle('muted-audio', !on);
      return;
    }
    root.classList.toggle('no-video', !track);
    video.srcObject = track && new MediaStream([track]);
    if (track) video.play().catch(() => {}); // interrupted by the next picture
  });
}
