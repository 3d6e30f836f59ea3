import { AUDIO_SLOTS } from './protocol.js';

/**
 * @import {Capture} from './capture.js'
 * @import {Mux} from './mux.js'
 * @import {Negotiation} from './negotiation.js'
 * @import {Publisher} from './publisher.js'
 * @import {Room} from './room.js'
 * @import {
 *   ConnectEvent, ConfigEvent, OthersEvent, OtherEvent, DisconnectedEvent, ErrorEvent, Refusal, Role, SignalEvent
 * } from './protocol.js'
 */

/**
 * @typedef {object} Parts
 * @property {string} name the room's
 * @property {string} [invite] the token of the invitation that led here
 * @property {Mux} mux
 * @property {Room} room
 * @property {Negotiation} negotiation
 * @property {Publisher} publisher
 * @property {Capture} capture
 */

const REFUSALS = /** @type {const} */ (['password', 'invite', 'locked', 'removed', 'full', 'draining']);

/** A server that is too busy for one more is asked again so many times, each after so many ms. */
const TRIES = 12;
const PAUSE = 5000;

/**
 * Being in the call or not: the `rtc` app's events on one side, the person's wishes on the other.
 *
 * Events, CustomEvents: `active` (the detail says whether one is in the call, or on the way), `role` (the detail is it:
 * a viewer sends nothing), `joining` (the server is asked to let one in), `busy` (the detail says whether it has no time
 * for one more, and is asked again by and by, for a minute), `joined` (the detail says whether one is in the room: no
 * longer, when the session is lost, until the server has answered again), `refused` (with `{type, detail, role, wrong}`: it did not;
 * `wrong` says whether a password was given).
 */
export class Call extends EventTarget {
  #name;
  #invite;
  #mux;
  #room;
  #negotiation;
  #publisher;
  #capture;

  /** The server knows this socket: its `connect` came. */
  #connected = false;
  /** The person wants to be in the call. */
  #active = false;
  /** Whoever sends has the devices open, as far as they will be: one may join. */
  #ready = false;
  /** `others` came: the server's peer is there. */
  #joined = false;
  /** Joins of this socket that the server has not answered yet. */
  #asked = 0;
  /** @type {Role} that of the present stay, or of the last */
  #role = 'participant';
  /** Of the room, as far as the person was asked for it. */
  #password = '';
  #busy = false;
  /** How often it was asked again. */
  #tries = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} of the next time */
  #timer;

