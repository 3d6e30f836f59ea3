// What Chromium and Firefox do, in tables of Markdown on standard output: node facts.js (make facts). Our end of the
// connections is facts/.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Browser } from './harness/browsers.js';
import { sleep } from './harness/wait.js';

const BINARY = fileURLToPath(new URL('../bin/facts', import.meta.url));
const CODECS = ['VP8', 'VP9', 'H264', 'AV1'];
const LISTEN = 3000; // ms
const FILM = 6000; // ms

/** In the page: takes pictures and sound of ours. */
async function receive({ codec, feedback }) {
  const post = async (path, body) => {
    const response = await fetch(path, { method: 'POST', body: JSON.stringify(body) });
    if (!response.ok) throw new Error(await response.text());
    return response.json();
  };
  const connection = new RTCPeerConnection();
  const { id, sdp } = await post('/receive', { codec, feedback });
  await connection.setRemoteDescription({ type: 'offer', sdp });
  await connection.setLocalDescription();
  await new Promise((resolve) => {
    const check = () => connection.iceGatheringState === 'complete' && resolve();
    connection.addEventListener('icegatheringstatechange', check);
    check();
  });
  const answer = connection.localDescription.sdp;
  await post('/answer', { id, sdp: answer });
  const lines = [...answer.matchAll(/^a=rtcp-fb:\S+ (transport-cc|goog-remb)\r$/gm)].map(([, kind]) => kind);
  const refused = /^m=video 0 /m.test(answer);
  return { id, answered: [...new Set(lines)].sort(), refused };
}

/** In the page: sends pictures. */
async function publish({ codec, encodings, feedback, width, height }) {
  const capabilities = RTCRtpSender.getCapabilities('video').codecs;
  const wanted = capabilities.filter(({ mimeType }) => mimeType === `video/${codec}`);
  if (wanted.length === 0) return { missing: true };
  const rtx = capabilities.filter(({ mimeType }) => mimeType === 'video/rtx');
  const stream = await navigator.mediaDevices.getUserMedia({ video: { width, height, frameRate: 15 } });
  const [track] = stream.getVideoTracks();
  const connection = new RTCPeerConnection();
  let transceiver;
  try {
    transceiver = connection.addTransceiver(track, { direction: 'sendonly', sendEncodings: encodings });
    transceiver.setCodecPreferences([...wanted, ...rtx]);
  } catch (error) {
    return { error: String(error) };
  }
  const offered = transceiver.sender.getParameters().encodings.length;
  await connection.setLocalDescription();
  await new Promise((resolve) => {
    const check = () => connection.iceGatheringState === 'complete' && resolve();
    connection.addEventListener('icegatheringstatechange', check);
    check();
  });
  const offer = connection.localDescription.sdp;
  const response = await fetch('/publish', { method: 'POST', body: JSON.stringify({ sdp: offer, feedback }) });
  if (!response.ok) return { error: await response.text() };
  const { id, sdp } = await response.json();
  try {
    await connection.setRemoteDescription({ type: 'answer', sdp });
  } catch (error) {
    return { error: String(error) };
  }
  window.sending = { connection, transceiver, track };
  return { id, offered, camera: track.getSettings(), dependency: offer.includes('dependency-descriptor') };
}

/** In the page: what the sender says of itself; it ends. */
async function finish() {
  const { connection, transceiver, track } = window.sending;
  const { encodings } = transceiver.sender.getParameters();
  const stats = [];
  (await connection.getStats()).forEach((report) => {
    if (report.type !== 'outbound-rtp') return;
    const { rid, frameWidth, frameHeight, framesEncoded, keyFramesEncoded, pliCount, firCount } = report;
    const { scalabilityMode, encoderImplementation } = report;
    const size = `${frameWidth}x${frameHeight}`;
    stats.push({
      ...{ rid, size, framesEncoded, keyFramesEncoded, pliCount, firCount, scalabilityMode, encoderImplementation },
    });
  });
  track.stop();
  connection.close();
  return { encodings, stats };
}

const ladder = (scalabilityMode) =>
  [
    ['q', 4, 150_000],
    ['h', 2, 500_000],
    ['f', 1, 1_700_000],
  ].map(([rid, scaleResolutionDownBy, maxBitrate]) => ({
    rid,
    scaleResolutionDownBy,
    maxBitrate,
    ...(scalabilityMode && { scalabilityMode }),
  }));

