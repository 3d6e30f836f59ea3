/** @typedef {'audio' | 'video'} Kind */

// What makes the allowed codecs robust, without being one.
const HELPERS = ['rtx', 'red'];

/** The codecs that the server takes and this browser has. */
export class Codecs {
  #allowed;
  #capabilities;

  /**
   * @param {string[]} allowed in lower case, e.g. "opus", those the server likes best first
   * @param {(kind: Kind) => RTCRtpCapabilities | null} [capabilities]
   */
  constructor(allowed, capabilities = (kind) => RTCRtpReceiver.getCapabilities(kind)) {
    this.#allowed = allowed;
    this.#capabilities = capabilities;
  }

  /** The name of the one that is sent, '' for none. @param {Kind} kind */
  first(kind) {
    return nameOf(this.#shared(kind)[0]);
  }

  /**
   * Leaves out of a line what the server would refuse anyway: a short list keeps descriptions short.
   * @param {Kind} kind
   * @param {RTCRtpTransceiver} transceiver
   */
  prefer(kind, transceiver) {
    const shared = this.#shared(kind);
    if (shared.length === 0) return;
    const available = this.#capabilities(kind)?.codecs ?? [];
    const helpers = available.filter((codec) => HELPERS.includes(nameOf(codec)));
    try {
      transceiver.setCodecPreferences([...shared, ...helpers]);
    } catch (error) {
      console.warn('all codecs are offered', error);
    }
  }

  /** In the server's order. @param {Kind} kind */
  #shared(kind) {
    const available = this.#capabilities(kind)?.codecs ?? [];
    const shared = available.filter((codec) => this.#allowed.includes(nameOf(codec)));
    return shared.sort((a, b) => this.#allowed.indexOf(nameOf(a)) - this.#allowed.indexOf(nameOf(b)));
  }
}

/** @param {{mimeType: string} | undefined} codec */
function nameOf(codec) {
  return codec?.mimeType.split('/')[1].toLowerCase() ?? '';
}
