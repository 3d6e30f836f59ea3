// By hand: how busy the main thread of the page is in a call of nine, and that of a bare page with the same pictures.
// Prints shares of the time.
//
//   node nine.js [seconds, 20] [rounds, 3]

import { bare } from './harness/bare.js';
import { guests } from './harness/guests.js';
import { Scene } from './harness/scene.js';
import { eventually, sleep } from './harness/wait.js';

const SECONDS = Number(process.argv[2] ?? 20);
const ROUNDS = Number(process.argv[3] ?? 3);
const OTHERS = 8;
const LIMIT = 0.1; // beyond the media work of the browser itself
const QUIET = 4000; // ms for things to settle

const ends = [];
const scene = await Scene.open({ after: (end) => ends.push(end) });
try {
  await guests({ after: (end) => ends.push(end) }, scene.server.url, 'Nine', OTHERS);
  const browser = await scene.browser('chromium');
  const anna = await scene.person('Anna', browser, 'Nine');
  const shares = { page: [], bare: [] };
  for (let i = 0; i < ROUNDS; i++) {
    await anna.go('Nine');
    await anna.page.waitForSelector('#self:not(.no-video)');
    await anna.join();
    await eventually('eight pictures', () => playing(OTHERS));
    shares.page.push(await busy());
    await anna.page.goto(`${scene.server.url}/`);
    await anna.page.evaluate(bare, 'Nine');
    await anna.page.evaluate(() => window.bare.join());
    await eventually('eight pictures', () => playing(OTHERS));
    shares.bare.push(await busy());
  }
  for (const [kind, all] of Object.entries(shares)) {
    for (const what of Object.keys(all[0])) {
      console.log(kind.padEnd(6), what.padEnd(20), inWords(all.map((one) => one[what])));
    }
  }
  const beyond = median(shares.page.map(({ TaskDuration }, i) => TaskDuration - shares.bare[i].TaskDuration));
  console.log(`beyond the bare page ${(100 * beyond).toFixed(1)} %: ${beyond < LIMIT ? 'within' : 'BEYOND'} 10 %`);

  function playing(count) {
    return anna.page.evaluate((least) => {
      const videos = [...document.querySelectorAll('video')].filter((video) => !video.closest('#self'));
      return videos.filter(({ videoWidth, paused }) => videoWidth > 2 && !paused).length >= least;
    }, count);
  }

  /** Shares of the time, by what the main thread does. */
  async function busy() {
    await sleep(QUIET);
    const before = await anna.page.metrics();
    await sleep(SECONDS * 1000);
    const now = await anna.page.metrics();
    const time = now.Timestamp - before.Timestamp;
    const names = /** @type {const} */ (['TaskDuration', 'ScriptDuration', 'LayoutDuration', 'RecalcStyleDuration']);
    return Object.fromEntries(names.map((name) => [name, (now[name] - before[name]) / time]));
  }
} finally {
  for (const end of ends.reverse()) await end();
}

/** @param {number[]} values */
function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/** @param {number[]} values */
function inWords(values) {
  return [median(values), Math.min(...values), Math.max(...values)]
    .map((value) => `${(100 * value).toFixed(1)} %`)
    .join(' ');
}