const ALL = 'transport-cc dependency';
const WAYS = [
  ['VP8', 'simulcast, no mode', ladder(), 'transport-cc'],
  ['VP8', 'simulcast L1T2', ladder('L1T2'), 'transport-cc'],
  ['VP9', 'simulcast L1T2', ladder('L1T2'), 'transport-cc'],
  ['AV1', 'simulcast L1T2', ladder('L1T2'), 'transport-cc'],
  ['H264', 'simulcast, no mode', ladder(), 'transport-cc'],
  ['VP8', 'simulcast, no mode', ladder()],
  ['VP8', 'simulcast L1T2', ladder('L1T2')],
  ['VP8', 'simulcast L1T3', ladder('L1T3')],
  ['VP9', 'simulcast, no mode', ladder()],
  ['VP9', 'simulcast L1T2', ladder('L1T2')],
  ['VP9', 'L3T3_KEY', [{ scalabilityMode: 'L3T3_KEY', maxBitrate: 1_700_000 }]],
  ['AV1', 'simulcast, no mode', ladder()],
  ['AV1', 'simulcast L1T2', ladder('L1T2')],
  ['AV1', 'L3T3_KEY', [{ scalabilityMode: 'L3T3_KEY', maxBitrate: 1_700_000 }]],
  ['H264', 'simulcast, no mode', ladder()],
  ['H264', 'simulcast L1T2', ladder('L1T2')],
];

const keys = (counts) => Object.keys(counts ?? {}).join(' ') || '-';

async function main() {
  const program = spawn(BINARY, { stdio: ['pipe', 'pipe', 'inherit'] });
  const url = String(await once(program.stdout, 'data')).trim();
  const seen = async (id) => (await fetch(`${url}seen/${id}`)).json();
  const details = [];
  const kinds = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
  for (const kind of kinds.length > 0 ? kinds : ['chromium', 'firefox']) {
    const browser = await Browser.start(kind);
    const page = await browser.page();
    await page.goto(url);
    console.log(`\n## ${kind} ${await browser.version()}\n`);
    console.log(
      '| receives | offered | answered | transport-wide | REMB | RR |\n| --- | --- | --- | --- | --- | --- |',
    );
    for (const codec of CODECS) {
      for (const feedback of ['transport-cc goog-remb', 'goog-remb', 'goog-remb abs-send-time', '']) {
        const asked = { codec: `video/${codec}`, feedback };
        const begun = await page.evaluate(receive, asked).catch(() => undefined);
        if (!begun) {
          console.log(`| ${codec} | ${feedback || '-'} | not supported | | | |`);
          break;
        }
        const { id, answered, refused } = begun;
        await sleep(LISTEN);
        const { reports } = await seen(id);
        const told = refused ? 'video refused' : answered.join(' ') || '-';
        const counts = ['transport-wide', 'REMB', 'RR'].map((name) => reports[name] ?? 0).join(' | ');
        console.log(`| ${codec} | ${feedback || '-'} | ${told} | ${counts} |`);
        await page.reload();
      }
    }
    console.log('\n| sends | as | encodings | temporal | spatial | dependency descriptor | kbit/s | remarks |');
    console.log('| --- | --- | --- | --- | --- | --- | --- | --- |');
    for (const [codec, way, encodings, feedback = ALL] of WAYS) {
      const asked = { codec, encodings, feedback, width: 960, height: 540 };
      const begun = await page.evaluate(publish, asked).catch((error) => ({ error: String(error) }));
      if (begun.missing || begun.error) {
        console.log(`| ${codec} | ${way} | ${begun.missing ? 'not offered' : begun.error.split('\n')[0]} | | | | | |`);
        await page.reload();
        continue;
      }
      await sleep(FILM);
      const { streams, state } = await seen(begun.id);
      const { encodings: kept, stats } = await page.evaluate(finish);
      details.push({ kind, codec, way, begun, state, streams, kept, stats });
      for (const [rid, s] of Object.entries(streams)) {
        const rate = Math.round((8 * s.bytes) / FILM);
        const dependency = s.dependency ? `${s.dependency}/${s.packets}, ${s.structures} structures` : 'no';
        const remarks = Object.entries(s.notes).map(([what, n]) => `${what}: ${n}`);
        remarks.push(`${s.keyframes} keyframes of ${s.packets} packets`, `${s.again} again`);
        const cells = [codec, way, rid, keys(s.temporal), keys(s.spatial), dependency, rate, remarks.join(', ')];
        console.log(`| ${cells.join(' | ')} |`);
      }
      const modes = [...new Set(stats.map(({ scalabilityMode }) => scalabilityMode))];
      const by = [...new Set(stats.map(({ encoderImplementation }) => encoderImplementation))];
      const asks = stats.map(
        (s) => `${s.rid}: ${s.keyFramesEncoded} of ${s.framesEncoded}, PLI ${s.pliCount}, FIR ${s.firCount}`,
      );
      const none = Object.keys(streams).length === 0 ? `nothing came (${state})` : '';
      console.log(
        `| | | ${none} | | | | | mode ${modes}, by ${by}, ${begun.camera.width}x${begun.camera.height}, keyframes ${asks} |`,
      );
      await page.reload();
    }
    await browser.close();
  }
  if (process.argv.includes('--details')) console.log(JSON.stringify(details, null, 1));
  program.stdin.end();
  await once(program, 'exit');
}

await main();
