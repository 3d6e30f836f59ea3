import './english.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { offer } from '../static/js/elements/choices.js';

/** @import {Kind, Parts} from '../static/js/elements/choices.js' */

const A = { id: 'a', label: 'Desk' };
const B = { id: 'b', label: 'Headset' };
const ANY = { id: '', label: 'As the browser chooses' };
const UNTOLD = { id: '', label: 'Camera 1' };

/**
 * @param {{chosen?: string, used?: string}} state the device in the settings, and that of the track
 * @returns {Parts}
 */
function parts({ chosen = '', used }) {
  const track = used === undefined ? null : { getSettings: () => ({ deviceId: used }) };
  return /** @type {any} */ ({ settings: { get: () => chosen }, capture: { track: () => track } });
}

test('what there is to choose from, and what is in use', () => {
  for (const [
    about,
    kind,
    list,
    state,
    choices,
    chosen,
  ] of /** @type {[string, Kind, any[], any, any[], string][]} */ ([
    ['nothing', 'camera', [], {}, [], ''],
    ['not told yet', 'camera', [UNTOLD], {}, [], ''],
    ['a camera in use', 'camera', [A, B], { chosen: 'a', used: 'b' }, [A, B], 'b'],
    ['a camera that is off', 'camera', [A, B], { chosen: 'a' }, [A, B], 'a'],
    ['a camera that is gone', 'camera', [A, B], { chosen: 'c' }, [ANY, A, B], ''],
    ['a microphone', 'microphone', [A, B], { chosen: 'a', used: 'a' }, [ANY, A, B], 'a'],
    ['a microphone by another name', 'microphone', [A, B], { used: 'default' }, [ANY, A, B], ''],
    ['a speaker', 'speaker', [A], { chosen: 'a', used: 'b' }, [ANY, A], 'a'],
    ['no speakers', 'speaker', [], { chosen: 'a' }, [], ''],
  ])) {
    const lists = { cameras: [], microphones: [], speakers: [], [`${kind}s`]: list };
    assert.deepEqual(offer(lists, kind, parts(state)), { choices, chosen }, about);
  }
});
