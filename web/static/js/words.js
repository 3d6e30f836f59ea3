/**
 * What the page says, in its language. The words are in `web/locales`, a file per language; the server puts those that
 * scripts need into the page.
 *
 * @typedef {string | {one: string, other: string}} Message with {names} of values; the plural goes by the value `n`
 * @typedef {Record<string, Message>} Messages by key
 * @typedef {Record<string, string | number>} Values
 */

/** @type {Messages} as `speak` was given them: a page has one language */
let messages = {};

/** Has `t` speak this language. @param {Messages} all */
export function speak(all) {
  messages = all;
}

/** Whether there are words for it. @param {string} key */
export function knows(key) {
  return Object.hasOwn(messages, key);
}

/**
 * The words for a key; the key itself where there are none.
 * @param {string} key
 * @param {Values} [values]
 */
export function t(key, values = {}) {
  if (!knows(key)) return key;
  const message = messages[key];
  const text = typeof message === 'string' ? message : values.n === 1 ? message.one : message.other;
  return text.replace(/\{(\w+)\}/g, (braces, name) => String(values[name] ?? braces));
}

/**
 * Translates what the server says in English, whose words are under that text, with {1} for the first number in it. What
 * there are no words for stays as it is.
 * @param {string} text
 */
export function said(text) {
  /** @type {Values} */
  const numbers = {};
  let count = 0;
  const key = `said.${text.replace(/\d+/g, (number) => ((numbers[++count] = number), `{${count}}`))}`;
  return knows(key) ? t(key, numbers) : text;
}
