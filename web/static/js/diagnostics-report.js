import { median } from './diagnostics-line.js';

/**
 * What a check has found, as plain text for whoever runs the server, in English. There is nothing in it of who made the
 * check: no names, no credentials, and of one's own addresses none.
 *
 * @import {Results} from './diagnostics-run.js'
 * @import {Found} from './diagnostics-devices.js'
 * @import {Proof} from './diagnostics-proof.js'
 */

/**
 * @param {Results} results
 * @param {{host: string, agent: string}} about host: the server's
 */
export function reportOf(results, { host, agent }) {
  const { begun, took, secure, camera, microphone, trips, socket, proofs, speed, verdict } = results;
  return [
    `Parley connection check of ${host}`,
    `Time      ${begun.toISOString()}, took ${(took / 1000).toFixed(1)} s`,
    `Browser   ${agent}`,
    `Verdict   ${verdict.key.split('.').at(-1)} (${verdict.severity})`,
    '',
    `Secure    ${secure ? 'yes' : 'no'}`,
    `Camera    ${deviceText(camera)}`,
    `Mic       ${deviceText(microphone)}`,
    `Websocket ${socket ? `failed: ${socket}` : tripText(trips)}`,
    ...(speed
      ? [`Speed     over ${nameOf(speed.kind)}: up ${rate(speed.up)}, down ${rate(speed.down)}${more(speed)}`]
      : []),
    '',
    ...proofs.flatMap(proofText),
    ...serverText(proofs),
  ].join('\n');
}

/** @param {Found} found */
function deviceText({ state, reason, values }) {
  const { width, height } = values;
  return [state, reason, width && `${width}x${height}`].filter(Boolean).join(' ');
}

/** @param {number[]} trips */
function tripText(trips) {
  return `median ${median(trips)?.toFixed(1)} ms of ${trips.map((trip) => trip.toFixed(0)).join(' ')}`;
}

/** @param {number | null} bits */
function rate(bits) {
  return bits === null ? 'unknown' : `at least ${(bits / 1e6).toFixed(2)} Mbit/s`;
}

/** @param {{available: number | null, busy: boolean}} speed */
function more({ available, busy }) {
  return `${available ? `, estimate ${(available / 1e6).toFixed(2)}` : ''}${busy ? ', limited by the CPU' : ''}`;
}

/** @param {Proof} proof */
function proofText({ kind, state, code, refused, ms, rtt, port, ports, local, errors }) {
  const result = [state, code && `(${code}${refused && `: ${refused}`})`, state !== 'absent' && `after ${ms} ms`];
  const how = [
    rtt !== null && `round trip ${rtt} ms`,
    port ? `port ${port}` : ports.length > 0 && `of ${ports.join(', ')}`,
  ];
  return [
    `${nameOf(kind).padEnd(9)} ${[result.filter(Boolean).join(' '), ...how].filter(Boolean).join(', ')}`,
    ...(state === 'failed' ? local.map((candidate) => `          ours: ${candidate}`) : []),
    ...errors.map((error) => `          error: ${error}`),
  ];
}

/** @param {Proof[]} proofs */
function serverText(proofs) {
  const candidates = [...new Set(proofs.flatMap(({ server }) => server))];
  return candidates.length > 0
    ? ['', 'The server offers', ...candidates.map((candidate) => `          ${candidate}`)]
    : [];
}

/** @param {string} kind */
function nameOf(kind) {
  return kind.toUpperCase().replace('_', '/');
}
