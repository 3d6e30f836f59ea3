import { FEATURES_ID, FEATURES_LABEL, RESET, SFU } from './protocol.js';

/** @import {Description, Features, SignalBody, SignalEvent} from './protocol.js' */

/**
 * @typedef {object} Options
 * @property {(signal: SignalBody) => void} send a description or candidate for the server's peer
 * @property {(connection: RTCPeerConnection) => void} furnish adds to a fresh connection what is to be sent and received
 * @property {(configuration: RTCConfiguration) => RTCPeerConnection} [create]
 */

// How long a path that is looked for has, in ms, before it is looked for again.
const SEEKING = 4000;

// A connection that has not come about in so many ms is begun anew: something that either side waits for was lost.
const PATIENCE = 25_000;

// After so many resets in a row the next one waits: FIRST_DELAY, doubled up to LAST_DELAY, in ms.
const FREE_RESETS = 1;
const FIRST_DELAY = 1000;
const LAST_DELAY = 16000;

/**
 * The one RTCPeerConnection, to the server, by perfect negotiation; this side is polite and makes the first offer. It
 * lives from `start`, or from `prepare` before it, to `stop`; a reset, by either side, replaces it with a fresh one.
 *
 * Events: `track` and `removetrack` (CustomEvents with `{track, stream}`), `features` (with what another participant's
 * channel brought), `described` (a description of the server's was applied), `gone` (the connection was closed and all
 * its tracks with it), `state` (with the connection state).
 */
export class Negotiation extends EventTarget {
  #send;
  #furnish;
  #create;

  /** @type {RTCConfiguration} */
  #configuration = {};
  /** @type {Features} */
  #features = {};
  /** @type {RTCPeerConnection | null} */
  #connection = null;
  /** @type {RTCDataChannel | null} */
  #channel = null;
  /** Started and not stopped: there is a connection, or a reset is under way. */
  #running = false;
  /** Prepared and not started: nothing is sent. */
  #waiting = false;
  /** The offer that was prepared is made. */
  #offered = false;
  /** A reset was sent: until the server's arrives, its signals are for the old connection. */
  #resetting = false;
  /** When a path was last looked for. */
  #sought = -Infinity;
  /** Resets since the connection last worked. */
  #resets = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #resetTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} while the connection comes about */
  #patience;
  /** The end of the queue: descriptions and candidates are handled one after the other. */
  #queue = Promise.resolve();
  /** @type {(RTCIceCandidateInit | null)[]} candidates that came before the first description */
  #early = [];

  /** @param {Options} options */
  constructor({ send, furnish, create = (configuration) => new RTCPeerConnection(configuration) }) {
    super();
    this.#send = send;
    this.#furnish = furnish;
    this.#create = create;
  }

  /** The configuration of the present and of all later connections. @param {RTCConfiguration} configuration */
  configure(configuration) {
    this.#configuration = { ...configuration, bundlePolicy: 'max-bundle' };
    try {
      this.#connection?.setConfiguration(this.#configuration);
    } catch (error) {
      console.warn('new ICE servers only count for the next connection', error);
    }
  }

  /** The present connection, if there is one: for its statistics, and nothing else. */
  get connection() {
    return this.#connection;
  }

  /** Makes a connection and its offer, which wait for `start`. */
  prepare() {
    this.stop();
    this.#waiting = true;
    this.#open();
  }

