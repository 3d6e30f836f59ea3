/**
 * Where the tiles are. Alone: one's own picture. With one other: theirs, one's own in a corner. With more: equal tiles,
 * in as many columns and rows as make them largest; where somebody is to be large, since they share a screen, are pinned,
 * or speak, the others are beside or below them, unless that would make nothing larger. Tiles are 16:9 where the stage is
 * wide, and fill their cells where it is high.
 *
 * The views differ in where the others are, and in what they do with two people: `grid` and `side` show both alike.
 *
 * @typedef {'auto' | 'grid' | 'speaker' | 'side'} ViewName
 * @typedef {'tl' | 'tr' | 'bl' | 'br'} Corner
 * @typedef {{width: number, height: number}} Size in CSS pixels, as everything here
 * @typedef {{left: number, top: number} & Size} Rect
 * @typedef {{columns: number, rows: number} & Size} Grid the size is that of a tile
 */

/** The most others on a page, and the fewest. */
const MOST = 9;
const FEWEST = 2;

/** A tile has at least so much of the stage, in square pixels: 9 others on a small laptop, 5 on a telephone. */
const SMALLEST_AREA = 40_000;

const WIDE = 16 / 9;
const HIGH = 4 / 3; // height by width, at most

const GAP = 10;
const NARROW_GAP = 6;
const NARROW = 520;

/**
 * What the large tiles may have of the stage's width, or of its height with the others below. The first that makes them
 * larger is taken: many large tiles beside few others may need more.
 *
 * @typedef {{below: boolean, share: number}} Split
 * @type {{wide: Split[], high: Split[]}}
 */
const SPLITS = {
  wide: [
    { below: false, share: 0.8 },
    { below: true, share: 0.7 },
  ],
  high: [
    { below: true, share: 0.62 },
    { below: true, share: 0.7 },
    { below: true, share: 0.78 },
  ],
};

/** What the large tiles may have first of all, in views that say where the others are. @type {Record<string, Split>} */
const STRIPS = {
  below: { below: true, share: 0.78 },
  beside: { below: false, share: 0.8 },
  high: { below: true, share: 0.72 },
};

/** What the others have at their side, at most and at least. */
const STRIP = { least: 150, most: 280 };

/** One's own picture in the corner. */
const CORNER = { share: 0.2, least: 112, most: 260, highShare: 0.3, margin: 12 };

/**
 * How many others a page has.
 * @param {Size} stage
 * @param {boolean} self whether one's own picture is among them
 */
export function capacityOf({ width, height }, self) {
  const tiles = Math.floor((width * height) / SMALLEST_AREA);
  return Math.min(MOST, Math.max(FEWEST, tiles - (self ? 1 : 0)));
}

/**
 * Columns and rows for so many equal tiles, so that these are largest.
 * @param {number} count at least 1
 * @param {Size} box
 * @param {{gap: number, wide: boolean}} style
 * @returns {Grid}
 */
export function gridOf(count, box, { gap, wide }) {
  /** @type {Grid | undefined} */
  let best;
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const cell = { width: share(box.width, columns, gap), height: share(box.height, rows, gap) };
    const grid = { columns, rows, ...(wide ? wideTile(cell) : highTile(cell)) };
    if (!best || Math.min(grid.width, grid.height) > Math.min(best.width, best.height)) best = grid;
  }
  return /** @type {Grid} */ (best);
}

/**
 * @typedef {object} Arranged
 * @property {Rect[]} others
 * @property {Rect | null} self null if it is not placed here: alone, or not shown
 * @property {boolean} pair whether one's own picture, if shown, is in the corner of the only other on the page
 */

/**
 * Arranges the tiles of a page.
 * @param {object} page
 * @param {Size} page.stage
 * @param {boolean[]} page.others in order: who is to be large
 * @param {boolean} page.self whether one's own picture is shown
 * @param {ViewName} [page.view]
 * @param {Corner} [page.corner] where one's own picture is, over the only other
 * @returns {Arranged}
 */
export function arrange({ stage, others, self, view = 'auto', corner = 'br' }) {
  const style = { gap: stage.width <= NARROW ? NARROW_GAP : GAP, wide: stage.width >= stage.height };
  if (others.length === 0) return { others: [], self: null, pair: false };
  if (isPair(others, self, view)) return arrangePair(stage, self, style.wide, corner);
  const count = others.length + (self ? 1 : 0);
  const equal = spread(count, atOrigin(stage), style);
  const large = others.filter((each) => each).length;
  const splits = large > 0 && large < count ? splitsOf(view, style.wide, large) : [];
  for (const each of splits) {
    const [main, strip] = split(stage, style.gap, each);
    const [larges, smalls] = [spread(large, main, style), spread(count - large, strip, style)];
    if (!isLarger(larges[0], equal[0]) || !isLarger(larges[0], smalls[0])) continue;
    const rects = others.map((isLarge) => /** @type {Rect} */ ((isLarge ? larges : smalls).shift()));
    return { others: rects, self: self ? smalls[0] : null, pair: false };
  }
  return { others: equal.slice(0, others.length), self: self ? equal[others.length] : null, pair: false };
}

/**
 * @param {boolean[]} others
 * @param {boolean} self
 * @param {ViewName} view
 */
function isPair(others, self, view) {
  return others.length === 1 && (others[0] || !self || view === 'auto' || view === 'speaker');
}

