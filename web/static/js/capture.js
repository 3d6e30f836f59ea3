import { summary } from './devices.js';

/**
 * @import {Publisher} from './publisher.js'
 * @import {Device, Devices} from './devices.js'
 * @import {Screen, Shared} from './screen.js'
 * @import {Features} from './protocol.js'
 */

/**
 * @typedef {Record<Device, boolean>} Wanted
 * @typedef {Record<Device | 'screen', boolean>} Barred what may not be sent, because a host wants it so
 * @typedef {object} Parts
 * @property {Pick<Publisher, 'setTrack'>} publisher
 * @property {Pick<Devices, 'open'>} devices
 * @property {Pick<Screen, 'open'>} screen
 */

const DEVICES = /** @type {const} */ (['microphone', 'camera']);
const KINDS = /** @type {const} */ ({ camera: 'video', microphone: 'audio' });

/**
 * What this participant captures, and sends while they are in the call: camera, microphone, a screen.
 *
 * Events: `device` (`{device, track, on}`: what is captured now, or null, and whether it is switched on), `ready` (whether
 * the devices are open, as far as they will be), `sharing` (whether a screen is shared), `features` (what the others are
 * told has changed), `problem` (a sentence, empty when there is none any more).
 */
export class Capture extends EventTarget {
  #publisher;
  #devices;
  #screen;

  #ready = false;
  /** Counts openings of the devices; a late result of an earlier one is put away. */
  #opening = 0;
  /** @type {Wanted} */
  #wanted = { camera: true, microphone: true };
  /** @type {Barred} */
  #barred = { camera: false, microphone: false, screen: false };
  /** @type {Record<Device, MediaStreamTrack | null>} */
  #tracks = { camera: null, microphone: null };
  /** @type {Shared | null} */
  #shared = null;
  /** The person is picking what to share. */
  #picking = false;

  /** @param {Parts} parts */
  constructor({ publisher, devices, screen }) {
    super();
    this.#publisher = publisher;
    this.#devices = devices;
    this.#screen = screen;
  }

  /** The devices are open, as far as they will be. */
  get ready() {
    return this.#ready;
  }

  /** Whether a screen is shared. */
  get sharing() {
    return this.#shared !== null;
  }

  /** @returns {Features} what the others are told */
  get features() {
    return {
      video: this.#tracks.camera !== null,
      audio: this.#tracks.microphone?.enabled ?? false,
      screen: this.#shared !== null,
    };
  }

