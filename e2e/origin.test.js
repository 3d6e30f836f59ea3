import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { Scene } from './harness/scene.js';

/** Asks for a websocket as a browser would; resolves with the status. */
function knock(url, headers) {
  const handshake = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': Buffer.from('0123456789abcdef').toString('base64'),
  };
  return new Promise((resolve, reject) => {
    const knocking = request(url, { headers: { ...handshake, ...headers } });
    knocking.on('response', (response) => resolve(response.resume().statusCode));
    knocking.on('upgrade', (response, socket) => resolve((socket.destroy(), response.statusCode)));
    knocking.on('error', reject);
    knocking.end();
  });
}

test('the websocket is refused: room, session, origin, in this order', async (t) => {
  const scene = await Scene.open(t);
  const { url } = scene.server;
  const { page } = await scene.person('Anna', await scene.browser('chromium'), 'r');
  const Cookie = (await page.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
  const foreign = 'http://evil.example';
  const cases = [
    ['/ws/a%20b/', { Origin: foreign }, 404],
    ['/ws/r/', { Origin: foreign }, 401],
    ['/ws/r/', { Origin: url }, 401],
    ['/ws/r/', { Origin: foreign, Cookie }, 403],
    ['/ws/r/', { Origin: 'null', Cookie }, 403],
    ['/ws/r/', { Origin: url.replace('127.0.0.1', 'localhost'), Cookie }, 403],
    ['/ws/r/', { Origin: url, Cookie }, 101],
    ['/ws/r/', { Cookie }, 101],
  ];
  for (const [path, headers, status] of cases) {
    assert.equal(await knock(url + path, headers), status, `${path} ${headers.Origin} ${Boolean(headers.Cookie)}`);
  }
});

test('a page of another origin does not get a websocket', async (t) => {
  const scene = await Scene.open(t);
  const { url } = scene.server;
  const { page } = await scene.person('Anna', await scene.browser('chromium'), 'r');
  const connects = (address) => {
    const socket = new WebSocket(address);
    return new Promise((resolve) => {
      socket.onopen = () => resolve((socket.close(), true));
      socket.onerror = () => resolve(false);
    });
  };
  const address = `${url.replace('http', 'ws')}/ws/r/`;
  assert.equal(await page.evaluate(connects, address), true);
  // The same browser with the same session, on a page that is not the server's: without the server's CSP, too.
  await page.setBypassCSP(true);
  await page.goto(`${url.replace('127.0.0.1', 'localhost')}/login/`);
  assert.equal(await page.evaluate(connects, address), false);
});
