import { configurationOf, isRelayed, kindOf, ofServer, portOf, usedBy } from './diagnostics-path.js';
import { Line } from './diagnostics-line.js';
import { CheckPeer } from './diagnostics-peer.js';
import { offerReception } from './reception.js';

/**
 * @import {Codecs} from './codecs.js'
 * @import {Socket} from './diagnostics-line.js'
 * @import {Candidate, Kind} from './diagnostics-path.js'
 *
 * @typedef {'socket' | 'refused' | 'candidates' | 'credentials' | 'relay' | 'ice' | 'dtls' | 'media' | 'other'} Code how far
 *   it came
 * @typedef {object} Proof of one way
 * @property {Kind} kind
 * @property {'good' | 'failed' | 'absent'} state absent: the server does not offer it
 * @property {Code | ''} code '' unless it failed
 * @property {string} refused why the server did not let the check in, ''
 * @property {number} ms until picture and sound arrived, or until it was given up
 * @property {number | null} rtt ms
 * @property {string} port of the server that was used, `7000/udp`, '' where not known
 * @property {string[]} ports of the server that might have been
 * @property {string[]} addresses of the server that media goes to directly, `203.0.113.5`
 * @property {string[]} server its candidates, with their addresses
 * @property {string[]} local our candidates, without their addresses
 * @property {string[]} errors of the browser
 *
 * @typedef {object} Parts
 * @property {(room: string) => Socket} open a socket for a room
 * @property {() => string} name a fresh name of a room for a check
 * @property {Codecs} codecs
 */

/** For one way, in ms. */
const PATIENCE = 8000;
const INTERVAL = 100;

/** How an error of a TURN server begins that refuses a password (RFC 8489, section 14.8). */
const UNAUTHORIZED = '401 ';

/** What must have arrived. */
const FRAMES = 3;
const SOUNDS = 5;

/** @param {number} ms */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Two participants in a room of their own: one sends, one receives. */
export class Pair {
  /** @type {CheckPeer} */
  sender;
  /** @type {CheckPeer} */
  receiver;
  #lines;
  #kind;

  /**
   * @param {Kind} kind
   * @param {Parts} parts
   * @param {MediaStream} stream
   * @param {RTCRtpEncodingParameters[]} [encodings] of the picture
   */
  constructor(kind, { open, name, codecs }, stream, encodings = [{}]) {
    const room = name();
    this.#kind = kind;
    this.#lines = [new Line(open(room)), new Line(open(room))];
    const [sending, receiving] = this.#lines;
    this.sender = new CheckPeer({
      line: sending,
      room,
      role: 'participant',
      kind,
      furnish: (connection) => send(connection, stream, codecs, encodings),
    });
    this.receiver = new CheckPeer({
      line: receiving,
      room,
      role: 'viewer',
      kind,
      furnish: (connection) => offerReception(connection, codecs),
    });
  }

