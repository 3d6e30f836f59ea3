import { activeOf, cameraEncodings, fallbacks, screenEncodings, shrink } from './encodings.js';

/**
 * @import {Codecs, Kind} from './codecs.js'
 * @import {Quality} from './encodings.js'
 * @import {LayersEvent} from './protocol.js'
 */

/**
 * What this participant sends: a camera, a microphone, a screen and its sound, over whatever connection there is at the
 * time.
 *
 * @typedef {'audio' | 'video' | 'screen' | 'screenAudio'} Source
 */

const SOURCES = /** @type {const} */ (['audio', 'video', 'screen', 'screenAudio']);

/** @type {Record<Source, Kind>} */
const KINDS = { audio: 'audio', video: 'video', screen: 'video', screenAudio: 'audio' };

/** It dispatches `line` when a connection that there was already got a line more. */
export class Publisher extends EventTarget {
  /** @type {RTCPeerConnection | null} */
  #connection = null;
  /** @type {Record<Source, MediaStreamTrack | null>} */
  #tracks = { audio: null, video: null, screen: null, screenAudio: null };
  /** @type {Partial<Record<Source, RTCRtpTransceiver>>} of the present connection */
  #transceivers = {};
  /** @type {Map<string, Record<string, boolean>>} by mid: which encodings anybody receives, by rid */
  #wanted = new Map();
  /** @type {WeakMap<RTCRtpSender, Promise<void>>} the end of each sender's queue: setParameters must not overlap */
  #changes = new WeakMap();
  /** @type {WeakMap<RTCRtpSender, RTCRtpEncodingParameters[]>} the encodings that each sender began with */
  #encodings = new WeakMap();
  /** @type {Quality} the most that the person wants to send of their camera */
  #quality = 'high';
  #codecs;
  #stream;
  #screen;
  #announceScreen;

  /**
   * @param {object} options
   * @param {MediaStream} options.stream the stream that camera and microphone are announced in
   * @param {MediaStream} options.screen that of the screen and its sound
   * @param {(streamId: string) => void} options.announceScreen tells the server which that is, before the offer
   * @param {Codecs} options.codecs
   */
  constructor({ stream, screen, announceScreen, codecs }) {
    super();
    this.#stream = stream;
    this.#screen = screen;
    this.#announceScreen = announceScreen;
    this.#codecs = codecs;
  }

