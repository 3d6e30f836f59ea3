import { find } from './page.js';

/** @typedef {'chat' | 'people'} Pane */

const PANES = /** @type {const} */ (['chat', 'people']);

/**
 * What is beside the stage, or where it is narrow over it: one pane at a time, or none. Event: `change`.
 */
export class Side extends EventTarget {
  #root;
  #buttons;
  #behind;
  /** @type {Pane | null} */
  #open = null;
  #narrow = matchMedia('(max-width: 720px)');

  /**
   * @param {HTMLElement} root `#side`
   * @param {Record<Pane, HTMLElement>} buttons that open and close the panes
   * @param {HTMLElement[]} behind what the side covers where it is narrow
   */
  constructor(root, buttons, behind) {
    super();
    this.#root = root;
    this.#buttons = buttons;
    this.#behind = behind;
    for (const pane of PANES) buttons[pane].addEventListener('click', () => this.toggle(pane));
    for (const button of root.querySelectorAll('.close')) button.addEventListener('click', () => this.close());
    root.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || event.isComposing || event.defaultPrevented) return;
      event.preventDefault();
      this.close();
    });
    this.#narrow.addEventListener('change', () => this.#update());
  }

  /** The pane that is open, if any. */
  get pane() {
    return this.#open;
  }

  /** @param {Pane} pane */
  toggle(pane) {
    if (this.#open === pane) this.close();
    else this.open(pane);
  }

  /** Opens a pane, with the focus in its field. @param {Pane} pane */
  open(pane) {
    closeAround(this.#buttons[pane]);
    this.#set(pane);
    find('[data-first]', this.#paneOf(pane)).focus();
  }

  /** The focus goes back to the button, if it was in here. */
  close() {
    const pane = this.#open;
    if (!pane) return;
    const focused = this.#root.contains(document.activeElement);
    this.#set(null);
    if (focused) opener(this.#buttons[pane]).focus();
  }

  /** @param {Pane | null} pane */
  #set(pane) {
    if (pane === this.#open) return;
    this.#open = pane;
    this.#update();
    this.dispatchEvent(new Event('change'));
  }

  #update() {
    this.#root.hidden = this.#open === null;
    for (const pane of PANES) {
      const open = pane === this.#open;
      this.#paneOf(pane).hidden = !open;
      this.#buttons[pane].setAttribute('aria-pressed', String(open));
      this.#buttons[pane].setAttribute('aria-expanded', String(open));
    }
    for (const element of this.#behind) element.inert = this.#open !== null && this.#narrow.matches;
  }

  /** @param {Pane} pane */
  #paneOf(pane) {
    return find(`#${pane}`, this.#root);
  }
}

/** Where it is narrow the button is in a menu, which has done its work. @param {HTMLElement} button */
export function closeAround(button) {
  const menu = button.closest('[popover]');
  if (menu instanceof HTMLElement && menu.matches(':popover-open')) menu.hidePopover();
}

/** A button that can have the focus: in a closed menu, the one that opens that. @param {HTMLElement} button */
export function opener(button) {
  if (button.getClientRects().length > 0) return button;
  const menu = button.closest('[popover]');
  return menu ? find(`[popovertarget="${menu.id}"]`) : button;
}
