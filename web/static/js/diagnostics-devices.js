import { loudnessOf } from './loudness.js';
import { deniedBySystem, explain } from './problems.js';
import { t } from './words.js';

/**
 * @import {Device} from './devices.js'
 * @import {Severity} from './diagnostics-verdict.js'
 *
 * @typedef {object} Found
 * @property {Severity} state
 * @property {string} reason '' when good; of the browser's (`denied`, `missing`, …), or `black`, `frozen`, `silent`,
 *   `unheard` (it is open, and the browser cannot listen to it)
 * @property {string} text what to say of it, where the browser has refused; else empty
 * @property {Record<string, string | number>} values
 *
 * @typedef {{width: number, height: number, light: Uint8ClampedArray}} Frame light: that of a few points, 0 to 255
 * @typedef {object} Eye looks at a camera
 * @property {(track: MediaStreamTrack) => AsyncIterable<Frame>} watch
 * @typedef {object} Ear
 * @property {(track: MediaStreamTrack) => AsyncIterable<Float32Array>} listen
 */

/** What a camera shows in the dark, with a lid on: 16 is black in video. */
const DARK = 22;

/** So many ms it may take until something moves, or is heard. A microphone that is on makes some noise. */
const PATIENCE = 5000;
const ENOUGH = 1200;
const NOTHING = -100;

/**
 * Whether pictures arrive, and show something that moves: a sensor makes noise.
 * @param {Frame[]} frames
 * @returns {'' | 'nothing' | 'black' | 'frozen'} '' is good
 */
export function judgeFrames(frames) {
  if (frames.length < 2) return 'nothing';
  if (frames.every(({ light }) => light.every((value) => value <= DARK))) return 'black';
  const [first, ...others] = frames;
  const same = others.every(({ light }) => light.every((value, i) => value === first.light[i]));
  return same ? 'frozen' : '';
}

/**
 * @param {Pick<MediaDevices, 'getUserMedia'>} media
 * @param {Eye} eye
 * @returns {Promise<Found>}
 */
export function checkCamera(media, eye) {
  return opened(media, 'camera', async (track) => {
    /** @type {Frame[]} */
    const frames = [];
    const begun = performance.now();
    for await (const frame of eye.watch(track)) {
      if (frame.light.length > 0) frames.push(frame);
      const elapsed = performance.now() - begun;
      if (elapsed > PATIENCE || (elapsed > ENOUGH && judgeFrames(frames) === '')) break;
    }
    const reason = judgeFrames(frames);
    const { width = 0, height = 0 } = frames.at(-1) ?? {};
    return { state: reason === '' ? 'good' : 'warning', reason, text: '', values: { width, height } };
  });
}

/**
 * @param {Pick<MediaDevices, 'getUserMedia'>} media
 * @param {Ear} ear
 * @param {(loudness: number) => void} tell
 * @returns {Promise<Found>}
 */
export function checkMicrophone(media, ear, tell) {
  return opened(media, 'microphone', async (track) => {
    const begun = performance.now();
    let [loudest, heard] = [-Infinity, false];
    for await (const samples of ear.listen(track)) {
      heard ||= samples.length > 0;
      const loudness = loudnessOf(samples);
      loudest = Math.max(loudest, loudness);
      tell(loudness);
      const elapsed = performance.now() - begun;
      if (elapsed > PATIENCE || (elapsed > 2 * ENOUGH && loudest > NOTHING)) break;
    }
    const reason = !heard ? 'unheard' : loudest <= NOTHING ? 'silent' : '';
    return { state: reason === 'silent' ? 'warning' : 'good', reason, text: '', values: {} };
  });
}

/**
 * Opens a device for a look, and closes it again.
 * @param {Pick<MediaDevices, 'getUserMedia'>} media
 * @param {Device} device
 * @param {(track: MediaStreamTrack) => Promise<Found>} look
 * @returns {Promise<Found>}
 */
async function opened(media, device, look) {
  /** @type {MediaStream} */
  let stream;
  try {
    stream = await media.getUserMedia(device === 'camera' ? { video: true } : { audio: true });
  } catch (error) {
    const { reason, text } = explain(device, error);
    const help = t(`diagnostics.help.${deniedBySystem(error) ? 'system' : reason}`);
    return { state: 'failed', reason, text: `${text} ${help}`, values: {} };
  }
  try {
    return await look(stream.getTracks()[0]);
  } finally {
    for (const track of stream.getTracks()) track.stop();
  }
}
