import { checkCamera, checkMicrophone } from './diagnostics-devices.js';
import { Line, measureTrips, median } from './diagnostics-line.js';
import { KINDS } from './diagnostics-path.js';
import { prove } from './diagnostics-proof.js';
import { measureSpeed, rateText } from './diagnostics-speed.js';
import { judge } from './diagnostics-verdict.js';
import { t } from './words.js';

/**
 * @import {Ear, Eye, Found} from './diagnostics-devices.js'
 * @import {Kind} from './diagnostics-path.js'
 * @import {Parts as Network, Proof} from './diagnostics-proof.js'
 * @import {Speed} from './diagnostics-speed.js'
 * @import {Severity, Verdict} from './diagnostics-verdict.js'
 *
 * @typedef {'secure' | 'camera' | 'microphone' | 'speaker' | 'socket' | Kind | 'up' | 'down'} Name of a row
 * @typedef {'waiting' | 'running' | 'absent' | Severity} State
 * @typedef {{name: Name, state: State, text: string}} Row
 * @typedef {{stream: MediaStream, stop: () => void}} Source
 *
 * @typedef {object} Parts
 * @property {boolean} secure
 * @property {MediaDevices | undefined} media
 * @property {Network} network
 * @property {Eye} eye
 * @property {Ear} ear
 * @property {() => Source} test a small picture and a tone
 * @property {() => Source} load a picture that is hard to compress
 *
 * @typedef {object} Results
 * @property {Date} begun
 * @property {number} took ms
 * @property {boolean} secure
 * @property {Found} camera
 * @property {Found} microphone
 * @property {number[]} trips on the websocket, in ms
 * @property {string} socket why the websocket did not come about, ''
 * @property {Proof[]} proofs
 * @property {(Speed & {kind: Kind}) | null} speed
 * @property {Verdict} verdict
 */

const ROOM_FOR_SOCKET = 5000; // ms
const FAR = 300; // ms
const SLOW = 600_000; // bit/s

/** @type {Found} */
const UNKNOWN = { state: 'failed', reason: 'insecure', text: '', values: {} };

/**
 * One check of all. Events, CustomEvents: `row` (with a Row), `loudness` (dB, of the microphone), `done` (with Results).
 */
export class Diagnosis extends EventTarget {
  #parts;

  /** @param {Parts} parts */
  constructor(parts) {
    super();
    this.#parts = parts;
  }