  /**
   * Opens what is wanted of camera and microphone, and publishes it.
   * @returns {Promise<boolean>} false if it was closed again meanwhile
   */
  async open() {
    const opening = ++this.#opening;
    const wanted = { ...this.#wanted };
    const opened = await this.#devices.open(wanted);
    if (opening !== this.#opening) {
      opened.camera?.stop();
      opened.microphone?.stop();
      return false;
    }
    this.#emit('problem', summary(opened));
    for (const device of DEVICES) {
      if (wanted[device] && !opened[device]) this.#wanted[device] = false;
    }
    // Both at once: what is in use before anything is waited for, close() stops.
    await Promise.all(DEVICES.map((device) => this.#use(device, opened[device])));
    if (opening !== this.#opening) return false;
    this.#setReady(true);
    for (const device of DEVICES) {
      this.#tell(device);
      void this.set(device, this.#wanted[device]); // switched while they were being opened
    }
    return true;
  }

  /** Lets go of everything. */
  close() {
    this.#opening++;
    this.#setReady(false);
    this.#emit('problem', '');
    void this.#useScreen(null);
    for (const device of DEVICES) void this.#use(device, null);
  }

  /**
   * Switches camera or microphone. Before they are open it is a wish.
   * @param {Device} device
   * @param {boolean} on without effect while that is barred
   */
  async set(device, on) {
    if (on && this.#barred[device]) on = false;
    this.#wanted[device] = on;
    const track = this.#tracks[device];
    if (!this.#ready) {
      this.#tell(device);
    } else if (device === 'microphone' && track) {
      track.enabled = on; // it stays open, so that unmuting is instant
      this.#tell(device);
    } else if (on !== Boolean(track)) {
      await (on ? this.#switchOn(device) : this.#use(device, null));
    }
  }

  /** Camera and microphone are off, until the person switches them on. */
  switchOff() {
    for (const device of DEVICES) void this.set(device, false);
  }

  /** Switches off what may not be sent; what may again stays off. @param {Barred} barred */
  bar(barred) {
    this.#barred = { ...barred };
    for (const device of DEVICES) {
      if (barred[device]) void this.set(device, false);
    }
    if (barred.screen) void this.stopSharing();
  }

  /** Lets the person pick a screen, and shares it with its sound. Only in the call, while a click is handled. */
  async share() {
    if (!this.#ready || this.#shared || this.#picking || this.#barred.screen) return;
    this.#picking = true;
    const opening = this.#opening;
    const { shared, problem } = await this.#screen.open();
    this.#picking = false;
    if (opening !== this.#opening || this.#barred.screen) {
      stop(shared); // left meanwhile
      return;
    }
    this.#emit('problem', problem);
    // The browser has a button of its own to end it.
    shared?.video.addEventListener('ended', () => shared === this.#shared && this.#useScreen(null));
    await this.#useScreen(shared);
  }

  async stopSharing() {
    await this.#useScreen(null);
  }

  /** @param {Device} device */
  async #switchOn(device) {
    const opening = this.#opening;
    const opened = await this.#devices.open({ camera: false, microphone: false, [device]: true });
    const track = opened[device];
    // Left, or switched off again, meanwhile.
    if (opening !== this.#opening || !this.#wanted[device] || this.#tracks[device]) {
      track?.stop();
      return;
    }
    this.#emit('problem', opened.problems.map(({ text }) => text).join(' '));
    if (!track) this.#wanted[device] = false;
    await this.#use(device, track);
  }

  /**
   * Captures with this track from now on, and stops the one before.
   * @param {Device} device
   * @param {MediaStreamTrack | null} track
   */
  async #use(device, track) {
    const former = this.#tracks[device];
    if (former !== track) former?.stop();
    this.#tracks[device] = track;
    track?.addEventListener('ended', () => this.#lost(device, track));
    this.#tell(device);
    try {
      await this.#publisher.setTrack(KINDS[device], track);
    } catch (error) {
      console.warn(`the ${device} is not sent`, error); // its connection closed meanwhile
    }
  }

  /**
   * Unplugged, or taken away by the system: `ended` does not follow our own stop().
   * @param {Device} device
   * @param {MediaStreamTrack} track
   */
  #lost(device, track) {
    if (this.#tracks[device] !== track) return;
    this.#wanted[device] = false;
    this.#emit('problem', `The ${device} was disconnected.`);
    void this.#use(device, null);
  }

  /**
   * Shares this from now on, and stops what was shared before.
   * @param {Shared | null} shared
   */
  async #useScreen(shared) {
    if (shared === this.#shared) return;
    stop(this.#shared);
    this.#shared = shared;
    this.#emit('sharing', shared !== null);
    this.#emit('features');
    try {
      await Promise.all([
        this.#publisher.setTrack('screen', shared?.video ?? null),
        this.#publisher.setTrack('screenAudio', shared?.audio ?? null),
      ]);
    } catch (error) {
      console.warn('the screen is not sent', error); // its connection closed meanwhile
    }
  }

  /**
   * Tells the page and the others.
   * @param {Device} device
   */
  #tell(device) {
    const track = this.#tracks[device];
    const on = this.#ready ? (track?.enabled ?? false) : this.#wanted[device];
    this.#emit('device', { device, track, on });
    this.#emit('features');
  }

  /** @param {boolean} ready */
  #setReady(ready) {
    this.#ready = ready;
    this.#emit('ready', ready);
  }

  /**
   * @param {string} type
   * @param {unknown} [detail]
   */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** @param {Shared | null} shared */
function stop(shared) {
  shared?.video.stop();
  shared?.audio?.stop();
}
