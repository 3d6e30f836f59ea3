/**
 * What is asked of camera and microphone: a size, and what the browser does to sound and picture.
 *
 * @import {Device} from './devices.js'
 * @import {Settings} from './settings.js'
 *
 * @typedef {MediaTrackConstraints & {backgroundBlur?: boolean}} Constraints
 */

const CAMERA = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };

/** The choices that a device goes by, as they are called in the settings. */
export const CHOICES = /** @type {const} */ ({
  camera: ['blur'],
  microphone: ['echoCancellation', 'noiseSuppression', 'autoGainControl'],
});

/**
 * @param {Device} device
 * @param {Pick<Settings, 'get'>} settings
 * @param {string} [id] the one to open, '' for any
 * @returns {Constraints}
 */
export function constraintsOf(device, settings, id = settings.get(device)) {
  /** @type {Constraints} */
  const constraints = id ? { deviceId: { exact: id } } : {};
  if (device === 'camera') return { ...constraints, ...CAMERA, backgroundBlur: settings.get('blur') };
  for (const choice of CHOICES.microphone) constraints[choice] = settings.get(choice);
  return constraints;
}

/** Whether this camera can blur what is behind the person, on and off. @param {MediaStreamTrack | null} track */
export function canBlur(track) {
  const { backgroundBlur = [] } = /** @type {{backgroundBlur?: boolean[]}} */ (track?.getCapabilities?.() ?? {});
  return backgroundBlur.includes(true);
}

/**
 * Has a track that is captured already meet other constraints, but for those on which device it is.
 * @param {MediaStreamTrack} track
 * @param {Constraints} constraints
 * @returns {Promise<boolean>} whether it does
 */
export async function process(track, constraints) {
  const { deviceId: _, ...wanted } = constraints;
  try {
    await track.applyConstraints(wanted);
  } catch {
    return false;
  }
  return meets(track, constraints);
}

/**
 * Whether a track is processed as is wanted: wishes that do not come true are no error.
 * @param {MediaStreamTrack} track
 * @param {Constraints} constraints
 */
export function meets(track, constraints) {
  const settings = /** @type {Record<string, unknown>} */ (track.getSettings());
  return Object.entries(constraints).every(
    ([name, value]) => typeof value !== 'boolean' || !(name in settings) || settings[name] === value,
  );
}
