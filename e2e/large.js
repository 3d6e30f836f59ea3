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
const SMALL = ['--video-size', '320x180', '--fps', '10', '--video-bitrate', '100k', '--subscribers', '0'];
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
async function people(...flags) {
  const args = ['load', '--url', scene.server.url, '--room', ROOM, '--slots', '6', '--talking', '3', ...SMALL, ...flags];
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

/** When each tile on the page shows its first frame from now on, in ms. @param {import('puppeteer-core').Page} page */
function firstFrames(page, selector) {
  return page.evaluate(async (press) => {
    const begun = performance.now();
    document.querySelector(press).click();
    const found = new Map();
    const wanted = 9;
    while (found.size < wanted && performance.now() - begun < 20_000) {
      for (const video of document.querySelectorAll('#others .panel:not([hidden]) figure:not(.screen) video')) {
        if (found.has(video)) continue;
        found.set(video, 0);
        video.requestVideoFrameCallback(() => found.set(video, performance.now() - begun));
      }
      await new Promise((done) => setTimeout(done, 5));
    }
    while ([...found.values()].some((at) => at === 0) && performance.now() - begun < 20_000) {
      await new Promise((done) => setTimeout(done, 5));
    }
    return [...found.values()].map(Math.round).sort((a, b) => a - b);
  }, selector);
}

async function join(count) {
  const there = await people('--publishers', String(count), '--shown', '9', '--duration', '10m', '--ramp', '10');
  await eventually('all have joined', () => there() >= count, 180_000);
  await sleep(5000); // for the load to settle
  const anna = await scene.person('Anna', await scene.browser('chromium'), ROOM, { viewport: DESKTOP });
  const measure = await meter(anna.page);
  const joined = await firstFrames(anna.page, '#call-button.join');
  console.log(`joining: first frames after ${joined.join(', ')} ms`);
  await sleep(3000);
  const before = await measure();
  await sleep(20_000); // which is measured
  const after = await measure();
  const share = (after.TaskDuration - before.TaskDuration) / (after.Timestamp - before.Timestamp);
  console.log(`main thread: busy ${(100 * share).toFixed(1)} % of the time, scripts ${(
    (100 * (after.ScriptDuration - before.ScriptDuration)) /
    (after.Timestamp - before.Timestamp)
  ).toFixed(1)} %`);
  for (let page = 2; page <= 5; page++) {
    const turned = await firstFrames(anna.page, '#pages [data-action=next], #pages button:last-of-type');
    console.log(`page ${page}: first frames after ${turned.join(', ')} ms`);
    await sleep(2000);
  }
}

async function churn(minutes) {
  await people('--publishers', '30', '--shown', '9', '--duration', `${minutes + 5}m`, '--churn', '2');
  const anna = await scene.person('Anna', await scene.browser('chromium'), ROOM, { viewport: DESKTOP });
  const measure = await meter(anna.page);
  await anna.join();
  for (let minute = 0; minute <= minutes; minute++) {
    await sleep(minute === 0 ? 20_000 : 60_000);
    const { JSHeapUsedSize: heap, Nodes: nodes, JSEventListeners: listeners } = await measure({ collect: true });
    console.log(`${minute} min: heap ${(heap / 1e6).toFixed(2)} MB, ${nodes} nodes, ${listeners} listeners`);
  }
}
