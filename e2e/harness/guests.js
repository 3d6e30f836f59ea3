import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { within } from './wait.js';

const BINARY = fileURLToPath(new URL('../../bin/guests', import.meta.url));
const PATIENCE = 90_000; // ms

/** What many guests are to be like, who take next to nothing from the machine: silent until one is told to talk. */
export const CROWD = ['-small', '-only', '-slots', '1', '-talking', '0'];

/**
 * Go clients in a room, which leave when the test ends.
 * @param {import('node:test').TestContext} t
 * @param {string} url the server's
 * @param {string} room
 * @param {number} count
 * @param {string[]} [flags] what they are like
 * @returns {Promise<{name: string, talk: () => void}[]>} those who are there; one talks until another is to
 */
export async function guests(t, url, room, count, flags = []) {
  const program = spawn(BINARY, [...flags, url, room, String(count)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(program, 'exit');
  t.after(async () => {
    program.stdin.end();
    await within(ended, PATIENCE, 'the guests leave');
  });
  const failed = ended.then(([code]) => Promise.reject(new Error(`the guests ended with ${code}`)));
  failed.catch(() => {}); // also when they end as they should
  await within(Promise.race([once(program.stdout, 'data'), failed]), PATIENCE, 'the guests join');
  return Array.from({ length: count }, (_, i) => ({
    name: `Guest ${i + 1}`,
    talk: () => void program.stdin.write(`talk ${i + 1}\n`),
  }));
}
