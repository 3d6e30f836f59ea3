/**
 * Plays, or asks for a click.
 * @param {HTMLMediaElement} media
 * @param {() => void} blocked the browser lets nothing play before the person has clicked somewhere
 */
export function play(media, blocked) {
  media.play().catch((error) => {
    if (error.name === 'NotAllowedError') blocked(); // else it was interrupted by the next stream
  });
}
