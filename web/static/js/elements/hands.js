import { newsOfHands } from '../floor.js';

/**
 * @import {Floor} from '../floor.js'
 * @import {Room} from '../room.js'
 */

/**
 * The raised hands, which the server renders: `#hands`, whose lines keep their elements. Who is a viewer, and may be let on
 * stage, the page knows.
 * @param {HTMLElement} card around it
 * @param {Room} room
 * @param {Floor} floor
 * @param {(text: string) => void} announce says it to those who do not see the card
 */
export function connectHands(card, room, floor, announce) {
  const lines = () => /** @type {NodeListOf<HTMLElement>} */ (card.querySelectorAll('#hands > li'));
  const update = () => {
    for (const { classList, dataset } of lines()) {
      const onStage = floor.isOnStage(dataset.channel ?? '', room);
      classList.toggle('on-stage', onStage);
      classList.toggle('viewer', !onStage);
    }
  };
  /** @type {Set<string>} those that were up before */
  let up = new Set();
  card.addEventListener('htmx:after:settle', update); // at once: the new lines are without these classes
  floor.addEventListener('hands', () => {
    if (floor.you?.host) newsOfHands(floor.hands, up).forEach(announce);
    up = new Set(floor.hands.map(({ channel_name }) => channel_name));
  });
  for (const type of ['joined', 'left']) {
    room.addEventListener(type, () => floor.hands.length > 0 && update());
  }
  floor.addEventListener('you', update);
  floor.addEventListener('reset', () => {
    up.clear();
    for (const line of lines()) line.remove();
  });
  card.addEventListener('click', ({ target }) => {
    const button = target instanceof HTMLElement ? target.closest('button') : null;
    const id = button?.closest('li')?.dataset.channel;
    if (!button || !id) return;
    if (button.dataset.action === 'stage') floor.stage(id, true);
    if (button.dataset.action === 'lower') floor.lower(id);
  });
}
