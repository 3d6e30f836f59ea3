import './english.js';
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import {
  announcementOf,
  badgeOf,
  patienceFor,
  Reports,
  seenSize,
  shownSize,
  UNTIL_FRAME,
  View,
  wantedSize,
} from '../static/js/quality.js';

const tile = (width, height, pinned = false) => ({ width, height, pinned });

/** A view and what the server hears of it; time passes by `pass`. */
function open() {
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0;
  let online = true;
  const sent = [];
  const view = new View();
  const reports = new Reports({
    view,
    send: (tiles) => {
      if (online) sent.push({ at: now, tiles });
      return online;
    },
    now: () => now,
  });
  /** Shows somebody so large. */
  const show = (id, ...size) => {
    view.set(id, 'camera', tile(...size));
    reports.changed();
  };
  const pass = (time) => {
    for (const end = now + time; now < end; mock.timers.tick(1)) now++;
  };
  const take = () =>
    sent
      .splice(0)
      .flatMap(({ tiles }) => tiles.map(({ channel_name: id, width, height }) => [id, width, height].join(' ')));
  return { view, reports, show, pass, take, sent, connect: (on) => (online = on) };
}

test('a tile in the form of the contract', () => {
  const { view } = open();
  view.set('anna', 'screen', tile(320, 180, true));
  assert.deepEqual(view.news, {
    tiles: [{ channel_name: 'anna', track: 'screen', width: 320, height: 192, pinned: true }],
    appeared: true,
  });
});

test('sizes are rounded up, coarser the larger, within what may be told', () => {
  const cases = [
    [0.4, 16],
    [16, 16],
    [17, 32],
    [180, 192],
    [320, 320],
    [321, 352],
    [1280, 1280],
    [1281, 1408],
    [99_999, 16384],
  ];
  for (const [size, want] of cases) {
    const { view } = open();
    view.set('anna', 'camera', tile(size, size));
    const { width, height } = view.news.tiles[0];
    assert.deepEqual([width, height], [want, want], `of ${size}`);
    assert.ok(Number.isInteger(width));
  }
});

test('only what changed is told', () => {
  const { show, pass, take } = open();
  show('anna', 320, 180);
  pass(1000);
  show('ben', 640, 360);
  pass(1000);
  show('anna', 320, 180);
  pass(1000);
  assert.deepEqual(take(), ['anna 320 192', 'ben 640 384']);
});

test('small changes cause no traffic, to and fro either', () => {
  const { show, pass, take } = open();
  show('anna', 640, 360);
  pass(1000);
  take();
  for (const width of [639, 600, 640, 580, 640]) {
    show('anna', width, (width * 9) / 16);
    pass(1000);
  }
  assert.deepEqual(take(), []);
  show('anna', 641, 360);
  pass(1000);
  show('anna', 640, 360); // back over the same edge
  pass(1000);
  assert.deepEqual(take(), ['anna 704 384']);
});

test('a large change is told, and so is a pin', () => {
  const { show, pass, sent } = open();
  show('anna', 640, 360);
  pass(1000);
  show('anna', 160, 90);
  pass(1000);
  show('anna', 160, 90, true);
  pass(1000);
  assert.deepEqual(
    sent.map(({ tiles: [{ width, pinned }] }) => [width, pinned]),
    [
      [640, false],
      [160, false],
      [160, true],
    ],
  );
});

test('a tile without a size is hidden, and costs nothing', () => {
  const { show, pass, take } = open();
  show('anna', 320, 180);
  pass(1000);
  show('anna', 320, 0);
  pass(1000);
  show('anna', 0, 0);
  pass(1000);
  assert.deepEqual(take(), ['anna 320 192', 'anna 0 0']);
});

test('what changes quickly goes together', () => {
  const { show, pass, sent } = open();
  for (let i = 0; i < 100; i++) {
    show('anna', 320 + 10 * i, 180 + 10 * i);
    pass(10);
  }
  pass(1000);
  const times = sent.map(({ at }) => at);
  for (let i = 1; i < times.length; i++) assert.ok(times[i] - times[i - 1] >= 250, times.join(' '));
  assert.equal(sent.at(-1).tiles[0].width, 1408); // the last one, 1310
});

