import { AUDIO_SLOTS } from './protocol.js';

/** @import {Codecs} from './codecs.js' */

/** So many pictures come with the server's first answer; those of more people come with its first offer. */
const PICTURES = 4;

/**
 * Offers lines on which voices and pictures of others come: with the answer, before the server has made an offer.
 * @param {RTCPeerConnection} connection
 * @param {Codecs} codecs
 */
export function offerReception(connection, codecs) {
  for (const [kind, lines] of /** @type {const} */ ([
    ['audio', AUDIO_SLOTS],
    ['video', PICTURES],
  ])) {
    for (let i = 0; i < lines; i++) codecs.prefer(kind, connection.addTransceiver(kind, { direction: 'recvonly' }));
  }
}
