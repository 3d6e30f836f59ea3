/**
 * What the person has chosen, on this computer: kept from one visit to the next.
 *
 * @typedef {typeof DEFAULTS} Choices
 * @typedef {keyof Choices} Name
 * @typedef {Pick<Storage, 'getItem' | 'setItem'>} Store
 */

const KEY = 'parley.settings';

/** What holds until something else is chosen. Devices are named by their deviceId, '' is the browser's choice. */
const DEFAULTS = {
  camera: '',
  microphone: '',
  speaker: '',
  cameraOn: true,
  microphoneOn: true,
  sendQuality: /** @type {'high' | 'medium' | 'low'} */ ('high'),
  receiveQuality: /** @type {'high' | 'saver' | 'none'} */ ('high'),
  noiseSuppression: true,
  echoCancellation: true,
  autoGainControl: true,
  blur: false,
  view: /** @type {'auto' | 'grid' | 'speaker' | 'side'} */ ('auto'),
  selfHidden: false,
  selfCorner: /** @type {'tl' | 'tr' | 'bl' | 'br'} */ ('br'),
  shortcuts: true,
};

/** @type {Partial<Record<Name, readonly string[]>>} */
const ALLOWED = {
  sendQuality: ['high', 'medium', 'low'],
  receiveQuality: ['high', 'saver', 'none'],
  view: ['auto', 'grid', 'speaker', 'side'],
  selfCorner: ['tl', 'tr', 'bl', 'br'],
};

/** Event: `change` (a CustomEvent with `{name, value}`). */
export class Settings extends EventTarget {
  #store;
  /** @type {Choices} */
  #choices = { ...DEFAULTS };

  /** @param {Store | undefined} store absent where the browser keeps nothing */
  constructor(store) {
    super();
    this.#store = store;
    for (const [name, value] of Object.entries(read(store))) {
      if (fits(name, value)) Object.assign(this.#choices, { [name]: value });
    }
  }

  /**
   * @template {Name} N
   * @param {N} name
   * @returns {Choices[N]}
   */
  get(name) {
    return this.#choices[name];
  }

  /**
   * @template {Name} N
   * @param {N} name
   * @param {Choices[N]} value one that the name cannot have is ignored
   */
  set(name, value) {
    if (!fits(name, value) || this.#choices[name] === value) return;
    this.#choices[name] = value;
    try {
      this.#store?.setItem(KEY, JSON.stringify(this.#choices));
    } catch {
      // Full, or forbidden: it holds until the page is closed.
    }
    this.dispatchEvent(new CustomEvent('change', { detail: { name, value } }));
  }
}

/**
 * @param {Store | undefined} store
 * @returns {Record<string, unknown>}
 */
function read(store) {
  try {
    const kept = JSON.parse(store?.getItem(KEY) ?? '{}');
    return kept !== null && typeof kept === 'object' ? kept : {};
  } catch {
    return {};
  }
}

/**
 * @param {string} name
 * @param {unknown} value
 */
function fits(name, value) {
  if (!Object.hasOwn(DEFAULTS, name)) return false;
  const known = /** @type {Name} */ (name);
  const allowed = ALLOWED[known];
  return typeof value === typeof DEFAULTS[known] && (!allowed || allowed.includes(String(value)));
}
