import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** What is between a browser and the server, for the page and its socket: a TCP proxy, to be disturbed. */
export class Proxy {
  /** @type {import('node:net').Server} */
  #server;
  /** @type {Set<[near: import('node:net').Socket, far: import('node:net').Socket]>} */
  #pairs = new Set();
  #target;
  #refusing = false;
  /** The origin, for the browser. */
  url = '';

  /** @param {number} target the server's port */
  constructor(target) {
    this.#target = target;
    this.#server = createServer((near) => this.#join(near));
  }

  /**
   * @param {import('node:test').TestContext} t
   * @param {{url: string}} server
   */
  static async start(t, { url }) {
    const proxy = new Proxy(Number(new URL(url).port));
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening');
    const { port } = /** @type {import('node:net').AddressInfo} */ (proxy.#server.address());
    proxy.url = `http://127.0.0.1:${port}`;
    t.after(() => {
      proxy.#server.close();
      proxy.cut();
    });
    return proxy;
  }

  /** @param {import('node:net').Socket} near */
  #join(near) {
    if (this.#refusing) {
      near.resetAndDestroy();
      return;
    }
    const far = connect(this.#target, '127.0.0.1');
    const pair = /** @type {[import('node:net').Socket, import('node:net').Socket]} */ ([near, far]);
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [far, near]]) {
      from.pipe(to);
      from.on('error', () => {});
      from.on('close', () => {
        this.#pairs.delete(pair);
        to.destroy();
      });
    }
  }

  /** All connections that there are are reset. */
  cut() {
    for (const sockets of this.#pairs) sockets.forEach((socket) => socket.resetAndDestroy());
  }

  /** Nothing passes any more over the connections that there are; new ones work. */
  stall() {
    for (const [near, far] of this.#pairs) {
      near.unpipe(far).pause();
      far.unpipe(near).pause();
    }
  }

  /** All connections are reset, and new ones refused, or no more. @param {boolean} refusing */
  refuse(refusing) {
    this.#refusing = refusing;
    if (refusing) this.cut();
  }
}
