// Somebody at a Chromium, in the namespace in which this runs: node browser.js URL ROOM NAME [FLAG...]. Prints what they
// see in the call as lines of State (state.go), and leaves when standard input ends. A page that loads again, or says
// that something went wrong, is a failure.
import { once } from 'node:events';
import { Browser } from '../harness/browsers.js';
import { sleep } from '../harness/wait.js';

const INTERVAL = 150; // ms

const [url, room, name, ...flags] = process.argv.slice(2);
let over = false;
process.stdin.resume();
const ended = once(process.stdin, 'end').then(() => (over = true));

const browser = await Browser.start('chromium', flags);
try {
  const person = await browser.person(name);
  await person.visit(url, room);
  await person.join();
  let loads = 0;
  person.page.on('load', () => loads++);
  while (!over) {
    const view = await person.look();
    if (loads > 0) throw new Error('the page was loaded again');
    if (view.errors.length > 0) throw new Error(`on the page: ${view.errors}`);
    console.log(JSON.stringify(state(view)));
    await Promise.race([sleep(INTERVAL), ended]);
  }
} finally {
  await browser.close();
}

/** @param {import('../harness/probe.js').View} view */
function state({ paths: [path], created, tiles }) {
  const from = Object.fromEntries(tiles.map(({ name, frames, energy }) => [name, { video: frames, audio: energy }]));
  return { path: way(path), connections: created, from };
}

/** @param {{type: string, protocol: string} | undefined} path */
function way(path) {
  if (!path) return '';
  return path.type === 'relay' ? `turn/${path.protocol}` : path.protocol;
}
