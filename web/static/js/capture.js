import { Input } from './input.js';
import { summary } from './problems.js';
import { CHOICES } from './processing.js';

/**
 * @import {Publisher} from './publisher.js'
 * @import {Device, Devices} from './devices.js'
 * @import {Problem} from './problems.js'
 * @import {Screen, Shared} from './screen.js'
 * @import {Settings} from './settings.js'
 * @import {Features} from './protocol.js'
 */

/**
 * @typedef {Record<Device | 'screen', boolean>} Barred what may not be sent, because a host wants it so
 * @typedef {object} Parts
 * @property {Pick<Publisher, 'setTrack' | 'setQuality'>} publisher
 * @property {Pick<Devices, 'open' | 'list' | 'addEventListener'>} devices
 * @property {Pick<Screen, 'open'>} screen
 * @property {Pick<Settings, 'get' | 'set' | 'addEventListener'>} settings
 * @property {() => number} [now] in ms
 */

const DEVICES = /** @type {const} */ (['microphone', 'camera']);
const KINDS = /** @type {const} */ ({ camera: 'video', microphone: 'audio' });

/**
 * What this participant captures, before the call to look at, and sends while they are in it: camera, microphone, a screen.
 *
 * Events: `device` (`{device, track, on}`: what is captured now, or null, and whether it is switched on), `ready` (whether
 * the devices are open, as far as they will be), `sharing` (whether a screen is shared), `features` (what the others are
 * told has changed), `problem` (a sentence, empty when there is none any more), `problems` (`Problem[]`: what is wrong with
 * the devices at present), `capabilities` (what the camera can do has changed).
 */
export class Capture extends EventTarget {
  #publisher;
  #devices;
  #screen;
  #settings;
  /** @type {Record<Device, Input>} */
  #inputs;

  #ready = false;
  /** @type {Promise<boolean> | null} that the devices are open, from then on until they are closed */
  #opened = null;
  /** Counts openings of the devices; a late result of an earlier one is put away. */
  #opening = 0;
  /** @type {Barred} */
  #barred = { camera: false, microphone: false, screen: false };
  /** @type {Shared | null} */
  #shared = null;
  /** The person is picking what to share. */
  #picking = false;
  /** @type {Problem[]} as told */
  #problems = [];
  /** As told. */
  #canBlur = false;
  /** Unmuted only as long as a key is held. */
  #talking = false;

