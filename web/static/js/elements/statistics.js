import { badgeOf } from '../quality.js';
import { bitrateText, History, limitOf, lossText, pictureText, Statistics, timeText } from '../statistics.js';
import { t } from '../words.js';
import { find, findPanel } from './page.js';

/**
 * @import {Negotiation} from '../negotiation.js'
 * @import {QualityEvent} from '../protocol.js'
 * @import {Room} from '../room.js'
 * @import {Received, Sent, Snapshot} from '../statistics.js'
 * @import {Copy} from './invitation.js'
 * @import {Page} from './page.js'
 */

/**
 * @typedef {object} Parts
 * @property {Negotiation} negotiation
 * @property {Room} room
 *
 * @typedef {object} Options
 * @property {Copy} copy fails where the browser does not let a page
 * @property {object} about of the page, for the report
 * @property {string} about.room
 * @property {string} about.agent the browser
 *
 * @typedef {{root: HTMLElement, history: History}} Overlay on a tile
 * @typedef {{picture: Received | undefined, sound: Received | undefined, quality: QualityEvent | undefined}} Figures of
 *   somebody: what is shown large, what is heard
 */

const PERIOD = 1000; // ms

/** What a chart is at least high for: bit/s, ms, percent. */
const LEAST = /** @type {Record<string, number>} */ ({ up: 200_000, down: 200_000, rtt: 100, loss: 5 });

