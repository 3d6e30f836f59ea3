/**
 * @import {Publisher} from './publisher.js'
 * @import {Limit} from './protocol.js'
 */

/** Tells the server what keeps this browser from sending its best, whenever that changes. */
export class Limits {
  #publisher;
  #send;
  #checking = false;
  /** @type {WeakMap<RTCRtpSender, Limit>} what the server knows; a fresh connection has fresh senders */
  #told = new WeakMap();

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
      for (const { mid, sender } of this.#publisher.pictures) {
        const why = limitOf(await sender.getStats());
        if (why === (this.#told.get(sender) ?? 'none')) continue;
        if (this.#send({ type: 'limited', mid, why })) this.#told.set(sender, why);
      }
    } catch (error) {
      console.warn('no statistics', error); // the connection closed meanwhile
    } finally {
      this.#checking = false;
    }
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
