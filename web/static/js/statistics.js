/**
 * What the browser counts, made into figures. Browsers leave out this or that: what is not known is null.
 *
 * @typedef {Record<string, any>} Entry of an RTCStatsReport
 * @typedef {number | null} Figure
 *
 * @typedef {object} Received one track of somebody's
 * @property {string} track its id
 * @property {'audio' | 'video'} kind
 * @property {Figure} bitrate bit/s, here and below
 * @property {Figure} width
 * @property {Figure} height
 * @property {Figure} fps
 * @property {Figure} loss in the last second, in percent
 * @property {Figure} jitter ms
 * @property {Figure} buffer ms that what comes waits before it is played
 * @property {Figure} freezes since it began
 * @property {string} codec
 *
 * @typedef {object} Sent one encoding of one's own
 * @property {string} mid
 * @property {string} rid
 * @property {'audio' | 'video'} kind
 * @property {boolean} active
 * @property {Figure} bitrate
 * @property {Figure} width
 * @property {Figure} height
 * @property {Figure} fps
 * @property {string} limit `cpu`, `bandwidth` or `other`; else empty
 * @property {string} codec
 *
 * @typedef {object} Whole the connection
 * @property {Figure} up
 * @property {Figure} down
 * @property {Figure} available what might be sent
 * @property {Figure} rtt ms
 * @property {Figure} loss of what comes, in percent
 * @property {Figure} lossUp of what is sent
 * @property {Figure} jitter ms, the worst
 * @property {{protocol: string, local: string, remote: string, relay: boolean, server: string} | null} path the kinds of
 *   the two candidates, and the server's address; one's own is in no report
 *
 * @typedef {{connection: Whole, received: Received[], sent: Sent[]}} Snapshot
 * @typedef {Record<string, Figure>} Figures by name
 * @typedef {Figures & {time: number}} Point time in ms
 */

/** So much is kept for the charts, in ms. */
const KEPT = 60_000;

/** Figures of the last minute, for a chart. */
export class History {
  /** @type {Point[]} the latest last */
  #points = [];

  /** @returns {readonly Point[]} */
  get points() {
    return this.#points;
  }

  clear() {
    this.#points = [];
  }

  /** @param {number} time ms, of any clock @param {Figures} figures */
  add(time, figures) {
    this.#points.push({ ...figures, time });
    while (this.#points[0].time <= time - KEPT) this.#points.shift();
  }

  /**
   * The points of a line, for a drawing of 60 x 20: as high as the highest of them, but so that little stays low.
   * @param {string} name
   * @param {number} most at least this is at the top
   */
  line(name, most) {
    const now = this.#points.at(-1)?.time ?? 0;
    const known = this.#points.flatMap(({ time, [name]: figure }) => (figure === null ? [] : [[time, figure]]));
    const top = Math.max(most, ...known.map(([, figure]) => figure));
    return known
      .map(([time, figure]) => `${(60 - (now - time) / 1000).toFixed(1)},${(20 - (figure / top) * 20).toFixed(1)}`)
      .join(' ');
  }
}

/** Turns reports that follow each other into figures. */
export class Statistics {
  /** `up`, `down`, `rtt` and `loss` of the connection. */
  history = new History();
  /** @type {Map<string, Entry>} the last report's */
  #before = new Map();
  #time = 0;

  /** Forgets everything: what comes next is of another connection, or much later. */
  reset() {
    this.#before.clear();
    this.history.clear();
  }

  /**
   * @param {Iterable<[string, any]>} report
   * @param {number} time ms, of any clock
   * @returns {Snapshot}
   */
  take(report, time) {
    /** @type {Map<string, Entry>} */
    const entries = new Map(report);
    const change = new Change(this.#before, (time - this.#time) / 1000);
    const of = (/** @type {string} */ type) => [...entries.values()].filter((entry) => entry.type === type);
    const received = of('inbound-rtp').map((entry) => receivedOf(entry, entries, change));
    const sent = of('outbound-rtp').map((entry) => sentOf(entry, entries, change));
    const connection = wholeOf(entries, of, change);
    this.#before = entries;
    this.#time = time;
    const { up, down, rtt, loss } = connection;
    this.history.add(time, { up, down, rtt, loss });
    return { connection, received, sent };
  }
}

/** How counters went on since the last report. */
class Change {
  #before;
  #seconds;

