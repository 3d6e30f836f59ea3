import { LISTS } from './devices.js';
import { isForbidden, lost, sentence, switched } from './problems.js';
import { canBlur, constraintsOf, meets, process } from './processing.js';

/**
 * @import {Device, Devices} from './devices.js'
 * @import {Problem} from './problems.js'
 * @import {Settings} from './settings.js'
 */

/**
 * @typedef {object} Parts
 * @property {Device} device
 * @property {Pick<Devices, 'open' | 'list'>} devices
 * @property {Pick<Settings, 'get'>} settings
 * @property {(track: MediaStreamTrack | null) => Promise<void>} send
 * @property {() => number} now in ms
 */

/** A device that comes back within so many ms was a loose plug; later, nobody is seen or heard all of a sudden. */
const LOOSE = 30_000;

/** What the system took away is asked for every so many ms, until it can be had. */
const RETAKING = 5000;

/**
 * The camera or the microphone that is captured with, between `begin` and `end`: whichever device that is at the time.
 *
 * Events: `change` (what is captured, or whether it is on), `problem` (a sentence, empty when there is none any more).
 */
export class Input extends EventTarget {
  #device;
  #devices;
  #settings;
  #send;
  #now;

  #begun = false;
  #wanted;
  /** @type {MediaStreamTrack | null} */
  #track = null;
  /** @type {Problem | null} */
  #problem = null;
  /** The id of a device that is not there, and is returned to when it is; '' is none. */
  #missing = '';
  #missingSince = 0;
  /** The id of a device that the system took away though it is there, as a telephone does for a call; '' is none. */
  #taken = '';
  /** @type {ReturnType<typeof setTimeout> | undefined} until it is asked for again */
  #retaking;
  /** Counts what was decided on the track; what an earlier opening brings is put away. */
  #decision = 0;
  /** @type {Promise<unknown>} the end of the present opening: some telephones open one camera at a time */
  #opening = Promise.resolve();

  /** @param {Parts} parts */
  constructor({ device, devices, settings, send, now }) {
    super();
    this.#device = device;
    this.#devices = devices;
    this.#settings = settings;
    this.#send = send;
    this.#now = now;
    this.#wanted = settings.get(`${device}On`);
  }

  get track() {
    return this.#track;
  }

  get problem() {
    return this.#problem;
  }

  /** Whether it is to be on. */
  get wanted() {
    return this.#wanted;
  }

  /** Whether it is on; before it is open, whether it will be. */
  get on() {
    return this.#begun ? (this.#track?.enabled ?? false) : this.#wanted;
  }

