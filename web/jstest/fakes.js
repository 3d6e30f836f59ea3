/**
 * As much of an RTCPeerConnection as negotiation depends on: the signalling states, `negotiationneeded` and implicit
 * rollback (W3C webrtc, 4.3.1, 4.7.3, 4.4.1.5). Each step takes a turn of the event loop, as in a browser.
 */
export class FakeConnection extends EventTarget {
  signalingState = 'stable';
  connectionState = 'new';
  localDescription = null;
  remoteDescription = null;
  closed = false;
  restarts = 0;
  candidates = [];
  channels = [];
  transceivers = [];
  /** Set to refuse encodings with a scalabilityMode, as Chromium does with a mode that none of its codecs has. */
  plain = false;
  /** Set to make the next setRemoteDescription fail. */
  refusing = false;
  #offers = 0;
  /** How many changes there were, the last offer told of, and the other side has agreed to. */
  #changes = { made: 0, offered: 0, agreed: 0 };
  #announced = false;
  #stable = { local: null, remote: null };

  constructor(configuration) {
    super();
    this.configuration = configuration;
  }

  createDataChannel(label, init) {
    const channel = Object.assign(new EventTarget(), { label, init, readyState: 'connecting', sent: [] });
    channel.send = (data) => channel.sent.push(data);
    this.channels.push(channel);
    this.need();
    return channel;
  }

  addTransceiver(track, init) {
    if (this.plain && init.sendEncodings?.some(({ scalabilityMode }) => scalabilityMode)) {
      throw new DOMException('no such mode', 'OperationError');
    }
    const sender = new FakeSender(track, init.sendEncodings);
    const { direction } = init;
    const transceiver = { track, init, direction, preferences: null, sender, mid: String(this.transceivers.length) };
    transceiver.setCodecPreferences = (codecs) => (transceiver.preferences = codecs);
    this.transceivers.push(transceiver);
    this.need();
    return transceiver;
  }

  setConfiguration(configuration) {
    this.configuration = configuration;
  }

  restartIce() {
    this.restarts++;
    this.need();
  }

  close() {
    this.closed = true;
    this.signalingState = 'closed';
  }

  /** Something changed that the other side must hear of. */
  need() {
    this.#changes.made++;
    this.#announce();
  }

  #announce() {
    if (this.#announced) return;
    this.#announced = true;
    setImmediate(() => {
      this.#announced = false;
      const { made, agreed } = this.#changes;
      if (made > agreed && this.signalingState === 'stable') this.dispatchEvent(new Event('negotiationneeded'));
    });
  }

  async setLocalDescription() {
    await turn();
    if (this.closed) throw new DOMException('closed', 'InvalidStateError');
    if (this.signalingState === 'stable') {
      this.localDescription = { type: 'offer', sdp: `offer ${++this.#offers}` };
      this.signalingState = 'have-local-offer';
      this.#changes.offered = this.#changes.made;
    } else {
      if (this.signalingState !== 'have-remote-offer') throw new DOMException('state', 'InvalidStateError');
      this.localDescription = { type: 'answer', sdp: `answer to ${this.remoteDescription.sdp}` };
      this.#settle();
    }
  }

  async setRemoteDescription(description) {
    await turn();
    if (this.closed) throw new DOMException('closed', 'InvalidStateError');
    if (this.refusing) {
      this.refusing = false;
      throw new DOMException('bad description', 'OperationError');
    }
    if (description.type === 'offer') {
      if (this.signalingState === 'have-local-offer') this.localDescription = this.#stable.local; // rollback
      this.remoteDescription = description;
      this.signalingState = 'have-remote-offer';
    } else {
      if (this.signalingState !== 'have-local-offer') throw new DOMException('state', 'InvalidStateError');
      this.#changes.agreed = this.#changes.offered;
      this.remoteDescription = description;
      this.#settle();
    }
  }

  #settle() {
    this.signalingState = 'stable';
    this.#stable = { local: this.localDescription, remote: this.remoteDescription };
    this.#announce();
  }

  async addIceCandidate(candidate) {
    await turn();
    if (candidate?.candidate === 'bad') throw new DOMException('bad candidate', 'OperationError');
    this.candidates.push(candidate);
  }

  change(state) {
    this.connectionState = state;
    this.dispatchEvent(new Event('connectionstatechange'));
  }
}

/**
 * Parameters as in W3C webrtc, 5.2: each setParameters needs a getParameters of its own, and none may overlap. The
 * degradationPreference is not there before it was set, as in Chromium.
 */
class FakeSender {
  /** How often parameters were set. */
  set = 0;
  statistics = new Map();
  /** Set to refuse a degradationPreference. */
  simple = false;
  #encodings;
  #transaction = null;
  #busy = false;

  constructor(track, encodings = [{}]) {
    this.track = track;
    this.#encodings = encodings.map((encoding) => ({ active: true, ...encoding }));
  }

  async replaceTrack(track) {
    await turn();
    this.track = track;
  }

  getParameters() {
    this.#transaction ??= {};
    const encodings = this.#encodings.map((encoding) => ({ ...encoding }));
    const parameters = { transactionId: this.#transaction, encodings };
    return this.preference ? { ...parameters, degradationPreference: this.preference } : parameters;
  }

  async setParameters({ transactionId, encodings, degradationPreference }) {
    if (this.#busy || transactionId !== this.#transaction) throw new DOMException('overlap', 'InvalidStateError');
    this.#busy = true;
    this.#transaction = null;
    await turn();
    this.#busy = false;
    if (degradationPreference && this.simple) throw new DOMException('not supported', 'OperationError');
    this.#encodings = encodings;
    this.preference = degradationPreference;
    this.set++;
  }

  /** The other side wants the first encoding only. */
  reduce() {
    this.#encodings.splice(1);
  }

  /** By rid: what is on. */
  get active() {
    return Object.fromEntries(this.#encodings.map(({ rid = '', active }) => [rid, active]));
  }

  getStats() {
    return Promise.resolve(this.statistics);
  }
}

/** One turn of the event loop. */
export function turn() {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Lets everything that is under way come to rest. */
export async function rest() {
  for (let i = 0; i < 20; i++) await turn();
}
