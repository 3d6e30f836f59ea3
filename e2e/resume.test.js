import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Proxy } from './harness/proxy.js';
import { everybodySeesEverybody, Scene } from './harness/scene.js';
import { eventually, sleep } from './harness/wait.js';

const STILL = 2500; // ms that a picture may stand still on a busy machine; the outages are longer

/** @type {Scene} */
let scene;
/** @type {import('./harness/browsers.js').Browser} */
let chromium;
/** @type {(() => Promise<unknown> | unknown)[]} */
const endings = [];

before(async () => {
  scene = await Scene.open({ after: (end) => endings.push(end) });
  chromium = await scene.browser('chromium');
});

after(async () => {
  for (const end of endings) await end();
});

/** Counts, from now on, panels that go, or say that somebody is away. Runs in the page. */
function watchPanels() {
  window.e2e.vanished = [];
  const others = document.querySelector('#others');
  new window.MutationObserver((records) => {
    for (const { removedNodes } of records) {
      for (const node of removedNodes) if (node.dataset?.channel) window.e2e.vanished.push(node.dataset.channel);
    }
    if (others.querySelector('.away')) window.e2e.vanished.push('away');
  }).observe(others, { childList: true, subtree: true, attributes: true });
}

/** The number of panels that have gone. @param {import('./harness/person.js').Person} person */
const vanished = ({ page }) => page.evaluate(() => window.e2e.vanished);

/**
 * Anna, who reaches the server directly, and Cleo, by a proxy; their chats are open.
 * @param {import('node:test').TestContext} t
 * @param {string} room
 * @param {import('./harness/browsers.js').Browser} browser Cleo's
 */
async function meet(t, room, browser) {
  const proxy = await Proxy.start(t, scene.server);
  const anna = await scene.person('Anna', chromium, room);
  const cleo = await scene.person('Cleo', browser, room, { url: proxy.url });
  const people = [anna, cleo];
  for (const person of people) await person.join();
  await everybodySeesEverybody(people);
  for (const person of people) {
    await person.press('#chat-button');
    await person.sees('#chat-text');
    await person.page.evaluate(watchPanels);
    await person.watch();
  }
  t.after(() => Promise.all(people.map((person) => person.close())));
  return { proxy, anna, cleo, people };
}

/** @param {import('./harness/person.js').Person} person @param {string[]} texts all that was said, each once */
async function hasRead(person, texts) {
  const read = async () => (await person.chat()).length >= texts.length;
  await eventually(`${person.name} has read ${texts.length} messages`, read);
  assert.deepEqual(await person.chat(), texts, `what ${person.name} has read`);
}

/** Nobody has seen anything of it: pictures went on, panels stayed, and no connection was made. */
async function nothingHappened(people, channels) {
  for (const person of people) {
    for (const { decoded } of Object.values(await person.gaps())) {
      assert.ok(decoded < STILL, `a picture stood still at ${person.name}'s for ${decoded} ms`);
    }
    assert.deepEqual(await vanished(person), [], `panels that ${person.name} saw vanish`);
    const { created, states, errors } = await person.look();
    assert.deepEqual([created, states, errors], [1, ['connected'], []], `connections of ${person.name}`);
  }
  const [anna, cleo] = people;
  assert.deepEqual([await anna.channelOf(cleo), await cleo.channelOf(anna)], channels);
}

const channelsOf = async ([anna, cleo]) => [await anna.channelOf(cleo), await cleo.channelOf(anna)];

for (const kind of ['chromium', 'firefox']) {
  test(`a socket that is reset, and no other for 5 s, in ${kind}`, async (t) => {
    const browser = kind === 'chromium' ? chromium : await scene.browser(kind);
    const { proxy, anna, cleo, people } = await meet(t, `reset-${kind}`, browser);
    const channels = await channelsOf(people);
    await cleo.say('before');
    await hasRead(anna, ['before']);

    proxy.refuse(true);
    await sleep(300);
    const back = sleep(5000).then(() => proxy.refuse(false));
    await anna.say('one');
    await anna.say('two');
    await anna.toggle('mic');
    await cleo.say('three');
    await cleo.reads('#connection .words', 'Reconnecting to the server… Picture and sound go on.');
    assert.deepEqual((await cleo.chat()).slice(1), [], 'the socket is lost');
    await back;

    await hasRead(cleo, ['before', 'one', 'two', 'three']);
    await hasRead(anna, ['before', 'one', 'two', 'three']);
    await cleo.sees('#connection', false);
    await anna.toggle('mic');
    await nothingHappened(people, channels);
    await everybodySeesEverybody(people);
  });
}