  /** Devices on one side, the network on the other. @returns {Promise<Results>} */
  async run() {
    const { secure } = this.#parts;
    const begun = new Date();
    const from = performance.now();
    this.#tell('secure', secure ? 'good' : 'failed', t(`diagnostics.secure.${secure ? 'good' : 'failed'}`));
    const [devices, network] = await Promise.all([this.#checkDevices(), this.#checkNetwork()]);
    const { camera, microphone } = devices;
    const ways = Object.fromEntries(network.proofs.map((proof) => [proof.kind, proof]));
    const verdict = judge({
      ...{ secure, ways, devices, speed: network.speed },
      ...{ socket: network.socket === '', trip: median(network.trips) },
    });
    const took = Math.round(performance.now() - from);
    const results = { begun, took, secure, camera, microphone, ...network, verdict };
    this.#emit('done', results);
    return results;
  }

  async #checkDevices() {
    const { media } = this.#parts;
    if (!media) {
      for (const name of /** @type {const} */ (['camera', 'microphone'])) {
        this.#tell(name, 'failed', t(`devices.${name}.insecure`));
      }
      this.#tell('speaker', 'absent', t('diagnostics.speaker.unknown'));
      return { camera: UNKNOWN, microphone: UNKNOWN };
    }
    this.#tell('camera', 'running', t('diagnostics.camera.running'));
    const camera = await checkCamera(media, this.#parts.eye);
    this.#tellFound('camera', camera);
    this.#tell('microphone', 'running', t('diagnostics.microphone.running'));
    const microphone = await checkMicrophone(media, this.#parts.ear, (loudness) => this.#emit('loudness', loudness));
    this.#tellFound('microphone', microphone);
    await this.#checkSpeakers(media);
    return { camera, microphone };
  }

  /** @param {'camera' | 'microphone'} name @param {Found} found */
  #tellFound(name, { state, reason, text, values }) {
    this.#tell(name, state, text || t(`diagnostics.${name}.${reason || 'good'}`, values));
  }

  /** @param {MediaDevices} media */
  async #checkSpeakers(media) {
    const all = await media.enumerateDevices();
    const n = all.filter(({ kind, deviceId }) => kind === 'audiooutput' && deviceId !== 'default').length;
    this.#tell('speaker', 'good', n > 0 ? t('diagnostics.speaker.good', { n }) : t('diagnostics.speaker.system'));
  }

  async #checkNetwork() {
    const { trips, socket } = await this.#checkSocket();
    /** @type {Proof[]} */
    const proofs = socket === '' ? await this.#provePaths() : [];
    const best = KINDS.find((kind) => proofs.some((proof) => proof.kind === kind && proof.state === 'good'));
    const speed = best ? { ...(await this.#measureSpeed(best)), kind: best } : null;
    for (const name of best
      ? []
      : [...(socket === '' ? [] : KINDS), /** @type {const} */ ('up'), /** @type {const} */ ('down')]) {
      this.#tell(name, 'absent', t('diagnostics.not_tried'));
    }
    return { trips, socket, proofs, speed };
  }

  async #checkSocket() {
    const { open, name } = this.#parts.network;
    this.#tell('socket', 'running', t('diagnostics.socket.running'));
    const line = new Line(open(name()));
    try {
      await Promise.race([line.connected, late(ROOM_FOR_SOCKET)]);
      const trips = await measureTrips(line);
      const n = Math.max(1, Math.round(median(trips) ?? 0));
      if (trips.length === 0) throw new Error('no echo');
      this.#tell('socket', n > FAR ? 'warning' : 'good', t(`diagnostics.socket.${n > FAR ? 'far' : 'good'}`, { n }));
      return { trips, socket: '' };
    } catch (error) {
      this.#tell('socket', 'failed', t('diagnostics.socket.failed'));
      return { trips: [], socket: error instanceof Error ? error.message : String(error) };
    } finally {
      line.close();
    }
  }

  /** The direct ways side by side, then the relayed ones. */
  async #provePaths() {
    const source = this.#parts.test();
    try {
      const direct = await this.#proveAll(['udp', 'tcp'], source);
      return [...direct, ...(await this.#proveAll(['turn_udp', 'turn_tcp', 'turn_tls'], source))];
    } finally {
      source.stop();
    }
  }

  /** @param {Kind[]} kinds @param {Source} source */
  #proveAll(kinds, source) {
    return Promise.all(
      kinds.map(async (kind) => {
        this.#tell(kind, 'running', t('diagnostics.way.running'));
        const proof = await prove(kind, this.#parts.network, source.stream);
        this.#tell(kind, proof.state, sentenceOf(proof));
        return proof;
      }),
    );
  }

  /** @param {Kind} kind */
  async #measureSpeed(kind) {
    this.#tell('up', 'running', t('diagnostics.speed.running'));
    this.#tell('down', 'running', t('diagnostics.speed.running'));
    const source = this.#parts.load();
    try {
      const speed = await measureSpeed(kind, this.#parts.network, source.stream);
      for (const name of /** @type {const} */ (['up', 'down'])) this.#tellSpeed(name, speed[name], speed.busy);
      return speed;
    } finally {
      source.stop();
    }
  }

  /** @param {'up' | 'down'} name @param {number | null} rate @param {boolean} busy */
  #tellSpeed(name, rate, busy) {
    if (rate === null) return this.#tell(name, 'warning', t('diagnostics.speed.unknown'));
    const key = rate >= SLOW ? 'good' : busy ? 'busy' : 'slow';
    this.#tell(name, rate >= SLOW ? 'good' : 'warning', t(`diagnostics.speed.${key}`, { rate: rateText(rate) }));
  }

  /** @param {Name} name @param {State} state @param {string} text */
  #tell(name, state, text) {
    this.#emit('row', { name, state, text });
  }

  /** @param {string} type @param {unknown} detail */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** What to say of a way. @param {Proof} proof */
function sentenceOf({ state, code, rtt, ports, port }) {
  if (state === 'absent') return t('diagnostics.way.absent');
  if (state === 'failed') return t(`diagnostics.way.${code}`, { ports: ports.join(', ') });
  const by = port || ports[0];
  return rtt === null
    ? t('diagnostics.way.arrived', { port: by })
    : t('diagnostics.way.good', { port: by, n: Math.max(1, rtt) });
}

/** @param {number} ms @returns {Promise<never>} */
function late(ms) {
  return new Promise((_, reject) => setTimeout(() => reject(new Error(`not within ${ms} ms`)), ms));
}
