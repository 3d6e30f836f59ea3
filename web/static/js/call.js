import { summary } from './devices.js';

/**
 * @import {Mux} from './mux.js'
 * @import {Negotiation} from './negotiation.js'
 * @import {Publisher} from './publisher.js'
 * @import {Room} from './room.js'
 * @import {Device, Devices} from './devices.js'
 * @import {Screen, Shared} from './screen.js'
 * @import {ConnectEvent, ConfigEvent, OthersEvent, OtherEvent, DisconnectedEvent, SignalEvent} from './protocol.js'
 */

/**
 * @typedef {Record<Device, boolean>} Wanted
 * @typedef {object} Parts
 * @property {string} name the room's
 * @property {Mux} mux
 * @property {Room} room
 * @property {Negotiation} negotiation
 * @property {Publisher} publisher
 * @property {Devices} devices
 * @property {Screen} screen
 */

const DEVICES = /** @type {const} */ (['microphone', 'camera']);
const KINDS = /** @type {const} */ ({ camera: 'video', microphone: 'audio' });

/**
 * Being in the call or not: the `rtc` app's events on one side, the person's wishes on the other.
 *
 * Events: `active` (the detail says whether one is in the call, or on the way), `device` (`{device, track, on}`: what is
 * captured now, or null, and whether it is switched on), `ready` (whether one can share a screen: the devices are open),
 * `sharing` (whether one is shared), `problem` (a sentence, empty when there is none any more).
 */
export class Call extends EventTarget {
  #name;
  #mux;
  #room;
  #negotiation;
  #publisher;
  #devices;
  #screen;

  /** The server knows this socket: its `connect` came. */
  #connected = false;
  /** The person wants to be in the call. */
  #active = false;
  /** The devices are open, as far as they will be: one may join. */
  #ready = false;
  /** `others` came: the server's peer is there. */
  #joined = false;
  /** Counts openings of the devices; a late result of an earlier one is put away. */
  #opening = 0;
  /** @type {Wanted} */
  #wanted = { camera: true, microphone: true };
  /** @type {Record<Device, MediaStreamTrack | null>} */
  #tracks = { camera: null, microphone: null };
  /** @type {Shared | null} */
  #shared = null;
  /** The person is picking what to share. */
  #picking = false;

