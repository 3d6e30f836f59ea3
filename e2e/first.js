// By hand: from the press of Join to the first picture, on the page of a room and on a bare one (harness/bare.js), in
// turns on one server. Prints figures in ms.
//
//   node first.js [rounds, 15]

import { bare } from './harness/bare.js';
import { Scene } from './harness/scene.js';
import { eventually, PATIENCE, sleep, within } from './harness/wait.js';

const ROUNDS = Number(process.argv[2] ?? 15);
const CAMERA = { width: 640, height: 360, frameRate: 30 };
const LIMITS = { newcomer: 200, others: 250 }; // ms
const FACTOR = 1.25; // or so many times as long as on the bare page
const QUIET = 1500; // ms for things to settle before the press

/**
 * How somebody comes before a room, with camera and microphone open.
 * @type {Record<string, (person: Person, room: string) => Promise<void>>}
 * @typedef {import('./harness/person.js').Person} Person
 */
const PAGES = {
  async page(person, room) {
    await person.go(room);
    await person.page.waitForSelector('#self:not(.no-video)'); // its camera is open
  },
  async bare(person, room) {
    await person.page.goto(`${scene.server.url}/`);
    await person.page.evaluate(bare, room);
  },
};

const ends = [];
const scene = await Scene.open({ after: (end) => ends.push(end) });
try {
  const browser = await scene.browser('chromium');
  const people = [];
  for (const name of ['Anna', 'Ben']) {
    const person = await scene.person(name, browser, 'Hall', { camera: CAMERA });
    await person.page.evaluateOnNewDocument(observe);
    people.push(person);
  }
  /** @type {Record<string, Round[]>} */
  const rounds = { page: [], bare: [] };
  for (let i = 1; i <= ROUNDS; i++) {
    for (const kind of Object.keys(PAGES)) rounds[kind].push(await play(kind, `First-${kind}-${i}`, people));
  }
  report(rounds);
} finally {
  for (const end of ends.reverse()) await end();
}

/**
 * Runs in a page before its own scripts: notes when what happens for the first time, in ms of the machine's clock, in
 * `window.firsts`, and tasks that took more than 50 ms. It must stand alone.
 */
function observe() {
  const firsts = {};
  const tasks = [];
  Object.assign(window, { firsts, tasks });
  const note = (what) => (firsts[what] ??= performance.timeOrigin + performance.now());
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) {
      tasks.push({ at: performance.timeOrigin + startTime, duration });
    }
  }).observe({ type: 'longtask' });

  // What passes over the socket.
  const noteFrame = (way, data) => {
    const { join, rtc } = JSON.parse(data);
    const description = rtc?.signal?.description?.type;
    if (join) note('join sent');
    if (rtc?.type === 'others') note('others came');
    if (description) note(`${description} ${way}`);
  };
  window.WebSocket = class extends WebSocket {
    constructor(...parameters) {
      super(...parameters);
      this.addEventListener('message', ({ data }) => noteFrame('came', data));
    }

    send(data) {
      noteFrame('sent', data);
      super.send(data);
    }
  };
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...parameters) {
      super(...parameters);
      note('connection made');
      this.addEventListener('connectionstatechange', () => this.connectionState === 'connected' && note('connected'));
      this.addEventListener('track', ({ track }) => {
        if (track.kind !== 'video') return;
        note('track came');
        track.addEventListener('unmute', () => note('packets came'));
      });
    }
  };

  // The picture of somebody else: a video that is not of one's own camera.
  addEventListener(
    'loadstart',
    ({ target: video }) => {
      if (!(video instanceof HTMLVideoElement) || video.closest('#self, #prejoin')) return;
      note('picture attached');
      video.requestVideoFrameCallback(() => note('picture shown'));
    },
    true,
  );
}

/**
 * @typedef {Record<string, number>} Firsts ms after the press, by what happened
 * @typedef {{newcomer: Firsts, others: Firsts, busy: number}} Round busy is ms of long tasks of the newcomer's page until
 *   its first picture
 *
 * @param {string} kind
 * @param {string} room
 * @param {Person[]} people
 * @returns {Promise<Round>}
 */
