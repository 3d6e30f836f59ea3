import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Focus } from '../static/js/focus.js';

test('who speaks is large, but not before whoever is has had the place for a while', () => {
  let now = 0;
  const focus = new Focus({ now: () => now });
  const ids = ['anna', 'ben', 'cleo'];
  const steps = [
    [0, null, ids, 'anna', 0, 'nobody has spoken: the first'],
    [10, 'cleo', ids, 'cleo', 0, 'the first did not get it by speaking'],
    [20, 'ben', ids, 'cleo', 1990, 'too soon'],
    [1500, 'cleo', ids, 'cleo', 0, 'nobody waits any more'],
    [2010, 'ben', ids, 'ben', 0, 'after two seconds'],
    [2020, 'me', ids, 'ben', 0, 'never oneself'],
    [2030, null, ids, 'ben', 0, 'silence changes nothing'],
    [2040, 'cleo', ['anna', 'cleo'], 'cleo', 0, 'who leaves does not keep the place'],
    [2050, null, [], null, 0, 'nobody is there'],
  ];
  for (const [at, speaker, present, id, wait, what] of steps) {
    now = at;
    assert.deepEqual(focus.next(speaker, present), { id, wait }, what);
  }
});
