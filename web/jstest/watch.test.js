import assert from 'node:assert/strict';
import { test } from 'node:test';
import { figuresOf, INTERVAL, Watch } from '../static/js/watch.js';

/** What is well: everything goes on. Each part can be stopped. */
class World {
  watch = new Watch();
  now = 0;
  path = 'pair';
  figures = { arrived: 0, answers: 0, sent: 0, heard: 0, bytes: 0, frames: 0 };
  flows = { arrived: 1000, answers: 1, sent: 100, heard: 1, bytes: 50_000, frames: 20 };
  shown = new Set(['track']);
  lost = false;

  look(passed = INTERVAL) {
    this.now += passed;
    for (const [name, step] of Object.entries(this.flows)) {
      if (this.figures[name] !== null) this.figures[name] += step;
    }
    const { bytes, frames, ...rest } = this.figures;
    const pictures = new Map([['track', { bytes, frames }]]);
    return this.watch.look({ path: this.path, ...rest, pictures }, this.shown, this.lost, this.now);
  }

  /** What is done in so many s, with when. */
  pass(seconds, passed = INTERVAL) {
    const done = [];
    const begin = this.now;
    while (this.now - begin < seconds * 1000) {
      const remedy = this.look(passed);
      if (remedy) done.push(`${remedy} ${Math.round((this.now - begin) / 1000)}`);
    }
    return done;
  }

  /** It goes on no more. */
  stop(...names) {
    for (const name of names) this.flows[name] = 0;
    return this;
  }
}

function well() {
  const world = new World();
  assert.deepEqual(world.pass(10), []);
  return world;
}

test('what is no fault', async (t) => {
  const cases = {
    'all is well': () => {},
    'nobody else is there, or everybody else is silent': (w) => w.stop('bytes', 'frames'),
    'nothing is sent: a viewer, or camera and microphone are off': (w) => w.stop('sent', 'heard'),
    'nothing is sent or received, in a browser that does not count checks': (w) => {
      w.figures.answers = null;
      w.stop('sent', 'heard', 'arrived', 'bytes', 'frames');
    },
    'nobody reports yet': (w) => (w.figures.heard = null),
    'hardly anything is sent': (w) => {
      w.flows.sent = 5;
      w.stop('heard');
    },
    'a picture that is paused': (w) => w.stop('bytes', 'frames'),
    'a picture that is not shown, as in a hidden tab': (w) => {
      w.shown.clear();
      w.stop('frames');
    },
    'a picture of which next to nothing comes': (w) => {
      w.flows.bytes = 500;
      w.stop('frames');
    },
    'a screen that is still': (w) => {
      w.flows.bytes = 900;
      w.stop('frames');
    },
  };
  for (const [about, change] of Object.entries(cases)) {
    await t.test(about, () => {
      const world = new World();
      change(world);
      assert.deepEqual(world.pass(300), []);
      const later = well();
      change(later);
      assert.deepEqual(later.pass(300), []);
    });
  }
});

test('a fault: first another path, then a fresh connection', async (t) => {
  const faults = {
    'nothing arrives': [(w) => w.stop('arrived', 'answers', 'heard', 'bytes', 'frames'), ['seek 6', 'renew 14']],
    'nothing arrives for who watches alone': [
      (w) => w.stop('sent', 'arrived', 'answers', 'heard', 'bytes', 'frames'),
      ['seek 6', 'renew 14'],
    ],
    'nothing arrives for who sends, in a browser that does not count checks': [
      (w) => {
        w.figures.answers = null;
        w.stop('arrived', 'heard', 'bytes', 'frames');
      },
      ['seek 6', 'renew 14'],
    ],
    'what is sent is not reported': [(w) => w.stop('heard'), ['seek 8', 'renew 16']],
    'no picture is decoded of what comes': [(w) => w.stop('frames'), ['seek 8', 'renew 16']],
    'the browser has lost its path': [(w) => (w.lost = true), ['seek 2', 'renew 10']],
    'the server gets nothing': [(w) => (w.stop('answers', 'heard'), w.watch.silent()), ['seek 2', 'renew 10']],
  };
  for (const [about, [change, want]] of Object.entries(faults)) {
    await t.test(about, () => {
      const world = new World();
      if (about.includes('count checks')) world.figures.answers = null;
      world.pass(10);
      change(world);
      assert.deepEqual(world.pass(16).slice(0, 2), want);
    });
  }
});

