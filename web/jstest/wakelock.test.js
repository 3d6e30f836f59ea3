import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WakeLock } from '../static/js/wakelock.js';
import { rest } from './fakes.js';

/** A wake lock, and how many are held at present; a `gate` holds back the browser's answer. */
function make() {
  const page = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  const browser = { gate: Promise.resolve(), refusing: false, asked: 0, sentinels: [] };
  const request = async () => {
    browser.asked++;
    await browser.gate;
    if (browser.refusing) throw new DOMException('', 'NotAllowedError');
    const sentinel = { released: false, release: () => ((sentinel.released = true), Promise.resolve()) };
    browser.sentinels.push(sentinel);
    return sentinel;
  };
  const held = () => browser.sentinels.filter(({ released }) => !released).length;
  const show = async (visible) => {
    page.visibilityState = visible ? 'visible' : 'hidden';
    if (!visible) for (const sentinel of browser.sentinels) sentinel.released = true; // as browsers do
    page.dispatchEvent(new Event('visibilitychange'));
    await rest();
  };
  return { lock: new WakeLock({ wakeLock: { request } }, page), browser, held, show };
}

test('holds one until it is released', async () => {
  const { lock, browser, held } = make();
  await Promise.all([lock.hold(), lock.hold()]);
  await lock.hold();
  assert.deepEqual([held(), browser.asked], [1, 1]);
  await lock.release();
  await lock.release();
  assert.equal(held(), 0);
});

test('the page was hidden: held again when it is seen, if it is wanted still', async () => {
  const { lock, held, show } = make();
  await lock.hold();
  await show(false);
  assert.equal(held(), 0);
  await show(true);
  assert.equal(held(), 1);
  await show(false);
  await lock.release();
  await show(true);
  assert.equal(held(), 0);
});

test('released while the browser thinks, nothing is held', async () => {
  const { lock, browser, held } = make();
  let answer = () => {};
  browser.gate = new Promise((resolve) => (answer = resolve));
  const holding = lock.hold();
  await lock.release();
  answer();
  await holding;
  assert.deepEqual([held(), browser.asked], [0, 1]);
});

test('a browser that refuses is asked again; one that cannot is left in peace', async () => {
  const { lock, browser, held, show } = make();
  browser.refusing = true;
  await lock.hold();
  assert.equal(held(), 0);
  browser.refusing = false;
  await show(false);
  await show(true);
  assert.equal(held(), 1);

  const none = new WakeLock({}, Object.assign(new EventTarget(), { visibilityState: 'visible' }));
  await none.hold();
  await none.release();
});