  /**
   * Has both connect.
   * @returns {Promise<{offers: boolean, urls: string[]}>} whether the server offers this way, and the URLs of it
   */
  async start() {
    const told = await Promise.all(this.#lines.map(({ connected }) => connected));
    const urls = (told[0].rtc_config.iceServers ?? []).flatMap((server) => server.urls);
    for (const [i, peer] of [this.sender, this.receiver].entries()) {
      const configuration = configurationOf(this.#kind, told[i].rtc_config);
      if (!configuration) return { offers: false, urls: [] };
      peer.start(configuration);
    }
    return { offers: true, urls: urls.filter((url) => kindOf(url) === this.#kind) };
  }

  close() {
    this.sender.close();
    this.receiver.close();
  }
}

/**
 * @param {RTCPeerConnection} connection
 * @param {MediaStream} stream
 * @param {Codecs} codecs
 * @param {RTCRtpEncodingParameters[]} encodings of the picture
 */
function send(connection, stream, codecs, encodings) {
  for (const track of stream.getTracks()) {
    const sendEncodings = track.kind === 'video' ? encodings : [{}];
    const transceiver = connection.addTransceiver(track, { direction: 'sendonly', streams: [stream], sendEncodings });
    codecs.prefer(/** @type {'audio' | 'video'} */ (track.kind), transceiver);
  }
}

/**
 * Sends picture and sound to the server and back on one way, until they have arrived or it is clear that they will not.
 * @param {Kind} kind
 * @param {Parts} parts
 * @param {MediaStream} stream
 * @param {number} [patience] ms
 * @returns {Promise<Proof>}
 */
export async function prove(kind, parts, stream, patience = PATIENCE) {
  const begun = performance.now();
  const pair = new Pair(kind, parts, stream);
  /** @type {Proof} */
  const proof = {
    ...{ kind, state: 'failed', code: 'socket', refused: '', ms: 0, rtt: null, port: '' },
    ...{ ports: [], addresses: [], server: [], local: [], errors: [] },
  };
  try {
    const started = await Promise.race([pair.start(), pause(patience)]).catch(() => null);
    if (started && !started.offers) proof.state = 'absent';
    while (started?.offers && proof.state === 'failed' && performance.now() - begun < patience) {
      await look(pair, kind, proof);
      if (proof.code === 'refused') break;
      if (proof.state === 'failed') await pause(INTERVAL);
    }
    describe(pair, kind, started?.urls ?? [], proof);
  } finally {
    proof.ms = Math.round(performance.now() - begun);
    pair.close();
  }
  return proof.state === 'failed' ? proof : { ...proof, code: '' };
}

/**
 * How far it has come.
 * @param {Pair} pair
 * @param {Kind} kind
 * @param {Proof} proof
 */
async function look({ sender, receiver }, kind, proof) {
  const peers = [sender, receiver];
  proof.refused = sender.refused || receiver.refused;
  proof.code = codeOf(kind, peers);
  if (receiver.offeredAll && !receiver.offered.some(ofServer(kind))) proof.state = 'absent';
  if (proof.code !== 'media') return;
  const [up, down] = await Promise.all(
    peers.map(async ({ connection }) => [...((await connection?.getStats()) ?? [])]),
  );
  const used = usedBy(down);
  [proof.rtt, proof.port] = [used.rtt, used.port];
  if (!hasArrived(down)) return;
  if (used.kind === kind && usedBy(up).kind === kind) proof.state = 'good';
  else proof.code = 'other';
}

/**
 * @param {Kind} kind
 * @param {CheckPeer[]} peers
 * @returns {Code}
 */
function codeOf(kind, peers) {
  const every = (/** @type {(peer: CheckPeer) => boolean} */ test) => peers.every(test);
  if (!every(({ refused }) => refused === '')) return 'refused';
  if (!every(({ offered }) => offered.some(ofServer(kind)))) return 'candidates';
  if (every(({ states }) => states.has('connected'))) return 'media';
  if (every(({ states }) => states.has('ice-connected') || states.has('ice-completed'))) return 'dtls';
  if (!isRelayed(kind) || every(({ gathered }) => gathered.length > 0)) return 'ice';
  return peers.some(({ errors }) => errors.some((error) => error.startsWith(UNAUTHORIZED))) ? 'credentials' : 'relay';
}

/** Whether picture and sound are there. @param {[string, any][]} report */
export function hasArrived(report) {
  const received = report.map(([, entry]) => entry).filter(({ type }) => type === 'inbound-rtp');
  const most = (/** @type {string} */ kind, /** @type {string} */ figure) =>
    Math.max(0, ...received.filter((entry) => entry.kind === kind).map((entry) => entry[figure] ?? 0));
  return most('video', 'framesDecoded') >= FRAMES && most('audio', 'packetsReceived') >= SOUNDS;
}

/**
 * What an operator wants to know of it.
 * @param {Pair} pair
 * @param {Kind} kind
 * @param {string[]} urls of the relays
 * @param {Proof} proof
 */
function describe({ sender, receiver }, kind, urls, proof) {
  const offered = [...sender.offered, ...receiver.offered];
  const at = (/** @type {Candidate} */ { address, port }) =>
    `${address.includes(':') ? `[${address}]` : address}:${port}`;
  const direct = isRelayed(kind) ? [] : offered.filter(ofServer(kind));
  const ports = direct.map(({ port, protocol }) => `${port}/${protocol}`);
  proof.ports = unique(isRelayed(kind) ? urls.map(portOf) : ports);
  proof.addresses = unique(direct.map(({ address }) => address));
  proof.server = unique(offered.map((candidate) => `${candidate.protocol} ${candidate.type} ${at(candidate)}`));
  proof.local = unique(
    [...sender.gathered, ...receiver.gathered].map(({ protocol, type, port }) => `${protocol} ${type} port ${port}`),
  );
  proof.errors = unique([...sender.errors, ...receiver.errors]);
}

/** @param {string[]} values */
function unique(values) {
  return [...new Set(values)];
}
