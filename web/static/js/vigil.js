import { figuresOf, Watch } from './watch.js';

/**
 * @import {Call} from './call.js'
 * @import {Mux} from './mux.js'
 * @import {Negotiation} from './negotiation.js'
 * @import {QualityEvent, Track} from './protocol.js'
 * @import {Room} from './room.js'
 */

/**
 * @typedef {object} Parts
 * @property {Pick<Mux, 'open' | 'apps'>} mux
 * @property {Pick<Call, 'joined' | 'addEventListener'>} call
 * @property {Pick<Negotiation, 'connection' | 'seekPath' | 'renew'>} negotiation
 * @property {Pick<Room, 'stream' | 'addEventListener'>} room
 * @property {() => {channel_name: string, track: Track}[]} seen the pictures that can be seen now
 * @property {() => number} [now] in ms
 */

/** Looks after the media while one is in a room, and has the connection mended when something ails it. */
export class Vigil {
  #mux;
  #call;
  #negotiation;
  #room;
  #seen;
  #now;
  #watch = new Watch();
  /** @type {RTCPeerConnection | null} what is watched */
  #connection = null;
  /** Pictures that the server does not send at present, by participant and track. */
  #paused = new Set();
  #looking = false;

  /** @param {Parts} parts */
  constructor({ mux, call, negotiation, room, seen, now = () => performance.now() }) {
    this.#mux = mux;
    this.#call = call;
    this.#negotiation = negotiation;
    this.#room = room;
    this.#seen = seen;
    this.#now = now;
    mux.apps.add('rtc', 'silent', () => this.#watch.silent());
    mux.apps.add('rtc', 'quality', (event) => this.#note(event));
    room.addEventListener('reset', () => this.#paused.clear());
  }

  /** To be called every `INTERVAL`. */
  async check() {
    const { connection } = this.#negotiation;
    // Where the server cannot be asked for anything there is nothing to decide.
    const watching = this.#call.joined && this.#mux.open && isSetUp(connection);
    if (!watching || connection !== this.#connection) this.#watch.begin();
    this.#connection = watching ? connection : null;
    if (!watching || this.#looking) return;
    this.#looking = true;
    try {
      const figures = figuresOf(/** @type {any} */ (await connection.getStats()));
      if (connection === this.#negotiation.connection && this.#mux.open) this.#act(connection, figures);
    } catch (error) {
      console.warn('no statistics', error); // the connection closed meanwhile
    } finally {
      this.#looking = false;
    }
  }

  /**
   * @param {RTCPeerConnection} connection
   * @param {import('./watch.js').Figures} figures
   */
  #act(connection, figures) {
    const lost = connection.connectionState === 'disconnected';
    const remedy = this.#watch.look(figures, this.#shown(), lost, this.#now());
    if (remedy === 'seek') this.#negotiation.seekPath();
    if (remedy === 'renew') this.#negotiation.renew();
  }

  /** @param {QualityEvent} event */
  #note({ channel_name: id, track, layer }) {
    if (layer === null) this.#paused.add(`${id} ${track}`);
    else this.#paused.delete(`${id} ${track}`);
  }

  /** @returns {Set<string>} ids of tracks */
  #shown() {
    const tracks = this.#seen()
      .filter(({ channel_name: id, track }) => !this.#paused.has(`${id} ${track}`))
      .flatMap(({ channel_name: id, track }) => this.#room.stream(id, track === 'screen')?.getVideoTracks() ?? []);
    return new Set(tracks.map(({ id }) => id));
  }
}

/**
 * @param {RTCPeerConnection | null} connection
 * @returns {connection is RTCPeerConnection} whether it has come about; what is on the way there takes its time
 */
function isSetUp(connection) {
  return connection !== null && ['connected', 'disconnected'].includes(connection.connectionState);
}