  /** @param {Parts} parts */
  constructor({ name, invite = '', mux, room, negotiation, publisher, capture }) {
    super();
    this.#name = name;
    this.#invite = invite;
    this.#mux = mux;
    this.#room = room;
    this.#negotiation = negotiation;
    this.#publisher = publisher;
    this.#capture = capture;
    mux.addEventListener('closed', () => (this.#connected = false));
    mux.apps.add('rtc', 'connect', (event) => this.#onConnect(event));
    mux.apps.add('rtc', 'config', (event) => this.#onConfig(event));
    mux.apps.add('rtc', 'others', (event, rendered) => this.#onOthers(event, rendered));
    mux.apps.add('rtc', 'other', (event) => this.#onOther(event));
    mux.apps.add('rtc', 'disconnected', (event) => this.#onDisconnected(event));
    mux.apps.add('rtc', 'signal', (event) => this.#onSignal(event));
    mux.apps.add('rtc', 'layers', (event) => publisher.setLayers(event));
    mux.apps.add('rtc', 'silent', () => negotiation.seekPath());
    mux.apps.add('error', 'bad_room', () => {
      this.#answered();
      this.leave();
    });
    for (const type of REFUSALS) mux.apps.add('error', type, (event) => this.#onRefused(type, event));
    capture.addEventListener('features', () => negotiation.setFeatures(capture.features));
    capture.addEventListener('ready', () => this.#prepareOffer());
    publisher.addEventListener('line', () => this.#prepareOffer());
    this.#listenToConnection();
  }

  #listenToConnection() {
    const [negotiation, room] = [this.#negotiation, this.#room];
    negotiation.addEventListener('track', (event) => {
      const { track, stream } = /** @type {CustomEvent} */ (event).detail;
      room.addTrack(track, stream);
    });
    negotiation.addEventListener('removetrack', (event) => {
      const { track, stream } = /** @type {CustomEvent} */ (event).detail;
      room.removeTrack(track, stream);
    });
    negotiation.addEventListener('gone', () => {
      this.#publisher.detach();
      room.clearTracks();
    });
    negotiation.addEventListener('features', (event) => {
      const { channel_name: id, features } = /** @type {CustomEvent} */ (event).detail ?? {};
      if (typeof id === 'string' && features && typeof features === 'object') room.setFeatures(id, features);
    });
  }

  /** Whether one is in the call, or on the way into it. */
  get active() {
    return this.#active;
  }

  /** Whether one is in the room: the server has said who else is. */
  get joined() {
    return this.#joined;
  }

  get role() {
    return this.#role;
  }

  /** Whether the server had no time for one more, and is asked again and again. */
  get busy() {
    return this.#busy;
  }

  /**
   * Opens what is wanted of camera and microphone, then joins. A viewer joins without.
   * @param {object} [options]
   * @param {Role} [options.role]
   * @param {string} [options.password] of the room, which holds from now on
   */
  async join({ role = 'participant', password = this.#password } = {}) {
    if (this.#active) return;
    this.#password = password;
    this.#setRole(role);
    this.#setActive(true);
    await this.#prepare();
  }

  leave() {
    if (!this.#active) return;
    this.#mux.send({ hangup: true });
    this.end();
  }

  /** One is in the room no more. */
  end() {
    this.#setActive(false);
    this.#stop();
  }

  /** The page is being put away; it may come back. */
  suspend() {
    this.#stop();
  }

  /** The page is back. */
  async resume() {
    if (this.#active) await this.#prepare();
  }

  /**
   * One may send from now on, or no more; the connection stays.
   * @param {Role} role
   */
  async change(role) {
    if (!this.#active || role === this.#role) return;
    this.#setRole(role);
    if (role === 'viewer') this.#capture.close();
    else await this.#capture.open();
  }

  async #prepare() {
    if (this.#role === 'viewer') this.#capture.close();
    else if (!(await this.#capture.open())) return;
    this.#ready = true;
    this.#sendJoin();
  }

  /** Before the call there is time to make the connection's offer, which goes out with the join then. */
  #prepareOffer() {
    if (this.#connected && !this.#active && this.#capture.ready) this.#negotiation.prepare();
  }

  /** @param {ConnectEvent} event */
  #onConnect({ rtc_config: configuration, resumed = false }) {
    this.#connected = true;
    if (resumed) {
      this.#negotiation.configure(configuration);
      if (!this.#joined && this.#asked === 0) this.#sendJoin(); // wished meanwhile
      return;
    }
    this.#asked = 0;
    this.#negotiation.stop(); // whatever was, was the former session's
    this.#setJoined(false);
    this.#room.reset([]);
    this.#negotiation.configure(configuration);
    this.#prepareOffer();
    this.#sendJoin();
  }

  /** @param {ConfigEvent} event */
  #onConfig({ rtc_config: configuration }) {
    this.#negotiation.configure(configuration);
    this.#prepareOffer(); // relayed candidates end with their credentials
  }

  /**
   * The answer to a join, with which everything begins, or several newcomers, whose panels are in the same frame.
   * @param {OthersEvent} event
   * @param {boolean} announced
   */
  #onOthers({ ids }, announced) {
    if (announced && this.#joined) {
      for (const participant of ids) this.#room.add(participant);
      return;
    }
    const former = !announced && this.#answered();
    if (announced || former || !this.#active || !this.#ready) {
      this.#room.reset([]); // of a stay that is over; so much for the panels that came with it
      if (!announced && !former) this.#mux.send({ hangup: true }); // the server has us in the room, perhaps
      return;
    }
    this.#setBusy(false);
    this.#room.reset(ids);
    this.#setJoined(true);
  }

  /** @param {OtherEvent} event */
  #onOther({ channel_name, user_name, short_name }) {
    if (this.#joined) this.#room.add({ channel_name, user_name, short_name });
    else this.#room.reset([]); // a panel that crossed our hang-up
  }

  /** @param {DisconnectedEvent} event */
  #onDisconnected({ channel_name: id }) {
    this.#room.remove(id);
  }

  /** @param {SignalEvent} event */
  #onSignal(event) {
    if (this.#joined) this.#negotiation.receive(event);
  }

  /**
   * @param {Refusal} type
   * @param {ErrorEvent} event
   */
  #onRefused(type, { detail = '', retry = false }) {
    if (this.#answered() || !this.#active || this.#joined) return; // nothing is asked for
    if (type === 'full' && retry && this.#tries < TRIES) {
      this.#tries++;
      this.#negotiation.stop(); // its offer has come to nothing
      this.#setBusy(true);
      this.#timer = setTimeout(() => this.#sendJoin(), PAUSE);
      return;
    }
    const wrong = this.#password !== '';
    if (type === 'password') this.#password = '';
    this.end();
    this.#emit('refused', { type, detail, role: this.#role, wrong });
  }

  /** The server answers joins one after the other. @returns {boolean} whether that was a former one */
  #answered() {
    this.#asked = Math.max(0, this.#asked - 1);
    return this.#asked > 0;
  }

  #sendJoin() {
    clearTimeout(this.#timer);
    if (!this.#active || !this.#ready || !this.#connected) return;
    this.#asked++;
    this.#emit('joining');
    const more = {
      ...(this.#role === 'viewer' && { as: this.#role }),
      ...(this.#password && { password: this.#password }),
      ...(this.#invite && { invite: this.#invite }),
    };
    this.#mux.send({ rtc: { type: 'slots', audio: AUDIO_SLOTS } });
    this.#mux.send({ rtc: { type: 'view', tiles: [], only: true } });
    this.#mux.send({ join: Object.keys(more).length > 0 ? { room: this.#name, ...more } : this.#name });
    this.#negotiation.start(); // the offer needs not wait for the answer; where that is a refusal, it counts for nothing
  }

  #stop() {
    clearTimeout(this.#timer);
    this.#setBusy(false);
    this.#ready = false;
    this.#setJoined(false);
    this.#negotiation.stop();
    this.#room.reset([]);
    this.#capture.close();
  }

  /** @param {boolean} active */
  #setActive(active) {
    this.#active = active;
    this.#emit('active', active);
  }

  /** @param {boolean} joined */
  #setJoined(joined) {
    if (joined === this.#joined) return;
    this.#joined = joined;
    this.#emit('joined', joined);
  }

  /** @param {boolean} busy */
  #setBusy(busy) {
    if (!busy) this.#tries = 0;
    if (busy === this.#busy) return;
    this.#busy = busy;
    this.#emit('busy', busy);
  }

  /** @param {Role} role */
  #setRole(role) {
    this.#role = role;
    this.#emit('role', role);
  }

  /**
   * @param {string} type
   * @param {unknown} [detail]
   */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
