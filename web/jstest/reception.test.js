import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Codecs } from '../static/js/codecs.js';
import { offerReception } from '../static/js/reception.js';
import { FakeConnection } from './fakes.js';

test('lines for the first pictures and voices, which only receive what the server sends', () => {
  const available = { audio: ['opus', 'G722', 'red'], video: ['VP8', 'rtx', 'AV1'] };
  const codecs = new Codecs(['vp8', 'opus'], (kind) => ({
    codecs: available[kind].map((name) => ({ mimeType: `${kind}/${name}` })),
  }));
  const connection = new FakeConnection();
  offerReception(connection, codecs);
  assert.deepEqual(
    connection.transceivers.map(({ track, init, preferences }) => [track, init.direction, preferences.length]),
    [
      ['video', 'recvonly', 2],
      ['video', 'recvonly', 2],
      ['audio', 'recvonly', 2],
      ['audio', 'recvonly', 2],
    ],
  );
});