test('who comes into view is told of at once, but no more than four times a second', () => {
  const { show, pass, sent } = open();
  show('anna', 320, 180);
  pass(10);
  show('ben', 320, 180);
  pass(10);
  show('anna', 640, 360); // can wait
  pass(10);
  show('ben', 0, 0); // so can this
  pass(10);
  assert.deepEqual(
    sent.map(({ at }) => at),
    [0, 10],
  );
  for (let i = 0; i < 50; i++) {
    show(`guest ${i}`, 320, 180);
    pass(10);
  }
  pass(1000);
  const times = sent.map(({ at }) => at);
  for (let i = 4; i < times.length; i++) assert.ok(times[i] - times[i - 4] >= 1000, times.join(' '));
  assert.equal(new Set(sent.flatMap(({ tiles }) => tiles.map(({ channel_name: id }) => id))).size, 52);
});

test('after a join everything is told again', () => {
  const { view, reports, show, pass, take } = open();
  show('anna', 320, 180);
  show('ben', 320, 180);
  pass(1000);
  take();
  view.clear();
  reports.changed();
  assert.deepEqual(take(), []);
  show('ben', 320, 180);
  assert.deepEqual(take(), ['ben 320 192']);
});

test('what is no longer on the page is hidden, both pictures', () => {
  const { view, reports, show, pass, sent } = open();
  view.set('anna', 'screen', tile(320, 180, true));
  show('anna', 320, 180);
  pass(1000);
  view.hide('anna');
  view.hide('ben'); // who never was on it
  reports.changed();
  assert.deepEqual(
    sent.at(-1).tiles.map(({ channel_name: id, track, width, height, pinned }) => [id, track, width, height, pinned]),
    [
      ['anna', 'screen', 0, 0, false],
      ['anna', 'camera', 0, 0, false],
    ],
  );
});

test('who left is forgotten', () => {
  const { view, show, pass, take } = open();
  show('anna', 320, 180);
  pass(1000);
  view.delete('anna', 'camera');
  pass(1000);
  take();
  show('anna', 320, 180);
  assert.deepEqual(take(), ['anna 320 192']);
});

test('what did not leave is told with the next change', () => {
  const { show, pass, take, connect } = open();
  connect(false);
  show('anna', 320, 180);
  pass(1000);
  connect(true);
  show('ben', 320, 180);
  assert.deepEqual(take(), ['anna 320 192', 'ben 320 192']);
});

test('more tiles than a message takes go in several', () => {
  const { view, reports, pass, sent } = open();
  for (let i = 0; i < 600; i++) view.set(`guest ${i}`, 'camera', tile(32, 32));
  reports.changed();
  pass(1000);
  assert.deepEqual(
    sent.map(({ tiles }) => tiles.length),
    [512, 88],
  );
});

test('what is cut off of a picture counts too', () => {
  const cases = [
    ['cover', [320, 180], [1280, 720], [320, 180]],
    ['cover', [180, 180], [1280, 720], [320, 180]],
    ['contain', [180, 180], [1280, 720], [180, 101.25]],
    ['cover', [320, 180], [0, 0], [320, 180]], // not known yet
  ];
  const size = ([width, height]) => ({ width, height });
  for (const [fit, box, picture, want] of cases) {
    assert.deepEqual(shownSize(size(box), size(picture), fit), size(want), `${fit} ${box}`);
  }
});

test('nobody sees a tile in a hidden tab, or outside the window', () => {
  const picture = { width: 1280, height: 720 };
  const box = { width: 320, height: 180 };
  const nothing = { width: 0, height: 0 };
  const common = { hidden: false, floating: null, box, inside: true, picture, fit: 'cover' };
  const cases = [
    [{}, box],
    [{ inside: false }, nothing],
    [{ hidden: true }, nothing],
  ];
  for (const [options, want] of cases) assert.deepEqual(seenSize({ ...common, ...options }), want);
});

test('a picture in a window of its own is seen, whatever becomes of its tile', () => {
  const floating = { width: 480, height: 480 };
  const picture = { width: 1280, height: 720 };
  const tile = { box: { width: 320, height: 180 }, inside: true };
  for (const options of [tile, { ...tile, inside: false }]) {
    for (const hidden of [true, false]) {
      const seen = seenSize({ hidden, floating, picture, fit: 'cover', ...options });
      assert.deepEqual(seen, { width: 480, height: 270 });
    }
  }
});

