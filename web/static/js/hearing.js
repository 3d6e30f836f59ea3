import { levelOf, loudnessOf, MutedSpeech, Silence } from './loudness.js';

/** @import {Capture} from './capture.js' */

/**
 * @typedef {Pick<AudioContext, 'createAnalyser' | 'createMediaStreamSource' | 'resume' | 'close' | 'state'>} Context
 * @typedef {object} Options
 * @property {Pick<Capture, 'track' | 'addEventListener'>} capture
 * @property {() => Context} open an AudioContext
 * @property {(track: MediaStreamTrack) => MediaStream} [streamOf]
 * @property {() => number} [now] in ms
 */

const PERIOD = 100; // ms
const SAMPLES = 2048; // the last 40 ms or so

/**
 * Listens to the microphone that is captured, also while it is muted, for the person alone.
 *
 * Events, CustomEvents: `level` (the detail is how loud it is, from 0 to 1, about ten times a second, muted or not),
 * `talking-muted` (they speak and are muted; rarely), `silent` (the detail says whether there has been nothing at all for
 * some seconds, not even noise, from a microphone that is on).
 */
export class Hearing extends EventTarget {
  #capture;
  #open;
  #streamOf;
  #now;

  /** @type {Context | null} */
  #context = null;
  /** @type {{track: MediaStreamTrack, clone: MediaStreamTrack, source: AudioNode, analyser: AnalyserNode} | null} */
  #ear = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  #samples = new Float32Array(SAMPLES);
  #speech = new MutedSpeech();
  #silence = new Silence();
  #silent = false;

  /** @param {Options} options */
  constructor({ capture, open, streamOf = (track) => new MediaStream([track]), now = () => performance.now() }) {
    super();
    this.#capture = capture;
    this.#open = open;
    this.#streamOf = streamOf;
    this.#now = now;
    capture.addEventListener('device', () => this.#follow());
  }

  /** Listens from now on. */
  start() {
    if (this.#context) return;
    this.#context = this.#open();
    this.resume();
    this.#follow();
  }

  stop() {
    this.#hold(null);
    this.#context?.close().catch(() => {}); // closed already
    this.#context = null;
  }

  /** Browsers may start it with the first click only: to be called at any. */
  resume() {
    if (this.#context && this.#context.state !== 'running') this.#context.resume().catch(() => {}); // closed meanwhile
  }

  /** Whatever microphone it is at present. */
  #follow() {
    const track = this.#capture.track('microphone');
    if (this.#context && track !== (this.#ear?.track ?? null)) this.#hold(track);
  }

  /**
   * Listens to this from now on. A clone is heard while the track is muted, and ends with it.
   * @param {MediaStreamTrack | null} track
   */
  #hold(track) {
    clearInterval(this.#timer);
    this.#ear?.source.disconnect();
    this.#ear?.clone.stop();
    this.#ear = null;
    this.#silence.reset();
    this.#setSilent(false);
    if (!track || !this.#context) {
      this.#emit('level', 0);
      return;
    }
    const clone = track.clone();
    clone.enabled = true;
    const source = this.#context.createMediaStreamSource(this.#streamOf(clone));
    const analyser = this.#context.createAnalyser();
    analyser.fftSize = SAMPLES;
    source.connect(analyser);
    this.#ear = { track, clone, source, analyser };
    this.#timer = setInterval(() => this.#listen(), PERIOD);
  }

  #listen() {
    // What a context gives that waits for a click says nothing.
    if (!this.#ear || this.#context?.state !== 'running') return;
    const { track, analyser } = this.#ear;
    analyser.getFloatTimeDomainData(this.#samples);
    const loudness = loudnessOf(this.#samples);
    const muted = !track.enabled;
    const now = this.#now();
    this.#emit('level', levelOf(loudness));
    if (this.#speech.hear(loudness, muted, now)) this.#emit('talking-muted');
    this.#setSilent(this.#silence.hear(loudness, muted, now));
  }

  /** @param {boolean} silent */
  #setSilent(silent) {
    if (silent === this.#silent) return;
    this.#silent = silent;
    this.#emit('silent', silent);
  }

  /**
   * @param {string} type
   * @param {unknown} [detail]
   */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
