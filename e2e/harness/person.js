import assert from 'node:assert/strict';
import { described, look, nextFrames } from './probe.js';
import { gaps, streams, watch } from './streams.js';
import { eventually, PATIENCE, within } from './wait.js';

const MOST_TABS = 60; // on the way to anything

/** Somebody at a browser. */
export class Person {
  #url = '';

  /**
   * @param {string} name
   * @param {import('puppeteer-core').Page} page
   * @param {import('puppeteer-core').BrowserContext} context
   * @param {import('./browsers.js').Browser} browser
   */
  constructor(name, page, context, browser) {
    this.name = name;
    this.page = page;
    this.browser = browser;
    this.context = context;
    page.setDefaultTimeout(PATIENCE);
  }

  /**
   * Logs in on the way to the room's page.
   * @param {string} url the server's
   * @param {string} room
   */
  async visit(url, room) {
    this.#url = url;
    await this.page.goto(`${url}/r/${room}/`);
    if (new URL(this.page.url()).pathname !== '/login/') return;
    await this.page.type('[name=screen_name]', this.name);
    await this.page.type('[name=name]', `${this.name} of the tests`);
    await Promise.all([this.page.waitForNavigation(), this.page.click('form [type=submit]')]);
    assert.equal(decodeURI(new URL(this.page.url()).pathname), `/r/${room}/`);
  }

  /** What is said in the chat. @returns {Promise<string[]>} */
  chat() {
    return this.page.$$eval('#chat-lines .text', (lines) => lines.map(({ textContent }) => textContent));
  }

  /** Says something in the chat, which is open. @param {string} text */
  async say(text) {
    await this.page.type('#chat-text', text);
    await this.page.keyboard.press('Enter');
  }

  /** @param {string} room to which the person goes as by a link */
  async go(room) {
    await this.page.goto(`${this.#url}/r/${room}/`);
  }

  /** Presses the button, and waits for the connection. */
  async join() {
    await this.#press('join');
    await this.inCall();
  }

  async joinAsViewer() {
    await this.press('#watch-button');
    await this.inCall();
  }

  async inCall() {
    const connected = async () => {
      const { states } = await this.look();
      return states.length === 1 && states[0] === 'connected';
    };
    await eventually(`${this.name} is connected`, connected).catch((error) => this.#explain(error));
  }

  async leave() {
    await this.#press('leave');
    await this.page.waitForSelector('#call-button.join');
  }

  /** @param {'join' | 'leave'} button */
  async #press(button) {
    await this.page.waitForSelector(`#call-button.${button}`);
    await this.page.evaluate(() => document.querySelector('#call-button').click());
  }

  /** @param {'cam' | 'mic' | 'screen' | 'hand'} button */
  async toggle(button) {
    await this.press(`#toggle-${button}`);
  }

  /** Presses what there is to press, once it is there. @param {string} selector */
  async press(selector) {
    await this.page.waitForSelector(selector);
    await this.page.evaluate((which) => document.querySelector(which).click(), selector);
  }

  /**
   * Waits until a selector matches something that can be seen in the page, or nothing.
   * @param {string} selector
   * @param {boolean} [visible]
   */
  sees(selector, visible = true) {
    const check = (which) => [...document.querySelectorAll(which)].some((element) => element.checkVisibility());
    return eventually(`${this.name} ${visible ? 'sees' : 'does not see'} ${selector}`, async () => {
      return (await this.page.evaluate(check, selector)) === visible;
    });
  }

  /**
   * Waits until what a selector matches says that, spaces apart.
   * @param {string} selector
   * @param {string | RegExp} text
   */
  reads(selector, text) {
    const textOf = (which) => document.querySelector(which)?.textContent.replace(/\s+/g, ' ').trim();
    return eventually(`${this.name} reads ${text} in ${selector}`, async () => {
      const found = (await this.page.evaluate(textOf, selector)) ?? '';
      if (typeof text === 'string') assert.equal(found, text);
      else assert.match(found, text);
      return true;
    });
  }

  /** Waits until the focus is on it. @param {string} selector */
  async hasFocus(selector) {
    const focused = () => document.activeElement?.outerHTML.slice(0, 120);
    await eventually(`${this.name} has the focus on ${selector}`, async () => {
      if (await this.page.evaluate((which) => document.activeElement?.matches(which), selector)) return true;
      throw new Error(`it is on ${await this.page.evaluate(focused)}`);
    });
  }

  /**
   * Presses Tab until the focus is there.
   * @param {string} selector
   * @param {'Tab' | 'Shift+Tab'} [key]
   */
  async tabTo(selector, key = 'Tab') {
    const { keyboard } = this.page;
    if (key === 'Shift+Tab') await keyboard.down('Shift');
    for (let i = 0; i < MOST_TABS; i++) {
      await keyboard.press('Tab');
      if (await this.page.evaluate((which) => document.activeElement?.matches(which), selector)) break;
    }
    if (key === 'Shift+Tab') await keyboard.up('Shift');
    await this.hasFocus(selector);
  }

  /** An attribute of what a selector matches. @param {string} selector @param {string} name */
  attribute(selector, name) {
    return this.page.$eval(selector, (element, which) => element.getAttribute(which), name);
  }

