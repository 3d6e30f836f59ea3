/**
 * Runs in any page of the server's: the least that can be in a call, to compare the page of a room with. It opens camera,
 * microphone and the socket, and waits for `window.bare.join()`. It must stand alone: only its source reaches the page.
 * @param {string} room
 */
export async function bare(room) {
  const createVideo = () => Object.assign(document.createElement('video'), { autoplay: true, muted: true });
  const video = createVideo();
  document.body.replaceChildren(video);
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/ws/${room}/`);
  const send = (message) => socket.send(JSON.stringify(message));
  const signal = (body) => send({ rtc: { type: 'signal', recipient: 'sfu', signal: body } });
  let configuration;
  let connection;
  let done = Promise.resolve(); // signals are acted on one after the other

  function call() {
    connection = new RTCPeerConnection(configuration);
    connection.createDataChannel('features', { negotiated: true, id: 500 });
    connection.onicecandidate = ({ candidate }) => signal({ candidate });
    connection.ontrack = ({ track, streams }) => {
      if (track.kind !== 'video') return;
      const place = video.srcObject ? document.body.appendChild(createVideo()) : video;
      [place.srcObject] = streams;
    };
    for (const track of stream.getTracks()) {
      connection.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
    }
    done = describe();
  }

  async function describe() {
    await connection.setLocalDescription();
    signal({ description: connection.localDescription });
  }

  async function apply({ description, candidate }) {
    if (!description) return connection.addIceCandidate(candidate ?? undefined);
    await connection.setRemoteDescription(description);
    if (description.type === 'offer') await describe();
  }

  await new Promise((connected) => {
    socket.onmessage = ({ data }) => {
      const { rtc = {} } = JSON.parse(data);
      if (rtc.type === 'connect') connected((configuration = rtc.rtc_config));
      if (rtc.type === 'others') call();
      if (rtc.type === 'signal') done = done.then(() => apply(rtc.signal));
    };
  });
  window.bare = { join: () => send({ join: room }) };
}
