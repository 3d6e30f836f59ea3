/**
 * @import {Publisher} from './publisher.js'
 * @import {Limit} from './protocol.js'
 */

/** Tells the server what keeps this browser from sending its best, whenever that changes. */
export class Limits {
  #publisher;
  #send;
  #checking = false;
  /** @type {Map<RTCRtpSender, {mid: string, why: Limit}>} what the server knows of what is sent, if not `none` */
  #told = new Map();

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
      this.#takeBack();
      for (const { mid, sender } of this.#publisher.pictures) {
        const why = limitOf(await sender.getStats());
        // A fresh connection has the same mids, and nothing to do with these statistics.
        if (this.#sends(mid, sender) && why !== (this.#told.get(sender)?.why ?? 'none')) this.#tell(mid, sender, why);
      }
    } catch (error) {
      console.warn('no statistics', error); // the connection closed meanwhile
    } finally {
      this.#checking = false;
    }
  }

  /** Nothing limits a picture that is over, as that of a camera that was switched off: it is not missed. */
  #takeBack() {
    const present = new Set(this.#publisher.pictures.map(({ sender }) => sender));
    for (const [sender, { mid }] of this.#told) {
      if (!present.has(sender)) this.#tell(mid, sender, 'none');
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
   * @param {string} mid
   * @param {RTCRtpSender} sender
   * @param {Limit} why
   */
  #tell(mid, sender, why) {
    if (!this.#send({ type: 'limited', mid, why })) return;
    if (why === 'none') this.#told.delete(sender);
    else this.#told.set(sender, { mid, why });
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
