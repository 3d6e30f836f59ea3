/**
 * The messages of the signalling contract (docs/protocol.md), as far as a page needs them.
 *
 * @typedef {{channel_name: string, user_name: string, short_name: string}} Participant
 * @typedef {Record<string, unknown> & {video?: boolean, audio?: boolean, screen?: boolean}} Features
 * @typedef {{type: string, sdp?: string}} Description type is an RTCSdpType or RESET
 * @typedef {{description: Description} | {candidate: RTCIceCandidateInit | null}} SignalBody
 *
 * @typedef {{type: 'connect', channel_name: string, rtc_config: RTCConfiguration}} ConnectEvent
 * @typedef {{type: 'config', rtc_config: RTCConfiguration}} ConfigEvent
 * @typedef {{type: 'others', ids: Participant[]}} OthersEvent
 * @typedef {{type: 'other'} & Participant} OtherEvent
 * @typedef {{type: 'disconnected', channel_name: string}} DisconnectedEvent
 * @typedef {{type: 'signal', sender: string, recipient: string, signal: SignalBody}} SignalEvent
 * @typedef {{type: 'undecodable', publisher: string, subscriber: string, kind: string, codec: string}} UndecodableEvent
 * @typedef {{type: string, detail?: string}} ErrorEvent the `error` app: bad_message, bad_room, …
 */

/** The address of the server's peer. */
export const SFU = 'sfu';

/** The type of a description that asks for fresh peers on both sides. */
export const RESET = '_reset';

/** The negotiated data channel. */
export const FEATURES_LABEL = 'features';
export const FEATURES_ID = 500;

/** The stream of a screen share is the publisher's channel name and this. */
export const SCREEN_SUFFIX = '.screen';
