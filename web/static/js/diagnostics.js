import { Codecs } from './codecs.js';
import { reportOf } from './diagnostics-report.js';
import { Diagnosis } from './diagnostics-run.js';
import { nameRoom, openSocket } from './diagnostics-socket.js';
import { connectDiagnostics } from './elements/diagnostics.js';
import { find } from './elements/page.js';
import { earOf, eyeIn } from './elements/senses.js';
import { loadSource, testSource } from './elements/testpicture.js';
import { TestTone } from './testtone.js';
import { speak } from './words.js';

speak(JSON.parse(find('#words').textContent ?? '{}'));
start(find('main'));

/** @param {HTMLElement} root */
function start(root) {
  const codecs = new Codecs((root.dataset.codecs ?? 'opus vp8').toLowerCase().split(/\s+/));
  const video = /** @type {HTMLVideoElement} */ (find('video', root));
  const tone = new TestTone(() => new AudioContext(), new Audio());
  const begin = () =>
    new Diagnosis({
      secure: window.isSecureContext,
      media: window.isSecureContext ? navigator.mediaDevices : undefined,
      network: { open: openSocket, name: nameRoom, codecs },
      eye: { watch: eyeIn(video) },
      ear: { listen: earOf(() => new AudioContext()) },
      test: () => testSource(new AudioContext()),
      load: loadSource,
    });
  connectDiagnostics(root, {
    begin,
    report: (results) => reportOf(results, { host: location.host, agent: navigator.userAgent }),
    copy: (text) => navigator.clipboard?.writeText(text) ?? Promise.reject(new Error('no clipboard')),
    playTone: () => tone.play(),
  });
}
