import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrange, capacityOf, cornerAfter, cornerAt, cornerBeside, gridOf } from '../static/js/layout.js';

/** Stages as they are in windows of that size. */
const STAGES = {
  '1440x900': { width: 1420, height: 748 },
  '1920x1080': { width: 1900, height: 928 },
  '1000x700': { width: 980, height: 548 },
  '768x1024': { width: 756, height: 872 },
  '390x844': { width: 378, height: 692 },
  '390x844 with pages': { width: 378, height: 642 },
  '844x390': { width: 824, height: 282 },
  '320x568': { width: 308, height: 416 },
};

const none = (count) => Array.from({ length: count }, () => false);

test('how many a page has', () => {
  const cases = [
    ['1440x900', 9],
    ['1920x1080', 9],
    ['1000x700', 9],
    ['768x1024', 9],
    ['390x844', 5],
    ['390x844 with pages', 5],
    ['844x390', 4],
    ['320x568', 2],
  ];
  for (const [window, want] of cases) assert.equal(capacityOf(STAGES[window], true), want, window);
  assert.equal(capacityOf(STAGES['390x844'], false), 6); // who watches has no tile of their own
  assert.equal(capacityOf({ width: 0, height: 0 }, true), 2);
});

test('columns and rows', () => {
  const cases = [
    ['1440x900', '1x1 2x1 2x2 2x2 3x2 3x2 3x3 3x3 3x3 4x3'],
    ['390x844', '1x1 1x2 1x3 2x2 2x3 2x3'],
  ];
  for (const [window, want] of cases) {
    const stage = STAGES[window];
    const style = { gap: 10, wide: stage.width > stage.height };
    const got = want.split(' ').map((_, i) => {
      const { columns, rows } = gridOf(i + 1, stage, style);
      return `${columns}x${rows}`;
    });
    assert.equal(got.join(' '), want, window);
  }
});

/** Everything that can be on a page: what is large is a prefix of the others. */
function* pages() {
  for (const [window, stage] of Object.entries(STAGES)) {
    for (let count = 1; count <= 9; count++) {
      for (const self of [true, false]) {
        for (let large = 0; large <= count; large++) {
          const others = Array.from({ length: count }, (_, i) => i < large);
          yield { window, stage, others, self, large, what: `${window}: ${large} of ${count} large, self ${self}` };
        }
      }
    }
  }
}

test('tiles are on the stage, in whole pixels, and do not overlap', () => {
  for (const { stage, others, self, what } of pages()) {
    for (const view of ['auto', 'grid', 'speaker', 'side']) {
      const arranged = arrange({ stage, others, self, view });
      assert.equal(arranged.others.length, others.length, what);
      assert.equal(arranged.self !== null, self, what);
      const rects = [...arranged.others, ...(self && !arranged.pair ? [arranged.self] : [])];
      for (const [i, rect] of rects.entries()) {
        assert.ok(Object.values(rect).every(Number.isInteger), `${what}: ${JSON.stringify(rect)}`);
        assert.ok(rect.left >= 0 && rect.left + rect.width <= stage.width, `${what}: ${JSON.stringify(rect)}`);
        assert.ok(rect.top >= 0 && rect.top + rect.height <= stage.height, `${what}: ${JSON.stringify(rect)}`);
        assert.ok(rect.width >= 40 && rect.height >= 30, `${what}: ${JSON.stringify(rect)}`);
        for (const other of rects.slice(i + 1))
          assert.ok(apart(rect, other), `${what}: ${JSON.stringify([rect, other])}`);
      }
    }
  }
});

function apart(a, b) {
  return (
    a.left + a.width <= b.left || b.left + b.width <= a.left || a.top + a.height <= b.top || b.top + b.height <= a.top
  );
}

test('tiles of a wide stage are 16:9', () => {
  const { others, self } = arrange({ stage: STAGES['1440x900'], others: none(5), self: true });
  for (const { width, height } of [...others, self]) assert.ok(Math.abs(width / height - 16 / 9) < 0.02);
});

const area = ({ width, height }) => width * height;

/** The width of a 16:9 picture that is shown as a whole. */
const whole = ({ width, height }) => Math.min(width, (height * 16) / 9);

test('what is shared or pinned is never smaller than the others, or than without that', () => {
  for (const { stage, others, self, large, what } of pages()) {
    const arranged = arrange({ stage, others, self });
    const plain = arrange({ stage, others: none(others.length), self });
    const rest = [...arranged.others.slice(large), ...(self ? [arranged.self] : []), ...plain.others];
    for (const rect of arranged.others.slice(0, large)) {
      for (const other of rest) {
        const both = `${what}: ${JSON.stringify([rect, other])}`;
        assert.ok(area(rect) >= area(other) && whole(rect) >= whole(other), both);
      }
    }
    const [first, last] = [arranged.others[0], arranged.others.at(-1)];
    if (large === 1 && others.length > 1) assert.ok(area(first) > 1.5 * area(last), what);
  }
});

