import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitOf, Limits } from '../static/js/limits.js';

const report = (...reasons) =>
  new Map(reasons.map((reason, i) => [`o${i}`, { type: 'outbound-rtp', qualityLimitationReason: reason }]));

test('the worst of the encodings that are on', () => {
  const cases = [
    [new Map(), 'none'],
    [report(undefined, undefined), 'none'], // Firefox
    [report('none', 'none'), 'none'],
    [report('none', 'bandwidth'), 'bandwidth'],
    [report('cpu', 'bandwidth', 'none'), 'cpu'],
    [report('other'), 'none'],
    [new Map([['a', { type: 'outbound-rtp', active: false, qualityLimitationReason: 'bandwidth' }]]), 'none'],
    [new Map([['a', { type: 'media-source', qualityLimitationReason: 'cpu' }]]), 'none'],
  ];
  for (const [statistics, want] of cases) assert.equal(limitOf(statistics), want);
});

/** Limits of one picture whose sender tells these reasons, one after the other. */
function open(...reasons) {
  const sender = { getStats: () => Promise.resolve(report(reasons.shift())) };
  const publisher = { pictures: [{ mid: '1', sender }] };
  const sent = [];
  const options = { publisher, send: ({ mid, why }) => Boolean(sent.push(`${mid} ${why}`)) };
  return { limits: new Limits(options), options, publisher, sent };
}

test('only changes are told, and that all is well only after it was not', async () => {
  const { limits, sent } = open('none', 'cpu', 'cpu', 'bandwidth', 'none', 'none');
  for (let i = 0; i < 6; i++) await limits.check();
  assert.deepEqual(sent, ['1 cpu', '1 bandwidth', '1 none']);
});

test('what was lost is told again', async () => {
  const { limits, options, sent } = open('cpu', 'cpu', 'cpu');
  const { send } = options;
  const unlucky = new Limits({ ...options, send: () => false });
  await unlucky.check();
  assert.deepEqual(sent, []);
  options.send = send;
  await limits.check();
  assert.deepEqual(sent, ['1 cpu']);
});

test('statistics of a former connection say nothing of the line that has its mid now', async () => {
  const { limits, publisher, sent } = open();
  let answer;
  const former = { getStats: () => new Promise((resolve) => (answer = resolve)) };
  publisher.pictures = [{ mid: '1', sender: former }];
  const checked = limits.check();
  publisher.pictures = [{ mid: '1', sender: { getStats: () => Promise.resolve(report('none')) } }];
  answer(report('cpu'));
  await checked;
  await limits.check();
  assert.deepEqual(sent, []);
});

test('a picture that is over takes its limit along', async () => {
  const { limits, publisher, sent } = open('cpu', 'cpu', 'none', 'none');
  const { pictures } = publisher;
  await limits.check();
  publisher.pictures = [];
  await limits.check();
  await limits.check();
  assert.deepEqual(sent.splice(0), ['1 cpu', '1 none']);
  publisher.pictures = pictures;
  await limits.check();
  await limits.check();
  publisher.pictures = [];
  await limits.check();
  assert.deepEqual(sent, ['1 cpu', '1 none']);
});

test('a fresh sender begins afresh, and one that fails does no harm', async () => {
  const { limits, publisher, sent } = open('cpu');
  await limits.check();
  publisher.pictures = [{ mid: '1', sender: { getStats: () => Promise.resolve(report('cpu')) } }];
  await limits.check();
  publisher.pictures = [{ mid: '1', sender: { getStats: () => Promise.reject(new Error('closed')) } }];
  await limits.check();
  assert.deepEqual(sent, ['1 cpu', '1 none', '1 cpu', '1 none']);
});
