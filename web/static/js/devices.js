import { explain, problem } from './problems.js';
import { canBlur, process } from './processing.js';
import { t } from './words.js';

/**
 * The cameras, microphones and speakers that there are.
 *
 * @import {Problem} from './problems.js'
 * @import {Constraints} from './processing.js'
 *
 * @typedef {'camera' | 'microphone'} Device
 * @typedef {Pick<MediaDevices, 'getUserMedia'> & Partial<Pick<MediaDevices, 'enumerateDevices' | 'addEventListener'>>} Source
 * @typedef {{camera: MediaStreamTrack | null, microphone: MediaStreamTrack | null, problems: Problem[]}} Opened
 * @typedef {{id: string, label: string}} Choice a device to choose, by its deviceId
 * @typedef {{cameras: Choice[], microphones: Choice[], speakers: Choice[]}} Choices
 */

/** Where a device is in the list. */
export const LISTS = /** @type {const} */ ({ camera: 'cameras', microphone: 'microphones' });

// Other names that Chromium has for devices that it lists by their own too.
const ALIASES = ['default', 'communications'];

/** Opens devices; the tracks are the caller's to stop. Event: `change` (the list may be another). */
export class Devices extends EventTarget {
  #source;
  #speakers;
  /** @type {Set<Device>} what has been opened: from then on the browser tells the names of its kind */
  #known = new Set();

  /**
   * @param {Source | undefined} source absent on insecure pages (W3C mediacapture-streams, 9.1)
   * @param {object} [options]
   * @param {boolean} [options.speakers] whether sound can be played through one that is chosen
   */
  constructor(source, { speakers = false } = {}) {
    super();
    this.#source = source;
    this.#speakers = speakers;
    source?.addEventListener?.('devicechange', () => this.#changed());
  }

  /**
   * What there is to choose from. Before a device of the kind was opened, browsers tell neither names nor ids, which are
   * '' then, and only one of a kind.
   * @returns {Promise<Choices>}
   */
  async list() {
    const all = await this.#enumerate();
    /** @param {MediaDeviceKind} kind @param {string} name */
    const choices = (kind, name) =>
      all
        .filter((info) => info.kind === kind && !ALIASES.includes(info.deviceId))
        .map(({ deviceId: id, label }, i) => ({ id, label: label || t(`devices.${name}.nth`, { n: i + 1 }) }));
    return {
      cameras: choices('videoinput', 'camera'),
      microphones: choices('audioinput', 'microphone'),
      speakers: this.#speakers ? choices('audiooutput', 'speaker') : [],
    };
  }

  async #enumerate() {
    try {
      return (await this.#source?.enumerateDevices?.()) ?? [];
    } catch {
      return []; // forbidden here
    }
  }

  /**
   * Opens what is wanted, or as much of it as there is. It never rejects.
   * @param {Record<Device, boolean>} wanted
   * @param {Partial<Record<Device, Constraints>>} [constraints] any other device will do if the one asked for is not there
   * @returns {Promise<Opened>}
   */
  async open(wanted, constraints = {}) {
    /** @type {Opened} */
    const opened = { camera: null, microphone: null, problems: [] };
    if (wanted.camera && wanted.microphone && (await this.#openBoth(opened, constraints))) return opened;
    // One of the two stands in the way, or only one is wanted.
    for (const device of /** @type {Device[]} */ (['microphone', 'camera'])) {
      if (!wanted[device]) continue;
      const result = await this.#openOne(device, constraints[device] ?? {});
      if ('reason' in result) opened.problems.push(result);
      else opened[device] = result;
    }
    return opened;
  }

  /**
   * One prompt for both.
   * @param {Opened} opened
   * @param {Partial<Record<Device, Constraints>>} constraints
   * @returns {Promise<boolean>} whether that is all that can be done
   */
  async #openBoth(opened, { camera = {}, microphone = {} }) {
    try {
      const stream = await this.#source?.getUserMedia({ video: camera, audio: microphone });
      if (!stream) return false;
      [opened.camera] = stream.getVideoTracks();
      [opened.microphone] = stream.getAudioTracks();
      await blur(opened.camera, camera);
      this.#got('camera', 'microphone');
      return true;
    } catch (error) {
      const problems = [explain('microphone', error), explain('camera', error)];
      // Who closes the question is not to be asked two more; otherwise the attempts one by one tell which and why.
      if (problems[0].reason !== 'dismissed') return false;
      opened.problems = problems;
      return true;
    }
  }

  /**
   * @param {Device} device
   * @param {Constraints} constraints
   * @returns {Promise<MediaStreamTrack | Problem>}
   */
  async #openOne(device, constraints) {
    if (!this.#source) return problem(device, 'insecure');
    try {
      const stream = await this.#source.getUserMedia({ [device === 'camera' ? 'video' : 'audio']: constraints });
      const [track] = stream.getTracks();
      if (device === 'camera') await blur(track, constraints);
      this.#got(device);
      return track;
    } catch (error) {
      const told = explain(device, error);
      if (told.reason !== 'missing' || !constraints.deviceId) return told;
      const { deviceId: _, ...any } = constraints;
      return this.#openOne(device, any);
    }
  }

  /** @param {Device[]} devices */
  #got(...devices) {
    if (devices.every((device) => this.#known.has(device))) return;
    for (const device of devices) this.#known.add(device);
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}

/**
 * Browsers do not blur from the beginning; nobody is to see the room before.
 * @param {MediaStreamTrack} camera
 * @param {Constraints} constraints
 */
async function blur(camera, constraints) {
  if (constraints.backgroundBlur && canBlur(camera)) await process(camera, constraints);
}