const quality = (layer, why) => badgeOf({ layer, layers: 3, why });

test('a worse picture is told of if the person did not choose it', () => {
  for (const why of ['', 'choice', 'constructor', undefined]) assert.equal(quality(0, why), null);
  for (const why of ['bandwidth', 'uplink', 'cpu', 'server']) {
    const [paused, reduced] = [quality(null, why), quality(0, why)];
    assert.deepEqual([paused.state, reduced.state, paused.why], ['paused', 'reduced', why]);
    assert.match(paused.text, /^Paused: /);
    assert.match(reduced.text, /^Lower quality: /);
    assert.notEqual(paused.more, reduced.more);
    assert.ok(paused.short.length <= 14);
  }
});

test('a picture that does not come is told of whatever the reason, and nobody blamed without one', () => {
  assert.deepEqual([quality(null, 'choice').state, quality(null, 'choice').why], ['paused', 'choice']);
  assert.equal(quality(null, 'choice').text, 'Paused while out of view');
  for (const why of ['', 'constructor', 'weather', undefined]) {
    const { state, why: told, text } = quality(null, why);
    assert.deepEqual([state, told, text], ['paused', '', 'No picture at the moment']);
  }
});

test('pauses are announced with whose they are, but for what was out of view', () => {
  const say = (layer, why, track = 'camera') => announcementOf(quality(layer, why), track, 'Anna');
  assert.equal(say(null, 'bandwidth'), 'The picture of Anna is paused: your connection is slow.');
  assert.equal(say(null, 'cpu', 'screen'), 'The screen of Anna is paused: their computer is busy.');
  assert.equal(say(null, 'server'), 'The picture of Anna is paused: the server is full.');
  assert.equal(say(null, ''), 'The picture of Anna is paused.');
  assert.equal(say(null, 'choice'), '');
  assert.equal(say(0, 'uplink'), '');
});

test('a pause is told at once, unless it may be over in a moment', () => {
  const reduced = quality(0, 'cpu');
  for (const shown of [null, reduced, quality(null, 'uplink')]) {
    assert.equal(patienceFor(shown, quality(null, 'bandwidth'), true), 0);
  }
  for (const wanted of [quality(null, 'bandwidth'), quality(null, 'choice')]) {
    assert.ok(patienceFor(null, wanted, false) >= 1000, 'before the first picture');
  }
  const back = patienceFor(null, quality(null, 'choice'), true);
  assert.ok(back > 0 && back <= 500, 'back in view');
});

test('a pause is over when a frame comes, not before', () => {
  for (const wanted of [null, quality(0, 'bandwidth'), quality(0, 'cpu')]) {
    assert.equal(patienceFor(quality(null, 'bandwidth'), wanted, true), UNTIL_FRAME);
  }
});

test('what is only worse is told when it lasts, and so is another reason for it', () => {
  const [bandwidth, uplink] = [quality(0, 'bandwidth'), quality(0, 'uplink')];
  assert.ok(patienceFor(null, bandwidth, true) >= 1000);
  assert.ok(patienceFor(bandwidth, uplink, true) >= 1000);
  assert.equal(patienceFor(bandwidth, bandwidth, true), 0);
  assert.equal(patienceFor(bandwidth, null, true), 0);
  assert.equal(patienceFor(null, null, true), 0);
});

test('the size that is asked for while data is saved', () => {
  const cases = [
    [1920, 1080, 'camera', 'high', 1920, 1080],
    [1920, 1080, 'camera', 'saver', 320, 180],
    [200, 100, 'camera', 'saver', 200, 100],
    [600, 1200, 'camera', 'saver', 160, 320],
    [800, 600, 'camera', 'saver', 240, 180],
    [1920, 1080, 'camera', 'none', 0, 0],
    [2560, 1440, 'screen', 'saver', 1280, 720],
    [2560, 1440, 'screen', 'none', 1280, 720],
    [0, 0, 'screen', 'saver', 0, 0],
  ];
  for (const [width, height, track, receive, ...want] of cases) {
    const got = wantedSize({ width, height }, track, receive);
    assert.deepEqual([got.width, got.height], want, `${width}x${height} ${track} ${receive}`);
  }
});
