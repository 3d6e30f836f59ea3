import { findPanel } from './page.js';

/**
 * @import {Room} from '../room.js'
 * @import {Participant, Features, UndecodableEvent} from '../protocol.js'
 */

/**
 * The panels of the others, in `#others`. The server renders them; this puts streams into them, marks them, and takes
 * them away. It dispatches `blocked` when the browser lets nothing play before the person has clicked somewhere.
 */
export class Panels extends EventTarget {
  #root;

  /**
   * @param {HTMLElement} root
   * @param {Room} room
   */
  constructor(root, room) {
    super();
    this.#root = root;
    /** @param {string} type @param {(detail: any) => void} handler */
    const listen = (type, handler) => {
      room.addEventListener(type, (event) => handler(/** @type {CustomEvent} */ (event).detail));
    };
    listen('reset', ({ ids }) => this.#keep(ids));
    listen('joined', ({ participant }) => this.#prepare(participant));
    listen('left', ({ participant }) => this.#panel(participant.channel_name)?.remove());
    listen('media', ({ participant, screen, stream }) => this.#show(participant, screen, stream));
    listen('features', ({ participant, features }) => this.#mark(participant, features));
  }

  /** Tries again what the browser had blocked; to be called while a click is handled. */
  playAll() {
    for (const video of this.#root.querySelectorAll('video')) this.#play(video);
  }

  /**
   * Says on the tile what cannot be seen or heard.
   * @param {UndecodableEvent} event
   * @param {boolean} outgoing whether it is one's own track that the participant on the tile cannot decode
   */
  tellUndecodable({ publisher, subscriber, kind, codec }, outgoing) {
    const panel = this.#panel(outgoing ? subscriber : publisher);
    if (!panel) return;
    const what = kind === 'video' ? 'picture' : 'sound';
    const name = codec.replace(/^.*\//, '');
    const text = outgoing ? `Cannot receive your ${what} (${name})` : `This browser cannot play the ${what} (${name})`;
    const note = panel.querySelector(`.note[data-kind="${CSS.escape(kind)}"]`) ?? document.createElement('p');
    note.className = 'note';
    note.setAttribute('data-kind', kind);
    note.textContent = text;
    panel.append(note);
  }

  /** @param {string[]} ids */
  #keep(ids) {
    for (const panel of [...this.#root.querySelectorAll('.panel')]) {
      if (!ids.includes(/** @type {HTMLElement} */ (panel).dataset.channel ?? '')) panel.remove();
    }
  }

  /** @param {Participant} participant */
  #prepare({ channel_name: id }) {
    this.#panel(id)?.classList.add('no-video', 'muted-audio'); // until their tracks come
  }

  /**
   * @param {Participant} participant
   * @param {boolean} screen
   * @param {MediaStream | null} stream
   */
  #show({ channel_name: id, user_name: name }, screen, stream) {
    const panel = this.#panel(id);
    if (!panel) return;
    if (screen) {
      this.#showScreen(panel, stream, name);
      return;
    }
    const video = panel.querySelector('figure:not(.screen) video');
    if (video instanceof HTMLVideoElement) this.#attach(video, stream);
    this.#refresh(panel, stream);
  }

  /**
   * @param {HTMLElement} panel
   * @param {MediaStream | null} stream
   * @param {string} name whose it is
   */
  #showScreen(panel, stream, name) {
    let figure = panel.querySelector('figure.screen');
    if (!stream) {
      figure?.remove();
      return;
    }
    if (!figure) {
      figure = document.createElement('figure');
      figure.className = 'screen';
      const video = document.createElement('video');
      video.setAttribute('aria-label', `The screen of ${name}`);
      video.autoplay = true;
      video.playsInline = true;
      figure.append(video);
      panel.append(figure);
    }
    const video = figure.querySelector('video');
    if (video) this.#attach(video, stream);
  }

  /**
   * @param {Participant} participant
   * @param {Features} features
   */
  #mark({ channel_name: id }, features) {
    const panel = this.#panel(id);
    if (!panel) return;
    panel.dataset.video = String(features.video !== false);
    panel.dataset.audio = String(features.audio !== false);
    const video = panel.querySelector('figure:not(.screen) video');
    this.#refresh(panel, /** @type {MediaStream | null} */ (/** @type {HTMLVideoElement | null} */ (video)?.srcObject));
  }

  /**
   * There is a picture if there is a track for it and the participant did not switch it off; sound alike.
   * @param {HTMLElement} panel
   * @param {MediaStream | null} stream
   */
  #refresh(panel, stream) {
    const video = panel.dataset.video !== 'false' && (stream?.getVideoTracks().length ?? 0) > 0;
    const audio = panel.dataset.audio !== 'false' && (stream?.getAudioTracks().length ?? 0) > 0;
    panel.classList.toggle('no-video', !video);
    panel.classList.toggle('muted-audio', !audio);
  }

  /**
   * @param {HTMLVideoElement} video
   * @param {MediaStream | null} stream
   */
  #attach(video, stream) {
    if (video.srcObject !== stream) video.srcObject = stream;
    if (stream) this.#play(video);
  }

  /** @param {HTMLVideoElement} video */
  #play(video) {
    video.play().catch((error) => {
      if (error.name === 'NotAllowedError') this.dispatchEvent(new Event('blocked'));
    });
  }

  /** @param {string} id the channel name */
  #panel(id) {
    return findPanel(this.#root, id);
  }
}
