/**
 * What keys do in a room.
 *
 * @typedef {'microphone' | 'camera' | 'screen' | 'hand' | 'chat' | 'people' | 'help' | 'talk' | `pin ${number}`} Action
 * @typedef {Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'altKey' | 'metaKey' | 'repeat' | 'isComposing'>} Key
 */

/** @type {Record<string, Action>} */
const ACTIONS = {
  m: 'microphone',
  v: 'camera',
  s: 'screen',
  h: 'hand',
  c: 'chat',
  p: 'people',
  '?': 'help',
  ' ': 'talk',
};

/**
 * What a key that goes down does. In a text field it writes, in a dialog and with Ctrl and the like it is somebody else's,
 * but for the question mark, which closes the help again; on a button the space bar presses that.
 * @param {Key} key
 * @param {object} where
 * @param {boolean} where.enabled whether the person wants keys to do anything
 * @param {boolean} where.typing the focus is where one types or chooses
 * @param {boolean} where.onControl the focus is on something that the space bar presses
 * @param {boolean} where.inDialog a dialog or a menu is open
 * @returns {Action | null}
 */
export function actionOf(key, { enabled, typing, onControl, inDialog }) {
  if (!enabled || typing) return null;
  if (key.repeat || key.isComposing || key.ctrlKey || key.altKey || key.metaKey) return null; // AltGr is one or two of them
  const action = plain(key.key);
  if (inDialog) return action === 'help' ? action : null;
  return action === 'talk' && onControl ? null : action;
}

/** @param {string} key @returns {Action | null} */
function plain(key) {
  if (/^[1-9]$/.test(key)) return /** @type {Action} */ (`pin ${key}`);
  const name = key.toLowerCase();
  return Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : null;
}
