import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Shaper } from './shaper.js';
import { eventually, within } from './wait.js';

/** The program under test; TEST_BINARY names another build of it, e.g. with the race detector. */
const BINARY = process.env.TEST_BINARY ?? fileURLToPath(new URL('../../bin/parley', import.meta.url));
const STOP = 20_000; // ms from SIGTERM to the exit

/** One `parley serve` with ports and a data directory of its own. */
export class Server {
  /** @type {import('node:child_process').ChildProcess} */
  #process;
  #directory;
  /** @type {string[]} */
  #args;
  #log = '';
  /** @type {Shaper | undefined} */
  shaper;
  /** The origin, e.g. http://127.0.0.1:41234 */
  url;

  /**
   * @param {object} [options]
   * @param {string[]} [options.flags] further flags
   * @param {boolean} [options.shaped] media goes through a shaper, and has no other way
   */
  static async start({ flags = [], shaped = false } = {}) {
    const server = new Server();
    const [listen, media, turn] = [await freePort(), await freePort(), await freePort()];
    server.#directory = await mkdtemp(join(tmpdir(), 'parley-e2e-'));
    server.url = `http://127.0.0.1:${listen}`;
    if (shaped) server.shaper = await Shaper.start(media);
    const announce = server.shaper?.announce ?? '127.0.0.1';
    const turnPort = shaped ? '0' : String(turn);
    const ports = ['--media-port', String(media), '--turn-port', turnPort, '--announce', announce];
    const more = ['--drain-limit', '0s', ...flags];
    server.#args = ['serve', '--listen', `127.0.0.1:${listen}`, '--data-dir', server.#directory, ...ports, ...more];
    await server.revive();
    return server;
  }

  /** Starts it, or once more after it was killed, with the same ports and data. */
  async revive() {
    this.#process = spawn(BINARY, this.#args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.on('data', (data) => (this.#log += data));
    }
    await Promise.race([once(this.#process, 'exit').then(() => this.#fail('did not start')), this.#ready()]);
  }

  /** It ends without a word, as when the machine is switched off. Then it is to be revived before it is stopped. */
  async kill() {
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await within(exited, STOP, 'the server dies');
  }

  async #ready() {
    const ended = () => this.#process.exitCode !== null;
    const answers = async () => ended() || (await fetch(`${this.url}/login/`)).ok;
    await eventually('the server answers', answers);
  }

  /** @param {string} what */
  #fail(what) {
    throw new Error(`the server ${what}:\n${this.#log.slice(-4000)}`);
  }

  /** What it has written so far. */
  get log() {
    return this.#log;
  }

  /** Ends it as an administrator would; an exit code other than 0 is a failure, and so is a race. */
  async stop() {
    const process = this.#process;
    if (process.exitCode === null && process.signalCode === null) {
      const exited = once(process, 'exit');
      process.kill('SIGTERM');
      await within(exited, STOP, 'the server stops').catch((error) => {
        process.kill('SIGKILL');
        throw error;
      });
    }
    await this.shaper?.stop();
    await rm(this.#directory, { recursive: true, force: true });
    if (process.exitCode !== 0) this.#fail(`ended with ${process.exitCode ?? process.signalCode}`);
    if (this.#log.includes('DATA RACE')) this.#fail('raced');
  }
}

/**
 * A port that is free for both UDP and TCP, below those that the kernel picks by itself (32768 up on Linux): no client's
 * connection takes it before the server does.
 */
async function freePort() {
  for (;;) {
    const port = randomInt(10_000, 32_768);
    const [tcp, udp] = [createServer(), createSocket('udp4')];
    const opened = [once(tcp.listen(port, '127.0.0.1'), 'listening'), once(udp.bind(port, '127.0.0.1'), 'listening')];
    const free = (await Promise.allSettled(opened)).every(({ status }) => status === 'fulfilled');
    if (tcp.listening) await new Promise((closed) => tcp.close(closed));
    udp.close();
    if (free) return port;
  }
}
