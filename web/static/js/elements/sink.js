/**
 * Sends sound to an output device, where browsers let a page choose it.
 * @param {HTMLMediaElement} media
 * @param {string} device its deviceId; '' is the browser's choice
 */
export function sendTo(media, device) {
  if (!('setSinkId' in media) || media.sinkId === device) return;
  media.setSinkId(device).catch((error) => console.warn('no such speaker', error)); // unplugged: it stays where it is
}
