import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { isAccessible } from './harness/axe.js';
import { Scene } from './harness/scene.js';
import { slowly } from './harness/slowly.js';
import { eventually, sleep } from './harness/wait.js';

const TOO_LONG = 60_000; // ms, for a whole check

/**
 * Somebody on the page of the check.
 * @param {Scene} scene
 * @param {import('./harness/browsers.js').Browser} browser
 * @param {import('./harness/instrument.js').Options} [options]
 */
async function guest(scene, browser, options) {
  const anna = await scene.person('Anna', browser, 'Door', options);
  await anna.page.goto(`${scene.server.url}/diagnostics/`);
  return anna;
}

/**
 * Runs the check.
 * @param {import('./harness/person.js').Person} person
 * @returns {Promise<{rows: Record<string, string>, texts: Record<string, string>, severity: string, sentence: string, report: string}>}
 */
async function check({ page }) {
  await page.click('#start');
  const over = () => page.$eval('main', ({ dataset }) => dataset.state === 'done');
  await eventually('the check is over', over, TOO_LONG);
  return page.evaluate(() => {
    const rows = [...document.querySelectorAll('[data-row]')];
    return {
      rows: Object.fromEntries(rows.map(({ dataset }) => [dataset.row, dataset.state])),
      texts: Object.fromEntries(rows.map((row) => [row.dataset.row, row.querySelector('.text').textContent])),
      severity: document.querySelector('main').dataset.severity,
      sentence: document.querySelector('#verdict .sentence').textContent,
      report: document.querySelector('#report textarea').value,
    };
  });
}

/** A machine that is busy with other tests looks like a slow line: then once more. @param {import('./harness/person.js').Person} person */
async function checkInPeace(person) {
  for (let tries = 2; tries > 0; tries--) {
    const found = await check(person);
    if (found.rows.up === 'good' && found.rows.down === 'good') return found;
  }
  return check(person);
}

const DEVICES = ['secure', 'camera', 'microphone', 'speaker'];
const NETWORK = ['socket', 'udp', 'tcp', 'turn_udp', 'turn_tcp', 'up', 'down'];

/** An address of this machine's: Firefox takes TCP to no loopback one. What is sent there does not leave the machine. */
const OWN = Object.values(networkInterfaces())
  .flat()
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

for (const kind of /** @type {const} */ (['chromium', 'firefox'])) {
  const run = kind === 'firefox' ? slowly : test;
  run(`all is well, in ${kind}`, async (t) => {
    if (kind === 'firefox' && !OWN) return t.skip('this machine has a loopback address only');
    const scene = await Scene.open(t, { flags: kind === 'firefox' ? ['--announce', OWN] : [] });
    const anna = await guest(scene, await scene.browser(kind));
    await anna.page.evaluate(() => {
      window.lobby = '';
      new EventSource('/rooms/').onmessage = ({ data }) => (window.lobby += data);
    });
    const { rows, texts, severity, sentence, report } = await checkInPeace(anna);
    for (const row of [...DEVICES, ...NETWORK]) assert.equal(rows[row], 'good', `${row}: ${texts[row]}`);
    assert.equal(rows.turn_tls, 'absent', 'without a certificate there is none');
    assert.deepEqual([severity, sentence], ['good', 'All is well: calls will work here.']);
    for (const row of ['up', 'down']) assert.match(texts[row], /^At least \d+(\.\d)? Mbit\/s\.$/);
    assert.match(report, /^UDP {7}good after \d+ ms/m);
    assert.match(report, /^Websocket median \d/m);
    assert.doesNotMatch(report, /Anna|_check-|\bcredential\b/);
    assert.deepEqual(await anna.page.evaluate(() => window.e2e.errors), []);
    const { states } = await anna.look();
    assert.deepEqual(states, [], 'connections that are left');
    const lobby = await anna.page.evaluate(() => window.lobby);
    assert.match(lobby, /class="none"/);
    assert.doesNotMatch(lobby, /room-link/, 'rooms that others are told of');
  });
}