  /** @param {Parts} parts */
  constructor({ name, mux, room, negotiation, publisher, devices, screen }) {
    super();
    this.#name = name;
    this.#mux = mux;
    this.#room = room;
    this.#negotiation = negotiation;
    this.#publisher = publisher;
    this.#devices = devices;
    this.#screen = screen;
    mux.addEventListener('closed', () => (this.#connected = false));
    mux.apps.add('rtc', 'connect', (event) => this.#onConnect(event));
    mux.apps.add('rtc', 'config', (event) => this.#onConfig(event));
    mux.apps.add('rtc', 'others', (event) => this.#onOthers(event));
    mux.apps.add('rtc', 'other', (event) => this.#onOther(event));
    mux.apps.add('rtc', 'disconnected', (event) => this.#onDisconnected(event));
    mux.apps.add('rtc', 'signal', (event) => this.#onSignal(event));
    mux.apps.add('rtc', 'layers', (event) => publisher.setLayers(event));
    mux.apps.add('error', 'bad_room', () => this.leave());
    negotiation.addEventListener('track', (event) => {
      const { track, stream } = /** @type {CustomEvent} */ (event).detail;
      room.addTrack(track, stream);
    });
    negotiation.addEventListener('removetrack', (event) => {
      const { track, stream } = /** @type {CustomEvent} */ (event).detail;
      room.removeTrack(track, stream);
    });
    negotiation.addEventListener('gone', () => {
      publisher.detach();
      room.clearTracks();
    });
    negotiation.addEventListener('features', (event) => {
      const { channel_name: id, features } = /** @type {CustomEvent} */ (event).detail ?? {};
      if (typeof id === 'string' && features && typeof features === 'object') room.setFeatures(id, features);
    });
  }

  /** Whether one is in the call, or on the way into it. */
  get active() {
    return this.#active;
  }

  /** Opens what is wanted of camera and microphone, then joins. */
  async join() {
    if (this.#active) return;
    this.#setActive(true);
    await this.#open();
  }

  leave() {
    if (!this.#active) return;
    this.#setActive(false);
    this.#mux.send({ hangup: true });
    this.#end();
  }

  /** The page is being put away; it may come back. */
  suspend() {
    this.#end();
  }

  /** The page is back. */
  async resume() {
    if (this.#active) await this.#open();
  }

  /**
   * Switches camera or microphone. Before joining it is a wish.
   * @param {Device} device
   * @param {boolean} on
   */
  async set(device, on) {
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

  /** Whether a screen is shared. */
  get sharing() {
    return this.#shared !== null;
  }

  /** Lets the person pick a screen, and shares it with its sound. Only in the call, while a click is handled. */
  async share() {
    if (!this.#ready || this.#shared || this.#picking) return;
    this.#picking = true;
    const opening = this.#opening;
    const { shared, problem } = await this.#screen.open();
    this.#picking = false;
    if (opening !== this.#opening) {
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

  /** @param {ConnectEvent} event */
  #onConnect({ rtc_config: configuration }) {
    this.#connected = true;
    this.#negotiation.stop(); // whatever was, was the former socket's
    this.#joined = false;
    this.#room.reset([]);
    this.#negotiation.configure(configuration);
    this.#sendJoin();
  }

  /** @param {ConfigEvent} event */
  #onConfig({ rtc_config: configuration }) {
    this.#negotiation.configure(configuration);
  }

  /** @param {OthersEvent} event */
  #onOthers({ ids }) {
    if (!this.#active || !this.#ready) {
      this.#room.reset([]); // we have hung up meanwhile; so much for the panels that came with it
      return;
    }
    if (this.#joined) {
      for (const participant of ids) this.#room.add(participant);
      return;
    }
    this.#joined = true;
    this.#room.reset(ids);
    this.#negotiation.start();
  }

  /** @param {OtherEvent} event */
  #onOther({ channel_name, user_name, short_name }) {
    if (this.#joined) this.#room.add({ channel_name, user_name, short_name });
    else this.#room.reset([]); // a panel that crossed our hang-up
  }

  /** @param {DisconnectedEvent} event */
  #onDisconnected({ channel_name: id }) {
    this.#room.remove(id);
  }

  /** @param {SignalEvent} event */
  #onSignal(event) {
    if (this.#joined) this.#negotiation.receive(event);
  }

  #sendJoin() {
    if (this.#active && this.#ready && this.#connected) this.#mux.send({ join: this.#name });
  }

  /** Opens the devices that are wanted, publishes them, and joins. */
  async #open() {
    const opening = ++this.#opening;
    const wanted = { ...this.#wanted };
    const opened = await this.#devices.open(wanted);
    if (opening !== this.#opening) {
      opened.camera?.stop();
      opened.microphone?.stop();
      return;
    }
    this.#emit('problem', summary(opened));
    for (const device of DEVICES) {
      if (wanted[device] && !opened[device]) this.#wanted[device] = false;
      await this.#use(device, opened[device]);
    }
    this.#setReady(true);
    for (const device of DEVICES) this.#tell(device);
    this.#sendJoin();
    // Switched while they were being opened.
    for (const device of DEVICES) await this.set(device, this.#wanted[device]);
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
    this.#tellFeatures();
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
    this.#tellFeatures();
  }

  #tellFeatures() {
    this.#negotiation.setFeatures({
      video: this.#tracks.camera !== null,
      audio: this.#tracks.microphone?.enabled ?? false,
      screen: this.#shared !== null,
    });
  }

  #end() {
    this.#opening++;
    this.#setReady(false);
    this.#joined = false;
    this.#negotiation.stop();
    this.#room.reset([]);
    this.#emit('problem', '');
    void this.#useScreen(null);
    for (const device of DEVICES) void this.#use(device, null);
  }

  /** @param {boolean} ready */
  #setReady(ready) {
    this.#ready = ready;
    this.#emit('ready', ready);
  }

  /** @param {boolean} active */
  #setActive(active) {
    this.#active = active;
    this.#emit('active', active);
  }

  /**
   * @param {string} type
   * @param {unknown} detail
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