  /**
   * Publishes over a fresh connection.
   * @param {RTCPeerConnection} connection
   */
  attach(connection) {
    this.detach();
    this.#connection = connection;
    for (const source of SOURCES) this.#add(source);
    // A rollback takes mids away for a while.
    connection.addEventListener('signalingstatechange', () => {
      if (connection !== this.#connection || connection.signalingState !== 'stable') return;
      // Asking for parameters blocks while a connection is set up: only if there is anything to apply.
      if (this.#wanted.size > 0 || this.#quality !== 'high') this.#applyLayers();
    });
  }

  detach() {
    this.#connection = null;
    this.#transceivers = {};
    this.#wanted.clear();
  }

  /**
   * Replaces what is sent. Of camera and microphone only the first track on a connection is negotiated; a screen comes
   * and goes for the others too.
   * @param {Source} source
   * @param {MediaStreamTrack | null} track
   */
  async setTrack(source, track) {
    this.#tracks[source] = track;
    const transceiver = this.#transceivers[source];
    if (!transceiver || (track && this.#isReduced(transceiver.sender))) {
      if (this.#add(source)) this.dispatchEvent(new Event('line'));
      return;
    }
    if (isScreen(source)) {
      transceiver.direction = track ? 'sendonly' : 'inactive';
      this.#forgetLayers(source);
    }
    await transceiver.sender.replaceTrack(track);
    this.#applyLayers();
  }

  /**
   * Sends only the encodings that anybody receives.
   * @param {LayersEvent} event
   */
  setLayers({ mid, active }) {
    if (!active || typeof active !== 'object') return;
    this.#wanted.set(mid, active);
    this.#applyLayers();
  }

  /** Sends the camera's picture no larger than that, from now on. @param {Quality} quality */
  setQuality(quality) {
    this.#quality = quality;
    this.#activate('video');
  }

  /**
   * What sends pictures at present.
   * @returns {{mid: string, sender: RTCRtpSender}[]}
   */
  get pictures() {
    const pictures = [];
    for (const source of SOURCES) {
      const transceiver = this.#transceivers[source];
      if (KINDS[source] !== 'video' || !transceiver?.mid || !this.#tracks[source]) continue;
      pictures.push({ mid: transceiver.mid, sender: transceiver.sender });
    }
    return pictures;
  }

  /** @param {Source} source @returns {boolean} whether there was anything to add, and to add it to */
  #add(source) {
    const track = this.#tracks[source];
    if (!this.#connection || !track) return false;
    if (isScreen(source)) this.#announceScreen(this.#screen.id);
    const transceiver = this.#addTransceiver(this.#connection, source, track);
    this.#transceivers[source] = transceiver;
    this.#encodings.set(transceiver.sender, transceiver.sender.getParameters().encodings);
    this.#codecs.prefer(KINDS[source], transceiver);
    if (source === 'screen') void this.#change(transceiver.sender, keepResolution);
    if (source === 'video') this.#activate(source);
    return true;
  }

  /**
   * @param {RTCPeerConnection} connection
   * @param {Source} source
   * @param {MediaStreamTrack} track
   */
  #addTransceiver(connection, source, track) {
    /** @type {RTCRtpTransceiverInit} */
    const init = { direction: 'sendonly', streams: [isScreen(source) ? this.#screen : this.#stream] };
    if (KINDS[source] === 'audio') return connection.addTransceiver(track, init);
    const codec = this.#codecs.first('video');
    const best = source === 'screen' ? screenEncodings(codec) : cameraEncodings(track, codec);
    const [last, ...others] = fallbacks(best).reverse();
    for (const sendEncodings of others.reverse()) {
      try {
        return connection.addTransceiver(track, { ...init, sendEncodings });
      } catch (error) {
        console.warn('encodings that this browser cannot do', error);
      }
    }
    return connection.addTransceiver(track, { ...init, sendEncodings: last });
  }

  /**
   * Firefox keeps only the first encoding of a line that was agreed to be inactive, for good (W3C webrtc, 4.4.1.5: the
   * answer named none).
   * @param {RTCRtpSender} sender
   */
  #isReduced(sender) {
    return sender.getParameters().encodings.length < (this.#encodings.get(sender)?.length ?? 0);
  }

  /** Switches encodings on and off as the server and the person have asked for, as far as that is not so already. */
  #applyLayers() {
    for (const source of SOURCES) {
      const mid = this.#transceivers[source]?.mid ?? null;
      if (mid !== null && (source === 'video' || this.#wanted.has(mid))) this.#activate(source);
    }
  }

  /**
   * All encodings are on again: another share on the line is another track to the server, which waits for its packets
   * before it tells what anybody receives of it.
   * @param {Source} source
   */
  #forgetLayers(source) {
    const mid = this.#transceivers[source]?.mid ?? null;
    if (mid !== null) this.#wanted.delete(mid);
    this.#activate(source);
  }

  /** @param {Source} source */
  #activate(source) {
    const transceiver = this.#transceivers[source];
    if (!transceiver) return;
    void this.#change(transceiver.sender, ({ encodings }) => {
      const quality = source === 'video' ? this.#quality : 'high';
      const size = sizeOf(this.#tracks[source]);
      const active = activeOf(encodings, size, quality, this.#wanted.get(transceiver.mid ?? '') ?? {});
      const [full] = this.#encodings.get(transceiver.sender) ?? [];
      const alone = source === 'video' && encodings.length === 1 && full;
      return encodings
        .map((encoding, i) => assign(encoding, { active: active[i], ...(alone && shrink(full, size, quality)) }))
        .includes(true);
    });
  }

  /**
   * Changes a sender's parameters after the changes before.
   * @param {RTCRtpSender} sender
   * @param {(parameters: RTCRtpSendParameters) => boolean} change returns whether it changed anything
   */
  #change(sender, change) {
    const apply = async () => {
      const parameters = sender.getParameters();
      if (change(parameters)) await sender.setParameters(parameters);
    };
    const done = (this.#changes.get(sender) ?? Promise.resolve())
      .then(apply)
      .catch((error) => console.warn('the parameters of a sender stay as they are', error));
    this.#changes.set(sender, done);
    return done;
  }
}

/** @param {Source} source */
function isScreen(source) {
  return source === 'screen' || source === 'screenAudio';
}

/**
 * The shorter side of a picture in pixels.
 * @param {MediaStreamTrack | null} track
 */
function sizeOf(track) {
  const { width, height } = track?.getSettings?.() ?? {};
  return Math.min(width || 1280, height || 720);
}

/**
 * @template {object} T
 * @param {T} target
 * @param {Partial<T>} values
 * @returns {boolean} whether that changed anything
 */
function assign(target, values) {
  const entries = /** @type {[keyof T, any][]} */ (Object.entries(values));
  const changed = entries.some(([name, value]) => target[name] !== value);
  Object.assign(target, values);
  return changed;
}

/**
 * Rather fewer frames than blurred ones. Browsers do not list the member before it was set (W3C mst-content-hint, 5);
 * those that do not know it ignore it, and go by the track's contentHint.
 * @param {RTCRtpSendParameters & {degradationPreference?: string}} parameters
 */
function keepResolution(parameters) {
  parameters.degradationPreference = 'maintain-resolution';
  return true;
}