  /** What is asked of it: the device that was chosen, processed as was chosen. */
  get constraints() {
    return constraintsOf(this.#device, this.#settings);
  }

  get canBlur() {
    return this.#device === 'camera' && canBlur(this.#track);
  }

  /**
   * Captures with what was opened, from now on.
   * @param {boolean} asked whether anything was
   * @param {MediaStreamTrack | null} track
   * @param {Problem | null} problem why there is no track
   */
  async prepare(asked, track, problem) {
    if (asked && !track) this.#wanted = false;
    this.#problem = problem;
    await this.#use(track);
  }

  /** It is open, as far as it will be. */
  begin() {
    this.#begun = true;
    this.#changed();
    void this.set(this.#wanted); // switched meanwhile
  }

  end() {
    this.#begun = false;
    this.#problem = null;
    this.#missing = '';
    this.#giveUp();
    this.#opening = Promise.resolve();
    void this.#use(null);
  }

  /** Switches it on or off. Before it is open that is a wish. @param {boolean} on */
  async set(on) {
    this.#wanted = on;
    this.#giveUp();
    if (!this.#begun) {
      this.#changed();
    } else if (this.#device === 'microphone' && this.#track) {
      this.#track.enabled = on; // it stays open, so that unmuting is instant
      this.#changed();
    } else if (!on) {
      this.#decision++; // it may be on its way
      if (this.#track) await this.#use(null);
    } else if (!this.#track) {
      await this.#open(this.#settings.get(this.#device));
    }
  }

  /** Captures with the device that was chosen, as soon as it is open, if it captures at all. */
  async choose() {
    this.#missing = '';
    this.#giveUp();
    const id = this.#settings.get(this.#device);
    if (!this.#begun || !(this.#track || this.#wanted) || (this.#track && id === idOf(this.#track))) return;
    await this.#open(id);
  }

  /** Has sound or picture be processed as was chosen: by the track, or another one, or one that has the device alone. */
  async process() {
    const track = this.#track;
    if (!track || (await process(track, this.constraints)) || !this.#begun || track !== this.#track) return;
    const done = await this.#open(idOf(track));
    const present = this.#track;
    // Chromium cancels no echo of a device that is open already without.
    if (!done || !present || meets(present, this.constraints)) return;
    void this.#use(null);
    await this.#open(idOf(present));
  }

  /** Other devices are there than before. */
  async look() {
    if (!this.#begun || !this.#missing) return;
    if (!(await this.#present()).some(({ id }) => id === this.#missing) || !this.#begun) return;
    const loose = this.#wanted && this.#now() - this.#missingSince < LOOSE;
    if (this.#track || loose) await this.#open(this.#missing);
  }

  /** The person is back at the page, or the page awake: what the system took away may be had again. */
  async wake() {
    const track = this.#track;
    if (this.#taken) await this.#retake();
    // A telephone may leave a track mute for good after a call.
    else if (this.#begun && track?.muted && track.readyState === 'live') await this.#open(idOf(track));
  }

  /** Opens what was taken away, or tries again later. */
  async #retake() {
    const id = this.#taken;
    clearTimeout(this.#retaking);
    if (!(await this.#open(id)) || this.#taken !== id) return;
    const present = this.#track ? [] : await this.#present();
    if (this.#taken !== id) return;
    if (this.#track || isForbidden(this.#problem)) {
      this.#giveUp();
    } else if (present.some((choice) => choice.id === id)) {
      this.#wanted = true;
      this.#retaking = setTimeout(() => this.#retake(), RETAKING);
    } else {
      this.#giveUp();
      await this.#replace(id, present.length > 0);
    }
  }

  #giveUp() {
    clearTimeout(this.#retaking);
    this.#taken = '';
  }

  /** What is there of this kind. */
  async #present() {
    return (await this.#devices.list())[LISTS[this.#device]];
  }

  /**
   * Opens a device and captures with it; until then, and if that fails, with the one before.
   * @param {string} id '' is any
   * @param {(track: MediaStreamTrack) => string} [told] what the person is told when it is done
   * @returns {Promise<boolean>} false if something else was decided meanwhile
   */
  #open(id, told = () => '') {
    const decision = ++this.#decision;
    const open = async () => {
      if (decision !== this.#decision) return false;
      const { track, problem } = await this.#ask(id, decision);
      if (decision !== this.#decision) {
        track?.stop();
        return false;
      }
      this.#problem = problem;
      this.#tell(track && !problem ? told(track) : sentence(problem));
      const staying = !track && this.#track && this.#track.readyState !== 'ended';
      if (!track && !staying) this.#wanted = false;
      if (staying) this.#changed();
      else await this.#use(track);
      return true;
    };
    const opening = this.#opening.then(open);
    this.#opening = opening;
    return opening;
  }

  /**
   * @param {string} id
   * @param {number} decision
   * @returns {Promise<{track: MediaStreamTrack | null, problem: Problem | null}>} both, if only the one before was to be had
   */
  async #ask(id, decision) {
    const opened = await this.#one(id);
    const former = this.#track;
    if (opened.track || !former || decision !== this.#decision) return opened;
    const { problem } = opened;
    if (problem?.reason === 'busy') {
      former.stop(); // it may stand in the way
      const again = await this.#one(id);
      if (again.track || decision !== this.#decision) return again;
    }
    if (former.readyState !== 'ended' || isForbidden(problem)) return opened;
    return { ...(await this.#one(idOf(former))), problem };
  }

  /** @param {string} id */
  async #one(id) {
    const wanted = { camera: false, microphone: false, [this.#device]: true };
    const constraints = { [this.#device]: constraintsOf(this.#device, this.#settings, id) };
    const opened = await this.#devices.open(wanted, constraints);
    return { track: opened[this.#device], problem: opened.problems[0] ?? null };
  }

  /**
   * Captures with this track from now on, and stops the one before.
   * @param {MediaStreamTrack | null} track
   */
  async #use(track) {
    this.#decision++;
    this.#track?.stop();
    this.#track = track;
    if (track) {
      track.enabled = this.#wanted || this.#device === 'camera';
      track.addEventListener('ended', () => this.#lose(track));
      this.#note(idOf(track));
    }
    this.#changed();
    await this.#send(track);
  }

  /** Notes which device is missed while this one is in use. @param {string} id */
  #note(id) {
    const chosen = this.#settings.get(this.#device);
    if (chosen) this.#missing = id === chosen ? '' : chosen;
    else if (id === this.#missing) this.#missing = '';
  }

  /**
   * Unplugged, or taken away by the system: `ended` does not follow our own stop().
   * @param {MediaStreamTrack} track
   */
  async #lose(track) {
    if (this.#track !== track) return;
    const id = idOf(track);
    const present = await this.#present();
    if (this.#track !== track) return;
    if (present.some((choice) => choice.id === id)) {
      this.#taken = id;
      await this.#retake();
      return;
    }
    await this.#replace(id, present.length > 0);
  }

  /**
   * A device is gone: it is returned to when it comes back.
   * @param {string} id
   * @param {boolean} others whether there is another
   */
  async #replace(id, others) {
    this.#missing ||= this.#settings.get(this.#device) || id;
    if (others) {
      await this.#open('', ({ label }) => switched(this.#device, label));
      return;
    }
    this.#missingSince = this.#now();
    this.#problem = lost(this.#device);
    this.#tell(sentence(this.#problem));
    await this.#use(null);
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }

  /** @param {string} text */
  #tell(text) {
    this.dispatchEvent(new CustomEvent('problem', { detail: text }));
  }
}

/** @param {MediaStreamTrack} track */
function idOf(track) {
  return track.getSettings().deviceId ?? '';
}
