const KEPT = 10_000; // ms

/** Tells those who listen to the page what others see on it. */
export class Announcements {
  #root;
  /** @type {Set<string>} what was said just now, and is not said twice */
  #lines = new Set();

  /** @param {HTMLElement} root has role=status, and is not seen */
  constructor(root) {
    this.#root = root;
  }

  /** @param {string} text */
  say(text) {
    if (this.#lines.has(text)) return;
    const line = document.createElement('span');
    line.textContent = text;
    this.#lines.add(text);
    this.#root.append(line);
    setTimeout(() => (line.remove(), this.#lines.delete(text)), KEPT);
  }
}
