import assert from 'node:assert/strict';
import { test } from 'node:test';
import { everybodySeesEverybody, Scene } from './harness/scene.js';

for (const turn of ['udp', 'tcp']) {
  test(`relay only, over ${turn}`, async (t) => {
    const scene = await Scene.open(t, { flags: ['--ice-transport-policy', 'relay'] });
    const anna = await scene.person('Anna', await scene.browser('chromium'), 'relay', { turn });
    const dora = await scene.person('Dora', await scene.browser('firefox'), 'relay', { turn });
    await anna.join();
    await dora.join();
    await everybodySeesEverybody([anna, dora]);
    for (const person of [anna, dora]) {
      const { paths } = await person.look();
      assert.ok(paths.length > 0);
      for (const { type, protocol } of paths) assert.deepEqual([type, protocol], ['relay', turn], person.name);
    }
  });
}