  /** @param {Map<string, Entry>} before @param {number} seconds */
  constructor(before, seconds) {
    this.#before = before;
    this.#seconds = seconds;
  }

  /**
   * Null without an earlier value, and when the counter fell: it began afresh.
   * @param {Entry} entry
   * @param {string} name
   * @returns {Figure}
   */
  by(entry, name) {
    const [now, before] = [entry[name], this.#before.get(entry.id)?.[name]];
    return typeof now === 'number' && typeof before === 'number' && now >= before ? now - before : null;
  }

  /** @param {Entry} entry @param {string} name of a counter of bytes @returns {Figure} bit/s */
  bitrate(entry, name) {
    const bytes = this.by(entry, name);
    return bytes === null || this.#seconds <= 0 ? null : (bytes * 8) / this.#seconds;
  }

  /** @param {Entry} entry @param {string} name @returns {Figure} per second */
  rate(entry, name) {
    const count = this.by(entry, name);
    return count === null || this.#seconds <= 0 ? null : count / this.#seconds;
  }
}

/**
 * @param {Entry} entry
 * @param {Map<string, Entry>} entries
 * @param {Change} change
 * @returns {Received}
 */
function receivedOf(entry, entries, change) {
  const waited = change.by(entry, 'jitterBufferDelay');
  const emitted = change.by(entry, 'jitterBufferEmittedCount');
  return {
    track: entry.trackIdentifier ?? '',
    kind: entry.kind,
    bitrate: change.bitrate(entry, 'bytesReceived'),
    width: entry.frameWidth ?? null,
    height: entry.frameHeight ?? null,
    fps: entry.framesPerSecond ?? change.rate(entry, 'framesDecoded'),
    loss: lossOf([entry], change),
    jitter: milliseconds(entry.jitter),
    buffer: waited !== null && emitted ? milliseconds(waited / emitted) : null,
    freezes: entry.freezeCount ?? null,
    codec: codecOf(entry, entries),
  };
}

/**
 * @param {Entry} entry
 * @param {Map<string, Entry>} entries
 * @param {Change} change
 * @returns {Sent}
 */
function sentOf(entry, entries, change) {
  const reason = entry.qualityLimitationReason ?? 'none';
  return {
    mid: entry.mid ?? '',
    rid: entry.rid ?? '',
    kind: entry.kind,
    active: entry.active ?? true,
    bitrate: change.bitrate(entry, 'bytesSent'),
    width: entry.frameWidth ?? null,
    height: entry.frameHeight ?? null,
    fps: entry.framesPerSecond ?? change.rate(entry, 'framesEncoded'),
    limit: reason === 'none' ? '' : reason,
    codec: codecOf(entry, entries),
  };
}

/**
 * @param {Map<string, Entry>} entries
 * @param {(type: string) => Entry[]} of
 * @param {Change} change
 * @returns {Whole}
 */
function wholeOf(entries, of, change) {
  const [received, sent, heard] = ['inbound-rtp', 'outbound-rtp', 'remote-inbound-rtp'].map(of);
  const pair = pairOf(entries, of);
  const rtts = heard.map(({ roundTripTime }) => roundTripTime).filter((rtt) => typeof rtt === 'number');
  const jitters = received.map(({ jitter }) => jitter).filter((jitter) => typeof jitter === 'number');
  const lost = heard.map(({ fractionLost }) => fractionLost).filter((fraction) => typeof fraction === 'number');
  const total = (/** @type {string} */ name, /** @type {Entry[]} */ parts) =>
    pair && name in pair ? change.bitrate(pair, name) : sum(parts.map((entry) => change.bitrate(entry, name)));
  return {
    up: total('bytesSent', sent),
    down: total('bytesReceived', received),
    available: pair?.availableOutgoingBitrate ?? null,
    rtt: milliseconds(pair?.currentRoundTripTime ?? (rtts.length > 0 ? Math.max(...rtts) : undefined)),
    loss: lossOf(received, change),
    lossUp: lost.length > 0 ? Math.max(...lost) * 100 : null,
    jitter: milliseconds(jitters.length > 0 ? Math.max(...jitters) : undefined),
    path: pair ? pathOf(pair, entries) : null,
  };
}

/**
 * The pair of candidates in use. Firefox has no transport that names it.
 * @param {Map<string, Entry>} entries
 * @param {(type: string) => Entry[]} of
 */
export function pairOf(entries, of) {
  const [named] = of('transport').map(({ selectedCandidatePairId: id }) => entries.get(id));
  const pairs = of('candidate-pair');
  return (
    named ??
    pairs.find(({ selected }) => selected) ??
    pairs.find(({ nominated, state }) => nominated && state === 'succeeded') ??
    null
  );
}

/**
 * @param {Entry} pair
 * @param {Map<string, Entry>} entries
 */
function pathOf(pair, entries) {
  const [local, remote] = [entries.get(pair.localCandidateId), entries.get(pair.remoteCandidateId)];
  const address = remote?.address ?? remote?.ip ?? '';
  const kinds = [local?.candidateType ?? '', remote?.candidateType ?? ''];
  return {
    protocol: local?.relayProtocol ?? local?.protocol ?? '',
    local: kinds[0],
    remote: kinds[1],
    relay: kinds.includes('relay'),
    server: address && `${address.includes(':') ? `[${address}]` : address}:${remote?.port ?? ''}`,
  };
}

/**
 * In percent, of what should have come. Packets that came late after all make up for lost ones: never below 0.
 * @param {Entry[]} entries
 * @param {Change} change
 * @returns {Figure}
 */
function lossOf(entries, change) {
  let [all, missing] = [0, 0];
  for (const entry of entries) {
    const received = change.by(entry, 'packetsReceived');
    if (received === null) continue;
    const lost = change.by(entry, 'packetsLost') ?? 0;
    missing += lost;
    all += received + lost;
  }
  return all > 0 ? (missing / all) * 100 : null;
}

/** @param {Entry} entry @param {Map<string, Entry>} entries */
function codecOf(entry, entries) {
  return String(entries.get(entry.codecId)?.mimeType ?? '').replace(/^\w+\//, '');
}

/** @param {number | undefined} seconds @returns {Figure} */
function milliseconds(seconds) {
  return typeof seconds === 'number' ? seconds * 1000 : null;
}

/** @param {Figure[]} figures @returns {Figure} null if none is known */
function sum(figures) {
  const known = figures.filter((figure) => figure !== null);
  return known.length > 0 ? known.reduce((total, figure) => total + figure, 0) : null;
}

/**
 * What keeps one's own pictures from being better: a busy computer before a narrow line.
 * @param {Sent[]} sent
 * @returns {string} empty if nothing does, or the browser does not tell
 */
export function limitOf(sent) {
  const limits = sent.filter(({ active }) => active).map(({ limit }) => limit);
  return ['cpu', 'bandwidth', 'other'].find((limit) => limits.includes(limit)) ?? '';
}

/** @param {Figure} bitrate */
export function bitrateText(bitrate) {
  if (bitrate === null) return '';
  return bitrate < 1e6 ? `${Math.round(bitrate / 1000)} kbit/s` : `${(bitrate / 1e6).toFixed(1)} Mbit/s`;
}

/** @param {Figure} ms */
export function timeText(ms) {
  return ms === null ? '' : `${Math.round(ms)} ms`;
}

/** @param {Figure} percent */
export function lossText(percent) {
  return percent === null ? '' : `${percent.toFixed(1)} %`;
}

/** Size and pace of a picture. @param {Pick<Received, 'width' | 'height' | 'fps'>} picture */
export function pictureText({ width, height, fps }) {
  const size = width && height ? `${width}×${height}` : '';
  return [size, fps === null ? '' : `${Math.round(fps)} fps`].filter(Boolean).join(', ');
}