test('a socket that is reset, again and again, or stalls is replaced without a word', async (t) => {
  const { proxy, anna, cleo, people } = await meet(t, 'sockets', chromium);
  const channels = await channelsOf(people);
  await cleo.page.evaluate(() => {
    window.e2e.shown = 0;
    const bar = document.querySelector('#connection');
    new window.MutationObserver(() => (window.e2e.shown += bar.hidden ? 0 : 1)).observe(bar, { attributes: true });
  });
  const texts = [];
  for (const disturb of [() => proxy.cut(), () => proxy.cut(), () => proxy.stall()]) {
    disturb();
    for (const person of people) {
      texts.push(`${person.name} ${texts.length}`);
      await person.say(texts.at(-1));
      await hasRead(anna, texts);
    }
  }
  await hasRead(cleo, texts);
  assert.equal(await cleo.page.evaluate(() => window.e2e.shown), 0, 'what is over in a moment is not told');
  await nothingHappened(people, channels);
});

test('a second window of the same person is another participant', async (t) => {
  const { anna, cleo, people } = await meet(t, 'twice', chromium);
  const again = await chromium.again(cleo);
  await again.visit(new URL(cleo.page.url()).origin, 'twice');
  await again.join();
  await anna.seesAndHears([cleo, again]);
  await again.seesAndHears([anna, cleo]);
  await again.leave();
  await everybodySeesEverybody(people);
  assert.deepEqual(await vanished(cleo).then(({ length }) => length), 1, 'the window that has left');
});

test('a server that is killed and started again: all are back without a click', async (t) => {
  const room = 'restart';
  const people = [];
  for (const name of ['Anna', 'Ben', 'Cleo']) people.push(await scene.person(name, chromium, room));
  t.after(() => Promise.all(people.map((person) => person.close())));
  const [anna, ben, cleo] = people;
  for (const person of people) await person.join();
  await everybodySeesEverybody(people);
  await cleo.toggle('cam');
  await anna.press('#chat-button');
  await anna.sees('#chat-text');
  await anna.say('kept');
  await hasRead(cleo, ['kept']);
  const former = (await cleo.look()).tiles.map(({ channel }) => channel);
  await scene.server.kill();
  await scene.server.revive();
  await eventually('Cleo is told of the others anew', async () => {
    const { tiles } = await cleo.look();
    return tiles.length === 2 && tiles.every(({ channel }) => !former.includes(channel));
  });
  await cleo.seesAndHears([anna, ben]);
  await ben.sees('#connection', false);
  await anna.sees('.panel.no-video'); // Cleo's camera is still off
  for (const person of people) await hasRead(person, ['kept']);
  await cleo.toggle('cam');
  await everybodySeesEverybody(people);
});

test('another page and back: the call goes on from the cache', async (t) => {
  const { anna, cleo, people } = await meet(t, 'cache', chromium);
  await cleo.page.goto(scene.server.url);
  await anna.hasPanelsOf([]);
  await cleo.page.goBack();
  assert.equal(
    await cleo.page.evaluate(() => Array.isArray(window.e2e?.vanished)),
    true,
    'it is the page that was left',
  );
  await cleo.inCall();
  await anna.hasPanelsOf([cleo]);
  for (const [person, other] of [people, people.toReversed()]) {
    const before = (await person.look()).tiles[0].frames;
    await eventually(
      `${person.name} sees ${other.name} again`,
      async () => (await person.look()).tiles[0].frames > before + 5,
    );
  }
});
