/**
 * The messages of the signalling contract (docs/protocol.md), as far as a page needs them.
 *
 * @typedef {{channel_name: string, user_name: string, short_name: string}} Participant
 * @typedef {Record<string, unknown> & {video?: boolean, audio?: boolean, screen?: boolean}} Features
 * @typedef {{type: string, sdp?: string}} Description type is an RTCSdpType or RESET
 * @typedef {{description: Description} | {candidate: RTCIceCandidateInit | null}} SignalBody
 *
 * @typedef {object} ConnectEvent the first on each socket
 * @property {'connect'} type
 * @property {string} channel_name
 * @property {RTCConfiguration} rtc_config
 * @property {boolean} [resumed] the session goes on that there was, and nothing has happened to it
 * @typedef {{type: 'config', rtc_config: RTCConfiguration}} ConfigEvent
 * @typedef {{type: 'others', ids: Participant[]}} OthersEvent
 * @typedef {{type: 'other'} & Participant} OtherEvent
 * @typedef {{type: 'disconnected', channel_name: string}} DisconnectedEvent
 * @typedef {{type: 'signal', sender: string, recipient: string, signal: SignalBody}} SignalEvent
 * @typedef {{type: 'undecodable', publisher: string, subscriber: string, kind: string, codec: string}} UndecodableEvent
 *
 * @typedef {'camera' | 'screen'} Track
 * @typedef {'bandwidth' | 'uplink' | 'cpu' | 'choice' | 'server' | ''} Why what keeps a picture from being better
 * @typedef {object} QualityEvent at which layer a picture comes
 * @property {'quality'} type
 * @property {string} channel_name
 * @property {Track} track
 * @property {number | null} layer from 0, the smallest picture; null: paused
 * @property {number} layers how many there are now
 * @property {number} width 0 where not known
 * @property {number} height
 * @property {Why} why
 *
 * @typedef {{type: 'layers', mid: string, active: Record<string, boolean>}} LayersEvent by rid: which of one's own
 *   encodings anybody receives
 * @typedef {{channel_name: string, track: Track, width: number, height: number, pinned: boolean}} Tile in device pixels;
 *   0 is hidden
 * @typedef {'cpu' | 'bandwidth' | 'none'} Limit what keeps one's own picture from being better
 *
 * @typedef {{type: 'speaker', channel_name: string | null}} SpeakerEvent
 * @typedef {{type: 'levels', levels: Record<string, number>}} LevelsEvent in -dBov, 0 the loudest
 * @typedef {{type: 'slot', slot: number, channel_name: string | null}} SlotEvent
 *
 * @typedef {'participant' | 'viewer'} Role
 * @typedef {'open' | 'password' | 'invite'} Access
 * @typedef {'password' | 'invite' | 'locked' | 'removed' | 'full' | 'draining'} Refusal why a join was refused
 *
 * @typedef {{type: 'state', hosts: string[], locked: boolean, by_invitation: boolean, access: Access}} StateEvent
 * @typedef {{muted: boolean, camera_off: boolean, screen_off: boolean}} Restrictions what is not forwarded, for a host
 *   wanted it so
 * @typedef {{type: 'you', host: boolean, on_stage: boolean, hand: boolean} & Restrictions} YouEvent
 * @typedef {{type: 'hands', hands: Participant[]}} HandsEvent in the order in which they went up
 * @typedef {{type: 'restricted', channel_name: string} & Restrictions} RestrictedEvent
 * @typedef {{type: 'invitation', path: string, expires: number}} InvitationEvent expires in Unix seconds
 *
 * @typedef {{type: 'draining', until: number | null}} DrainingEvent the server takes no new rooms, calls should be over by
 *   then, in Unix ms; 0: no time is set, null: it takes them again
 * @typedef {{type: 'restarting', after: number}} RestartingEvent the next socket is to be opened after so many ms
 *
 * @typedef {{type: string, detail?: string, retry?: boolean}} ErrorEvent the `error` app: bad_message, bad_room, …; detail
 *   is for people, retry says that it passes by itself
 *
 * @typedef {object} ChatMessage what somebody wrote
 * @property {'message'} type
 * @property {string} id
 * @property {string} channel_name
 * @property {string} user_name
 * @property {string} text
 * @property {number} time Unix ms
 * @property {string} [to] the channel name of who alone gets it
 * @property {string} [to_name]
 *
 * @typedef {{type: 'history', messages: ChatMessage[], yours: string[]}} ChatHistory the oldest first; yours are the ids of
 *   those that one's login session wrote
 * @typedef {{type: 'reaction', channel_name: string, user_name: string, emoji: string}} ReactionEvent
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

/** The streams of audio slots: this and their number. */
export const SLOT_PREFIX = 'slot.';

/** How many voices a page plays at a time. */
export const AUDIO_SLOTS = 6;
