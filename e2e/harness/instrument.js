/**
 * @typedef {object} Options
 * @property {'udp' | 'tcp'} [turn] use the TURN servers of this transport only
 * @property {('camera' | 'microphone')[]} [missing] devices that this person does not have
 * @property {boolean} [concealed] the server is not told of any address of this person, so nothing goes past a shaper
 * @property {MediaTrackConstraints} [camera] what the picture is like
 * @property {number} [scale] of the highest bitrate of each encoding
 * @property {string} [svc] pictures are sent in one encoding with these layers, a `scalabilityMode`
 * @property {{width: number, height: number, frameRate: number}} [display] stands in for the screen, when it is shared
 * @property {Partial<Record<'camera' | 'microphone', [name: string, message?: string]>>} [refused] what getUserMedia says
 *   in place of the device; `window.e2e.refused` is the same, to be changed
 */

/**
 * Runs in the page before its own scripts: keeps the RTCPeerConnections that are made, and makes the fake camera small
 * enough for several of them on two cores, yet large enough for simulcast. It must stand alone: only its source reaches the page.
 * @param {Options} options
 */
export function instrument({ turn, missing = [], concealed = false, camera, scale = 1, svc, display, refused = {} }) {
  const probe = { connections: [], streams: new Map(), channels: new Set(), glares: 0, offers: 0, errors: [], refused };
  Object.defineProperty(window, 'e2e', { value: probe });
  window.addEventListener('error', ({ message }) => probe.errors.push(message));
  window.addEventListener('unhandledrejection', ({ reason }) => probe.errors.push(String(reason)));
  document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
    probe.errors.push(`CSP: ${violatedDirective} ${blockedURI}`);
  });

  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration = {}) {
      super(turn ? { ...configuration, iceServers: only(turn, configuration.iceServers) } : configuration);
      probe.connections.push(this);
      this.addEventListener(
        'signalingstatechange',
        () => (probe.offers += this.signalingState.endsWith('offer') ? 1 : 0),
      );
      this.addEventListener('track', ({ streams }) => streams.forEach((stream) => probe.streams.set(stream, this)));
    }

    setConfiguration(configuration) {
      const iceServers = turn ? only(turn, configuration.iceServers) : configuration.iceServers;
      super.setConfiguration({ ...configuration, iceServers });
    }

    addTransceiver(track, init = {}) {
      let sendEncodings = init.sendEncodings?.map((encoding) => {
        return encoding.maxBitrate ? { ...encoding, maxBitrate: encoding.maxBitrate * scale } : encoding;
      });
      if (sendEncodings && svc) sendEncodings = [{ scalabilityMode: svc }];
      return super.addTransceiver(track, sendEncodings ? { ...init, sendEncodings } : init);
    }

    addEventListener(type, listener, options) {
      if (type !== 'icecandidate' || !concealed) return super.addEventListener(type, listener, options);
      return super.addEventListener(type, (event) => event.candidate === null && listener(event), options);
    }

    get localDescription() {
      const description = super.localDescription;
      if (!concealed || !description) return description;
      return { type: description.type, sdp: description.sdp.replace(/^a=candidate:.*\r\n/gm, '') };
    }

    setRemoteDescription(description) {
      if (description.type === 'offer' && this.signalingState === 'have-local-offer') probe.glares++;
      return super.setRemoteDescription(description);
    }
  };

  function only(transport, servers = []) {
    const urls = (server) => [server.urls].flat().filter((url) => url.endsWith(`transport=${transport}`));
    return servers.map((server) => ({ ...server, urls: urls(server) })).filter((server) => server.urls.length > 0);
  }

  const devices = navigator.mediaDevices;
  if (!devices) return;
  for (const device of missing) refused[device] = ['NotFoundError', 'no such device'];
  const getUserMedia = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async ({ video, audio }) => {
    const [name, message] = (video && refused.camera) || (audio && refused.microphone) || [];
    if (name) throw new DOMException(message ?? name, name);
    const small = camera ?? { width: 480, height: 270, frameRate: 10 };
    const stream = await getUserMedia({
      audio: audio && { ...(await plugged('audioinput', audio)) },
      video: video && { ...small, ...(await plugged('videoinput', video)) },
    });
    opened.push(...stream.getTracks());
    return stream;
  };

  /** @type {MediaStreamTrack[]} */
  const opened = [];
  const unplugged = new Set();
  const enumerateDevices = devices.enumerateDevices.bind(devices);
  devices.enumerateDevices = async () => (await enumerateDevices()).filter(({ deviceId }) => !unplugged.has(deviceId));
  const changed = () => devices.dispatchEvent(new Event('devicechange'));

  /** Audio as it is asked for, and of a picture which device, which is none that was pulled out. */
  async function plugged(kind, asked) {
    const given = kind === 'audioinput' && typeof asked === 'object' ? asked : {};
    const id = asked.deviceId?.exact;
    if (unplugged.has(id)) throw new DOMException('deviceId', 'OverconstrainedError');
    if (id || unplugged.size === 0) return id ? { ...given, deviceId: asked.deviceId } : given;
    const left = (await devices.enumerateDevices()).find((each) => each.kind === kind);
    if (!left) throw new DOMException('no such device', 'NotFoundError');
    return { ...given, deviceId: { exact: left.deviceId } };
  }

  /** As if the device were pulled out: its tracks end, by themselves. @param {string} id */
  probe.unplug = (id) => {
    unplugged.add(id);
    for (const track of opened.filter((each) => each.readyState === 'live' && each.getSettings().deviceId === id)) {
      track.stop();
      track.dispatchEvent(new Event('ended'));
    }
    changed();
  };

  probe.plug = (id) => {
    unplugged.delete(id);
    changed();
  };

  if (display) devices.getDisplayMedia = () => Promise.resolve(drawing(display));

  /** What changes all the time; it ends with its track. */
  function drawing({ width, height, frameRate }) {
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    const context = canvas.getContext('2d');
    const stream = canvas.captureStream(frameRate);
    let frame = 0;
    const timer = setInterval(() => {
      if (stream.getVideoTracks()[0].readyState === 'ended') clearInterval(timer);
      context.fillStyle = `hsl(${(frame++ * 10) % 360} 60% 50%)`;
      context.fillRect(0, 0, width, height);
    }, 1000 / frameRate);
    return stream;
  }
}
