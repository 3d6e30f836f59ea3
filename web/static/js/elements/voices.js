import { findTile } from './page.js';

/**
 * @import {Page} from './page.js'
 * @import {Room} from '../room.js'
 * @import {Voices} from '../voices.js'
 */

/**
 * Marks the tiles of who speaks, one's own too: `speaking`, and `speaker` whoever does more than others. Only the tiles of
 * which something has changed are touched.
 * @param {Pick<Page, 'others' | 'self'>} page
 * @param {Voices} voices
 * @param {Room} room
 */
export function showVoices(page, voices, room) {
  voices.addEventListener('voice', (event) => {
    const { id, on } = /** @type {CustomEvent} */ (event).detail;
    findTile(page, id)?.classList.toggle('speaking', on);
  });
  voices.addEventListener('speaker', (event) => {
    const { id, former } = /** @type {CustomEvent} */ (event).detail;
    if (former !== null) findTile(page, former)?.classList.remove('speaker');
    if (id !== null) findTile(page, id)?.classList.add('speaker');
  });
  room.addEventListener('joined', (event) => {
    const id = /** @type {CustomEvent} */ (event).detail.participant.channel_name;
    const tile = findTile(page, id);
    tile?.classList.toggle('speaking', voices.speaks(id));
    tile?.classList.toggle('speaker', voices.speaker === id);
  });
}
