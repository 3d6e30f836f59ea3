import { pause, Pair } from './diagnostics-proof.js';
import { usedBy } from './diagnostics-path.js';

/**
 * @import {Kind} from './diagnostics-path.js'
 * @import {Parts} from './diagnostics-proof.js'
 *
 * @typedef {{time: number, bytes: number, lost: number}} Sample bytes so far, and the share that was lost lately
 * @typedef {object} Speed
 * @property {number | null} up bit/s that certainly arrive, null where not known
 * @property {number | null} down
 * @property {number | null} available what the browser believes it could send
 * @property {boolean} busy it is this computer that could not do more
 */

/**
 * It is over after so many ms or bytes, or earlier when both ways have come so far: in the first seconds a browser finds
 * out by itself how much it may send.
 */
const LONGEST = 12_000;
const SHORTEST = 5000;
const MOST = 12e6;
const FAST = 2e6; // bit/s

/** A rate is one over so many ms. */
const SPAN = 1000;
const INTERVAL = 250;

/** A loop that comes so many ms late on average runs on a computer that is busy with something else. */
const LATE = 60;

/**
 * A small picture, which finds room at once, and larger ones up to all that a call may want, for which the server tries
 * how much the path carries. bit/s.
 * @type {RTCRtpEncodingParameters[]}
 */
const ENCODINGS = [
  { rid: 's', scaleResolutionDownBy: 4, maxBitrate: 250_000 },
  { rid: 'm', scaleResolutionDownBy: 2, maxBitrate: 1_200_000 },
  { rid: 'l', maxBitrate: 4_000_000 },
];

/**
 * Sends a picture that is hard to compress to the server and back, and sees how fast that gets.
 * @param {Kind} kind the way
 * @param {Parts} parts
 * @param {MediaStream} stream
 * @returns {Promise<Speed>}
 */
export async function measureSpeed(kind, parts, stream) {
  const pair = new Pair(kind, parts, stream, ENCODINGS);
  const begun = performance.now();
  /** @type {Speed} */
  const speed = { up: null, down: null, available: null, busy: false };
  /** @type {{up: Sample[], down: Sample[]}} */
  const samples = { up: [], down: [] };
  /** @type {number[]} ms */
  const late = [];
  try {
    await Promise.race([pair.start(), pause(LONGEST)]);
    while (!isOver(samples, performance.now() - begun)) {
      const before = performance.now();
      await pause(INTERVAL);
      late.push(performance.now() - before - INTERVAL);
      await sample(pair, samples, speed);
    }
    speed.busy ||= late.reduce((sum, ms) => sum + ms, 0) > LATE * late.length;
  } catch (error) {
    console.warn('the speed is not known', error);
  } finally {
    pair.close();
  }
  return { ...speed, up: best(samples.up), down: best(samples.down) };
}

/** @param {{up: Sample[], down: Sample[]}} samples @param {number} elapsed ms */
function isOver({ up, down }, elapsed) {
  if (elapsed > LONGEST || [up, down].some((way) => (way.at(-1)?.bytes ?? 0) > MOST)) return true;
  return elapsed > SHORTEST && [up, down].every((way) => (best(way) ?? 0) > FAST);
}

/**
 * @param {Pair} pair
 * @param {{up: Sample[], down: Sample[]}} samples
 * @param {Speed} speed
 */
async function sample({ sender, receiver }, samples, speed) {
  const [up, down] = await Promise.all(
    [sender, receiver].map(async ({ connection }) => [...((await connection?.getStats()) ?? [])]),
  );
  const time = performance.now();
  if (usedBy(up).kind === '' || usedBy(down).kind === '') return;
  const sent = entriesOf(up, 'outbound-rtp');
  const lost = Math.max(0, ...entriesOf(up, 'remote-inbound-rtp').map(({ fractionLost = 0 }) => fractionLost));
  samples.up.push({ time, bytes: total(sent, 'bytesSent'), lost });
  // All that came, with what the server has only sent to try how much the path carries.
  samples.down.push({ time, bytes: total(entriesOf(down, 'candidate-pair'), 'bytesReceived'), lost: 0 });
  const estimates = entriesOf(up, 'candidate-pair').map(({ availableOutgoingBitrate: rate }) => rate ?? 0);
  speed.available = Math.max(0, ...estimates) || speed.available;
  speed.busy = sent.some(({ qualityLimitationReason: reason }) => reason === 'cpu');
}

/** @param {[string, any][]} report @param {string} type */
function entriesOf(report, type) {
  return report.map(([, entry]) => entry).filter((entry) => entry.type === type);
}

/** @param {any[]} entries @param {string} figure */
function total(entries, figure) {
  return entries.reduce((sum, entry) => sum + (entry[figure] ?? 0), 0);
}

/**
 * The best rate over a second of all.
 * @param {Sample[]} samples
 * @returns {number | null} bit/s, null if there was no second
 */
export function best(samples) {
  let rate = null;
  for (const [i, from] of samples.entries()) {
    const to = samples.find(({ time }, k) => k > i && time - from.time >= SPAN);
    if (!to) break;
    const kept = 1 - Math.max(...samples.slice(i, samples.indexOf(to) + 1).map(({ lost }) => lost));
    rate = Math.max(rate ?? 0, ((to.bytes - from.bytes) * 8 * kept) / ((to.time - from.time) / 1000));
  }
  return rate;
}

/** In Mbit/s, rounded down, since it is said to be that at least: one digit after the point, none from 10 up. @param {number} rate */
export function rateText(rate) {
  const mega = rate / 1e6;
  return mega >= 10 ? String(Math.floor(mega)) : (Math.floor(mega * 10) / 10).toFixed(1);
}