/** Figures over the stage, of the connection and of single tiles. The browser is asked for them only while they are seen. */
export class StatisticsOverlays {
  #root;
  #page;
  #negotiation;
  #room;
  #options;
  #statistics = new Statistics();
  /** @type {Snapshot | null} */
  #snapshot = null;
  /** @type {Map<string, Overlay>} by channel name */
  #tiles = new Map();
  /** @type {Map<string, QualityEvent>} the latest, by participant and track */
  #qualities = new Map();
  /** @type {Element | null} what had the focus before */
  #opener = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {HTMLElement} root `#statistics`, with the templates of an overlay and of a line about what is sent in it
   * @param {Pick<Page, 'others' | 'slots'>} page
   * @param {Parts} parts
   * @param {Options} options
   */
  constructor(root, page, { negotiation, room }, options) {
    this.#root = root;
    this.#page = page;
    this.#negotiation = negotiation;
    this.#room = room;
    this.#options = options;
    negotiation.addEventListener('gone', () => {
      this.#statistics.reset();
      this.#snapshot = null;
      this.#show();
    });
    room.addEventListener('left', (event) =>
      this.#forget(/** @type {CustomEvent} */ (event).detail.participant.channel_name),
    );
    room.addEventListener('reset', () => {
      for (const id of [...this.#tiles.keys()]) this.#forget(id);
      this.#qualities.clear();
    });
    find('.close', root).addEventListener('click', () => this.toggle());
    root.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      this.toggle();
    });
    find('.copy', root).addEventListener('click', () => void this.#copy());
  }

  /** At which layer a picture comes. @param {QualityEvent} quality */
  tell(quality) {
    this.#qualities.set(`${quality.channel_name} ${quality.track}`, quality);
  }

  /** Opens or closes what there is about somebody, or about the connection. @param {string} [id] the channel name */
  toggle(id) {
    if (id === undefined) this.#toggleWhole();
    else if (this.#tiles.has(id)) this.#close(id);
    else this.#open(id);
    this.#run();
  }

  #toggleWhole() {
    const root = this.#root;
    root.hidden = !root.hidden;
    if (root.hidden) {
      if (this.#opener instanceof HTMLElement) this.#opener.focus();
      return;
    }
    this.#opener = document.activeElement;
    this.#tellCopied('');
    this.#show();
    root.focus();
  }

  /** @param {string} id */
  #open(id) {
    const panel = findPanel(this.#page.others, id);
    if (!panel) return;
    const template = /** @type {HTMLTemplateElement} */ (find('template.tile', this.#root));
    const root = find('.statistics', /** @type {DocumentFragment} */ (template.content.cloneNode(true)));
    const name = this.#room.participant(id)?.user_name ?? '';
    root.setAttribute('aria-label', t('statistics.of', { name }));
    find('.close', root).addEventListener('click', () => {
      this.toggle(id);
      const opener = panel.querySelector('[data-action="menu"]');
      if (opener instanceof HTMLElement) opener.focus();
    });
    this.#tiles.set(id, { root, history: new History() });
    panel.append(root);
    this.#show();
  }

  /** @param {string} id */
  #close(id) {
    this.#tiles.get(id)?.root.remove();
    this.#tiles.delete(id);
  }

  /** @param {string} id */
  #forget(id) {
    this.#close(id);
    for (const track of ['camera', 'screen']) this.#qualities.delete(`${id} ${track}`);
  }

  /** Asks the browser as long as anything is open, from now on. */
  #run() {
    if (this.#timer !== undefined || !this.#isOpen) return;
    this.#statistics.reset(); // the last figures are of long ago
    const step = async () => {
      await this.#take();
      this.#timer = this.#isOpen ? setTimeout(step, PERIOD) : undefined;
    };
    this.#timer = setTimeout(step);
  }

  get #isOpen() {
    return !this.#root.hidden || this.#tiles.size > 0;
  }

  async #take() {
    const { connection } = this.#negotiation;
    const report = await connection?.getStats().catch((error) => console.warn('no statistics', error));
    if (!report || connection !== this.#negotiation.connection) return; // closed meanwhile
    const now = performance.now();
    this.#snapshot = this.#statistics.take(/** @type {any} */ (report), now);
    for (const [id, { history }] of this.#tiles) {
      const { picture, sound } = this.#figuresOf(id);
      history.add(now, { down: picture?.bitrate ?? sound?.bitrate ?? null });
    }
    this.#show();
  }

  #show() {
    if (!this.#root.hidden) this.#showWhole();
    for (const [id, overlay] of this.#tiles) this.#showTile(id, overlay);
  }

  #showWhole() {
    const [root, snapshot] = [this.#root, this.#snapshot];
    find('.none', root).hidden = snapshot !== null;
    find('.figures', root).hidden = snapshot === null;
    if (!snapshot) return;
    const { up, down, available, rtt, loss, lossUp, jitter, path } = snapshot.connection;
    const limit = limitOf(snapshot.sent);
    const way = path && [path.local, path.remote].filter(Boolean).join(' → ');
    write(root, {
      up: bitrateText(up),
      down: bitrateText(down),
      available: bitrateText(available),
      rtt: timeText(rtt),
      loss: lossText(loss),
      lossUp: lossText(lossUp),
      jitter: timeText(jitter),
      path: path
        ? [path.protocol.toUpperCase(), way, path.relay && t('statistics.relay')].filter(Boolean).join(', ')
        : '',
      server: path?.server ?? '',
      limit: limit && t(`statistics.limit_${limit}`),
    });
    for (const name of ['up', 'down', 'rtt', 'loss']) draw(root, name, this.#statistics.history);
    this.#showSent(snapshot.sent);
  }

  /** @param {Sent[]} sent */
  #showSent(sent) {
    const table = find('table', this.#root);
    const body = find('tbody', table);
    const template = /** @type {HTMLTemplateElement} */ (find('template.encoding', this.#root));
    table.hidden = sent.length === 0;
    while (body.children.length > sent.length) body.lastElementChild?.remove();
    while (body.children.length < sent.length) body.append(template.content.cloneNode(true));
    for (const [i, encoding] of sent.entries()) {
      const { active, rid, codec, bitrate, limit } = encoding;
      const line = /** @type {HTMLElement} */ (body.children[i]);
      find('.what', line).textContent = [t(`statistics.${this.#kindOf(encoding)}`), rid].filter(Boolean).join(' ');
      find('.codec', line).textContent = codec;
      find('.picture', line).textContent = active ? pictureText(encoding) : t('statistics.off');
      find('.bitrate', line).textContent = active ? bitrateText(bitrate) : '';
      find('.limit', line).textContent = active && limit ? t(`statistics.limit_${limit}`) : '';
    }
  }

  /** @param {Sent} encoding */
  #kindOf({ mid, kind }) {
    const lines = this.#negotiation.connection?.getTransceivers() ?? [];
    const settings = lines.find((line) => line.mid === mid)?.sender.track?.getSettings() ?? {};
    return 'displaySurface' in settings ? `screen_${kind}` : kind;
  }

  /**
   * @param {string} id
   * @param {Overlay} overlay
   */
  #showTile(id, { root, history }) {
    const { picture, sound, quality } = this.#figuresOf(id);
    const main = picture ?? sound;
    const layer =
      quality && quality.layer !== null ? t('statistics.layer', { n: quality.layer + 1, of: quality.layers }) : '';
    find('.none', root).hidden = main !== undefined;
    write(root, {
      picture: picture ? pictureText(picture) : '',
      down: bitrateText(picture?.bitrate ?? null),
      sound: bitrateText(sound?.bitrate ?? null),
      codec: [picture?.codec, sound?.codec].filter(Boolean).join(', '),
      layer: quality ? [layer, badgeOf(quality)?.text].filter(Boolean).join(', ') : '',
      loss: lossText(main?.loss ?? null),
      jitter: timeText(main?.jitter ?? null),
      buffer: timeText(main?.buffer ?? null),
      rtt: timeText(this.#snapshot?.connection.rtt ?? null),
      freezes: picture?.freezes?.toString() ?? '',
    });
    draw(root, 'down', history);
  }

  /** @param {string} id @returns {Figures} */
  #figuresOf(id) {
    const [room, received] = [this.#room, this.#snapshot?.received ?? []];
    const screen = room.hasScreen(id);
    const slots = /** @type {NodeListOf<HTMLAudioElement>} */ (
      this.#page.slots.querySelectorAll(`audio[data-channel="${CSS.escape(id)}"]`)
    );
    const heard = [room.stream(id, false), ...[...slots].map(({ srcObject }) => srcObject), room.stream(id, true)];
    /** @param {'audio' | 'video'} kind @param {(MediaProvider | null)[]} streams */
    const pick = (kind, streams) => {
      const tracks = streams.flatMap((stream) => (stream instanceof MediaStream ? stream.getTracks() : []));
      const ids = new Set(tracks.map((track) => track.id));
      return received.find((each) => each.kind === kind && ids.has(each.track));
    };
    return {
      picture: pick('video', [room.stream(id, screen)]),
      sound: pick('audio', heard),
      quality: this.#qualities.get(`${id} ${screen ? 'screen' : 'camera'}`),
    };
  }

  /** For whoever runs the server: nothing in it says who anybody is, or where. */
  get #report() {
    const { agent, room } = this.#options.about;
    const tiles = this.#room.participants.map(({ channel_name: id, short_name: tile }) => {
      const { picture, sound, quality } = this.#figuresOf(id);
      const { track, layer, layers, why } = quality ?? {};
      return { tile, picture, sound, ...(quality && { quality: { track, layer, layers, why } }) };
    });
    const now = performance.now();
    const minute = this.#statistics.history.points.map(({ time, ...figures }) => {
      return { ago: Math.round((now - time) / 1000), ...figures };
    });
    const { connection = null, sent = [] } = this.#snapshot ?? {};
    return JSON.stringify({ time: new Date().toISOString(), agent, room, connection, sent, tiles, minute }, round, 1);
  }

  async #copy() {
    const field = /** @type {HTMLTextAreaElement} */ (find('textarea', this.#root));
    const report = this.#report;
    try {
      await this.#options.copy(report);
      this.#tellCopied(t('statistics.copied'));
    } catch {
      this.#tellCopied(t('statistics.copy'));
      field.hidden = false;
      field.value = report;
      field.focus();
      field.select();
    }
  }

  /** @param {string} text */
  #tellCopied(text) {
    find('textarea', this.#root).hidden = true;
    find('.told', this.#root).textContent = text;
  }
}

/**
 * Writes figures into their lines; a line without one is not shown.
 * @param {HTMLElement} root
 * @param {Record<string, string>} figures
 */
function write(root, figures) {
  for (const [name, text] of Object.entries(figures)) {
    const line = find(`[data-figure="${name}"]`, root);
    line.hidden = text === '';
    find('.value', line).textContent = text;
  }
}

/**
 * @param {HTMLElement} root
 * @param {string} name
 * @param {History} history
 */
function draw(root, name, history) {
  root.querySelector(`[data-figure="${name}"] polyline`)?.setAttribute('points', history.line(name, LEAST[name]));
}

/** Figures with two places are exact enough to be read. @param {string} _ @param {unknown} value */
function round(_, value) {
  return typeof value === 'number' ? Math.round(value * 100) / 100 : value;
}
