/** Ends of the waits below, in ms: a busy machine takes its time, a broken call never ends. */
export const PATIENCE = 30_000;
const INTERVAL = 200;

/**
 * Repeats check until it returns something other than undefined or false, without throwing.
 * @template T
 * @param {string} what told when it never does, with the last error
 * @param {() => Promise<T> | T} check
 * @param {number} [patience] ms
 * @returns {Promise<T>}
 */
export async function eventually(what, check, patience = PATIENCE) {
  const end = performance.now() + patience;
  let last;
  for (;;) {
    try {
      const result = await check();
      if (result !== undefined && result !== false) return result;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end)
      throw new Error(`${what}: not within ${patience} ms; ${last?.message ?? 'it is not so'}`, { cause: last });
    await sleep(INTERVAL);
  }
}

/** @param {number} ms */
export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * @template T
 * @param {Promise<T>} promise
 * @param {number} ms
 * @param {string} what
 * @returns {Promise<T>}
 */
export async function within(promise, ms, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
