// Somebody at a Chromium who has /diagnostics/ look for what is wrong: node diagnose.js URL ROOM [FLAG...]. Prints what it
// says in the end as JSON, see diagnosis_test.go.
import { Browser } from '../harness/browsers.js';
import { eventually } from '../harness/wait.js';

const TOO_LONG = 60_000; // ms, for all checks

const [url, room, ...flags] = process.argv.slice(2);
const browser = await Browser.start('chromium', flags);
try {
  const person = await browser.person('Cora');
  await person.visit(url, room);
  const { page } = person;
  await page.goto(`${url}/diagnostics/`);
  await page.click('#start');
  const over = () => page.$eval('main', ({ dataset }) => dataset.state === 'done');
  await eventually('the check is over', over, TOO_LONG);
  const found = await page.evaluate(() => ({
    sentence: document.querySelector('#verdict .sentence').textContent,
    rows: Object.fromEntries(
      [...document.querySelectorAll('[data-row]')].map((row) => [
        row.dataset.row,
        `${row.dataset.state}: ${row.querySelector('.text').textContent}`,
      ]),
    ),
    report: document.querySelector('#report textarea').value,
  }));
  console.log(JSON.stringify(found));
} finally {
  await browser.close();
}
