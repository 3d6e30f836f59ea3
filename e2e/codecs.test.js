import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scene } from './harness/scene.js';
import { slowly } from './harness/slowly.js';
import { eventually, sleep } from './harness/wait.js';

// What Debian's builds have; Firefox gets H264 as a download.
const OFFERED = {
  vp8: ['chromium', 'firefox'],
  vp9: ['chromium', 'firefox'],
  h264: ['chromium'],
  av1: ['chromium', 'firefox'],
};

/** In the page: whether this browser has a codec. @param {string} codec e.g. "video/VP8" */
function has(codec) {
  return RTCRtpSender.getCapabilities('video').codecs.some(({ mimeType }) => mimeType === codec);
}

/**
 * @param {import('./harness/person.js').Person} publisher
 * @param {import('./harness/person.js').Person} receiver
 * @param {string} codec
 */
async function publishes(publisher, receiver, codec) {
  const { kind } = publisher.browser;
  const sent = await eventually(`${kind} sends ${codec} in two encodings`, async () => {
    const { outgoing } = await publisher.streams();
    return outgoing.filter(({ frames }) => frames > 0).length === 2 && outgoing;
  });
  for (const encoding of sent) assert.equal(encoding.codec, codec);
  const frames = async () => {
    const [{ frames, codec: received }, ...others] = (await receiver.streams()).incoming;
    assert.deepEqual([received, others.length], [codec, 0]);
    return frames;
  };
  const first = await eventually(`${receiver.browser.kind} decodes ${codec}`, async () => (await frames()) || false);
  await eventually(`${receiver.browser.kind} goes on decoding ${codec}`, async () => (await frames()) > first + 20);
  return `${kind} sends ${sent.map(({ rid, width, mode }) => `${rid} ${width} ${mode}`).join(', ')}`;
}

test('each codec is published in several encodings by each browser that offers it, and decoded by the other', async (t) => {
  const scene = await Scene.open(t); // of whose server only the browsers are used
  const browsers = { chromium: await scene.browser('chromium'), firefox: await scene.browser('firefox') };
  for (const [codec, kinds] of Object.entries(OFFERED)) {
    await t.test(codec, async (t) => {
      const { server } = await Scene.open(t, { flags: ['--codecs', `opus,${codec}`] });
      const people = [];
      for (const [i, name] of ['Anna', 'Dora'].entries()) {
        const person = await browsers[kinds[i] ?? kinds[0]].person(name);
        people.push(person);
        await person.visit(server.url, 'codecs');
        await person.join();
      }
      const [anna, dora] = people;
      t.diagnostic(await publishes(anna, dora, `video/${codec.toUpperCase()}`));
      t.diagnostic(await publishes(dora, anna, `video/${codec.toUpperCase()}`));
      for (const [kind, browser] of Object.entries(browsers)) {
        const person = people.find((each) => each.browser === browser);
        if (!person) continue;
        for (const [other, offering] of Object.entries(OFFERED)) {
          const mime = `video/${other.toUpperCase()}`;
          assert.equal(await person.page.evaluate(has, mime), offering.includes(kind), `${kind} offers ${other}`);
        }
      }
      for (const person of people) await person.close();
    });
  }
});

/**
 * In the page: switches encodings of the camera on or off, as the page itself does when the server says so.
 * @param {Record<string, boolean>} active by rid
 */
async function activate(active) {
  const connection = window.e2e.connections.at(-1);
  const { sender } = connection.getTransceivers().find(({ sender }) => sender.track?.kind === 'video');
  const parameters = sender.getParameters();
  for (const encoding of parameters.encodings) encoding.active = active[encoding.rid];
  await sender.setParameters(parameters);
}

slowly('an encoding is switched off and on again, and everybody keeps decoding', async (t) => {
  const scene = await Scene.open(t);
  const people = [];
  for (const [name, kind] of [
    ['Anna', 'chromium'],
    ['Dora', 'firefox'],
  ]) {
    people.push(await scene.person(name, await scene.browser(kind), 'layers'));
  }
  for (const person of people) await person.join();
  for (const publisher of people) {
    const receiver = people.find((person) => person !== publisher);
    const { kind } = publisher.browser;
    const sees = (what, wanted) =>
      eventually(`of ${kind} ${receiver.browser.kind} sees ${what}`, async () => {
        const [{ width, rate }] = (await receiver.streams()).incoming;
        return wanted(width) && rate > 0;
      });
    const sends = async (rid) => {
      const count = async () => (await publisher.streams()).outgoing.find((each) => each.rid === rid).frames;
      const before = await count();
      await sleep(1000);
      return (await count()) > before;
    };
    await sees('the large picture', (width) => width === 480);
    await receiver.watch();

    await publisher.page.evaluate(activate, { h: true, f: false });
    await sees('the small picture', (width) => width === 240);
    assert.equal(await sends('f'), false, `${kind} still sends what was switched off`);
    await publisher.page.evaluate(activate, { h: true, f: true });
    await sees('the large picture again', (width) => width === 480);
    const gaps = Object.values(await receiver.gaps());
    t.diagnostic(`of ${kind}: ${JSON.stringify(gaps)}`);
    for (const { decoded } of gaps) assert.ok(decoded < 3000, `it stood still for ${decoded} ms`);
  }
});

