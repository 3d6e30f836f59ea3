/** Fakes of what a participant captures with. */

import { Capture } from '../static/js/capture.js';
import { problem } from '../static/js/problems.js';
import { Settings } from '../static/js/settings.js';

export class FakeTrack extends EventTarget {
  enabled = true;
  readyState = 'live';
  /** What it takes on when it is asked to, and what it can. */
  settings;
  capabilities = {};
  /** Set to make it ignore what it is asked for. */
  deaf = false;
  asked = [];

  constructor(device, { id = '', label = '', settings = {} } = {}) {
    super();
    Object.assign(this, { device, label });
    this.settings = { deviceId: id, ...settings };
  }

  get stopped() {
    return this.readyState === 'ended';
  }

  getSettings() {
    return this.settings;
  }

  getCapabilities() {
    return this.capabilities;
  }

  applyConstraints(constraints) {
    this.asked.push(constraints);
    for (const [name, value] of Object.entries(constraints)) {
      if (!this.deaf && name in this.settings) this.settings[name] = value;
    }
    return Promise.resolve();
  }

  clone() {
    return Object.assign(new FakeTrack(this.device), { enabled: this.enabled });
  }

  stop() {
    this.readyState = 'ended';
  }

  /** Unplugged. */
  end() {
    this.readyState = 'ended';
    this.dispatchEvent(new Event('ended'));
  }
}

const LISTS = { camera: 'cameras', microphone: 'microphones' };

/**
 * Devices as the page knows them. `there` are ids by device; one that is `alone` cannot be opened beside another of its
 * kind, and what is `broken` not at all; a `gate` holds back opening.
 */
class FakeDevices extends EventTarget {
  gate = Promise.resolve();
  there = { camera: ['c1'], microphone: ['m1'] };
  broken = new Map();
  alone = false;
  /** Set to have a device that is open be processed alike for all that open it. */
  alike = false;
  /** In the order in which they were opened. */
  tracks = [];
  constraints = [];

  list() {
    const all = { cameras: [], microphones: [], speakers: [] };
    for (const [device, ids] of Object.entries(this.there)) all[LISTS[device]] = ids.map((id) => ({ id, label: id }));
    return Promise.resolve(all);
  }

  async open(wanted, constraints) {
    await this.gate;
    const opened = { camera: null, microphone: null, problems: [] };
    for (const device of ['camera', 'microphone']) {
      if (!wanted[device]) continue;
      const result = this.#one(device, constraints[device]);
      if (typeof result === 'string') opened.problems.push(problem(device, result));
      else opened[device] = result;
    }
    return opened;
  }

  #one(device, constraints) {
    this.constraints.push(constraints);
    const asked = constraints.deviceId?.exact;
    const there = this.there[device];
    const id = there.includes(asked) ? asked : there[0];
    if (id === undefined) return 'missing';
    if (this.broken.has(id)) return this.broken.get(id);
    if (this.alone && this.tracks.some((track) => track.device === device && !track.stopped)) return 'busy';
    const { echoCancellation, noiseSuppression, autoGainControl } = constraints;
    const fresh = device === 'microphone' ? { echoCancellation, noiseSuppression, autoGainControl } : {};
    const present = this.tracks.find((track) => track.settings.deviceId === id && !track.stopped);
    const settings = (this.alike && present?.settings) || fresh;
    const track = new FakeTrack(device, { id, label: `The ${id}`, settings: { ...settings } });
    this.tracks.push(track);
    return track;
  }

  /** Others are there from now on. */
  plug(device, ids) {
    this.there = { ...this.there, [device]: ids };
    this.dispatchEvent(new Event('change'));
  }
}

/** A publisher; a `gate` holds back publishing. */
function fakePublisher(published) {
  const publisher = {
    gate: Promise.resolve(),
    quality: '',
    setTrack(kind, track) {
      published[kind] = track;
      return publisher.gate;
    },
    setQuality: (quality) => (publisher.quality = quality),
  };
  return publisher;
}

/** A screen that is shared, unless there is a `problem`; a `gate` holds back the person's choice. */
function fakeScreen(tracks) {
  const screen = {
    gate: Promise.resolve(),
    problem: '',
    async open() {
      await screen.gate;
      if (screen.problem) return { shared: null, problem: screen.problem };
      const shared = { video: new FakeTrack('screen'), audio: new FakeTrack('sound') };
      tracks.push(shared.video, shared.audio);
      return { shared, problem: '' };
    },
  };
  return screen;
}

/** A capture among fakes. `missing` are devices of which there are none. */
export function make({ missing = [], choices = {} } = {}) {
  const published = {};
  const publisher = fakePublisher(published);
  const devices = new FakeDevices();
  for (const device of missing) devices.there[device] = [];
  const { tracks } = devices;
  const screen = fakeScreen(tracks);
  const settings = new Settings();
  for (const [name, value] of Object.entries(choices)) settings.set(name, value);
  const clock = { now: 0 };
  const capture = new Capture({ publisher, devices, screen, settings, now: () => clock.now });
  const told = {
    problems: [],
    wrong: [],
    camera: [],
    microphone: [],
    ready: [],
    sharing: [],
    features: null,
    blur: [],
  };
  capture.addEventListener('problem', ({ detail }) => told.problems.push(detail));
  capture.addEventListener('problems', ({ detail }) => told.wrong.push(detail.map(({ reason }) => reason).join(' ')));
  capture.addEventListener('device', ({ detail: { device, on } }) => told[device].push(on));
  capture.addEventListener('ready', ({ detail }) => told.ready.push(detail));
  capture.addEventListener('sharing', ({ detail }) => told.sharing.push(detail));
  capture.addEventListener('features', () => (told.features = capture.features));
  capture.addEventListener('capabilities', () => told.blur.push(capture.canBlur));
  /** Holds back until the function is called. */
  const hold = (what) => {
    let proceed;
    what.gate = new Promise((resolve) => (proceed = resolve));
    return proceed;
  };
  const of = (device) => tracks.find((track) => track.device === device);
  return { capture, publisher, published, tracks, devices, screen, settings, clock, told, hold, of };
}

/** The same, open. */
export async function opened(options) {
  const parts = make(options);
  await parts.capture.open();
  return parts;
}
