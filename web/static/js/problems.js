import { t } from './words.js';

/**
 * Words for what can go wrong with camera and microphone, and how to go on.
 *
 * @import {Device} from './devices.js'
 *
 * @typedef {'denied' | 'dismissed' | 'missing' | 'busy' | 'insecure' | 'failed'} Reason
 * @typedef {{device: Device, reason: Reason, text: string, help: string}} Problem what is wrong, and a way on
 */

/** @type {Record<string, Reason>} by the name of the DOMException */
const REASONS = {
  NotAllowedError: 'denied',
  SecurityError: 'denied',
  PermissionDeniedError: 'denied',
  NotFoundError: 'missing',
  DevicesNotFoundError: 'missing',
  OverconstrainedError: 'missing',
  NotReadableError: 'busy',
  TrackStartError: 'busy',
  AbortError: 'busy',
};

/**
 * @param {Device} device
 * @param {unknown} error what getUserMedia threw
 * @returns {Problem}
 */
export function explain(device, error) {
  const { name = '', message = '' } = /** @type {{name?: string, message?: string}} */ (error ?? {});
  const reason = REASONS[name] ?? 'failed';
  if (reason !== 'denied') return problem(device, reason);
  if (/dismissed/i.test(message)) return problem(device, 'dismissed'); // Chromium tells it by that only
  return problem(device, reason, deniedBySystem(error) ? 'system' : reason);
}

/** Whether it is not the person but the system that forbids it. Chromium tells it by the message only. @param {any} error */
export function deniedBySystem(error) {
  return /by system/i.test(error?.message ?? '');
}

/**
 * @param {Device} device
 * @param {Reason} reason
 * @param {string} [help] which of the ways on
 * @returns {Problem}
 */
export function problem(device, reason, help = reason) {
  return { device, reason, text: t(`devices.${device}.${reason}`), help: t(`devices.help.${help}`) };
}

/** It was unplugged, and there is no other. @param {Device} device @returns {Problem} */
export function lost(device) {
  return { device, reason: 'missing', text: t(`devices.${device}.lost`), help: t('devices.help.lost') };
}

/** It was unplugged, and this one is used instead. @param {Device} device @param {string} label */
export function switched(device, label) {
  return t(`devices.${device}.switched`, { label });
}

/** One problem in one sentence or two. @param {Problem | null} problem */
export function sentence(problem) {
  return problem ? `${problem.text} ${problem.help}` : '';
}

/** Whether it is no use to ask for another device of the kind. @param {Problem | null} problem */
export function isForbidden(problem) {
  return problem?.reason === 'denied' || problem?.reason === 'dismissed';
}

/**
 * What is wrong, and how the person takes part all the same.
 * @param {{camera: MediaStreamTrack | null, microphone: MediaStreamTrack | null, problems: Problem[]}} opened
 * @returns {string} empty if nothing is wrong
 */
export function summary({ camera, microphone, problems }) {
  if (problems.length === 0) return '';
  const part = t(`devices.with.${camera ? 'camera' : microphone ? 'microphone' : 'nothing'}`);
  const [first, second] = problems;
  if (second && first.reason !== second.reason) return `${first.text} ${second.text} ${part}`;
  const text = second ? t(`devices.both.${first.reason}`) : first.text;
  return `${text} ${part} ${first.help}`;
}
