// By hand: a Chromium among many people of `parley load`. Prints figures.
//
//   node large.js [people, 100]        how soon it sees them, how busy its main thread is
//   node large.js churn [minutes, 10]  what its page keeps in memory while people come and go

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Scene } from './harness/scene.js';
import { eventually, sleep } from './harness/wait.js';

const BINARY = fileURLToPath(new URL('../bin/parley', import.meta.url));
const DESKTOP = { width: 1440, height: 900 };
// A browser shows no picture of what is made up.
const PICTURE = fileURLToPath(new URL('../signaling/client/media/h.ivf', import.meta.url));
const SMALL = ['--video-file', PICTURE, '--subscribers', '0'];
const ROOM = 'Hall';

const ends = [];
const scene = await Scene.open({ after: (end) => ends.push(end) });
try {
  if (process.argv[2] === 'churn') await churn(Number(process.argv[3] ?? 10));
  else await join(Number(process.argv[2] ?? 100));
} finally {
  for (const end of ends.reverse()) await end();
}

/**
 * People of `parley load`, who stay until the end.
 * @param {string[]} flags
 */
function people(...flags) {
  const args = [
    'load',
    '--url',
    scene.server.url,
    '--room',
    ROOM,
    '--slots',
    '6',
    '--talking',
    '3',
    ...SMALL,
    ...flags,
  ];
  const program = spawn(BINARY, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [report, progress] = ['', ''];
  program.stdout.on('data', (data) => (report += data));
  program.stderr.on('data', (data) => (progress += data));
  const ended = once(program, 'exit');
  ends.push(async () => {
    program.kill('SIGINT');
    await ended;
    console.log(report);
  });
  return () => Number(progress.match(/(\d+) people[^\n]*\n[^\n]*$/)?.[1] ?? 0);
}

/** @param {import('puppeteer-core').Page} page */
async function meter(page) {
  const session = await page.createCDPSession();
  await session.send('Performance.enable');
  await session.send('HeapProfiler.enable');
  return async ({ collect = false } = {}) => {
    if (collect) await session.send('HeapProfiler.collectGarbage');
    const { metrics } = await session.send('Performance.getMetrics');
    return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
  };
}

/**
 * How long after the press of a button each tile that was not shown before shows its first frame, in ms, in that order;
 * null if it did not within 20 s.
 * @param {import('puppeteer-core').Page} page
 * @param {string} button
 * @returns {Promise<(number | null)[]>}
 */
function firstFrames(page, button) {
  return page.evaluate(async (selector) => {
    const shown = () => [...document.querySelectorAll('#others > .panel:not([hidden])')];
    const former = new Set(shown());
    const firsts = new Map();
    const begun = performance.now();
    const watch = (panel) => {
      firsts.set(panel, null);
      const video = panel.querySelector('figure:not(.screen) video');
      const ask = () =>
        video.requestVideoFrameCallback(() => {
          if (video.srcObject?.id === panel.dataset.channel) firsts.set(panel, Math.round(performance.now() - begun));
          else ask(); // the last of what was there before
        });
      ask();
    };
    document.querySelector(selector).click();
    for (let done = false; !done && performance.now() - begun < 20_000;) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      for (const panel of shown()) if (!former.has(panel) && !firsts.has(panel)) watch(panel);
      for (const panel of firsts.keys()) if (panel.hidden) firsts.delete(panel); // somebody who speaks has its place
      done = firsts.size > 0 && ![...firsts.values()].includes(null);
    }
    return [...firsts.values()].sort((a, b) => (a ?? Infinity) - (b ?? Infinity));
  }, button);
}

/** @param {(number | null)[]} times */
function inWords(times) {
  const there = times.filter((time) => time !== null);
  return `first frames of ${there.length} of ${times.length} tiles after ${there.join(', ')} ms`;
}

async function join(count) {
  const there = people('--publishers', String(count), '--shown', '9', '--duration', '10m', '--ramp', '10');
  await eventually('all have joined', () => there() >= count, 180_000);
  await sleep(5000); // for the load to settle
  const anna = await scene.person('Anna', await scene.browser('chromium'), ROOM, { viewport: DESKTOP });
  const measure = await meter(anna.page);
  console.log(`joining: ${inWords(await firstFrames(anna.page, '#call-button.join'))}`);
  await sleep(3000);
  const before = await measure();
  await sleep(20_000); // which is measured
  const after = await measure();
  const share = (after.TaskDuration - before.TaskDuration) / (after.Timestamp - before.Timestamp);
  console.log(
    `main thread: busy ${(100 * share).toFixed(1)} % of the time, scripts ${(
      (100 * (after.ScriptDuration - before.ScriptDuration)) /
      (after.Timestamp - before.Timestamp)
    ).toFixed(1)} %`,
  );
  for (let page = 2; page <= 5 && (await anna.page.$('#pages .next:not([aria-disabled="true"])')); page++) {
    console.log(`page ${page}: ${inWords(await firstFrames(anna.page, '#pages .next'))}`);
    await sleep(2000);
  }
}

async function churn(minutes) {
  people('--publishers', '30', '--shown', '9', '--duration', `${minutes + 5}m`, '--churn', '2');
  const anna = await scene.person('Anna', await scene.browser('chromium'), ROOM, { viewport: DESKTOP });
  const measure = await meter(anna.page);
  await anna.join();
  for (let minute = 0; minute <= minutes; minute++) {
    await sleep(minute === 0 ? 20_000 : 60_000);
    await anna.page.evaluate(() => {
      // which the tests keep, not the page
      for (const stream of window.e2e.streams.keys()) {
        if (stream.getTracks().length === 0) window.e2e.streams.delete(stream);
      }
    });
    const { JSHeapUsedSize: heap, Nodes: nodes, JSEventListeners: listeners } = await measure({ collect: true });
    console.log(`${minute} min: heap ${(heap / 1e6).toFixed(2)} MB, ${nodes} nodes, ${listeners} listeners`);
  }
}
