import { findTile } from './page.js';

/**
 * @import {Floor} from '../floor.js'
 * @import {Room} from '../room.js'
 * @import {Page} from './page.js'
 */

/**
 * Marks the tiles with what the floor says about who is on them, one's own too, and the page of a host: `host`.
 * @param {Page} page
 * @param {Room} room
 * @param {Floor} floor
 */
export function showMarks(page, room, floor) {
  /** @param {string} id */
  const mark = (id) => {
    const tile = findTile(page, id);
    if (!tile) return;
    const { host, hand } = floor.about(id);
    tile.classList.toggle('is-host', host);
    tile.classList.toggle('hand', hand);
  };
  room.addEventListener('joined', (event) => mark(/** @type {CustomEvent} */ (event).detail.participant.channel_name));
  floor.addEventListener('about', (event) => mark(/** @type {CustomEvent} */ (event).detail.id));
  const update = () => page.room.classList.toggle('host', floor.you?.host ?? false);
  floor.addEventListener('you', update);
  floor.addEventListener('reset', () => {
    update();
    if (page.self.dataset.channel) mark(page.self.dataset.channel);
  });
}