async function play(kind, room, [newcomer, other]) {
  const pages = [other.page, newcomer.page];
  for (const person of [other, newcomer]) await PAGES[kind](person, room);
  await press(kind, other.page);
  await eventually(`${other.name} is connected`, async () => (await firstsOf(other.page))['connected']);
  await sleep(QUIET);
  const begin = await press(kind, newcomer.page);
  const shown = pages.map((page) => eventually('a picture', async () => (await firstsOf(page))['picture shown']));
  await within(Promise.all(shown), PATIENCE, 'both see each other');
  const [others, own] = await Promise.all(pages.map((page) => firstsOf(page)));
  const tasks = await newcomer.page.evaluate(() => window.tasks);
  for (const page of pages) await page.goto('about:blank');
  const after = (firsts) => Object.fromEntries(Object.entries(firsts).map(([what, at]) => [what, at - begin]));
  const inTime = tasks.filter(({ at }) => at > begin && at < own['picture shown']);
  const busy = inTime.reduce((sum, { duration }) => sum + duration, 0);
  return { newcomer: after(own), others: after(others), busy };
}

/** @param {import('puppeteer-core').Page} page @returns {Promise<Record<string, number>>} */
function firstsOf(page) {
  return page.evaluate(() => window.firsts);
}

/**
 * Joins, and returns when, in ms of the machine's clock.
 * @param {string} kind
 * @param {import('puppeteer-core').Page} page
 * @returns {Promise<number>}
 */
function press(kind, page) {
  return page.evaluate((isBare) => {
    const begin = performance.timeOrigin + performance.now();
    if (isBare) window.bare.join();
    else document.querySelector('#call-button').click();
    return begin;
  }, kind === 'bare');
}

/** @param {Record<string, Round[]>} rounds */
function report(rounds) {
  console.log(`first pictures after the press, in ms, ${ROUNDS} rounds each (median, least, most)`);
  for (const who of /** @type {const} */ (['newcomer', 'others'])) {
    const [page, least] = [rounds.page, rounds.bare].map((all) => all.map((round) => round[who]['picture shown']));
    const ratio = median(page) / median(least);
    const passes = median(page) <= LIMITS[who] || ratio <= FACTOR;
    const verdict = `${passes ? 'within' : 'BEYOND'} ${LIMITS[who]} ms or ${FACTOR} x`;
    console.log(
      `  ${who.padEnd(9)} page ${inWords(page)}, bare ${inWords(least)}, ratio ${ratio.toFixed(2)}: ${verdict}`,
    );
  }
  console.log(`long tasks of the newcomer until then: page ${inWords(rounds.page.map(({ busy }) => busy))}`);
  for (const who of /** @type {const} */ (['newcomer', 'others'])) {
    console.log(`${who}, ms after the press (median)`.padEnd(40), 'page', 'bare');
    for (const [what, at] of steps(rounds.page, who)) {
      const values = rounds.bare.map((round) => round[who][what]).filter((value) => value !== undefined);
      console.log(`  ${what.padEnd(38)}`, at, values.length > 0 ? Math.round(median(values)) : '-');
    }
  }
}

/**
 * What happened after the press, in that order.
 * @param {Round[]} all
 * @param {'newcomer' | 'others'} who
 * @returns {[string, number][]}
 */
function steps(all, who) {
  const names = [...new Set(all.flatMap((round) => Object.keys(round[who])))];
  const medians = names.map((name) => {
    const values = all.map((round) => round[who][name]).filter((value) => value !== undefined);
    return /** @type {[string, number]} */ ([name, Math.round(median(values))]);
  });
  return medians.filter(([, at]) => at >= 0).sort(([, a], [, b]) => a - b);
}

/** @param {number[]} values */
function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** @param {number[]} values */
function inWords(values) {
  return [median(values), Math.min(...values), Math.max(...values)].map(Math.round).join(' ');
}
