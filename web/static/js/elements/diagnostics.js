import { levelOf } from '../loudness.js';
import { t } from '../words.js';
import { find } from './page.js';

/**
 * @import {Diagnosis, Name, Results, Row} from '../diagnostics-run.js'
 *
 * @typedef {object} Actions
 * @property {() => Diagnosis} begin makes a check
 * @property {(results: Results) => string} report
 * @property {(text: string) => Promise<void>} copy
 * @property {() => Promise<boolean>} playTone
 */

/**
 * The page of the check: a row for each thing, the sentence above them, and the report below.
 * @param {HTMLElement} root `main`, whose `data-state` is `before`, `running` or `done`
 * @param {Actions} actions
 */
export function connectDiagnostics(root, { begin, report, copy, playTone }) {
  const start = /** @type {HTMLButtonElement} */ (find('#start', root));
  start.addEventListener('click', async () => {
    if (root.dataset.state === 'running') return;
    clear(root);
    const diagnosis = begin();
    diagnosis.addEventListener('row', (event) => showRow(root, /** @type {CustomEvent<Row>} */ (event).detail));
    diagnosis.addEventListener('loudness', (event) => {
      find('.level', root).style.setProperty('--level', levelOf(/** @type {CustomEvent} */ (event).detail).toFixed(2));
    });
    const results = await diagnosis.run();
    showVerdict(root, results);
    /** @type {HTMLTextAreaElement} */ (find('#report textarea', root)).value = report(results);
    root.dataset.state = 'done';
  });
  connectCopy(find('#report', root), copy);
  const [tone, told] = [find('.tone', root), find('.tone ~ output', root)];
  tone.addEventListener('click', async () => {
    told.textContent = '';
    told.textContent = (await playTone()) ? '' : t('choices.no_tone');
  });
}

/** As before, but running. @param {HTMLElement} root */
function clear(root) {
  root.dataset.state = 'running';
  delete root.dataset.severity;
  find('#verdict .sentence', root).textContent = t('diagnostics.running');
  find('#report .told', root).textContent = '';
  for (const row of root.querySelectorAll('[data-row]')) {
    const name = /** @type {Name} */ (/** @type {HTMLElement} */ (row).dataset.row);
    showRow(root, { name, state: 'waiting', text: '' });
  }
}

/** @param {HTMLElement} root @param {Row} row */
function showRow(root, { name, state, text }) {
  const element = find(`[data-row=${name}]`, root);
  element.dataset.state = state;
  find('.state', element).textContent = t(`diagnostics.state.${state}`);
  find('.text', element).textContent = text;
  const rows = [...root.querySelectorAll('[data-row]')].map((each) => /** @type {HTMLElement} */ (each).dataset.state);
  const over = rows.filter((each) => each !== 'waiting' && each !== 'running').length;
  const progress = /** @type {HTMLProgressElement} */ (find('progress', root));
  [progress.max, progress.value] = [rows.length, over];
}

/** @param {HTMLElement} root @param {Results} results */
function showVerdict(root, { verdict: { key, severity, values } }) {
  root.dataset.severity = severity;
  find('#verdict .sentence', root).textContent = t(key, values);
}

/** @param {HTMLElement} root @param {(text: string) => Promise<void>} copy */
function connectCopy(root, copy) {
  const text = /** @type {HTMLTextAreaElement} */ (find('textarea', root));
  const told = find('.told', root);
  find('.copy', root).addEventListener('click', async () => {
    const copied = await copy(text.value).then(
      () => true,
      () => false,
    );
    if (!copied) text.select();
    told.textContent = t(copied ? 'diagnostics.copied' : 'diagnostics.selected');
  });
}
