/**
 * In how many versions a picture is sent; the server picks one for each receiver.
 *
 * A camera's differ in size. There are fewer for a small camera, because Chromium limits their number by size and would
 * drop the best ones. A screen's differ in frame rate and bitrate: text that was scaled down cannot be read.
 *
 * @typedef {RTCRtpEncodingParameters & {scalabilityMode?: string}} Encoding
 * @typedef {'high' | 'medium' | 'low'} Quality that a person chooses to send their camera's picture in
 */

/** @type {{from: number, encodings: Encoding[]}[]} by the longer side of the picture, lowest version first */
const CAMERA = [
  {
    from: 960,
    encodings: [
      { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150_000 },
      { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500_000 },
      { rid: 'f', scaleResolutionDownBy: 1, maxBitrate: 1_700_000 },
    ],
  },
  {
    from: 480,
    encodings: [
      { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 150_000 },
      { rid: 'f', scaleResolutionDownBy: 1, maxBitrate: 700_000 },
    ],
  },
  { from: 0, encodings: [{ maxBitrate: 300_000 }] },
];

/** @type {Record<Quality, {size: number, bitrate: number}>} pixels of the shorter side, and bits a second */
const LARGEST = {
  high: { size: Infinity, bitrate: Infinity },
  medium: { size: 360, bitrate: 500_000 },
  low: { size: 180, bitrate: 150_000 },
};

/** @type {Encoding[]} */
const SCREEN = [
  { rid: 'l', scaleResolutionDownBy: 1, maxFramerate: 5, maxBitrate: 400_000 },
  { rid: 'h', scaleResolutionDownBy: 1, maxFramerate: 30, maxBitrate: 2_500_000 },
];

// Two temporal layers (W3C webrtc-svc, 6), so that a receiver may get half the frames. Chromium sends VP9 and AV1 in
// several encodings only if each is told its mode. Encoders of H264 in hardware have none.
const TEMPORAL = 'L1T2';
const WITH_TEMPORAL = ['vp8', 'vp9', 'av1'];

/**
 * @param {MediaStreamTrack} camera
 * @param {string} codec that it will most likely be sent in, in lower case, e.g. "vp8"
 * @returns {Encoding[]}
 */
export function cameraEncodings(camera, codec) {
  const { width = CAMERA[0].from, height = 0 } = camera.getSettings();
  const ladder = CAMERA.find(({ from }) => Math.max(width, height) >= from) ?? CAMERA[0];
  return withLayers(ladder.encodings, codec);
}

/**
 * @param {string} codec
 * @returns {Encoding[]}
 */
export function screenEncodings(codec) {
  return withLayers(SCREEN, codec);
}

/**
 * What to try, best first, where a browser refuses encodings: without temporal layers, then only one version.
 * @param {Encoding[]} encodings
 * @returns {Encoding[][]}
 */
export function fallbacks(encodings) {
  const plain = encodings.map(({ scalabilityMode: _, ...encoding }) => encoding);
  const { rid: _, ...best } = plain[plain.length - 1];
  return [encodings, plain, [best]];
}

/**
 * Which of the versions of a camera's picture are sent: those that somebody receives and that are not too large. The largest
 * of these stands in for larger ones, as somebody may receive no other.
 * @param {RTCRtpEncodingParameters[]} encodings lowest version first
 * @param {number} size of the picture, its shorter side
 * @param {Quality} quality
 * @param {Record<string, boolean>} wanted by rid: whether anybody receives it; of what is not in there, somebody may
 * @returns {boolean[]} by encoding
 */
export function activeOf(encodings, size, quality, wanted) {
  const isWanted = encodings.map(({ rid = '' }) => wanted[rid] ?? true);
  const fits = ({ scaleResolutionDownBy: scale = 1 }) => size / scale <= LARGEST[quality].size;
  const best = Math.max(encodings.findLastIndex(fits), 0);
  return isWanted.map((own, i) => (i === best ? isWanted.slice(i).includes(true) : i < best && own));
}

/**
 * What keeps a picture small that is sent in one version only.
 * @param {RTCRtpEncodingParameters} encoding as it is in high quality
 * @param {number} size of the picture, its shorter side
 * @param {Quality} quality
 * @returns {Pick<RTCRtpEncodingParameters, 'scaleResolutionDownBy' | 'maxBitrate'>}
 */
export function shrink({ scaleResolutionDownBy = 1, maxBitrate = Infinity }, size, quality) {
  const largest = LARGEST[quality];
  const bitrate = Math.min(maxBitrate, largest.bitrate);
  return {
    scaleResolutionDownBy: Math.max(scaleResolutionDownBy, size / largest.size),
    maxBitrate: bitrate === Infinity ? undefined : bitrate,
  };
}

/**
 * @param {Encoding[]} encodings
 * @param {string} codec
 */
function withLayers(encodings, codec) {
  const layers = WITH_TEMPORAL.includes(codec) ? { scalabilityMode: TEMPORAL } : {};
  return encodings.map((encoding) => ({ ...encoding, ...layers }));
}
