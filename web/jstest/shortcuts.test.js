import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionOf } from '../static/js/shortcuts.js';

/** @param {string} key @param {object} [more] */
const press = (key, more = {}) => {
  const none = { ctrlKey: false, altKey: false, metaKey: false, repeat: false, isComposing: false };
  return { key, ...none, ...more };
};
const FREE = { enabled: true, typing: false, onControl: false, inDialog: false };

test('keys do what the help says, in either case', () => {
  for (const [key, action] of Object.entries({
    m: 'microphone',
    M: 'microphone',
    v: 'camera',
    s: 'screen',
    h: 'hand',
    c: 'chat',
    p: 'people',
    '?': 'help',
    ' ': 'talk',
    1: 'pin 1',
    9: 'pin 9',
    0: null,
    x: null,
    Enter: null,
    constructor: null,
  })) {
    assert.equal(actionOf(press(key), FREE), action, key);
  }
});

test('a key that is for something else does nothing', () => {
  for (const key of ['m', '3', ' ', '?']) {
    for (const more of [
      { ctrlKey: true },
      { altKey: true },
      { metaKey: true },
      { repeat: true },
      { isComposing: true },
    ]) {
      assert.equal(actionOf(press(key, more), FREE), null, `${key} ${JSON.stringify(more)}`);
    }
    assert.equal(actionOf(press(key), { ...FREE, typing: true }), null, key);
    assert.equal(actionOf(press(key), { ...FREE, enabled: false }), null, key);
  }
});

test('on a button the space bar presses that, and letters do what they do', () => {
  assert.equal(actionOf(press(' '), { ...FREE, onControl: true }), null);
  assert.equal(actionOf(press('m'), { ...FREE, onControl: true }), 'microphone');
});

test('in a dialog only the help opens and closes, and a field in it is written in', () => {
  for (const key of ['m', '3', ' ']) assert.equal(actionOf(press(key), { ...FREE, inDialog: true }), null, key);
  assert.equal(actionOf(press('?'), { ...FREE, inDialog: true }), 'help');
  assert.equal(actionOf(press('?'), { ...FREE, inDialog: true, typing: true }), null);
});
