import puppeteer from 'puppeteer-core';
import { instrument } from './instrument.js';
import { Person } from './person.js';
import { within } from './wait.js';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FIREFOX = process.env.FIREFOX ?? '/usr/bin/firefox-esr';

const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
  '--disable-features=WebRtcHideLocalIpsWithMdns',
];

const FIREFOX_PREFERENCES = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.peerconnection.ice.loopback': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.autoplay.default': 0,
};

const VIEWPORT = { width: 1000, height: 700 };
const CLOSING = 10_000; // ms

/**
 * One process of a browser with a fresh profile, started here. A Chromium takes several people, each with a session and
 * a window of their own (a hidden tab renders nothing); a Firefox takes one.
 */
export class Browser {
  #browser;
  #killed = false;
  kind;

  /**
   * @param {'chromium' | 'firefox'} kind
   * @param {string[]} [flags] further flags, of a Chromium
   */
  static async start(kind, flags = []) {
    const browser = new Browser();
    browser.kind = kind;
    const common = { headless: true, defaultViewport: null, protocolTimeout: 120_000 };
    browser.#browser = await (kind === 'chromium'
      ? puppeteer.launch({ ...common, executablePath: CHROMIUM, args: [...CHROMIUM_FLAGS, ...flags] })
      : puppeteer.launch({
          ...common,
          browser: 'firefox',
          executablePath: FIREFOX,
          extraPrefsFirefox: FIREFOX_PREFERENCES,
        }));
    return browser;
  }

  /**
   * Somebody with a page of their own, not logged in yet.
   * @param {string} name at most 12 characters, unique in the test's server
   * @param {import('./instrument.js').Options & {viewport?: import('puppeteer-core').Viewport}} [options]
   */
  async person(name, { viewport = VIEWPORT, ...options } = {}) {
    return this.#person(name, await this.#browser.createBrowserContext(), viewport, options);
  }

  /** Somebody in a further window. @param {Person} person */
  again({ name, context }) {
    return this.#person(name, context, VIEWPORT, {});
  }

  /**
   * @param {string} name
   * @param {import('puppeteer-core').BrowserContext} context
   * @param {import('puppeteer-core').Viewport} viewport
   * @param {import('./instrument.js').Options} options
   */
  async #person(name, context, viewport, options) {
    const page = await (this.kind === 'chromium' ? context.newPage({ type: 'window' }) : context.newPage());
    await page.setViewport(viewport);
    await page.evaluateOnNewDocument(instrument, options);
    return new Person(name, page, context, this);
  }

  /** A page without anything of ours. */
  page() {
    return this.#browser.newPage();
  }

  version() {
    return this.#browser.version();
  }

  /** Everything stops without a word, as when the network is lost. */
  freeze() {
    this.#signal('SIGSTOP');
  }

  thaw() {
    this.#signal('SIGCONT');
  }

  kill() {
    this.#killed = true;
    this.#signal('SIGKILL');
  }

  async close() {
    if (this.#killed) return;
    this.thaw();
    await within(this.#browser.close(), CLOSING, 'the browser closes').catch(() => this.kill());
  }

  /**
   * To the whole process group, which is the browser's own.
   * @param {NodeJS.Signals} name
   */
  #signal(name) {
    const { pid } = this.#browser.process();
    try {
      process.kill(-pid, name);
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  }
}