test('two who are pinned gain by it, whatever the window', () => {
  for (const [window, stage] of Object.entries(STAGES)) {
    const [pinned, plain] = [true, false].map((each) => arrange({ stage, others: [each, each], self: true }));
    for (const rect of pinned.others) assert.ok(area(rect) > area(plain.others[0]), window);
  }
});

test('the only other has the stage, and one’s own picture is in the corner', () => {
  for (const [window, stage] of Object.entries(STAGES)) {
    const {
      others: [other],
      self,
      pair,
    } = arrange({ stage, others: none(1), self: true });
    assert.equal(pair, true, window);
    assert.ok(other.width === stage.width || stage.height - other.height < 2, window);
    assert.ok(self.left > other.left && self.left + self.width < other.left + other.width, window);
    assert.ok(self.top > other.top && self.top + self.height < other.top + other.height, window);
  }
});

test('alone, nothing is placed', () => {
  const want = { others: [], self: null, pair: false };
  assert.deepEqual(arrange({ stage: STAGES['1440x900'], others: [], self: true }), want);
});

test('the last row is in the middle', () => {
  const stage = { width: 1000, height: 560 };
  const { others } = arrange({ stage, others: none(5), self: false });
  const [, , , left, right] = others;
  assert.equal(left.top, right.top);
  assert.ok(Math.abs(left.left + right.left + right.width - stage.width) <= 2);
});

test('views, with two people', () => {
  const stage = STAGES['1440x900'];
  const cases = [
    ['auto', [false], true, true],
    ['speaker', [false], true, true],
    ['grid', [false], true, false],
    ['side', [false], true, false],
    ['grid', [true], true, true, 'a screen has the focus in every view'],
    ['side', [false], false, true, "without one's own picture there is nothing to show beside it"],
  ];
  for (const [view, others, self, pair, what] of cases) {
    const got = arrange({ stage, others, self, view });
    assert.equal(got.pair, pair, what ?? view);
    if (!pair) assert.deepEqual([got.self.width, got.self.top], [got.others[0].width, got.others[0].top], view);
  }
});

test('views, with more: where the others are', () => {
  const cases = [
    ['1440x900', 'speaker', 1, 'below'],
    ['1440x900', 'side', 1, 'beside'],
    ['1440x900', 'side', 2, 'below'],
    ['390x844', 'speaker', 1, 'below'],
    ['390x844', 'side', 1, 'below'],
    ['844x390', 'side', 1, 'beside'],
  ];
  for (const [window, view, large, where] of cases) {
    const others = Array.from({ length: 4 }, (_, i) => i < large);
    const got = arrange({ stage: STAGES[window], others, self: true, view });
    const [first, strip] = [got.others[0], [...got.others.slice(large), got.self]];
    for (const rect of strip) {
      const beside = rect.left >= first.left + first.width;
      const below = rect.top >= first.top + first.height;
      assert.ok(where === 'below' ? below : beside && !below, `${window} ${view} ${large}: ${JSON.stringify(got)}`);
      assert.ok(rect.width < first.width, `${window} ${view}: the strip is smaller`);
    }
    if (large === 2) assert.equal(got.others[1].top, first.top, 'two have halves');
  }
});

test('the corner of the own picture', () => {
  const stage = STAGES['1440x900'];
  for (const corner of ['tl', 'tr', 'bl', 'br']) {
    const { self } = arrange({ stage, others: [false], self: true, corner });
    assert.equal(cornerAt({ x: self.left + self.width / 2, y: self.top + self.height / 2 }, stage), corner);
  }
  const cases = [
    ['br', 'ArrowLeft', 'bl'],
    ['br', 'ArrowUp', 'tr'],
    ['tl', 'ArrowDown', 'bl'],
    ['tl', 'ArrowRight', 'tr'],
    ['tl', 'ArrowLeft', 'tl'],
    ['tl', 'Enter', null],
  ];
  for (const [corner, key, want] of cases) assert.equal(cornerBeside(corner, key), want, `${corner} ${key}`);
  const round = [];
  for (let corner = 'br'; !round.includes(corner); corner = cornerAfter(corner)) round.push(corner);
  assert.deepEqual(round, ['br', 'bl', 'tl', 'tr'], 'one after the other');
});
