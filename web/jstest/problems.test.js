import './english.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain, problem, summary } from '../static/js/problems.js';

test('the exception decides the words', () => {
  const cases = [
    ['NotAllowedError', 'Permission denied', 'denied', /site settings/],
    ['NotAllowedError', 'Permission dismissed', 'dismissed', /asked again/],
    ['NotAllowedError', 'Permission denied by system', 'denied', /this computer/],
    ['SecurityError', '', 'denied', /site settings/],
    ['NotFoundError', 'Requested device not found', 'missing', /Connect/],
    ['OverconstrainedError', '', 'missing', /Connect/],
    ['NotReadableError', 'Could not start video source', 'busy', /other program/],
    ['AbortError', '', 'busy', /other program/],
    ['TypeError', '', 'failed', /again/],
  ];
  for (const [name, message, reason, help] of cases) {
    for (const device of ['camera', 'microphone']) {
      const told = explain(device, new DOMException(message, name));
      assert.deepEqual([told.device, told.reason], [device, reason]);
      assert.match(told.text, new RegExp(`^The ${device} (is|was) .*\\.$`));
      assert.match(told.help, help);
    }
  }
  assert.equal(explain('camera', undefined).reason, 'failed');
});

test('each reason has its own words, and every key is there', () => {
  const reasons = ['denied', 'dismissed', 'missing', 'busy', 'insecure', 'failed'];
  const texts = new Set();
  for (const reason of reasons) {
    const both = [problem('microphone', reason), problem('camera', reason)];
    for (const { text, help } of both) texts.add(text).add(help);
    texts.add(summary({ camera: null, microphone: null, problems: both }));
  }
  assert.equal(texts.size, reasons.length * 4);
  for (const text of texts) assert.match(text, / .*\.$/);
});

test('who lacks one device takes part with the other', () => {
  const [track, missing] = [/** @type {any} */ ({}), problem('camera', 'missing')];
  assert.equal(summary({ camera: track, microphone: track, problems: [] }), '');
  assert.match(summary({ camera: null, microphone: track, problems: [missing] }), /You take part with your microphone/);
  const both = [problem('microphone', 'busy'), missing];
  assert.match(
    summary({ camera: null, microphone: null, problems: both }),
    /^The microphone is in use .* The camera is not connected\. You can watch and listen\.$/,
  );
});
