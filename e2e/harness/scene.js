import { Browser } from './browsers.js';
import { Server } from './server.js';

/** A server and the browsers of one test; they end with it. */
export class Scene {
  /** @type {Browser[]} */
  #browsers = [];
  /** @type {Server} */
  server;

  /**
   * @param {import('node:test').TestContext} t
   * @param {{flags?: string[], shaped?: boolean}} [options] of the server
   */
  static async open(t, options) {
    const scene = new Scene();
    scene.server = await Server.start(options);
    t.after(async () => {
      await Promise.all(scene.#browsers.map((browser) => browser.close()));
      await scene.server.stop();
    });
    return scene;
  }

  /**
   * @param {'chromium' | 'firefox'} kind
   * @param {string[]} [flags] further flags, of a Chromium
   */
  async browser(kind, flags) {
    const browser = await Browser.start(kind, flags);
    this.#browsers.push(browser);
    return browser;
  }

  /**
   * Somebody on a room's page, not in the call yet.
   * @param {string} name
   * @param {Browser} browser
   * @param {string} room
   * @param {import('./instrument.js').Options & {viewport?: import('puppeteer-core').Viewport, url?: string}} [options] `url`
   *   is where the server is reached, if not directly
   */
  async person(name, browser, room, { url = this.server.url, ...options } = {}) {
    const concealed = this.server.shaper !== undefined;
    const person = await browser.person(name, { concealed, ...options });
    await person.visit(url, room);
    return person;
  }
}

/**
 * All see and hear each other.
 * @param {import('./person.js').Person[]} people
 */
export async function everybodySeesEverybody(people) {
  for (const person of people) await person.seesAndHears(others(people, person));
}

/**
 * @param {import('./person.js').Person[]} people
 * @param {import('./person.js').Person} person
 */
export function others(people, person) {
  return people.filter((other) => other !== person);
}
