/**
 * The elements of a room's page that the scripts work with; the server renders them.
 *
 * @typedef {object} Page
 * @property {HTMLElement} room carries `hx-ws:connect`, `data-room` and `data-codecs`
 * @property {HTMLElement} self
 * @property {HTMLElement} others
 * @property {HTMLElement} callButton
 * @property {HTMLElement} camera
 * @property {HTMLElement} microphone
 * @property {HTMLButtonElement} screen disabled while one is not in the call
 * @property {HTMLElement} notice
 * @property {HTMLElement} announcements
 * @property {HTMLTemplateElement} badge
 */

/** @returns {Page | null} null on a page that is no room's */
export function findPage() {
  const room = document.querySelector('main#room');
  if (!(room instanceof HTMLElement)) return null;
  return {
    room,
    self: find('#self'),
    others: find('#others'),
    callButton: find('#call-button'),
    camera: find('#toggle-cam'),
    microphone: find('#toggle-mic'),
    screen: /** @type {HTMLButtonElement} */ (find('#toggle-screen')),
    notice: find('#notice'),
    announcements: find('#announcements'),
    badge: /** @type {HTMLTemplateElement} */ (find('#quality-badge')),
  };
}

/**
 * The panel of a participant.
 * @param {HTMLElement} root `#others`
 * @param {string} id the channel name
 */
export function findPanel(root, id) {
  for (const panel of root.children) {
    if (panel instanceof HTMLElement && panel.dataset.channel === id) return panel;
  }
  return null;
}

/** @param {string} selector */
export function removeElement(selector) {
  document.querySelector(selector)?.remove();
}

/** @param {string} selector */
function find(selector) {
  const element = document.querySelector(selector);
  if (!(element instanceof HTMLElement)) throw new Error(`the page has no ${selector}`);
  return element;
}