  /**
   * A host's choice from the menu of somebody's tile.
   * @param {string} name whose
   * @param {'mute' | 'camera' | 'screen' | 'stage-off' | 'host' | 'remove'} action
   */
  async choose(name, action) {
    const { tiles } = await this.look();
    const channel = tiles.find((tile) => tile.name === name)?.channel;
    await this.press(`.panel[data-channel="${channel}"] [data-action=menu]`);
    await this.press(`#tile-menu [data-action=${action}]`);
  }

  /** @returns {Promise<import('./probe.js').View>} */
  look() {
    return within(this.page.evaluate(look), PATIENCE, `${this.name} looks`);
  }

  /**
   * Waits until the panels are exactly those of these people, by their names, in any order, and as many tracks come in
   * as they send.
   * @param {Person[]} people
   * @param {number} [tracks] of each
   */
  async hasPanelsOf(people, tracks = 2) {
    const expected = people.map(({ name }) => name).sort();
    const check = async () => {
      const { tiles, receiving, stale } = await this.look();
      assert.deepEqual(tiles.map(({ name }) => name).sort(), expected);
      assert.equal(receiving, tracks * expected.length, 'tracks of those in the room');
      assert.equal(stale, 0, 'tracks of those who left');
      return true;
    };
    const what = `${this.name} has panels of ${expected.join(', ') || 'nobody'}`;
    await eventually(what, check).catch((error) => this.#explain(error));
  }

  /**
   * Waits until there are exactly these people, and of each more pictures and more sound come in, over one connection.
   * @param {Person[]} people
   */
  async seesAndHears(people) {
    await this.hasPanelsOf(people);
    const before = await this.look();
    const rising = async () => {
      const now = await this.look();
      for (const tile of now.tiles) {
        const then = before.tiles.find(({ channel }) => channel === tile.channel);
        assert.ok(tile.frames >= (then?.frames ?? 0) + 5, `frames of ${tile.name}: ${then?.frames} to ${tile.frames}`);
        assert.ok(tile.energy > (then?.energy ?? 0), `sound of ${tile.name}: ${then?.energy} to ${tile.energy}`);
        assert.ok(tile.width > 2, `picture of ${tile.name} is ${tile.width} wide`);
      }
      return now;
    };
    const names = people.map(({ name }) => name).join(', ');
    const what = `${this.name} sees and hears ${names}`;
    const { states, errors } = await eventually(what, rising).catch((error) => this.#explain(error));
    assert.deepEqual(states, ['connected'], `connections of ${this.name}`);
    assert.deepEqual(errors, [], `errors on the page of ${this.name}`);
    const shown = within(this.page.evaluate(nextFrames), PATIENCE, `${this.name} is shown ${names}`);
    assert.equal(await shown, people.length);
  }

  /** What the connection is described to bring. */
  described() {
    return within(this.page.evaluate(described), PATIENCE, `${this.name} looks at lines`);
  }

  /**
   * Waits until exactly so many tiles are shown, and each has decoded more pictures.
   * @param {number} count
   * @param {number} [patience] ms
   * @returns {Promise<import('./probe.js').Tile[]>}
   */
  async seesShown(count, patience = PATIENCE) {
    const before = new Map((await this.look()).tiles.map(({ channel, frames }) => [channel, frames]));
    const what = `every tile that ${this.name} is shown decodes`;
    return eventually(what, () => this.#decoding(before, count), patience).catch((error) => this.#explain(error));
  }

  /**
   * @param {Map<string, number>} before frames, by channel
   * @param {number} count
   */
  async #decoding(before, count) {
    const shown = (await this.look()).tiles.filter((tile) => tile.shown);
    assert.equal(shown.length, count, 'tiles shown');
    for (const { channel, name, frames, width } of shown) {
      assert.ok(frames > (before.get(channel) ?? 0), `frames of ${name}: ${before.get(channel)} to ${frames}`);
      assert.ok(width > 2, `picture of ${name} is ${width} wide`);
    }
    return shown;
  }

  /** @returns {Promise<{incoming: import('./streams.js').Incoming[], outgoing: import('./streams.js').Outgoing[]}>} */
  streams() {
    return within(this.page.evaluate(streams), PATIENCE, `${this.name} looks at streams`);
  }

  /** Begins to keep account of how long each picture stands still, see gaps. */
  watch() {
    return this.page.evaluate(watch);
  }

  /** @returns {Promise<Record<string, {decoded: number, shown: number}>>} */
  gaps() {
    return within(this.page.evaluate(gaps), PATIENCE, `${this.name} looks for gaps`);
  }

  /** How somebody else who is seen here is called on the wire. @param {{name: string}} other */
  async channelOf(other) {
    const { tiles } = await this.look();
    return tiles.find(({ name }) => name === other.name)?.channel;
  }

  /** The port that this person's media comes from, or that the server sees it come from. */
  async port() {
    const { paths } = await this.look();
    assert.equal(paths.length, 1, `paths of ${this.name}`);
    return paths[0].port;
  }

  /** The tab is closed, without leaving first. */
  async close() {
    await this.context.close();
  }

  /** @param {Error} error */
  async #explain(error) {
    const view = await this.look().catch(() => undefined);
    throw new Error(`${error.message}\n${JSON.stringify(view, null, 1)}`, { cause: error.cause });
  }
}
