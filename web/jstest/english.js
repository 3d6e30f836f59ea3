/** For tests of what is said: the page's words, in English. */

import { readFileSync } from 'node:fs';
import { speak } from '../static/js/words.js';

speak(JSON.parse(readFileSync(new URL('../locales/en.json', import.meta.url), 'utf8')));
