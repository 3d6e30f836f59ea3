import { t } from '../words.js';
import { findPanel } from './page.js';
import { play } from './playing.js';
import { sendTo } from './sink.js';

/**
 * @import {Floor} from '../floor.js'
 * @import {Room} from '../room.js'
 * @import {Settings} from '../settings.js'
 * @import {Stage} from './stage.js'
 * @import {Volumes} from '../volumes.js'
 * @import {UndecodableEvent} from '../protocol.js'
 */

/**
 * The panels of the others, in `#others`. The server renders them; this puts streams into those that are shown, marks
 * them, and takes them away. It dispatches `blocked` when the browser lets nothing play before the person has clicked
 * somewhere.
 */
export class Panels extends EventTarget {
  #root;
  #room;
  #floor;
  #settings;
  #volumes;
  #stage;
  #sink = '';
  /** @type {Set<string>} whose pictures were attached before they were placed, by channel name */
  #early = new Set();

  /**
   * @param {HTMLElement} root
   * @param {object} parts
   * @param {Room} parts.room
   * @param {Stage} parts.stage
   * @param {Pick<Floor, 'about' | 'addEventListener'>} parts.floor
   * @param {Settings} parts.settings
   * @param {Volumes} parts.volumes
   */
  constructor(root, { room, floor, settings, stage, volumes }) {
    super();
    this.#settings = settings;
    this.#volumes = volumes;
    this.#stage = stage;
    this.#root = root;
    this.#room = room;
    this.#floor = floor;
    room.addEventListener('reset', (event) => this.#keep(/** @type {CustomEvent} */ (event).detail.ids));
    for (const type of ['joined', 'media', 'features']) {
      room.addEventListener(type, (event) => {
        this.update(/** @type {CustomEvent} */ (event).detail.participant.channel_name);
      });
    }
    room.addEventListener('left', (event) => {
      findPanel(root, /** @type {CustomEvent} */ (event).detail.participant.channel_name)?.remove();
    });
    stage.addEventListener('arranged', (event) => {
      const { appeared, gone } = /** @type {CustomEvent} */ (event).detail;
      const early = [...this.#early];
      this.#early.clear();
      for (const id of new Set([...early, ...appeared, ...gone])) this.update(id);
    });
    floor.addEventListener('about', (event) => this.update(/** @type {CustomEvent} */ (event).detail.id));
    settings.addEventListener('change', (event) => {
      if (/** @type {CustomEvent} */ (event).detail.name !== 'receiveQuality') return;
      for (const { channel_name: id } of room.participants) this.update(id);
    });
    volumes.addEventListener('change', (event) => {
      const { id, volume } = /** @type {CustomEvent} */ (event).detail;
      const video = findPanel(root, id)?.querySelector('.screen video');
      if (video instanceof HTMLVideoElement) video.volume = volume;
    });
    const landed = (/** @type {Event} */ { target }) => {
      const panel = /** @type {Element} */ (target).closest('.panel');
      if (panel instanceof HTMLElement) this.update(panel.dataset.channel ?? '');
    };
    root.addEventListener('leavepictureinpicture', landed, true);
  }

  /** Tries again what the browser had blocked; to be called while a click is handled. */
  playAll() {
    for (const video of this.#root.querySelectorAll('video')) {
      if (video.srcObject) this.#play(video);
    }
  }

  /** Sends the sound of screens to an output device. @param {string} device its deviceId; '' is the browser's choice */
  setSink(device) {
    this.#sink = device;
    for (const video of this.#root.querySelectorAll('video')) sendTo(video, device);
  }

  /**
   * Says on the tile what cannot be seen or heard.
   * @param {UndecodableEvent} event
   * @param {boolean} outgoing whether it is one's own track that the participant on the tile cannot decode
   */
  tellUndecodable({ publisher, subscriber, kind, codec }, outgoing) {
    const panel = findPanel(this.#root, outgoing ? subscriber : publisher);
    if (!panel) return;
    const what = kind === 'video' ? 'picture' : 'sound';
    const name = codec.replace(/^.*\//, '');
    const text = t(`tile.no_${outgoing ? 'send' : 'play'}_${what}`, { codec: name });
    const note = panel.querySelector(`.note[data-kind="${CSS.escape(kind)}"]`) ?? document.createElement('p');
    note.className = 'note';
    note.setAttribute('data-kind', kind);
    note.textContent = text;
    panel.append(note);
  }

  /**
   * The panel shows what there is of a participant: pictures only while they are seen. There is a picture if there is
   * a track for it and the participant did not switch it off; there is sound unless they, or a host, did.
   * @param {string} id the channel name
   */
  update(id) {
    const panel = findPanel(this.#root, id);
    if (!panel) return;
    const [features, { muted }] = [this.#room.features(id), this.#floor.about(id)];
    const camera = this.#room.stream(id, false);
    const video = panel.querySelector('figure:not(.screen) video');
    if (video instanceof HTMLVideoElement) {
      const early = this.#stage.held && camera !== null; // it comes with the others, and is likely to be placed
      if (early) this.#early.add(id);
      this.#attach(video, early || isSeen(panel, video) ? camera : null);
    }
    this.#updateScreen(panel, id);
    const dark = features.video === false || !hasTracks(camera, 'video');
    const unseen = !dark && this.#settings.get('receiveQuality') === 'none';
    panel.classList.toggle('no-video', dark || unseen);
    panel.classList.toggle('unseen', unseen);
    panel.classList.toggle('muted-audio', features.audio === false || muted);
  }

  /**
   * Of two panels of one participant the later one is of this stay.
   * @param {string[]} ids
   */
  #keep(ids) {
    const kept = new Set(ids);
    for (const panel of [...this.#root.querySelectorAll('.panel')].reverse()) {
      if (!kept.delete(/** @type {HTMLElement} */ (panel).dataset.channel ?? '')) panel.remove();
    }
  }

  /**
   * The sound of a screen goes on while it is not shown.
   * @param {HTMLElement} panel
   * @param {string} id
   */
  #updateScreen(panel, id) {
    const stream = this.#room.stream(id, true);
    let figure = panel.querySelector('figure.screen');
    if (!stream) {
      figure?.remove();
      return;
    }
    if (!figure) {
      figure = createScreen(this.#room.participant(id)?.user_name ?? '');
      panel.append(figure);
    }
    const video = figure.querySelector('video');
    if (video) {
      video.volume = this.#volumes.get(id);
      sendTo(video, this.#sink);
    }
    if (video) this.#attach(video, isSeen(panel, video) || hasTracks(stream, 'audio') ? stream : null);
  }

  /**
   * @param {HTMLVideoElement} video
   * @param {MediaStream | null} stream
   */
  #attach(video, stream) {
    if (video.srcObject === stream) {
      if (stream && video.paused) this.#play(video);
      return;
    }
    video.srcObject = stream;
    if (stream) this.#play(video);
  }

  /** @param {HTMLVideoElement} video */
  #play(video) {
    play(video, () => this.dispatchEvent(new Event('blocked')));
  }
}

/**
 * Not with a hidden panel, but in a window of its own.
 * @param {HTMLElement} panel
 * @param {HTMLVideoElement} video in it
 */
function isSeen(panel, video) {
  return !panel.hidden || document.pictureInPictureElement === video;
}

/** @param {string} name whose it is */
function createScreen(name) {
  const figure = document.createElement('figure');
  figure.className = 'screen';
  const video = document.createElement('video');
  video.setAttribute('aria-label', t('tile.screen_of', { name }));
  video.autoplay = true;
  video.playsInline = true;
  figure.append(video);
  return figure;
}

/**
 * @param {MediaStream | null} stream
 * @param {'audio' | 'video'} kind
 */
function hasTracks(stream, kind) {
  return stream?.getTracks().some((track) => track.kind === kind) ?? false;
}
