/** @import {Codecs} from './codecs.js' */

// So much comes with the server's first answer; what more people send comes with its first offer. A line costs time.
const VOICES = 2;
const PICTURES = 2;

/** Tells the layers of AV1 apart (AV1 RTP, appendix A): Chromium takes it when it is offered, and does not offer it. */
const DEPENDENCY = 'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension';

/**
 * @typedef {{uri: string, direction: string}} HeaderExtension
 * @typedef {object} Extensible not every browser's
 * @property {() => HeaderExtension[]} [getHeaderExtensionsToNegotiate]
 * @property {(extensions: HeaderExtension[]) => void} [setHeaderExtensionsToNegotiate]
 */

/**
 * Offers lines on which voices and pictures of others come: with the answer, before the server has made an offer.
 * @param {RTCPeerConnection} connection
 * @param {Codecs} codecs
 */
export function offerReception(connection, codecs) {
  for (const [kind, lines] of /** @type {const} */ ([
    ['video', PICTURES],
    ['audio', VOICES],
  ])) {
    for (let i = 0; i < lines; i++) {
      const transceiver = connection.addTransceiver(kind, { direction: 'recvonly' });
      codecs.prefer(kind, transceiver);
      if (kind === 'video') offerDependency(transceiver);
    }
  }
}

/** @param {RTCRtpTransceiver & Extensible} transceiver */
function offerDependency(transceiver) {
  const extensions = transceiver.getHeaderExtensionsToNegotiate?.();
  const dependency = extensions?.find(({ uri }) => uri === DEPENDENCY);
  if (!extensions || !dependency) return;
  dependency.direction = 'sendrecv';
  try {
    transceiver.setHeaderExtensionsToNegotiate?.(extensions);
  } catch (error) {
    console.warn('pictures come without the dependency descriptor', error);
  }
}
