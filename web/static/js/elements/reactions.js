import { newsOfReactions, Rate, Spaced } from '../chat.js';
import { t } from '../words.js';
import { find, findTile } from './page.js';
import { placeAbove } from './placing.js';
import { closeAround, opener } from './side.js';

/**
 * @import {Call} from '../call.js'
 * @import {Mux} from '../mux.js'
 * @import {ReactionEvent} from '../protocol.js'
 * @import {Page} from './page.js'
 */

/** What is shown at a time, and for how many ms: as long as it flies in the style sheet. */
const MOST = 12;
const SHOWN = 2500;

/** Reactions within this are told together, in ms. */
const PAUSE = 3000;

/** The server takes so many reactions of one person in so many ms. */
const RATE = 5;
const SPAN = 2000;

/**
 * Emoji that people show for a moment: a menu to choose from, and those that come, which rise over the tiles of who
 * shows them.
 * @param {Pick<Page, 'others' | 'self' | 'tiles'>} page
 * @param {object} elements
 * @param {HTMLElement} elements.menu `#reactions`
 * @param {HTMLElement} elements.button that opens it
 * @param {HTMLElement} elements.sky `#reactions-shown`, over everything, with the template of a reaction in it
 * @param {{mux: Pick<Mux, 'send' | 'apps'>, call: Call}} parts
 * @param {(text: string) => void} announce
 */
export function connectReactions(page, { menu, button, sky }, { mux, call }, announce) {
  const template = /** @type {HTMLTemplateElement} */ (find('template', sky));
  const rate = new Rate(RATE, SPAN);
  /** @type {Spaced<ReactionEvent>} */
  const news = new Spaced(PAUSE, (reactions) => announce(newsOfReactions(reactions)));
  menu.addEventListener('toggle', (event) => {
    if (/** @type {ToggleEvent} */ (event).newState === 'open') placeAbove(menu, button);
  });
  menu.addEventListener('click', ({ target }) => {
    const emoji = target instanceof Element ? target.closest('button')?.dataset.emoji : '';
    if (!emoji) return;
    menu.hidePopover();
    closeAround(button);
    opener(button).focus();
    if (!rate.allows(performance.now())) announce(t('reactions.too_fast'));
    else if (!call.joined || !mux.send({ chat: { type: 'react', emoji } })) announce(t('chat.offline'));
  });
  call.addEventListener('active', () => {
    if (!call.active) news.clear();
  });
  mux.apps.add('chat', 'reaction', (/** @type {ReactionEvent} */ reaction) => {
    if (!call.active) return; // of a stay that is over
    const own = reaction.channel_name === page.self.dataset.channel;
    if (!own) news.add(reaction);
    if (document.hidden || sky.querySelectorAll('.reaction').length >= MOST) return;
    const shown = find('.reaction', /** @type {DocumentFragment} */ (template.content.cloneNode(true)));
    find('.emoji', shown).textContent = reaction.emoji;
    find('.by', shown).textContent = reaction.user_name;
    const tile = findTile(page, reaction.channel_name);
    placeOver(shown, tile && tile.getClientRects().length > 0 ? tile : page.tiles);
    sky.append(shown);
    setTimeout(() => shown.remove(), SHOWN);
  });
}

/**
 * At the foot of a tile, a little to one side, so that several are told apart.
 * @param {HTMLElement} shown
 * @param {HTMLElement} tile
 */
function placeOver({ style }, tile) {
  const { left, width, bottom, height } = tile.getBoundingClientRect();
  style.left = `${Math.round(left + width * (0.4 + 0.2 * Math.random()))}px`;
  style.top = `${Math.round(bottom - Math.min(64, height / 3))}px`;
}
