/**
 * The elements of a room's page that the scripts work with; the server renders them.
 *
 * @typedef {object} Page
 * @property {HTMLElement} room carries `hx-ws:connect`, `data-room` and `data-codecs`
 * @property {HTMLElement} tiles around the next two, as large as the stage
 * @property {HTMLElement} others
 * @property {HTMLElement} self `data-channel` is one's own channel name
 * @property {HTMLElement} showSelf brings one's own picture back that is hidden
 * @property {HTMLElement} slots the sound of the others
 * @property {HTMLElement} bar above the stage
 * @property {HTMLElement} stage
 * @property {HTMLElement} prejoin the card before the call
 * @property {HTMLElement} go where the button that joins is, in it
 * @property {HTMLElement} end where the button that leaves is, in the controls
 * @property {HTMLElement} callButton `data-as` is the role in which it joins, or in which one is in the call
 * @property {HTMLElement} watch joins as a viewer
 * @property {HTMLButtonElement} camera
 * @property {HTMLButtonElement} microphone
 * @property {HTMLButtonElement} screen disabled while one is not in the call
 * @property {HTMLButtonElement} hand likewise
 * @property {HTMLElement} chatButton opens and closes the chat
 * @property {HTMLElement} peopleButton likewise, the list of people
 * @property {HTMLElement} reactionsButton
 * @property {HTMLElement} settingsButton
 * @property {Record<'microphone' | 'camera', {root: HTMLElement, button: HTMLElement}>} deviceMenus
 * @property {HTMLTemplateElement} deviceChoice a line of them
 * @property {HTMLElement} viewButton
 * @property {HTMLElement} viewMenu
 * @property {HTMLElement} side beside the stage: the next two
 * @property {HTMLElement} chat
 * @property {HTMLElement} people
 * @property {HTMLElement} toasts of messages
 * @property {HTMLElement} invitation the address of the room, to copy
 * @property {HTMLDialogElement} muting asks whether everybody is to be muted
 * @property {HTMLElement} reactions the menu
 * @property {HTMLElement} sky where they rise
 * @property {HTMLDialogElement} settings
 * @property {HTMLDialogElement} help
 * @property {HTMLElement} pages
 * @property {HTMLElement} hands around `#hands`, which the server renders
 * @property {HTMLElement} roomMenu
 * @property {HTMLElement} tileMenu
 * @property {HTMLTemplateElement} tools of a tile
 * @property {HTMLDialogElement} removing asks whether somebody is to be removed
 * @property {HTMLDialogElement} password asks for the room's
 * @property {Record<'bar' | 'card' | 'alone', HTMLElement>} connection what is said of it
 * @property {HTMLElement} statistics of the connection
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
    bar: find('.bar'),
    stage: find('.stage'),
    prejoin: find('#prejoin'),
    go: find('#prejoin .go'),
    end: find('.controls .end'),
    tiles: find('.tiles'),
    others: find('#others'),
    self: find('#self'),
    showSelf: find('#show-self'),
    slots: find('#slots'),
    callButton: find('#call-button'),
    watch: find('#watch-button'),
    camera: /** @type {HTMLButtonElement} */ (find('#toggle-cam')),
    microphone: /** @type {HTMLButtonElement} */ (find('#toggle-mic')),
    screen: /** @type {HTMLButtonElement} */ (find('#toggle-screen')),
    hand: /** @type {HTMLButtonElement} */ (find('#toggle-hand')),
    chatButton: find('#chat-button'),
    peopleButton: find('#people-button'),
    reactionsButton: find('#reactions-button'),
    settingsButton: find('#settings-button'),
    deviceMenus: {
      microphone: { root: find('#mic-menu'), button: find('#mic-menu-button') },
      camera: { root: find('#cam-menu'), button: find('#cam-menu-button') },
    },
    deviceChoice: /** @type {HTMLTemplateElement} */ (find('#device-choice')),
    viewButton: find('#view-button'),
    viewMenu: find('#view-menu'),
    side: find('#side'),
    chat: find('#chat'),
    people: find('#people'),
    toasts: find('#chat-toasts'),
    invitation: find('#people .address'),
    muting: /** @type {HTMLDialogElement} */ (find('#mute-all-dialog')),
    reactions: find('#reactions'),
    sky: find('#reactions-shown'),
    settings: /** @type {HTMLDialogElement} */ (find('#settings')),
    help: /** @type {HTMLDialogElement} */ (find('#help')),
    pages: find('#pages'),
    hands: find('#hands-card'),
    roomMenu: find('#room-menu'),
    tileMenu: find('#tile-menu'),
    tools: /** @type {HTMLTemplateElement} */ (find('#tile-tools')),
    removing: /** @type {HTMLDialogElement} */ (find('#remove-dialog')),
    password: /** @type {HTMLDialogElement} */ (find('#password-dialog')),
    connection: { bar: find('#connection'), card: find('#disconnected'), alone: find('#alone') },
    statistics: find('#statistics'),
    notice: find('#notice'),
    announcements: find('#announcements'),
    badge: /** @type {HTMLTemplateElement} */ (find('#quality-badge')),
  };
}

/**
 * The panel of a participant, without a walk past all the others.
 * @param {HTMLElement} root `#others`
 * @param {string} id the channel name
 * @returns {HTMLElement | null}
 */
export function findPanel(root, id) {
  const likely = document.getElementById(`peer-${id.slice(-6)}-div`);
  if (likely?.dataset.channel === id) return likely;
  return likely && root.querySelector(`:scope > [data-channel="${CSS.escape(id)}"]`); // two ids with one end
}

/**
 * The tile of a participant, or one's own.
 * @param {Pick<Page, 'others' | 'self'>} page
 * @param {string} id the channel name
 */
export function findTile({ others, self }, id) {
  return self.dataset.channel === id ? self : findPanel(others, id);
}

/** @param {string} selector */
export function removeElement(selector) {
  document.querySelector(selector)?.remove();
}

/**
 * @param {string} selector
 * @param {ParentNode} [root]
 */
export function find(selector, root = document) {
  const element = root.querySelector(selector);
  if (!(element instanceof HTMLElement)) throw new Error(`the page has no ${selector}`);
  return element;
}
