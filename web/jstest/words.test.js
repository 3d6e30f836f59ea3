import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { knows, said, speak, t } from '../static/js/words.js';

afterEach(() => speak({}));

test('values go where they belong, and the number decides which words', () => {
  speak({ hello: 'Hello {name}, {name}!', people: { one: '{n} person', other: '{n} people' } });
  assert.equal(t('hello', { name: '<b>{n}$&' }), 'Hello <b>{n}$&, <b>{n}$&!');
  assert.equal(t('people', { n: 1 }), '1 person');
  assert.equal(t('people', { n: 0 }), '0 people');
  assert.equal(t('hello'), 'Hello {name}, {name}!');
});

test('a key without words stands for itself', () => {
  assert.equal(t('nothing.of.that', { n: 1 }), 'nothing.of.that');
  assert.equal(t('constructor'), 'constructor');
  assert.equal(knows('constructor'), false);
});

test('what the server says is translated, numbers and all', () => {
  speak({ 'said.the room takes {1} people': 'Der Raum fasst {1} Personen' });
  assert.equal(said('the room takes 30 people'), 'Der Raum fasst 30 Personen');
  assert.equal(said('something else, 7'), 'something else, 7');
});
