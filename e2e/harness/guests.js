import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { within } from './wait.js';

const BINARY = fileURLToPath(new URL('../../bin/guests', import.meta.url));
const PATIENCE = 90_000; // ms

/**
 * Go clients in a room, which leave when the test ends.
 * @param {import('node:test').TestContext} t
 * @param {string} url the server's
 * @param {string} room
 * @param {number} count
 * @returns {Promise<{name: string}[]>} those who are there
 */
export async function guests(t, url, room, count) {
  const program = spawn(BINARY, [url, room, String(count)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(program, 'exit');
  t.after(async () => {
    program.stdin.end();
    await within(ended, PATIENCE, 'the guests leave');
  });
  const failed = ended.then(([code]) => Promise.reject(new Error(`the guests ended with ${code}`)));
  failed.catch(() => {}); // also when they end as they should
  await within(Promise.race([once(program.stdout, 'data'), failed]), PATIENCE, 'the guests join');
  return Array.from({ length: count }, (_, i) => ({ name: `Guest ${i + 1}` }));
}
