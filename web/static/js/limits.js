/**
 * @import {Publisher} from './publisher.js'
 * @import {Limit} from './protocol.js'
 */

/** Tells the server what keeps this browser from sending its best, whenever that changes. */
export class Limits {
  #publisher;
  #send;
  #checking = false;
  /** @type {Map<RTCRtpSender, {track: MediaStreamTrack | null, why: Limit}>} what the server knows of what is sent */
  #told = new Map();
  /** @type {WeakSet<RTCRtpSender>} those of which the server may have forgotten what it was told */
  #doubtful = new WeakSet();

  /**
   * @param {object} options
   * @param {Pick<Publisher, 'pictures'>} options.publisher
   * @param {(message: {type: 'limited', mid: string, why: Limit}) => boolean} options.send false if it was lost
   */
  constructor({ publisher, send }) {
    this.#publisher = publisher;
    this.#send = send;
  }

  /** Looks at the statistics; to be called every few seconds. */
  async check() {
    if (this.#checking) return;
    this.#checking = true;
    try {
      this.#forget();
      for (const { mid, sender } of this.#publisher.pictures) {
        const why = limitOf(await sender.getStats());
        // A fresh connection has the same mids, and nothing to do with these statistics.
        if (this.#sends(mid, sender) && !this.#knows(sender, why)) this.#tell(mid, sender, why);
      }
    } catch (error) {
      console.warn('no statistics', error); // the connection closed meanwhile
    } finally {
      this.#checking = false;
    }
  }

  /** Forgets what was told of pictures that are over: to the server the next on the line may be another. */
  #forget() {
    const present = new Set(this.#publisher.pictures.map(({ sender }) => sender));
    for (const [sender, { track, why }] of this.#told) {
      if (present.has(sender) && sender.track === track) continue;
      this.#told.delete(sender);
      if (why !== 'none') this.#doubtful.add(sender);
    }
  }

  /**
   * Whether this is still the sender of the line.
   * @param {string} mid
   * @param {RTCRtpSender} sender
   */
  #sends(mid, sender) {
    return this.#publisher.pictures.some((picture) => picture.mid === mid && picture.sender === sender);
  }

  /**
   * @param {RTCRtpSender} sender
   * @param {Limit} why
   */
  #knows(sender, why) {
    return !this.#doubtful.has(sender) && why === (this.#told.get(sender)?.why ?? 'none');
  }

  /**
   * @param {string} mid
   * @param {RTCRtpSender} sender
   * @param {Limit} why
   */
  #tell(mid, sender, why) {
    if (!this.#send({ type: 'limited', mid, why })) return;
    this.#told.set(sender, { track: sender.track, why });
    this.#doubtful.delete(sender);
  }
}

/**
 * Of several encodings the worst case: a busy computer before a narrow line. Firefox tells nothing.
 * @param {Iterable<[string, any]>} statistics of one sender
 * @returns {Limit}
 */
export function limitOf(statistics) {
  const reasons = [];
  for (const [, report] of statistics) {
    if (report.type === 'outbound-rtp' && report.active !== false) reasons.push(report.qualityLimitationReason);
  }
  if (reasons.includes('cpu')) return 'cpu';
  return reasons.includes('bandwidth') ? 'bandwidth' : 'none';
}