/**
 * @param {ViewName} view
 * @param {boolean} wide
 * @param {number} large how many are
 */
function splitsOf(view, wide, large) {
  const usual = SPLITS[wide ? 'wide' : 'high'];
  if (view !== 'speaker' && view !== 'side') return usual;
  if (!wide) return [STRIPS.high, ...usual];
  return [view === 'side' && large !== 2 ? STRIPS.beside : STRIPS.below, ...usual]; // two have halves
}

/**
 * Whether a tile shows more than another, be its picture cut to fill it or, like a screen, shown as a whole.
 * @param {Size} a
 * @param {Size} b
 */
function isLarger(a, b) {
  const whole = (/** @type {Size} */ { width, height }) => Math.min(width, height * WIDE);
  return a.width * a.height > b.width * b.height && whole(a) >= whole(b);
}

/**
 * @param {Size} stage
 * @param {boolean} self
 * @param {boolean} wide
 * @param {Corner} corner
 * @returns {Arranged}
 */
function arrangePair(stage, self, wide, corner) {
  const [other] = wide ? spread(1, atOrigin(stage), { gap: 0, wide }) : [atOrigin(stage)];
  if (!self) return { others: [other], self: null, pair: true };
  const width = Math.floor(
    wide ? Math.min(CORNER.most, Math.max(CORNER.least, stage.width * CORNER.share)) : stage.width * CORNER.highShare,
  );
  const height = Math.floor(wide ? width / WIDE : width * HIGH);
  const [right, bottom] = [other.width - width, other.height - height];
  const left = other.left + (corner.endsWith('l') ? CORNER.margin : right - CORNER.margin);
  const top = other.top + (corner.startsWith('t') ? CORNER.margin : bottom - CORNER.margin);
  return { others: [other], self: { left, top, width, height }, pair: true };
}

/**
 * The corner that something is nearest to.
 * @param {{x: number, y: number}} middle of it
 * @param {Size} stage
 * @returns {Corner}
 */
export function cornerAt({ x, y }, { width, height }) {
  return /** @type {Corner} */ (`${y < height / 2 ? 't' : 'b'}${x < width / 2 ? 'l' : 'r'}`);
}

/** The next corner, clockwise. @type {Record<Corner, Corner>} */
const AFTER = { tl: 'tr', tr: 'br', br: 'bl', bl: 'tl' };

/** @param {Corner} corner */
export function cornerAfter(corner) {
  return AFTER[corner];
}

/**
 * Where an arrow key takes one's own picture.
 * @param {Corner} corner
 * @param {string} key
 * @returns {Corner | null} null: it is no arrow key
 */
export function cornerBeside(corner, key) {
  const [row, column] = corner;
  const moved = { ArrowUp: `t${column}`, ArrowDown: `b${column}`, ArrowLeft: `${row}l`, ArrowRight: `${row}r` };
  return /** @type {Record<string, Corner>} */ (moved)[key] ?? null;
}

/**
 * The place of the large tiles, and that of the others: at the side, or below.
 * @param {Size} stage
 * @param {number} gap
 * @param {Split} split
 * @returns {[Rect, Rect]}
 */
function split({ width, height }, gap, { below, share }) {
  if (below) {
    const main = Math.floor(height * share);
    const rest = height - main - gap;
    return [
      { left: 0, top: 0, width, height: main },
      { left: 0, top: main + gap, width, height: rest },
    ];
  }
  const strip = Math.floor(Math.min(STRIP.most, Math.max(STRIP.least, width * (1 - share))));
  const main = width - strip - gap;
  return [
    { left: 0, top: 0, width: main, height },
    { left: main + gap, top: 0, width: strip, height },
  ];
}

/**
 * Equal tiles in the middle of a box, the last row in its own middle.
 * @param {number} count
 * @param {Rect} box
 * @param {{gap: number, wide: boolean}} style
 * @returns {Rect[]}
 */
function spread(count, box, style) {
  const { columns, rows, width, height } = gridOf(count, box, style);
  const { gap } = style;
  const top = box.top + (box.height - rows * height - (rows - 1) * gap) / 2;
  return Array.from({ length: count }, (_, i) => {
    const row = Math.floor(i / columns);
    const inRow = row < rows - 1 ? columns : count - row * columns;
    const left = box.left + (box.width - inRow * width - (inRow - 1) * gap) / 2;
    return {
      left: Math.floor(left + (i % columns) * (width + gap)),
      top: Math.floor(top + row * (height + gap)),
      width,
      height,
    };
  });
}

/** @param {Size} cell @returns {Size} */
function wideTile(cell) {
  const width = Math.floor(Math.min(cell.width, cell.height * WIDE));
  return { width, height: Math.floor(width / WIDE) };
}

/** @param {Size} cell @returns {Size} */
function highTile(cell) {
  const width = Math.floor(cell.width);
  return { width, height: Math.floor(Math.min(cell.height, width * HIGH)) };
}

/**
 * What each of so many has of a length.
 * @param {number} length
 * @param {number} count
 * @param {number} gap
 */
function share(length, count, gap) {
  return Math.max(0, (length - (count - 1) * gap) / count);
}

/** @param {Size} size @returns {Rect} */
function atOrigin({ width, height }) {
  return { left: 0, top: 0, width, height };
}
