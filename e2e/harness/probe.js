/**
 * Run in the page; each must stand alone.
 *
 * @typedef {object} Tile somebody else, as this page shows them
 * @property {string} name
 * @property {string} channel
 * @property {boolean} shown whether it is on the present page
 * @property {number} frames decoded so far, of the track that the panel's video plays
 * @property {number} energy of their sound so far: of that video, and of the audio slot that is theirs now
 * @property {number} width of the picture, in pixels
 * @property {string[]} classes of the panel
 *
 * @typedef {object} View
 * @property {number} created RTCPeerConnections, ever
 * @property {string[]} states of those that are not closed
 * @property {Tile[]} tiles
 * @property {string} button the class of the call button
 * @property {string} header the room and the head-count
 * @property {string} notice
 * @property {number} receiving tracks in the streams of those who have a panel, screens included, and audio slots that
 *   are theirs
 * @property {number} stale tracks in streams of those who had one
 * @property {{type: string, protocol: string, port: number}[]} paths local candidates in use
 * @property {string[]} errors
 */

/** @returns {Promise<View>} */
export async function look() {
  const open = window.e2e.connections.filter(({ signalingState }) => signalingState !== 'closed');
  const inbound = new Map();
  const paths = [];
  for (const connection of open) {
    const stats = await connection.getStats();
    // Which pair is in use Firefox notes at the pair, Chromium at the transport. The pair's state does not tell: in
    // Chromium it is in-progress whenever a check is on its way.
    const pairs = new Set();
    stats.forEach((report) => {
      if (report.type === 'inbound-rtp') inbound.set(report.trackIdentifier, report);
      if (report.type === 'transport' && report.selectedCandidatePairId) pairs.add(report.selectedCandidatePairId);
      if (report.type === 'candidate-pair' && report.selected) pairs.add(report.id);
    });
    for (const pair of pairs) {
      const local = stats.get(stats.get(pair)?.localCandidateId);
      if (local)
        paths.push({ type: local.candidateType, protocol: local.relayProtocol ?? local.protocol, port: local.port });
    }
  }
  const slots = [...document.querySelectorAll('#slots audio[data-channel]')].filter(({ srcObject }) => srcObject);
  const tile = (panel) => {
    const video = panel.querySelector('figure:not(.screen) video');
    const sounds = slots.filter(({ dataset }) => dataset.channel === panel.dataset.channel);
    const tracks = [video, ...sounds].flatMap(({ srcObject }) => srcObject?.getTracks() ?? []);
    const sum = (kind, field) =>
      tracks
        .filter((track) => track.kind === kind)
        .reduce((total, track) => total + (inbound.get(track.id)?.[field] ?? 0), 0);
    return {
      name: panel.querySelector('figcaption .name, figcaption')?.textContent.trim() ?? '',
      channel: panel.dataset.channel,
      shown: !panel.hidden,
      frames: sum('video', 'framesDecoded'),
      energy: sum('audio', 'totalAudioEnergy'),
      width: video.videoWidth,
      classes: [...panel.classList],
    };
  };
  const tiles = [...document.querySelectorAll('#others > .panel')].map(tile);
  const present = tiles.map(({ channel }) => channel);
  for (const channel of present) window.e2e.channels.add(channel);
  const tracksOf = (channels) =>
    [...window.e2e.streams]
      .filter(([{ id }, from]) => open.includes(from) && channels.includes(id.replace(/\.screen$/, '')))
      .reduce((total, [stream]) => total + stream.getTracks().length, 0);
  const textOf = (selector) => document.querySelector(selector)?.textContent.replace(/\s+/g, ' ').trim() ?? '';
  return {
    created: window.e2e.connections.length,
    states: open.map(({ connectionState }) => connectionState),
    tiles,
    button: document.querySelector('#call-button')?.className ?? '',
    header: ['h1', '.people'].map((part) => textOf(`#header ${part}`)).join(' '),
    notice: textOf('#notice'),
    receiving: tracksOf(present) + slots.filter(({ dataset }) => present.includes(dataset.channel)).length,
    stale: tracksOf([...window.e2e.channels].filter((channel) => !present.includes(channel))),
    paths,
    errors: window.e2e.errors,
  };
}

/**
 * Resolves when every remote video that is shown has presented one more frame.
 * @returns {Promise<number>} how many there are
 */
export async function nextFrames() {
  const videos = [...document.querySelectorAll('#others > .panel:not([hidden]) figure:not(.screen) video')];
  await Promise.all(videos.map((video) => new Promise((resolve) => video.requestVideoFrameCallback(resolve))));
  return videos.length;
}

/**
 * What the connection is described to bring, by the streams that have tracks.
 * @returns {{pictures: string[], sounds: string[], slots: string[]}} ids of streams: with pictures, with sound of their
 *   own, and of audio slots
 */
export function described() {
  const connection = window.e2e.connections.at(-1);
  const lines = connection
    .getTransceivers()
    .filter(({ currentDirection }) => /^(recvonly|sendrecv)$/.test(currentDirection));
  const tracks = new Set(lines.map(({ receiver }) => receiver.track));
  const idsWith = (kind) =>
    [...window.e2e.streams.keys()]
      .filter((stream) => stream.getTracks().some((track) => track.kind === kind && tracks.has(track)))
      .map(({ id }) => id);
  const known = new Set([...document.querySelectorAll('#others > .panel')].map(({ dataset }) => dataset.channel));
  const sounds = idsWith('audio');
  return {
    pictures: idsWith('video').filter((id) => known.has(id)),
    sounds: sounds.filter((id) => known.has(id)),
    slots: sounds.filter((id) => id.startsWith('slot.')),
  };
}
