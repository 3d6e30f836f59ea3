/** Pictures that are made here, to be sent to the server and back. */

/** @import {Source} from '../diagnostics-run.js' */

const SMALL = { width: 160, height: 120, frameRate: 15 };
const LARGE = { width: 1280, height: 720, frameRate: 20 };

/**
 * A small picture that changes, and a tone.
 * @param {AudioContext} context one that runs; it is closed with the source
 * @returns {Source}
 */
export function testSource(context) {
  let turn = 0;
  const { stream, stop } = drawing(SMALL, (drawn, { width, height }) => {
    drawn.fillStyle = `hsl(${(turn += 10) % 360} 60% 50%)`;
    drawn.fillRect(0, 0, width, height);
  });
  const [tone, output] = [context.createOscillator(), context.createMediaStreamDestination()];
  tone.connect(output);
  tone.start();
  void context.resume();
  for (const track of output.stream.getTracks()) stream.addTrack(track);
  return { stream, stop: () => (stop(), tone.stop(), void context.close()) };
}

/** A picture of noise, of which hardly anything is like in the one before. @returns {Source} */
export function loadSource() {
  const { width, height } = LARGE;
  const noise = noiseOf(width * 2, height * 2);
  return drawing(LARGE, (drawn) => {
    drawn.drawImage(noise, -Math.random() * width, -Math.random() * height);
  });
}

/** @param {number} width @param {number} height */
function noiseOf(width, height) {
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const context = contextOf(canvas);
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < pixels.length; i++) pixels[i] = (Math.random() * 0x1000000) | 0xff000000;
  context.putImageData(image, 0, 0);
  return canvas;
}

/**
 * @param {{width: number, height: number, frameRate: number}} size
 * @param {(context: CanvasRenderingContext2D, size: {width: number, height: number}) => void} draw
 * @returns {Source}
 */
function drawing({ width, height, frameRate }, draw) {
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const context = contextOf(canvas);
  draw(context, canvas);
  const stream = canvas.captureStream(frameRate);
  const timer = setInterval(() => draw(context, canvas), 1000 / frameRate);
  const stop = () => {
    clearInterval(timer);
    for (const track of stream.getTracks()) track.stop();
  };
  return { stream, stop };
}

/** @param {HTMLCanvasElement} canvas @returns {CanvasRenderingContext2D} */
function contextOf(canvas) {
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', { alpha: false }));
}
