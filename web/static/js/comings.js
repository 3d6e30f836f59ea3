import { t } from './words.js';

/** @import {Room} from './room.js' */

/** What comes within this is told together, in ms. */
const TOGETHER = 1000;

/** More than this at once are only counted. */
const MANY = 3;

/**
 * Tells who has joined and who has left, several together. Whoever is there when one joins is no news.
 * @param {Room} room
 * @param {(text: string) => void} announce
 */
export function tellComings(room, announce) {
  /** @type {Map<string, string>} names of those who have joined, by channel name */
  const joined = new Map();
  /** @type {Map<string, string>} likewise, left */
  const left = new Map();
  /** @type {Set<string>} of those who were there */
  let present = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const tell = () => {
    for (const text of newsOfComings([...joined.values()], [...left.values()])) announce(text);
    joined.clear();
    left.clear();
    timer = undefined;
  };
  room.addEventListener('reset', (event) => {
    clearTimeout(timer);
    timer = undefined;
    joined.clear();
    left.clear();
    present = new Set(/** @type {CustomEvent} */ (event).detail.ids);
  });
  /** @param {Map<string, string>} to @param {Map<string, string>} from */
  const note = (to, from) => (/** @type {Event} */ event) => {
    const { channel_name: id, user_name: name } = /** @type {CustomEvent} */ (event).detail.participant;
    if (to === joined && present.delete(id)) return;
    present.delete(id);
    if (!from.delete(id)) to.set(id, name);
    timer ??= setTimeout(tell, TOGETHER);
  };
  room.addEventListener('joined', note(joined, left));
  room.addEventListener('left', note(left, joined));
}

/**
 * @param {string[]} joined names
 * @param {string[]} left likewise
 * @returns {string[]} lines
 */
export function newsOfComings(joined, left) {
  return [...lines(joined, 'joined'), ...lines(left, 'left')];
}

/**
 * @param {string[]} names
 * @param {'joined' | 'left'} what
 */
function lines(names, what) {
  if (names.length > MANY) return [t(`room.many_${what}`, { n: names.length })];
  return names.map((name) => t(`room.${what}`, { name }));
}
