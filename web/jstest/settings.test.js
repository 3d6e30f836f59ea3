import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Settings } from '../static/js/settings.js';

/** @param {string | null} kept */
function storeWith(kept) {
  return {
    kept,
    getItem() {
      return this.kept;
    },
    /** @param {string} _ @param {string} value */
    setItem(_, value) {
      this.kept = value;
    },
  };
}

test('what was chosen is there at the next visit', () => {
  const store = storeWith(null);
  const settings = new Settings(store);
  assert.equal(settings.get('cameraOn'), true);
  /** @type {unknown[]} */
  const told = [];
  settings.addEventListener('change', (event) => told.push(/** @type {CustomEvent} */ (event).detail));
  settings.set('cameraOn', false);
  settings.set('cameraOn', false);
  settings.set('view', 'speaker');
  assert.deepEqual(told, [
    { name: 'cameraOn', value: false },
    { name: 'view', value: 'speaker' },
  ]);
  const again = new Settings(store);
  assert.equal(again.get('cameraOn'), false);
  assert.equal(again.get('view'), 'speaker');
});

test('what cannot be is not taken, wherever it comes from', () => {
  for (const kept of ['nonsense', 'null', '[]', '{"view":"upside down","cameraOn":"yes","__proto__":1,"other":2}']) {
    const settings = new Settings(storeWith(kept));
    assert.equal(settings.get('view'), 'auto', kept);
    assert.equal(settings.get('cameraOn'), true, kept);
    settings.set('view', /** @type {any} */ ('upside down'));
    assert.equal(settings.get('view'), 'auto', kept);
  }
});

test('a browser that keeps nothing still lets one choose', () => {
  const settings = new Settings(undefined);
  settings.set('blur', true);
  assert.equal(settings.get('blur'), true);
  const full = new Settings({
    getItem: () => null,
    setItem: () => {
      throw new DOMException('full', 'QuotaExceededError');
    },
  });
  full.set('blur', true);
  assert.equal(full.get('blur'), true);
});
