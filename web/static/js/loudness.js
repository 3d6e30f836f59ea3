/** How loud a microphone is, and what follows from that. Times are in ms, loudness in dB below the loudest there is. */

/** What nobody hears, and what hurts: the ends of a meter. */
const QUIET = -60;
const LOUD = -10;

/** Somebody speaks: above what rooms and keyboards do. */
const SPEECH = -38;

/** Somewhat less than half the smallest step of 16 bits. A microphone that is on makes more noise than that. */
const NOTHING = -100;

/** Speaking so long while muted is meant for others, and who was told knows for a while. */
const MEANT = 400;
const TOLD = 30_000;

/** So long without anything it is not a pause. */
const SILENCE = 5000;

/** Looks may come late, as in a page that is not seen; more than this is not known to have been as it is now. */
const LONGEST = 250;

/**
 * @param {ArrayLike<number>} samples from -1 to 1
 * @returns {number} dB; -Infinity without any sound at all
 */
export function loudnessOf(samples) {
  let sum = 0;
  for (let i = 0; i < samples.length; i++) sum += samples[i] ** 2;
  return samples.length === 0 ? -Infinity : 10 * Math.log10(sum / samples.length);
}

/**
 * For a meter: ears go by dB.
 * @param {number} loudness
 * @returns {number} from 0 to 1
 */
export function levelOf(loudness) {
  return Math.min(Math.max((loudness - QUIET) / (LOUD - QUIET), 0), 1);
}

/** Notices that somebody speaks who is muted. */
export class MutedSpeech {
  /** For how long somebody has been speaking, less the pauses. */
  #spoken = 0;
  #last = -Infinity;
  #told = -Infinity;

  /**
   * @param {number} loudness
   * @param {boolean} muted
   * @param {number} now
   * @returns {boolean} whether to tell them
   */
  hear(loudness, muted, now) {
    const elapsed = Math.min(now - this.#last, LONGEST);
    this.#last = now;
    if (!muted) {
      this.#spoken = 0;
      this.#told = -Infinity;
      return false;
    }
    this.#spoken = loudness >= SPEECH ? this.#spoken + elapsed : Math.max(this.#spoken - elapsed, 0);
    if (this.#spoken < MEANT || now - this.#told < TOLD) return false;
    this.#spoken = 0;
    this.#told = now;
    return true;
  }
}

/** Notices that a microphone which is on gives nothing at all. */
export class Silence {
  /** @type {number | null} */
  #since = null;

  /**
   * @param {number} loudness
   * @param {boolean} muted
   * @param {number} now
   * @returns {boolean} whether that is so
   */
  hear(loudness, muted, now) {
    if (muted || loudness > NOTHING) this.#since = null;
    else this.#since ??= now;
    return this.#since !== null && now - this.#since >= SILENCE;
  }

  /** Another microphone, perhaps: nothing is known of it. */
  reset() {
    this.#since = null;
  }
}
