/**
 * What a check has found, made into one sentence for people. It is pure.
 *
 * @import {Code} from './diagnostics-proof.js'
 * @import {Kind} from './diagnostics-path.js'
 *
 * @typedef {'good' | 'warning' | 'failed'} Severity
 * @typedef {{state: 'good' | 'failed' | 'absent', code?: Code | '', refused?: string, port?: string, ports: string[],
 *   addresses?: string[]}} Way
 * @typedef {object} Findings
 * @property {boolean} secure whether the page may use camera and microphone at all
 * @property {boolean} socket whether the websocket works
 * @property {number | null} trip its round trip in ms
 * @property {Partial<Record<Kind, Way>>} ways
 * @property {Record<'camera' | 'microphone', {state: Severity, reason: string}>} devices reason: `denied`, `missing`, …
 * @property {{up: number | null, down: number | null, busy: boolean} | null} speed bit/s
 *
 * @typedef {object} Verdict
 * @property {string} key of the sentence
 * @property {Severity} severity
 * @property {Record<string, string | number>} values of the sentence
 */

/** bit/s: with less a small picture is all there is. */
const SLOW = 600_000;

/** ms: with more people talk into each other's sentences. */
const FAR = 400;

/** The worst comes first: what keeps all else from working. @type {((findings: Findings) => Verdict | null)[]} */
const CAUSES = [
  noSocket,
  notLetIn,
  insecure,
  noMedia,
  noDevice,
  noUDP,
  wrongAddress,
  closedPort,
  wrongSecret,
  slow,
  far,
  closedFallback,
];

/** @param {Findings} findings @returns {Verdict} */
export function judge(findings) {
  for (const cause of CAUSES) {
    const verdict = cause(findings);
    if (verdict) return verdict;
  }
  return verdict('good', 'good');
}

/** @param {string} name @param {Severity} severity @param {Record<string, string | number>} [values] @returns {Verdict} */
function verdict(name, severity, values = {}) {
  return { key: `diagnostics.verdict.${name}`, severity, values };
}

/** @param {Findings} findings */
function noSocket({ socket }) {
  return socket ? null : verdict('socket', 'failed');
}

/** The server is full, say: of its ways nothing is known. @param {Findings} findings */
function notLetIn({ ways }) {
  const refused = Object.values(ways).some(({ state, code }) => state === 'failed' && code === 'refused');
  return refused && goodOf(ways).length === 0 ? verdict('refused', 'failed') : null;
}

/** @param {Findings} findings */
function insecure({ secure }) {
  return secure ? null : verdict('insecure', 'failed');
}

/** @param {Findings} findings */
function noMedia({ ways }) {
  return goodOf(ways).length === 0 ? verdict('no_media', 'failed', { ports: portsOf(failedOf(ways)) }) : null;
}

/** @param {Findings} findings */
function noDevice({ devices }) {
  const [camera, microphone] = [devices.camera, devices.microphone];
  const forbidden = (/** @type {{state: Severity, reason: string}} */ { state, reason }) =>
    state === 'failed' && ['denied', 'dismissed'].includes(reason);
  if (forbidden(camera) && forbidden(microphone)) return verdict('denied_both', 'warning');
  if (forbidden(microphone)) return verdict('denied_microphone', 'warning');
  if (forbidden(camera)) return verdict('denied_camera', 'warning');
  if (microphone.state !== 'good') return verdict('microphone', 'warning');
  return camera.state === 'failed' ? verdict('camera', 'warning') : null;
}

/** Nothing that is UDP gets through, and was offered. @param {Findings} findings */
function noUDP({ ways }) {
  const overUDP = [ways.udp, ways.turn_udp].filter((way) => way && way.state !== 'absent');
  if (overUDP.length === 0 || overUDP.some((way) => way?.state === 'good')) return null;
  const elsewhere = failedOf(ways).some(({ ports }) =>
    ports.some((port) => port.endsWith('/tcp') && port !== '443/tcp'),
  );
  const on443 = goodOf(ways).every(({ port }) => port === '443/tcp');
  return verdict(on443 && elsewhere ? 'only_443' : 'no_udp', 'warning');
}

/** The relay is there, and nothing else of what is said to be: that is more than one port. @param {Findings} findings */
function wrongAddress({ ways: { udp, tcp, turn_udp: relay } }) {
  if (udp?.state !== 'failed' || tcp?.state !== 'failed' || relay?.state !== 'good') return null;
  return verdict('address', 'warning', { at: [...new Set(udp.addresses ?? [])].join(', ') });
}

/** UDP gets to the relay but not to the media port: it is that port, not the network. @param {Findings} findings */
function closedPort({ ways: { udp, turn_udp: relay } }) {
  if (udp?.state !== 'failed' || relay?.state !== 'good') return null;
  return verdict('closed_port', 'warning', { ports: portsOf([udp]) });
}

/** @param {Findings} findings */
function slow({ speed }) {
  const known = [speed?.up, speed?.down].filter((rate) => typeof rate === 'number');
  return known.some((rate) => rate < SLOW) ? verdict(speed?.busy ? 'busy' : 'slow', 'warning') : null;
}

/** @param {Findings} findings */
function far({ trip }) {
  return trip !== null && trip > FAR ? verdict('far', 'warning', { n: Math.round(trip) }) : null;
}

/** The relay is somebody else's, and was told another secret. @param {Findings} findings */
function wrongSecret({ ways }) {
  return failedOf(ways).some(({ code }) => code === 'credentials') ? verdict('credentials', 'warning') : null;
}

/** This person needs it not, but others will. @param {Findings} findings */
function closedFallback({ ways }) {
  const failed = failedOf(ways);
  return failed.length > 0 ? verdict('closed_fallback', 'warning', { ports: portsOf(failed) }) : null;
}

/** @param {Findings['ways']} ways */
function goodOf(ways) {
  return Object.values(ways).filter(({ state }) => state === 'good');
}

/** @param {Findings['ways']} ways */
function failedOf(ways) {
  return Object.values(ways).filter(({ state }) => state === 'failed');
}

/** @param {Way[]} ways */
function portsOf(ways) {
  return [...new Set(ways.flatMap(({ ports }) => ports))].join(', ');
}
