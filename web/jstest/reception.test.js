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

test('the dependency descriptor is offered where the browser lets a page do so', () => {
  const dependency = 'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension';
  const connection = new FakeConnection();
  const add = connection.addTransceiver.bind(connection);
  connection.addTransceiver = (...parameters) => {
    const transceiver = add(...parameters);
    const extensions = ['urn:other', dependency].map((uri) => ({ uri, direction: 'stopped' }));
    transceiver.getHeaderExtensionsToNegotiate = () => structuredClone(extensions);
    transceiver.setHeaderExtensionsToNegotiate = (wanted) => (transceiver.extensions = wanted);
    return transceiver;
  };
  offerReception(connection, new Codecs([], () => ({ codecs: [] })));
  const [picture, , voice] = connection.transceivers;
  assert.deepEqual(picture.extensions, [
    { uri: 'urn:other', direction: 'stopped' },
    { uri: dependency, direction: 'sendrecv' },
  ]);
  assert.equal(voice.extensions, undefined);
});
