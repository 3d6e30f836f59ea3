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
  candidates = [];
  channels = [];
  transceivers = [];
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
    const transceiver = { track, init, preferences: null, sender: { track } };
    transceiver.setCodecPreferences = (codecs) => (transceiver.preferences = codecs);
    transceiver.sender.replaceTrack = (other) => Promise.resolve((transceiver.sender.track = other));
    this.transceivers.push(transceiver);
    this.need();
    return transceiver;
  }

  setConfiguration(configuration) {
    this.configuration = configuration;
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

/** One turn of the event loop. */
export function turn() {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Lets everything that is under way come to rest. */
export async function rest() {
  for (let i = 0; i < 20; i++) await turn();
}
