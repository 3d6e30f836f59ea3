/**
 * What this participant sends: one camera and one microphone, over whatever connection there is at the time.
 *
 * @typedef {'audio' | 'video'} Kind
 */

/**
 * Simulcast encodings by the longer side of the picture, lowest first; the server picks one for each receiver. There are
 * fewer for a small camera, because Chromium limits their number by size and would drop the best ones.
 *
 * @type {{from: number, encodings: RTCRtpEncodingParameters[]}[]}
 */
const LADDERS = [
  {
    from: 960,
    encodings: [
      { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150_000 },
      { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500_000 },
      { rid: 'f', scaleResolutionDownBy: 1, maxBitrate: 1_700_000 },
    ],
  },
  {
    from: 480,
    encodings: [
      { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 150_000 },
      { rid: 'f', scaleResolutionDownBy: 1, maxBitrate: 700_000 },
    ],
  },
  { from: 0, encodings: [{ maxBitrate: 300_000 }] },
];

// What makes the allowed codecs robust, without being one.
const HELPERS = ['rtx', 'red'];

export class Publisher {
  /** @type {RTCPeerConnection | null} */
  #connection = null;
  /** @type {Record<Kind, MediaStreamTrack | null>} */
  #tracks = { audio: null, video: null };
  /** @type {Partial<Record<Kind, RTCRtpTransceiver>>} of the present connection */
  #transceivers = {};
  #codecs;
  #stream;
  #capabilities;

  /**
   * @param {object} options
   * @param {MediaStream} options.stream the stream that the tracks are announced in
   * @param {string[]} options.codecs allowed codecs in lower case, e.g. "opus"; a short list keeps offers short
   * @param {(kind: Kind) => RTCRtpCapabilities | null} [options.capabilities]
   */
  constructor({ stream, codecs, capabilities = (kind) => RTCRtpReceiver.getCapabilities(kind) }) {
    this.#stream = stream;
    this.#codecs = codecs;
    this.#capabilities = capabilities;
  }

  /**
   * Publishes over a fresh connection.
   * @param {RTCPeerConnection} connection
   */
  attach(connection) {
    this.#connection = connection;
    this.#transceivers = {};
    for (const kind of /** @type {Kind[]} */ (['audio', 'video'])) this.#add(kind);
  }

  detach() {
    this.#connection = null;
    this.#transceivers = {};
  }

  /**
   * Replaces what is sent. Only a kind's first track on a connection is negotiated.
   * @param {Kind} kind
   * @param {MediaStreamTrack | null} track
   */
  async setTrack(kind, track) {
    this.#tracks[kind] = track;
    const transceiver = this.#transceivers[kind];
    if (transceiver) await transceiver.sender.replaceTrack(track);
    else this.#add(kind);
  }

  /** @param {Kind} kind */
  #add(kind) {
    const track = this.#tracks[kind];
    if (!this.#connection || !track) return;
    const transceiver = this.#connection.addTransceiver(track, {
      direction: 'sendonly',
      streams: [this.#stream],
      ...(kind === 'video' && { sendEncodings: encodingsFor(track) }),
    });
    this.#transceivers[kind] = transceiver;
    this.#prefer(kind, transceiver);
  }

  /**
   * Leaves out the codecs that the server would refuse anyway.
   * @param {Kind} kind
   * @param {RTCRtpTransceiver} transceiver
   */
  #prefer(kind, transceiver) {
    const available = this.#capabilities(kind)?.codecs ?? [];
    const name = (/** @type {{mimeType: string}} */ { mimeType }) => mimeType.split('/')[1].toLowerCase();
    const allowed = available.filter((codec) => this.#codecs.includes(name(codec)));
    if (allowed.length === 0) return;
    const helpers = available.filter((codec) => HELPERS.includes(name(codec)));
    // In the order of preference, helpers last.
    allowed.sort((a, b) => this.#codecs.indexOf(name(a)) - this.#codecs.indexOf(name(b)));
    try {
      transceiver.setCodecPreferences([...allowed, ...helpers]);
    } catch (error) {
      console.warn('all codecs are offered', error);
    }
  }
}

/**
 * @param {MediaStreamTrack} camera
 * @returns {RTCRtpEncodingParameters[]}
 */
export function encodingsFor(camera) {
  const { width = LADDERS[0].from, height = 0 } = camera.getSettings();
  const ladder = LADDERS.find(({ from }) => Math.max(width, height) >= from) ?? LADDERS[0];
  return ladder.encodings.map((encoding) => ({ ...encoding }));
}
