/**
 * Run in the page; each must stand alone.
 *
 * @typedef {object} Incoming a picture that comes in
 * @property {string} channel whose it is
 * @property {string} codec e.g. "video/VP8"
 * @property {number} frames decoded so far
 * @property {number} width of the picture, 0 before there is one
 * @property {number} rate frames per second
 * @property {number} bytes
 * @property {number} frozen ms, by the browser's own account
 * @property {number} key frames decoded so far that begin anew
 *
 * @typedef {object} Outgoing an encoding of this person's picture
 * @property {string} rid
 * @property {string} codec
 * @property {string} mode of its layers, "" if it is not told
 * @property {boolean} active
 * @property {number} frames encoded so far
 * @property {number} width
 * @property {number} bytes
 */

/** @returns {Promise<{incoming: Incoming[], outgoing: Outgoing[]}>} */
export async function streams() {
  const connection = window.e2e.connections.at(-1);
  const channels = new Map();
  for (const [stream, from] of window.e2e.streams) {
    if (from !== connection) continue;
    for (const track of stream.getVideoTracks()) channels.set(track.id, stream.id);
  }
  const incoming = [];
  const outgoing = [];
  const stats = await connection.getStats();
  stats.forEach((report) => {
    if (report.kind !== 'video') return;
    const codec = stats.get(report.codecId)?.mimeType ?? '';
    const common = { codec, width: report.frameWidth ?? 0 };
    if (report.type === 'inbound-rtp' && channels.has(report.trackIdentifier)) {
      incoming.push({
        ...common,
        channel: channels.get(report.trackIdentifier),
        frames: report.framesDecoded ?? 0,
        rate: report.framesPerSecond ?? 0,
        bytes: report.bytesReceived ?? 0,
        frozen: 1000 * (report.totalFreezesDuration ?? 0),
        key: report.keyFramesDecoded ?? 0,
      });
    } else if (report.type === 'outbound-rtp') {
      outgoing.push({
        ...common,
        rid: report.rid ?? '',
        mode: report.scalabilityMode ?? '',
        active: report.active ?? true,
        frames: report.framesEncoded ?? 0,
        bytes: report.bytesSent ?? 0,
      });
    }
  });
  return { incoming, outgoing };
}

/** Begins to keep account of how long each picture stands still. */
export function watch() {
  clearInterval(window.e2e.looking);
  window.e2e.gaps = new Map();
  const begin = (channel) => {
    const now = performance.now();
    const gap = { last: now, longest: 0, at: 0, shown: { last: now, longest: 0 }, frames: -1 };
    window.e2e.gaps.set(channel, gap);
    return gap;
  };
  for (const panel of document.querySelectorAll('#others > .panel')) {
    const gap = begin(panel.dataset.channel);
    const video = panel.querySelector('figure:not(.screen) video');
    const shown = (now) => {
      gap.shown.longest = Math.max(gap.shown.longest, now - gap.shown.last);
      gap.shown.last = now;
      video.requestVideoFrameCallback(shown);
    };
    video.requestVideoFrameCallback(shown);
  }
  const connection = window.e2e.connections.at(-1);
  const look = async () => {
    const stats = await connection.getStats();
    const now = performance.now();
    const ids = new Map();
    for (const [stream, from] of window.e2e.streams) {
      if (from === connection) stream.getVideoTracks().forEach((track) => ids.set(track.id, stream.id));
    }
    stats.forEach((report) => {
      const gap = report.type === 'inbound-rtp' && window.e2e.gaps.get(ids.get(report.trackIdentifier));
      if (!gap || report.kind !== 'video') return;
      if (now - gap.last > gap.longest) {
        gap.longest = now - gap.last;
        gap.at = now;
      }
      if (report.framesDecoded !== gap.frames) gap.last = now;
      gap.frames = report.framesDecoded;
    });
  };
  window.e2e.looking = setInterval(look, 100);
}

/**
 * How long each picture stood still at most since `watch` or the last call, in ms: until the next was decoded, and until
 * the next was shown.
 * @returns {Record<string, {decoded: number, shown: number}>} by channel
 */
export function gaps() {
  const longest = {};
  const now = performance.now();
  for (const [channel, gap] of window.e2e.gaps) {
    longest[channel] = {
      decoded: Math.round(Math.max(gap.longest, now - gap.last)),
      shown: Math.round(Math.max(gap.shown.longest, now - gap.shown.last)),
    };
    gap.longest = gap.shown.longest = 0;
  }
  return longest;
}
