const MARGIN = 8; // px between a menu and its button, or the edge of the window

/**
 * Puts a menu that is open over its button, in the window; over the lower edge if the button is not shown.
 * @param {HTMLElement} menu
 * @param {HTMLElement} button
 */
export function placeAbove(menu, button) {
  const { width, height } = menu.getBoundingClientRect();
  const { clientWidth, clientHeight } = document.documentElement;
  const shown = button.getClientRects().length > 0;
  const around = shown ? button.getBoundingClientRect() : { left: 0, width: clientWidth, top: clientHeight };
  const left = around.left + (around.width - width) / 2;
  menu.style.left = `${Math.max(MARGIN, Math.min(left, clientWidth - width - MARGIN))}px`;
  menu.style.top = `${Math.max(MARGIN, around.top - height - MARGIN)}px`;
}
