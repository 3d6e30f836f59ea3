import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A directory for one test.
 * @param {import('node:test').TestContext} t
 */
export async function scratch(t) {
  const directory = await mkdtemp(join(tmpdir(), 'parley-e2e-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