  /** @param {Parts} parts */
  constructor({ publisher, devices, screen, settings, now = () => performance.now() }) {
    super();
    this.#publisher = publisher;
    this.#devices = devices;
    this.#screen = screen;
    this.#settings = settings;
    /** @param {Device} device */
    const input = (device) => {
      /** @param {MediaStreamTrack | null} track */
      const send = (track) => this.#send(KINDS[device], track);
      const made = new Input({ device, devices, settings, send, now });
      made.addEventListener('change', () => this.#tell(device));
      made.addEventListener('problem', (event) => this.#emit('problem', /** @type {CustomEvent} */ (event).detail));
      devices.addEventListener('change', () => made.look());
      return made;
    };
    this.#inputs = { camera: input('camera'), microphone: input('microphone') };
    settings.addEventListener('change', (event) => this.#follow(/** @type {CustomEvent} */ (event).detail.name));
    publisher.setQuality(settings.get('sendQuality'));
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
    const { camera, microphone } = this.#inputs;
    return {
      video: camera.track !== null,
      audio: microphone.track?.enabled ?? false,
      screen: this.#shared !== null,
    };
  }

  /** Whether the camera in use can blur what is behind the person. */
  get canBlur() {
    return this.#canBlur;
  }

  /** What is wrong with the devices at present. */
  get problems() {
    return this.#problems;
  }

  /** What is captured with it, if anything. @param {Device} device */
  track(device) {
    return this.#inputs[device].track;
  }

  /** Whether it is on; before it is open, whether it will be. @param {Device} device */
  isOn(device) {
    return this.#inputs[device].on;
  }

  /**
   * Opens what is wanted of camera and microphone, and publishes it. Once they are open, or being opened, it has nothing
   * to do.
   * @returns {Promise<boolean>} false if it was closed again meanwhile
   */
  open() {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  async #open() {
    const opening = ++this.#opening;
    const { camera, microphone } = this.#inputs;
    const wanted = { camera: camera.wanted, microphone: microphone.wanted };
    const constraints = { camera: camera.constraints, microphone: microphone.constraints };
    const opened = await this.#devices.open(wanted, constraints);
    if (opening !== this.#opening) {
      opened.camera?.stop();
      opened.microphone?.stop();
      return false;
    }
    this.#emit('problem', summary(opened));
    // Both at once: what is in use before anything is waited for, close() stops.
    await Promise.all(
      DEVICES.map((device) => {
        const problem = opened.problems.find((one) => one.device === device) ?? null;
        return this.#inputs[device].prepare(wanted[device], opened[device], problem);
      }),
    );
    if (opening !== this.#opening) return false;
    this.#setReady(true);
    for (const device of DEVICES) this.#inputs[device].begin();
    return true;
  }

  /** Lets go of everything. */
  close() {
    this.#opening++;
    this.#opened = null;
    this.#setReady(false);
    this.#emit('problem', '');
    void this.#useScreen(null);
    for (const device of DEVICES) this.#inputs[device].end();
  }

  /**
   * Switches camera or microphone as the person asks, which is remembered. Before they are open it is a wish.
   * @param {Device} device
   * @param {boolean} on without effect while that is barred
   */
  async set(device, on) {
    if (on && this.#barred[device]) return;
    this.#settings.set(`${device}On`, on);
    await this.#inputs[device].set(on);
  }

  /**
   * Captures with another device, from now on and the next time; with the former until the other is open, and if that fails.
   * @param {Device} device
   * @param {string} id its deviceId, '' is the browser's choice
   */
  async choose(device, id) {
    this.#settings.set(device, id);
    await this.#opened;
    await this.#inputs[device].choose();
  }

  /** Speaks while a key is held, with the microphone that is muted otherwise. @param {boolean} on */
  talk(on) {
    if (on === this.#talking || (on && (this.#barred.microphone || this.#inputs.microphone.on))) return;
    this.#talking = on;
    void this.#inputs.microphone.set(on);
  }

  /** The person is back at the page, or the page awake. */
  wake() {
    for (const device of DEVICES) void this.#inputs[device].wake();
  }

  /** Camera and microphone are off, until the person switches them on. */
  switchOff() {
    for (const device of DEVICES) void this.#inputs[device].set(false);
  }

  /** Switches off what may not be sent; what may again stays off. @param {Barred} barred */
  bar(barred) {
    this.#barred = { ...barred };
    for (const device of DEVICES) {
      if (barred[device]) void this.#inputs[device].set(false);
    }
    if (barred.screen) void this.stopSharing();
  }

  /** Lets the person pick a screen, and shares it with its sound. Only while a click is handled. */
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

  /** A choice was made, on how pictures or sound are processed perhaps. @param {string} choice */
  #follow(choice) {
    if (choice === 'sendQuality') this.#publisher.setQuality(this.#settings.get(choice));
    for (const device of DEVICES) {
      if (CHOICES[device].some((name) => name === choice)) void this.#inputs[device].process();
    }
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
    await Promise.all([this.#send('screen', shared?.video ?? null), this.#send('screenAudio', shared?.audio ?? null)]);
  }

  /**
   * @param {'audio' | 'video' | 'screen' | 'screenAudio'} source
   * @param {MediaStreamTrack | null} track
   */
  async #send(source, track) {
    try {
      await this.#publisher.setTrack(source, track);
    } catch (error) {
      console.warn(`${source} is not sent`, error); // its connection closed meanwhile
    }
  }

  /**
   * Tells the page and the others.
   * @param {Device} device
   */
  #tell(device) {
    const { track, on } = this.#inputs[device];
    this.#emit('device', { device, track, on });
    this.#emit('features');
    const problems = DEVICES.flatMap((each) => this.#inputs[each].problem ?? []);
    if (problems.some((problem, i) => problem !== this.#problems[i]) || problems.length !== this.#problems.length) {
      this.#problems = problems;
      this.#emit('problems', problems);
    }
    const canBlur = this.#inputs.camera.canBlur;
    if (canBlur === this.#canBlur) return;
    this.#canBlur = canBlur;
    this.#emit('capabilities');
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
