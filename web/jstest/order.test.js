import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Order } from '../static/js/order.js';

const SILENT = { stays: () => false, heard: () => -Infinity };

/** An order of the letters of a word, in pages of 3. */
function of(word) {
  const order = new Order();
  for (const id of word) order.add(id);
  const pages = () => Array.from({ length: order.pages(3) }, (_, i) => order.page(i, 3).join('')).join(' ');
  const bring = (id, about = {}) => order.bring(id, 3, { ...SILENT, ...about });
  const remove = (...ids) => ids.forEach((id) => order.remove(id, 3));
  return { order, pages, bring, remove };
}

test('who comes is the last, and comes once', () => {
  const { order, pages } = of('abcd');
  order.add('e');
  order.add('a');
  assert.equal(pages(), 'abc de');
  assert.equal(order.size, 5);
});

test('there is one page of nobody', () => {
  const { order } = of('');
  assert.deepEqual([order.pages(3), order.page(0, 3)], [1, []]);
});

test('on the last page the others close up', () => {
  const { pages, remove } = of('abcdef');
  remove('d', 'nobody');
  assert.equal(pages(), 'abc ef');
});

test('who leaves makes room for the last of all; nobody else on the page moves', () => {
  const { pages, remove } = of('abcdefgh');
  remove('b');
  assert.equal(pages(), 'ahc def g');
  remove('d');
  assert.equal(pages(), 'ahc gef');
  remove('e');
  assert.equal(pages(), 'ahc gf');
});

test('a single page closes up', () => {
  const { pages, remove } = of('abc');
  remove('a');
  assert.equal(pages(), 'bc');
});

test('who speaks changes places with who has been silent longest', () => {
  const { pages, bring } = of('abcdefg');
  const heard = (id) => ({ a: 30, b: 10, c: 20 })[id] ?? 0;
  assert.equal(bring('f', { heard }), true);
  assert.equal(pages(), 'afc deb g');
});

test('of those who have never spoken the last makes room', () => {
  const { pages, bring } = of('abcde');
  bring('d');
  assert.equal(pages(), 'abd ce');
  bring('e', { heard: (id) => (id === 'd' ? 5 : -Infinity) });
  assert.equal(pages(), 'aed cb');
});

test('who stays is not moved', () => {
  const { pages, bring } = of('abcde');
  assert.equal(bring('d', { stays: (id) => id !== 'b' }), true);
  assert.equal(pages(), 'adc be');
  assert.equal(bring('e', { stays: () => true }), false);
  assert.equal(pages(), 'adc be');
});

test('who is on the first page, or nowhere, is not brought', () => {
  const { pages, bring } = of('abcde');
  assert.equal(bring('c'), false);
  assert.equal(bring('nobody'), false);
  assert.equal(pages(), 'abc de');
});

test('a long conversation moves only those who speak', () => {
  const { order, bring } = of('abcdefghijkl');
  const heard = new Map();
  let time = 0;
  for (const id of 'defdefdef') {
    bring(id, { heard: (other) => heard.get(other) ?? -Infinity });
    heard.set(id, ++time);
  }
  assert.deepEqual([...order.page(0, 3)].sort(), ['d', 'e', 'f']);
  const before = order.page(0, 3).join('');
  for (const id of 'fedfed') bring(id, { heard: (other) => heard.get(other) ?? -Infinity });
  assert.equal(order.page(0, 3).join(''), before);
});
