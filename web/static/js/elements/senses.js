/** What a camera shows and a microphone hears, for a check of them. */

/** @import {Frame} from '../diagnostics-devices.js' */

const POINTS = { width: 32, height: 18 };
const INTERVAL = 100; // ms
const SAMPLES = 2048;

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * The frames of a camera, shown in a video element meanwhile; an empty one while none has come yet. Whoever watches ends it.
 * @param {HTMLVideoElement} video
 * @returns {(track: MediaStreamTrack) => AsyncGenerator<Frame>}
 */
export function eyeIn(video) {
  return async function* watch(track) {
    video.srcObject = new MediaStream([track]);
    video.play().catch(() => {}); // it was taken away again
    const context = /** @type {CanvasRenderingContext2D} */ (
      Object.assign(document.createElement('canvas'), POINTS).getContext('2d', { willReadFrequently: true })
    );
    try {
      for (;;) {
        await pause(INTERVAL);
        yield frameOf(video, context);
      }
    } finally {
      video.srcObject = null;
    }
  };
}

/** @param {HTMLVideoElement} video @param {CanvasRenderingContext2D} context @returns {Frame} */
function frameOf(video, context) {
  const { videoWidth: width, videoHeight: height } = video;
  if (width === 0) return { width, height, light: new Uint8ClampedArray() };
  context.drawImage(video, 0, 0, POINTS.width, POINTS.height);
  const { data } = context.getImageData(0, 0, POINTS.width, POINTS.height);
  const light = new Uint8ClampedArray(data.length / 4);
  for (let i = 0; i < light.length; i++) light[i] = Math.max(data[4 * i], data[4 * i + 1], data[4 * i + 2]);
  return { width, height, light };
}

/**
 * What a microphone hears, again and again; nothing while the context does not run, as on a computer without any speaker
 * (Firefox).
 * @param {() => AudioContext} open
 * @returns {(track: MediaStreamTrack) => AsyncGenerator<Float32Array>}
 */
export function earOf(open) {
  return async function* listen(track) {
    const context = open();
    const analyser = context.createAnalyser();
    analyser.fftSize = SAMPLES;
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    void context.resume();
    try {
      for (;;) {
        await pause(INTERVAL);
        const samples = new Float32Array(context.state === 'running' ? SAMPLES : 0);
        analyser.getFloatTimeDomainData(samples);
        yield samples;
      }
    } finally {
      void context.close();
    }
  };
}
