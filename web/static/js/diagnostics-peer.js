import { candidatesIn, ofClient, ofServer, parseCandidate, withoutOthers } from './diagnostics-path.js';
import { Negotiation } from './negotiation.js';
import { SFU } from './protocol.js';

/**
 * @import {Line} from './diagnostics-line.js'
 * @import {Candidate, Kind} from './diagnostics-path.js'
 * @import {Description, Role, SignalBody, SignalEvent} from './protocol.js'
 *
 * @typedef {object} Options
 * @property {Line} line
 * @property {string} room
 * @property {Role} role
 * @property {Kind} [kind] the only way that media may take; without it any will do
 * @property {(connection: RTCPeerConnection) => void} furnish
 */

/** What a join may be refused with, see docs/protocol.md. */
const REFUSALS = ['full', 'locked', 'password', 'invite', 'removed', 'draining', 'bad_room', 'internal'];

/**
 * One participant of a check, in a room of the check's own, held to one way.
 *
 * Events: `connected`, `refused` (the server does not let it in).
 */
export class CheckPeer extends EventTarget {
  /** Why the server did not let it in, '' if it did, or has not said. */
  refused = '';
  /** @type {Candidate[]} what the server offers, in any way */
  offered = [];
  /** The server has offered all that it will. */
  offeredAll = false;
  /** @type {Candidate[]} what was gathered here and is of the kind */
  gathered = [];
  /** @type {string[]} what the browser says of ICE servers that do not answer */
  errors = [];
  /** @type {Set<string>} the states that the connection has been in, and those of its ICE as `ice-…` */
  states = new Set();

  #line;
  #room;
  #role;
  #kind;
  #negotiation;
  #joined = false;

  /** @param {Options} options */
  constructor({ line, room, role, kind, furnish }) {
    super();
    this.#line = line;
    this.#room = room;
    this.#role = role;
    this.#kind = kind;
    this.#negotiation = new Negotiation({
      send: (signal) => this.#send(signal),
      furnish,
      create: (configuration) => this.#watch(new RTCPeerConnection(configuration)),
    });
    line.apps.add('rtc', 'others', () => (this.#joined = true));
    line.apps.add('rtc', 'signal', (event) => this.#receive(event));
    for (const type of REFUSALS) line.apps.add('error', type, () => this.#refuse(type));
  }

  /** Enters the room and connects. @param {RTCConfiguration} configuration */
  start(configuration) {
    this.#negotiation.configure(configuration);
    this.#line.send({ join: { room: this.#room, as: this.#role } });
    this.#negotiation.start();
  }

  get connection() {
    return this.#negotiation.connection;
  }

  close() {
    this.#negotiation.stop();
    this.#line.close();
  }

  /** @param {string} type */
  #refuse(type) {
    this.refused ||= type;
    this.dispatchEvent(new Event('refused'));
  }

  /** @param {RTCPeerConnection} connection */
  #watch(connection) {
    connection.addEventListener('connectionstatechange', () => {
      this.states.add(connection.connectionState);
      if (connection.connectionState === 'connected') this.dispatchEvent(new Event('connected'));
    });
    connection.addEventListener('iceconnectionstatechange', () => {
      this.states.add(`ice-${connection.iceConnectionState}`);
    });
    connection.addEventListener('icecandidateerror', ({ errorCode, errorText, url }) => {
      const error = `${errorCode} ${errorText} (${url})`;
      if (!this.errors.includes(error)) this.errors.push(error);
    });
    return connection;
  }

  /** @param {SignalBody} signal */
  #send(signal) {
    const fits = this.#kind ? ofClient(this.#kind) : () => true;
    const kept = this.#filter(signal, fits, this.gathered);
    if (kept) this.#line.send({ rtc: { type: 'signal', recipient: SFU, signal: kept } });
  }

  /** @param {SignalEvent} event */
  #receive(event) {
    if (!this.#joined || !event.signal) return;
    if ('candidate' in event.signal && event.signal.candidate === null) this.offeredAll = true;
    const fits = this.#kind ? ofServer(this.#kind) : () => true;
    const signal = this.#filter(event.signal, fits, this.offered, true);
    if (signal) this.#negotiation.receive({ ...event, signal });
  }

  /**
   * A signal without the candidates that do not fit, null if nothing is left of it.
   * @param {SignalBody} signal
   * @param {(candidate: Candidate) => boolean} fits
   * @param {Candidate[]} seen where the candidates are noted
   * @param {boolean} [all] those that do not fit too
   * @returns {SignalBody | null}
   */
  #filter(signal, fits, seen, all = false) {
    /** @param {Candidate} candidate */
    const note = (candidate) => {
      if (all || fits(candidate)) seen.push(candidate);
    };
    if ('description' in signal) {
      const sdp = signal.description.sdp ?? '';
      candidatesIn(sdp).forEach(note);
      /** @type {Description} */
      const description = { ...signal.description };
      if (sdp) description.sdp = withoutOthers(sdp, fits);
      return { description };
    }
    if (signal.candidate === null) return signal;
    const candidate = parseCandidate(signal.candidate.candidate ?? '');
    if (!candidate) return null;
    note(candidate);
    return fits(candidate) ? signal : null;
  }
}