test('a path that helps is enough', () => {
  const world = well();
  world.stop('arrived', 'answers', 'heard', 'bytes', 'frames');
  assert.deepEqual(world.pass(10), ['seek 6']);
  Object.assign(world, { path: 'other', flows: new World().flows });
  assert.deepEqual(world.pass(120), []);
});

test('fresh connections that do not help come ever more rarely, and soon again after it was well for a minute', () => {
  const renewed = (world, seconds) => world.pass(seconds).filter((each) => each.startsWith('renew'));
  const world = well();
  world.lost = true;
  const [first, second, third, fourth] = renewed(world, 200).map((each) => Number(each.split(' ')[1]));
  assert.deepEqual(
    [first, second - first, third - second, fourth - third].map((gap) => Math.floor(gap / 8)),
    [1, 2, 4, 8],
  );
  world.lost = false;
  world.pass(64);
  world.lost = true;
  assert.deepEqual(renewed(world, 12), ['renew 10']);
});

test('looks that come late prove nothing', () => {
  const world = well();
  world.stop('arrived', 'answers', 'heard', 'bytes', 'frames');
  assert.deepEqual(world.pass(300, 4000), [], 'a busy machine, or a page in the background');
  assert.equal(world.look(3_600_000), '', 'a machine that slept');
  assert.deepEqual(world.pass(4), []);
  assert.deepEqual(world.pass(4), ['seek 2']);
});

test('the server gets something again, or nothing could tell', () => {
  const world = well();
  world.watch.silent();
  assert.deepEqual(world.pass(60), []);
  const blind = new World();
  blind.figures.answers = null;
  blind.stop('sent', 'heard');
  blind.pass(10);
  blind.watch.silent();
  assert.deepEqual(blind.pass(60), [], 'a browser that does not count checks, and sends nothing');
});

const report = (...entries) => new Map(entries.map((entry) => [entry.id, entry]));

test('figures of a report of Chromium, and of Firefox', () => {
  const chromium = report(
    { id: 'T', type: 'transport', selectedCandidatePairId: 'P' },
    {
      id: 'P',
      type: 'candidate-pair',
      bytesReceived: 5,
      packetsReceived: 4,
      responsesReceived: 3,
      requestsReceived: 2,
    },
    { id: 'Q', type: 'candidate-pair', bytesReceived: 100, responsesReceived: 100 },
    { id: 'I', type: 'inbound-rtp', kind: 'video', trackIdentifier: 't', bytesReceived: 1000, framesDecoded: 7 },
    { id: 'A', type: 'inbound-rtp', kind: 'audio', trackIdentifier: 'a', bytesReceived: 10, packetsReceived: 1 },
    { id: 'O', type: 'outbound-rtp', packetsSent: 30 },
    { id: 'R', type: 'remote-inbound-rtp', timestamp: 50, roundTripTimeMeasurements: 2 },
  );
  assert.deepEqual(figuresOf(chromium), {
    path: 'P',
    arrived: 14 + 1011,
    answers: 3,
    sent: 30,
    heard: 52,
    pictures: new Map([['t', { bytes: 1000, frames: 7 }]]),
  });
  const firefox = report({ id: 'P', type: 'candidate-pair', selected: true, bytesReceived: 5 });
  const nothing = { sent: 0, heard: null, pictures: new Map() };
  assert.deepEqual(figuresOf(firefox), { path: 'P', arrived: 5, answers: null, ...nothing });
  assert.deepEqual(figuresOf(report()), { path: '', arrived: 0, answers: null, ...nothing });
});
