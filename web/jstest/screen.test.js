import './english.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Screen } from '../static/js/screen.js';

const source = (tracks) => ({
  getDisplayMedia: () =>
    Promise.resolve({
      getVideoTracks: () => tracks.filter(({ kind }) => kind === 'video'),
      getAudioTracks: () => tracks.filter(({ kind }) => kind === 'audio'),
    }),
});
const failing = (name) => ({ getDisplayMedia: () => Promise.reject(Object.assign(new Error(), { name })) });

test('detail before motion, with the sound that there is', async () => {
  const [video, audio] = [{ kind: 'video' }, { kind: 'audio' }];
  assert.deepEqual(await new Screen(source([video, audio])).open(), { shared: { video, audio }, problem: '' });
  assert.deepEqual([video.contentHint, audio.contentHint], ['detail', 'music']);
  assert.deepEqual(await new Screen(source([video])).open(), { shared: { video, audio: null }, problem: '' });
});

test('the others do not hear themselves in the sound of the system', async () => {
  let asked;
  await new Screen({ getDisplayMedia: (options) => ((asked = options), Promise.reject(new Error())) }).open();
  assert.equal(asked.audio.restrictOwnAudio, true);
});

test('who changes their mind is not told off', async () => {
  assert.deepEqual(await new Screen(failing('NotAllowedError')).open(), { shared: null, problem: '' });
  for (const broken of [failing('NotReadableError'), source([]), undefined]) {
    const { shared, problem } = await new Screen(broken).open();
    assert.equal(shared, null);
    assert.match(problem, /\.$/);
  }
});

test('a system that forbids it is told of', async () => {
  const error = new DOMException('Permission denied by system', 'NotAllowedError');
  const { problem } = await new Screen({ getDisplayMedia: () => Promise.reject(error) }).open();
  assert.match(problem, /privacy settings/);
});

test('a telephone has no screen to share', () => {
  assert.equal(new Screen(undefined).available, false);
  assert.equal(new Screen({}).available, false);
  assert.equal(new Screen(source([])).available, true);
});