test('it is accessible, and so is what it says', async (t) => {
  const scene = await Scene.open(t);
  const anna = await guest(scene, await scene.browser('chromium'), { refused: { camera: ['NotAllowedError'] } });
  for (const theme of ['dark', 'light']) {
    await anna.page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }]);
    await isAccessible(anna.page, `the check before, ${theme}`);
  }
  const { rows, texts, severity, sentence } = await check(anna);
  assert.deepEqual([rows.camera, rows.microphone, rows.udp, severity], ['failed', 'good', 'good', 'warning']);
  assert.match(texts.camera, /^The camera is blocked\. Allow it in the site settings/);
  assert.match(sentence, /^Calls work here, but the browser may not use the camera\./);
  for (const theme of ['dark', 'light']) {
    await anna.page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }]);
    await isAccessible(anna.page, `the check after, ${theme}`);
  }
  await anna.page.evaluate(() => {
    navigator.clipboard.writeText = (text) => Promise.resolve((window.copied = text));
  });
  await anna.press('#report .copy');
  await anna.reads('#report .told', 'The report is on the clipboard.');
  const [copied, shown] = await anna.page.evaluate(() => [
    window.copied,
    document.querySelector('#report textarea').value,
  ]);
  assert.equal(copied, shown);
  assert.match(copied, /^Camera {4}failed denied$/m);
});

/**
 * A server that says it were at a port where nothing answers. It knows of no address of the guest's either (`concealed`),
 * else it would find the way itself.
 */
const NOWHERE = ['--announce', '127.0.0.1:1999'];

/** Its relays are where nobody is. */
const NOBODY = ['--public-host', '192.0.2.1'];

test('the media port is closed, and there is no relay', async (t) => {
  const scene = await Scene.open(t, { flags: [...NOWHERE, '--turn-port', '0'] });
  const browser = await scene.browser('chromium');
  const anna = await guest(scene, browser, { concealed: true });
  const { rows, texts, severity, sentence, report } = await check(anna);
  assert.deepEqual([rows.socket, rows.udp, rows.turn_udp], ['good', 'failed', 'absent']);
  assert.equal(texts.udp, 'No answer from 1999/udp.');
  assert.equal(severity, 'failed');
  assert.match(sentence, /^No way to the server’s media\. .* blocks it: .*\b1999\/udp/);
  assert.match(report, /^UDP {7}failed \(ice\) after \d+ ms, of 1999\/udp$/m);
});

test('before joining nothing is said, and no connection made, where a relay has answered', async (t) => {
  const scene = await Scene.open(t);
  const anna = await scene.person('Anna', await scene.browser('chromium'), 'Door');
  await eventually('the page begins to look', () => {
    return anna.page.evaluate(() => {
      return performance.getEntriesByType('resource').some(({ name }) => name.includes('diagnostics-quick'));
    });
  });
  await sleep(1000); // it would have made one
  await anna.sees('#prejoin .trouble', false);
  const { created, errors } = await anna.look();
  assert.deepEqual([created, errors], [1, []]);
});

test('before joining it is said that nothing gets through, and a join ends the look', async (t) => {
  const scene = await Scene.open(t, { flags: [...NOWHERE, ...NOBODY] });
  const browser = await scene.browser('chromium');
  const [anna, ben] = [
    await scene.person('Anna', browser, 'Door', { concealed: true }),
    await scene.person('Ben', browser, 'Door', { concealed: true }),
  ];
  await eventually('the page tries the connection', () => {
    return ben.page.evaluate(() => {
      if (window.e2e.connections.length < 2) return false;
      document.querySelector('#call-button').click();
      return window.e2e.connections.filter(({ signalingState }) => signalingState !== 'closed').length === 1;
    });
  });
  assert.deepEqual((await ben.look()).errors, []);
  await anna.sees('#prejoin .trouble');
  await anna.reads('#prejoin .trouble', 'Picture and sound may not get through from here. Find out why');
  await isAccessible(anna.page, 'before joining, with trouble');
});