/** In the page: the encodings of the camera that are switched on. */
function activeNow() {
  const transceivers = window.e2e.connections.at(-1).getTransceivers();
  const { sender } = transceivers.find(({ sender }) => sender.track?.kind === 'video');
  const { encodings } = sender.getParameters();
  return encodings
    .filter(({ active }) => active)
    .map(({ rid }) => rid)
    .join();
}

slowly('what nobody is shown is not sent, and comes back when it is shown', async (t) => {
  const scene = await Scene.open(t);
  const people = [];
  for (const [name, kind] of [
    ['Anna', 'chromium'],
    ['Dora', 'firefox'],
  ]) {
    people.push(await scene.person(name, await scene.browser(kind), 'wanted'));
  }
  for (const person of people) await person.join();
  for (const publisher of people) {
    const receiver = people.find((person) => person !== publisher);
    const { kind } = publisher.browser;
    const active = () => publisher.page.evaluate(activeNow);
    const sends = (rids) =>
      eventually(
        `${kind} sends nothing but ${rids}`,
        async () => {
          assert.equal(await active(), rids);
          return true;
        },
        15_000,
      );
    const sees = (width, patience) =>
      eventually(
        `of ${kind} ${receiver.browser.kind} sees ${width} pixels`,
        async () => {
          const [shown] = (await receiver.streams()).incoming;
          return shown.width === width && shown.rate > 0;
        },
        patience,
      );
    await sees(480);
    await sends('f');
    await receiver.page.setViewport({ width: 320, height: 240 });
    await sees(240);
    await sends('h');
    await receiver.page.setViewport({ width: 1000, height: 700 });
    await sees(480, 5000);
  }
});

slowly('of one scalable encoding each gets the layers that are shown', async (t) => {
  const browsers = await Scene.open(t); // of whose server only the browsers are used
  const [chromium, firefox] = [await browsers.browser('chromium'), await browsers.browser('firefox')];
  for (const codec of ['vp9', 'av1']) {
    await t.test(codec, async (t) => {
      const { server } = await Scene.open(t, { flags: ['--codecs', `opus,${codec}`] });
      const people = [];
      for (const [name, browser, options] of [
        ['Anna', chromium, { svc: 'L2T3_KEY' }],
        ['Cleo', chromium, { missing: ['camera'] }],
        ['Dora', firefox, { missing: ['camera'] }],
      ]) {
        const person = await browser.person(name, options);
        people.push(person);
        await person.visit(server.url, 'scalable');
        await person.join();
      }
      const [anna, ...receivers] = people;
      const { outgoing } = await eventually('Anna sends', async () => {
        const sent = await anna.streams();
        return sent.outgoing.some(({ frames }) => frames > 0) && sent;
      });
      assert.deepEqual(
        outgoing.map(({ mode }) => mode),
        ['L2T3_KEY'],
      );
      const [cleo, dora] = receivers;
      const sees = (person, width) =>
        eventually(`${person.browser.kind} decodes ${codec} ${width} wide`, async () => {
          const [shown] = (await person.streams()).incoming;
          assert.equal(shown?.width, width);
          return shown.rate >= 5;
        });
      for (const person of receivers) await sees(person, 480);
      for (const person of receivers) await person.watch();
      await cleo.page.setViewport({ width: 320, height: 240 });
      await sees(cleo, 240);
      await sees(dora, 480);
      await cleo.page.setViewport({ width: 1000, height: 700 });
      await dora.page.setViewport({ width: 320, height: 240 });
      await sees(cleo, 480);
      await sees(dora, 240);
      await dora.page.setViewport({ width: 1000, height: 700 });
      await sees(dora, 480);
      for (const person of receivers) {
        const { decoded } = (await person.gaps())[await person.channelOf(anna)];
        t.diagnostic(`${person.browser.kind} waited ${decoded} ms at most`);
        assert.ok(decoded < 1500, `it stood still for ${decoded} ms`);
      }
      for (const person of people) await person.close();
    });
  }
});