  /** Connects, with what was prepared if anything was. Signals from before this are stale. */
  start() {
    const connection = this.#waiting ? this.#connection : null;
    if (!connection) this.stop();
    this.#running = true;
    this.#waiting = false;
    if (!connection) {
      this.#open();
      return;
    }
    this.#await();
    if (this.#offered) this.#sendGathered(connection);
  }

  /** Closes the connection, if there is one. */
  stop() {
    this.#running = false;
    this.#waiting = false;
    this.#offered = false;
    this.#resetting = false;
    this.#resets = 0;
    this.#close();
  }

  /**
   * What the others are told about this participant, now and by each fresh connection.
   * @param {Features} features
   */
  setFeatures(features) {
    this.#features = features;
    if (this.#channel?.readyState === 'open') this.#channel.send(JSON.stringify(features));
  }

  /**
   * Takes a signal of the server's peer.
   * @param {SignalEvent} event
   */
  receive({ sender, signal }) {
    if (!this.#running || sender !== SFU || !signal) return;
    if ('description' in signal && signal.description?.type === RESET) {
      this.#resetting = false;
      this.#close();
      this.#open();
    } else if (this.#connection && !this.#resetting) {
      this.#enqueue((connection) => this.#apply(connection, signal));
    }
  }

  #open() {
    const connection = this.#create(this.#configuration);
    this.#connection = connection;
    this.#sought = -Infinity;
    this.#queue = Promise.resolve();
    this.#early = [];
    /** @param {string} type @param {(event: any) => void} handler */
    const listen = (type, handler) => {
      connection.addEventListener(type, (event) => {
        if (connection === this.#connection) handler(event);
      });
    };
    listen('negotiationneeded', () => this.#enqueue((current) => this.#offer(current)));
    listen('icecandidate', ({ candidate }) => this.#sendCandidate(candidate));
    listen('track', ({ track, streams }) => this.#addTrack(connection, track, streams));
    listen('connectionstatechange', () => this.#stateChanged(connection.connectionState));
    this.#openChannel(connection);
    this.#furnish(connection);
    if (this.#running) this.#await();
  }

  #await() {
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => this.#running && this.#reset(), PATIENCE);
  }

  /** @param {RTCPeerConnection} connection */
  #openChannel(connection) {
    const channel = connection.createDataChannel(FEATURES_LABEL, { negotiated: true, id: FEATURES_ID });
    this.#channel = channel;
    channel.addEventListener('open', () => channel.send(JSON.stringify(this.#features)));
    channel.addEventListener('message', ({ data }) => {
      if (channel !== this.#channel) return;
      try {
        this.#emit('features', JSON.parse(data));
      } catch (error) {
        console.warn('features that are not JSON', error);
      }
    });
  }

  #close() {
    clearTimeout(this.#resetTimer);
    clearTimeout(this.#patience);
    const connection = this.#connection;
    this.#connection = null;
    this.#channel = null;
    if (!connection) return;
    connection.close();
    this.#emit('gone');
  }

  /**
   * Runs the operation after those before it, unless its connection was replaced by then. If it fails, both sides start
   * afresh.
   * @param {(connection: RTCPeerConnection) => Promise<void>} operation
   */
  #enqueue(operation) {
    const connection = this.#connection;
    if (!connection) return;
    this.#queue = this.#queue.then(async () => {
      if (connection !== this.#connection) return;
      try {
        await operation(connection);
      } catch (error) {
        if (connection !== this.#connection) return;
        console.warn('negotiation failed', error);
        this.#reset();
      }
    });
  }

  /**
   * Outside of `stable` there is nothing to do: the event comes again when that is reached.
   * @param {RTCPeerConnection} connection
   */
  async #offer(connection) {
    if (connection.signalingState !== 'stable') return;
    await connection.setLocalDescription();
    this.#sendDescription(connection);
  }

  /**
   * @param {RTCPeerConnection} connection
   * @param {SignalBody} signal
   */
  async #apply(connection, signal) {
    if ('description' in signal && signal.description) {
      await this.#applyDescription(connection, signal.description);
    } else if ('candidate' in signal) {
      if (connection.remoteDescription) await this.#addCandidate(connection, signal.candidate);
      else this.#early.push(signal.candidate);
    }
  }

  /**
   * @param {RTCPeerConnection} connection
   * @param {Description} description
   */
  async #applyDescription(connection, description) {
    // An answer to an offer that was rolled back meanwhile.
    if (description.type === 'answer' && connection.signalingState !== 'have-local-offer') return;
    // An offer that meets one of ours rolls ours back (W3C webrtc, 4.4.1.5); `negotiationneeded` comes again for it.
    await connection.setRemoteDescription(/** @type {RTCSessionDescriptionInit} */ (description));
    this.#emit('described');
    for (const candidate of this.#early.splice(0)) await this.#addCandidate(connection, candidate);
    if (description.type !== 'offer' || connection !== this.#connection) return;
    await connection.setLocalDescription();
    this.#sendDescription(connection);
  }

  /**
   * A bad candidate, or one for an earlier description, costs that candidate only.
   * @param {RTCPeerConnection} connection
   * @param {RTCIceCandidateInit | null} candidate null ends them
   */
  async #addCandidate(connection, candidate) {
    try {
      await connection.addIceCandidate(candidate ?? undefined);
    } catch (error) {
      console.warn('candidate not taken', error);
    }
  }

  /** @param {RTCPeerConnection} connection */
  #sendDescription(connection) {
    if (connection !== this.#connection || !connection.localDescription) return;
    if (this.#waiting) {
      this.#offered = true;
      return;
    }
    const { type, sdp } = connection.localDescription;
    this.#send({ description: { type, sdp } });
  }

  /** Sends the offer with the candidates that were gathered meanwhile. @param {RTCPeerConnection} connection */
  #sendGathered(connection) {
    this.#sendDescription(connection);
    if (connection.iceGatheringState === 'complete') this.#sendCandidate(null);
  }

  /** @param {RTCIceCandidate | null} candidate an empty one only ends one line's (Firefox) */
  #sendCandidate(candidate) {
    if (this.#waiting) return; // the offer will have it
    if (candidate === null) this.#send({ candidate: null });
    else if (candidate.candidate !== '') this.#send({ candidate: candidate.toJSON() });
  }

  /**
   * @param {RTCPeerConnection} connection
   * @param {MediaStreamTrack} track
   * @param {readonly MediaStream[]} streams
   */
  #addTrack(connection, track, streams) {
    for (const stream of streams) {
      stream.onremovetrack = (event) => {
        if (connection === this.#connection) this.#emit('removetrack', { track: event.track, stream });
      };
      this.#emit('track', { track, stream });
    }
  }

  /**
   * Looks for a path beside the present one, which is silent at least in one direction: it may be blocked where another
   * is not. Media that still comes is not disturbed, and what was decided to be sent and received stays.
   */
  seekPath() {
    if (!this.#connection || performance.now() - this.#sought < SEEKING) return;
    this.#sought = performance.now();
    this.#connection.restartIce();
  }

  /** Begins with fresh peers, where no path and no patience has helped. */
  renew() {
    if (this.#connection && !this.#waiting) this.#reset();
  }

  /** @param {RTCPeerConnectionState} state */
  #stateChanged(state) {
    this.#emit('state', state);
    if (state === 'connected') {
      this.#resets = 0;
      clearTimeout(this.#patience);
    }
    if (state === 'disconnected') this.seekPath();
    if (state === 'failed') this.#reset();
  }

  /** Asks for fresh peers. The first time at once, then at growing intervals. */
  #reset() {
    this.#close();
    if (this.#waiting) return; // a fresh one is made when it is started
    this.#resetting = true;
    const excess = this.#resets++ - FREE_RESETS;
    const ask = () => {
      this.#send({ description: { type: RESET } });
      this.#await();
    };
    if (excess < 0) ask();
    else this.#resetTimer = setTimeout(ask, Math.min(FIRST_DELAY * 2 ** excess, LAST_DELAY));
  }

  /**
   * @param {string} type
   * @param {unknown} [detail]
   */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
