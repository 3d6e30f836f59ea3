import { pairOf } from './statistics.js';

/**
 * Whether the media that should flow does, judged by the statistics of the connection alone. It must never take for a
 * fault what is none: somebody who sends nothing, a picture that is not shown, a hidden page, a busy machine. So each
 * fault is a counter that stands still while something else proves that it should not, look by look; and looks that come
 * late prove nothing.
 *
 * @typedef {Record<string, any> & {id: string, type: string}} Entry of a report
 * @typedef {object} Figures
 * @property {string} path the id of the pair of candidates in use; empty: none
 * @property {number} arrived all that came over it, in any unit
 * @property {number | null} answers to ICE's checks; null where the browser does not count them
 * @property {number} sent packets
 * @property {number | null} heard changes with each report of the other side's on what it gets; null: none came yet
 * @property {Map<string, {bytes: number, frames: number}>} pictures that are received, by the ids of their tracks
 *
 * @typedef {'' | 'seek' | 'renew'} Remedy nothing, another path, or a fresh connection
 */

/** Between two looks, in ms. */
export const INTERVAL = 2000;

// A look that comes later than this finds all as if it had been well.
const LATE = 3500;

// How long what should change may stand still, in ms: what arrives at all (the browser checks its path every 2.5 to 5 s),
// reports (the server's come every second), and pictures, of which data comes.
const DEAF = 5000;
const UNHEARD = 8000;
const UNDECODED = 8000;

// What counts as sending, and as a picture that comes, in each look: packets, and bytes without padding.
const SENDING = 10;
const COMING = 1000;

// A path has so long to help, in ms. It is doubled with each fresh connection, up to so often, and forgotten in so long.
const PATIENCE = 8000;
const DOUBLED = 4;
const CALM = 60_000;

export class Watch {
  /** @type {Figures | null} of the last look */
  #last = null;
  /** When that was. */
  #time = 0;
  /** For how long what should change has stood still, in ms, by what it is. */
  #still = new Map();
  /** The server has said that it gets nothing, and nothing has shown yet that it does again. */
  #silent = false;
  /** @type {number | null} when a path was sought first, for what ails now */
  #sought = null;
  /** Fresh connections since it was well for long. */
  #renewals = 0;
  /** When it began to be well. */
  #wellSince = 0;

  /** Nothing is known of the connection. */
  begin() {
    this.#last = null;
    this.#still.clear();
    this.#silent = false;
    this.#sought = null;
  }

  /** The server gets nothing. */
  silent() {
    this.#silent = true;
  }

  /**
   * @param {Figures} figures
   * @param {Set<string>} shown the tracks whose pictures are to be seen now
   * @param {boolean} lost the browser itself has lost the path
   * @param {number} now ms
   * @returns {Remedy}
   */
  look(figures, shown, lost, now) {
    const [last, passed] = [this.#last, now - this.#time];
    this.#last = figures;
    this.#time = now;
    if (!last || passed > LATE || (figures.path !== last.path && !lost)) {
      this.#still.clear();
      this.#silent = false;
      if (!last || passed > LATE) this.#sought = null;
      return '';
    }
    const ill = this.#isIll(figures, last, shown, passed) || lost;
    return this.#decide(ill, now);
  }

  /**
   * @param {Figures} figures
   * @param {Figures} last
   * @param {Set<string>} shown
   * @param {number} passed ms
   */
  #isIll(figures, last, shown, passed) {
    const sending = figures.sent - last.sent >= SENDING;
    const answered = figures.answers !== last.answers || figures.heard !== last.heard;
    if (answered || !(sending || figures.answers !== null)) this.#silent = false;
    const faults = [
      this.#stands('arrived', figures.arrived === last.arrived && (sending || figures.answers !== null), passed) >=
        DEAF,
      this.#stands('heard', sending && last.heard !== null && figures.heard === last.heard, passed) >= UNHEARD,
    ];
    for (const [track, { bytes, frames }] of figures.pictures) {
      const before = last.pictures.get(track);
      const coming = shown.has(track) && before !== undefined && bytes - before.bytes >= COMING;
      faults.push(this.#stands(track, coming && frames === before.frames, passed) >= UNDECODED);
    }
    return this.#silent || faults.includes(true);
  }

  /**
   * @param {string} what
   * @param {boolean} still whether it stands still though it should not
   * @param {number} passed ms
   * @returns {number} for how long, in ms
   */
  #stands(what, still, passed) {
    const time = still ? (this.#still.get(what) ?? 0) + passed : 0;
    this.#still.set(what, time);
    return time;
  }

  /** @param {boolean} ill @param {number} now @returns {Remedy} */
  #decide(ill, now) {
    if (!ill) {
      if (this.#sought !== null || this.#wellSince === 0) this.#wellSince = now;
      if (now - this.#wellSince >= CALM) this.#renewals = 0;
      this.#sought = null;
      return '';
    }
    if (this.#sought === null) {
      this.#sought = now;
      return 'seek';
    }
    if (now - this.#sought < PATIENCE * 2 ** Math.min(this.#renewals, DOUBLED)) return '';
    this.#renewals++;
    this.#wellSince = 0;
    this.begin();
    return 'renew';
  }
}

/**
 * @param {Iterable<[string, Entry]>} report of an RTCPeerConnection
 * @returns {Figures}
 */
export function figuresOf(report) {
  /** @type {Map<string, Entry>} */
  const entries = new Map(report);
  const of = (/** @type {string} */ type) => [...entries.values()].filter((entry) => entry.type === type);
  const heard = of('remote-inbound-rtp');
  const pair = pairOf(entries, of);
  const received = of('inbound-rtp');
  return {
    path: pair?.id ?? '',
    arrived:
      sum([pair ?? {}], ['bytesReceived', 'packetsReceived', 'responsesReceived', 'requestsReceived']) +
      sum(received, ['packetsReceived', 'bytesReceived']),
    answers: pair?.responsesReceived ?? null,
    sent: sum(of('outbound-rtp'), ['packetsSent']),
    heard: heard.length > 0 ? sum(heard, ['timestamp', 'roundTripTimeMeasurements']) : null,
    pictures: new Map(
      received
        .filter(({ kind }) => kind === 'video')
        .map(({ trackIdentifier, bytesReceived, framesDecoded }) => [
          trackIdentifier ?? '',
          { bytes: bytesReceived ?? 0, frames: framesDecoded ?? 0 },
        ]),
    ),
  };
}

/** @param {Record<string, any>[]} entries @param {string[]} names of counters */
function sum(entries, names) {
  return entries.reduce((total, entry) => names.reduce((part, name) => part + (entry[name] ?? 0), total), 0);
}
