/** @import {Codecs} from './codecs.js' */

// So much comes with the server's first answer; what more people send comes with its first offer. A line costs time.
const VOICES = 2;
const PICTURES = 2;

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
    for (let i = 0; i < lines; i++) codecs.prefer(kind, connection.addTransceiver(kind, { direction: 'recvonly' }));
  }
}
