import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { fileURLToPath } from 'node:url';
import { within } from './wait.js';

const BINARY = fileURLToPath(new URL('../../bin/shaper', import.meta.url));
const PATIENCE = 10_000; // ms

/**
 * @typedef {object} Link one direction, see shaper/link.go
 * @property {number} [rate] bit/s
 * @property {number} [queue] bytes
 * @property {number} [delay] ms
 * @property {number} [jitter] ms
 * @property {number} [loss] 0 to 1
 *
 * @typedef {{up?: Link, down?: Link}} Path
 *
 * @typedef {object} Done what one direction has done
 * @property {number} packets
 * @property {number} bytes
 * @property {number} dropped
 * @property {number} lost
 * @property {number} queue_max ms
 */

/** The network between people and a server: a process that is announced in the server's place. */
export class Shaper {
  #process;
  #control = '';
  /** @type {Map<import('./person.js').Person, number>} of those whose path was changed */
  #ports = new Map();
  /** HOST:PORT for the server to announce. */
  announce = '';

  /** @param {number} port of the server's media */
  static async start(port) {
    const shaper = new Shaper();
    const address = ownAddress();
    shaper.#process = spawn(BINARY, ['-at', address, `${address}:${port}`], { stdio: ['pipe', 'pipe', 'inherit'] });
    const [line] = await within(once(shaper.#process.stdout, 'data'), PATIENCE, 'the shaper starts');
    ({ announce: shaper.announce, control: shaper.#control } = JSON.parse(line));
    return shaper;
  }

  /** Changes the path of everybody, and of those to come. @param {Path} path */
  setAll(path) {
    return this.#put('', path);
  }

  /**
   * @param {import('./person.js').Person} person in a call
   * @param {Path} path
   */
  async set(person, path) {
    await this.#put(`clients/${await this.#port(person)}`, path);
  }

  /**
   * What has been done for somebody in a call.
   * @param {import('./person.js').Person} person
   * @param {boolean} [reset] looks for the longest wait anew
   * @returns {Promise<{up: Done, down: Done}>}
   */
  async did(person, reset = false) {
    const port = await this.#port(person);
    const clients = await (await fetch(`${this.#control}${reset ? '?reset' : ''}`)).json();
    return clients.find((client) => client.port === port || client.seen === port);
  }

  /** While packets are lost, a browser may not say by which path it sends. @param {import('./person.js').Person} person */
  async #port(person) {
    const port = this.#ports.get(person) ?? (await person.port());
    this.#ports.set(person, port);
    return port;
  }

  /**
   * @param {string} path
   * @param {Path} body
   */
  async #put(path, body) {
    const response = await fetch(this.#control + path, { method: 'PUT', body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`shaper: ${await response.text()}`);
  }

  async stop() {
    const ended = once(this.#process, 'exit');
    this.#process.stdin.end();
    await within(ended, PATIENCE, 'the shaper stops');
  }
}

/**
 * An address of this machine that every browser sends to: Firefox sends nothing to the loopback interface unless it has
 * been sent something from there.
 */
function ownAddress() {
  const all = Object.values(networkInterfaces()).flat();
  return all.find((each) => each?.family === 'IPv4' && !each.internal)?.address ?? '127.0.0.1';
}
