import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scene } from './harness/scene.js';

const MISMATCH = 'The name exists but does not match the screen name used';
const SAME = 'Do not use your real name as your screen name';

test('every error is told at its field, and what was typed is kept', async (t) => {
  const scene = await Scene.open(t);
  const { url } = scene.server;
  const { page } = await scene.person('Anna', await scene.browser('chromium'), 'r'); // Anna of the tests
  await page.deleteCookie(...(await page.cookies()));

  /** Submits the form, and tells where that leads and what the fields say. */
  const submit = async (screenName, name) => {
    await page.goto(`${url}/login/?next=/r/later/`);
    for (const [field, value] of Object.entries({ screen_name: screenName, name })) {
      await page.$eval(`[name=${field}]`, (input, text) => (input.value = text), value);
    }
    await Promise.all([page.waitForNavigation(), page.click('form [type=submit]')]);
    if (new URL(page.url()).pathname !== '/login/') return { path: new URL(page.url()).pathname };
    const fields = await page.$$eval('input:not([type=hidden])', (inputs) =>
      inputs.map((input) => ({
        field: input.name,
        value: input.value,
        invalid: input.getAttribute('aria-invalid') === 'true',
        error: input.closest('.field').querySelector('.error')?.textContent ?? '',
      })),
    );
    const refused = fields.filter(({ error }) => error !== '');
    assert.deepEqual(
      fields.map(({ value }) => value),
      [screenName, name],
    );
    assert.ok(refused.every(({ invalid }) => invalid));
    return Object.fromEntries(refused.map(({ field, error }) => [field, error]));
  };

  assert.deepEqual(await submit('Other', 'Anna of the tests'), { name: MISMATCH });
  assert.deepEqual(await submit('Bob Brown', 'Bob Brown'), { screen_name: SAME });
  assert.deepEqual(Object.keys(await submit('', '')), ['screen_name', 'name']);
  assert.deepEqual(Object.keys(await submit('   ', 'Somebody')), ['screen_name']);
  assert.deepEqual(Object.keys(await submit('Thirteenchars', 'Somebody')), ['screen_name']);
  assert.deepEqual(Object.keys(await submit('Some', 'x'.repeat(51))), ['name']);
  assert.deepEqual(await submit('Twelve chars', 'x'.repeat(50)), { path: '/r/later/' });
  await page.deleteCookie(...(await page.cookies()));
  assert.deepEqual(await submit(' Anna ', '  Anna of the tests '), { path: '/r/later/' });
});

test('next leads to local pages only', async (t) => {
  const scene = await Scene.open(t);
  const { page } = await (await scene.browser('chromium')).person('Anna');
  const { url } = scene.server;
  for (const [i, next] of [
    '//example.org/',
    'https://example.org/',
    '/\\example.org',
    'javascript:alert(1)',
  ].entries()) {
    await page.goto(`${url}/login/?next=${encodeURIComponent(next)}`);
    await page.type('[name=screen_name]', 'Anna');
    await page.type('[name=name]', `Somebody ${i}`);
    await Promise.all([page.waitForNavigation(), page.click('form [type=submit]')]);
    assert.equal(page.url(), `${url}/`);
    await page.deleteCookie(...(await page.cookies()));
  }
});
