import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hearing } from '../static/js/hearing.js';
import { FakeTrack } from './studio.js';

/** An AudioContext that hears `loud`, the same in every sample. */
class FakeContext {
  state = 'running';
  loud = 0;
  /** Tracks that are listened to. */
  heard = [];

  createMediaStreamSource(track) {
    this.heard.push(track);
    return { connect: () => {}, disconnect: () => this.heard.splice(this.heard.indexOf(track), 1) };
  }

  createAnalyser() {
    return { getFloatTimeDomainData: (samples) => samples.fill(this.loud) };
  }

  resume() {
    this.state = 'running';
    return Promise.resolve();
  }

  close() {
    this.state = 'closed';
    return Promise.resolve();
  }
}

/** A hearing, and a clock that is turned by hand. */
function make(t, { state = 'running' } = {}) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let now = 0;
  const contexts = [];
  const open = () => {
    contexts.push(Object.assign(new FakeContext(), { state }));
    return contexts.at(-1);
  };
  const capture = Object.assign(new EventTarget(), { microphone: null, track: () => capture.microphone });
  const hearing = new Hearing({ capture, open, streamOf: (track) => track, now: () => now });
  const told = { levels: [], talking: 0, silent: [] };
  hearing.addEventListener('level', ({ detail }) => told.levels.push(detail));
  hearing.addEventListener('talking-muted', () => told.talking++);
  hearing.addEventListener('silent', ({ detail }) => told.silent.push(detail));
  const use = (track) => {
    capture.microphone = track;
    capture.dispatchEvent(new Event('device'));
  };
  const wait = (ms) => {
    for (let i = 0; i < ms / 100; i++) {
      now += 100;
      t.mock.timers.tick(100);
    }
  };
  return { hearing, contexts, told, use, wait };
}

test('nothing is listened to before it starts, nor after it stops', (t) => {
  const { hearing, contexts, told, use, wait } = make(t);
  use(new FakeTrack('microphone'));
  wait(1000);
  assert.deepEqual([contexts.length, told.levels], [0, []]);
  hearing.start();
  hearing.start();
  assert.equal(contexts.length, 1);
  contexts[0].loud = 0.02;
  const [clone] = contexts[0].heard;
  wait(300);
  assert.equal(told.levels.length, 3);
  assert.ok(told.levels.every((level) => level > 0 && level < 1));
  hearing.stop();
  assert.deepEqual([clone.stopped, contexts[0].heard, contexts[0].state], [true, [], 'closed']);
  wait(1000);
  assert.deepEqual([told.levels.length, told.levels.at(-1)], [4, 0]);
});

test('follows the microphone, and ends with it', (t) => {
  const { hearing, contexts, told, use } = make(t);
  hearing.start();
  const [first, second] = [new FakeTrack('microphone'), new FakeTrack('microphone')];
  use(first);
  const [clone] = contexts[0].heard;
  assert.notEqual(clone, first);
  use(first); // it was muted, say
  assert.deepEqual(contexts[0].heard, [clone]);
  use(second);
  assert.deepEqual([clone.stopped, contexts[0].heard.length, first.stopped], [true, 1, false]);
  use(null);
  assert.deepEqual([contexts[0].heard, told.levels.at(-1)], [[], 0]);
});

test('who speaks while muted is heard, and told', (t) => {
  const { hearing, contexts, told, use, wait } = make(t);
  const track = new FakeTrack('microphone');
  track.enabled = false;
  hearing.start();
  use(track);
  assert.equal(contexts[0].heard[0].enabled, true);
  contexts[0].loud = 0.1;
  wait(2000);
  assert.equal(told.talking, 1);
  track.enabled = true;
  wait(2000);
  assert.equal(told.talking, 1);
});

test('a microphone that gives nothing is told, until it does', (t) => {
  const { hearing, contexts, told, use, wait } = make(t);
  hearing.start();
  use(new FakeTrack('microphone'));
  wait(6000);
  assert.deepEqual(told.silent, [true]);
  contexts[0].loud = 0.001;
  wait(100);
  assert.deepEqual(told.silent, [true, false]);
  contexts[0].loud = 0;
  wait(6000);
  use(new FakeTrack('microphone')); // another one, of which nothing is known
  wait(1000);
  assert.deepEqual(told.silent, [true, false, true, false]);
});

test('a context that waits for a click says nothing', (t) => {
  const { hearing, contexts, told, use, wait } = make(t, { state: 'suspended' });
  hearing.start();
  use(new FakeTrack('microphone'));
  assert.equal(contexts[0].state, 'running');
  contexts[0].state = 'suspended'; // the browser did not allow it
  wait(10_000);
  assert.deepEqual([told.levels, told.silent], [[], []]);
  hearing.resume();
  wait(100);
  assert.equal(told.levels.length, 1);
});
