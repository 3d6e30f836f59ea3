/**
 * Two notes to find out whether a speaker works, and which it is.
 *
 * @typedef {Pick<HTMLAudioElement, 'srcObject' | 'play'> & Partial<Pick<HTMLAudioElement, 'setSinkId'>>} Player
 */

/** Hz, and when each begins and ends in seconds: a fourth upwards, which sounds like a question. */
const NOTES = [
  { frequency: 523.25, from: 0.05, to: 0.5 },
  { frequency: 698.46, from: 0.35, to: 1.1 },
];

const VOLUME = 0.25;

export class TestTone {
  #open;
  #player;
  /** @type {Promise<boolean> | null} */
  #playing = null;

  /**
   * @param {() => AudioContext} open
   * @param {Player} player the element to play it with, as only elements can be sent to a speaker everywhere
   */
  constructor(open, player) {
    this.#open = open;
    this.#player = player;
  }

  /**
   * Plays it, while a click is handled. While it plays there is no other.
   * @param {string} [speaker] deviceId, '' is the browser's choice
   * @returns {Promise<boolean>} when it is over; false if it cannot be played there
   */
  play(speaker = '') {
    this.#playing ??= this.#play(speaker)
      .then(() => true)
      .catch(() => false) // the speaker is gone, or the browser wants a click
      .finally(() => (this.#playing = null));
    return this.#playing;
  }

  /** @param {string} speaker */
  async #play(speaker) {
    const context = this.#open();
    try {
      const output = context.createMediaStreamDestination();
      this.#player.srcObject = output.stream;
      await Promise.all([context.resume(), this.#player.setSinkId?.(speaker)]);
      await this.#player.play();
      await sound(context, output);
    } finally {
      this.#player.srcObject = null;
      void context.close();
    }
  }
}

/**
 * @param {AudioContext} context
 * @param {AudioNode} output
 * @returns {Promise<void>} when the last note is over
 */
function sound(context, output) {
  const begin = context.currentTime;
  return new Promise((resolve) => {
    for (const [i, { frequency, from, to }] of NOTES.entries()) {
      const note = context.createOscillator();
      const gain = context.createGain();
      note.frequency.value = frequency;
      // It swells and fades: an edge would crack.
      gain.gain.setValueAtTime(0, begin + from);
      gain.gain.linearRampToValueAtTime(VOLUME, begin + from + 0.02);
      gain.gain.exponentialRampToValueAtTime(0.001, begin + to);
      note.connect(gain).connect(output);
      note.start(begin + from);
      note.stop(begin + to);
      if (i === NOTES.length - 1) note.onended = () => resolve();
    }
  });
}
