/**
 * Camera and microphone, and words for what can go wrong with them.
 *
 * @typedef {'camera' | 'microphone'} Device
 * @typedef {'denied' | 'missing' | 'busy' | 'insecure' | 'failed'} Reason
 * @typedef {{device: Device, reason: Reason, text: string}} Problem
 * @typedef {Pick<MediaDevices, 'getUserMedia'>} Source
 * @typedef {{camera: MediaStreamTrack | null, microphone: MediaStreamTrack | null, problems: Problem[]}} Opened
 */

const CAMERA = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
const MICROPHONE = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** @type {Record<string, Reason>} by the name of the DOMException */
const REASONS = {
  NotAllowedError: 'denied',
  SecurityError: 'denied',
  PermissionDeniedError: 'denied',
  NotFoundError: 'missing',
  DevicesNotFoundError: 'missing',
  NotReadableError: 'busy',
  TrackStartError: 'busy',
  AbortError: 'busy',
};

/** @type {Record<Reason, string>} what follows "The camera is" or "Camera and microphone are" */
const TEXTS = {
  denied: 'blocked. Allow this in the browser’s address bar, then switch on here.',
  missing: 'not connected.',
  busy: 'in use by another program, or cannot be started.',
  insecure: 'available on secure pages only: open this one by https.',
  failed: 'not working.',
};

/**
 * @param {Device} device
 * @param {unknown} error what getUserMedia threw
 * @returns {Problem}
 */
export function explain(device, error) {
  const name = String(/** @type {any} */ (error)?.name);
  return problem(device, REASONS[name] ?? 'failed');
}

/**
 * @param {Device} device
 * @param {Reason} reason
 * @returns {Problem}
 */
function problem(device, reason) {
  return { device, reason, text: `The ${device} is ${TEXTS[reason]}` };
}

/**
 * What is wrong, and how the person takes part all the same.
 * @param {Opened} opened
 * @returns {string} empty if nothing is wrong
 */
export function summary({ camera, microphone, problems }) {
  if (problems.length === 0) return '';
  const [first, second] = problems;
  const told =
    first.reason === second?.reason
      ? `Camera and microphone are ${TEXTS[first.reason]}`
      : problems.map(({ text }) => text).join(' ');
  if (camera) return `${told} You take part with your camera only.`;
  if (microphone) return `${told} You take part with your microphone only.`;
  return `${told} You can watch and listen.`;
}

/** Opens devices. The tracks are the caller's to stop. */
export class Devices {
  #source;

  /** @param {Source | undefined} source absent on insecure pages (W3C mediacapture-streams, 9.1) */
  constructor(source) {
    this.#source = source;
  }

  /**
   * Opens what is wanted, or as much of it as there is. It never rejects.
   * @param {{camera: boolean, microphone: boolean}} wanted
   * @returns {Promise<Opened>}
   */
  async open(wanted) {
    if (wanted.camera && wanted.microphone) {
      const tracks = await this.#both();
      if (tracks) return { ...tracks, problems: [] };
    }
    // One of the two stands in the way, or only one is wanted.
    /** @type {Opened} */
    const opened = { camera: null, microphone: null, problems: [] };
    for (const device of /** @type {Device[]} */ (['microphone', 'camera'])) {
      if (!wanted[device]) continue;
      const result = await this.#one(device);
      if ('reason' in result) opened.problems.push(result);
      else opened[device] = result;
    }
    return opened;
  }

  /** One prompt for both. */
  async #both() {
    try {
      const stream = await this.#source?.getUserMedia({ video: CAMERA, audio: MICROPHONE });
      return stream && { camera: stream.getVideoTracks()[0], microphone: stream.getAudioTracks()[0] };
    } catch {
      return undefined; // the attempts one by one tell which and why
    }
  }

  /**
   * @param {Device} device
   * @returns {Promise<MediaStreamTrack | Problem>}
   */
  async #one(device) {
    if (!this.#source) return problem(device, 'insecure');
    try {
      const stream = await this.#source.getUserMedia(device === 'camera' ? { video: CAMERA } : { audio: MICROPHONE });
      return stream.getTracks()[0];
    } catch (error) {
      return explain(device, error);
    }
  }
}
