import { SCREEN_SUFFIX, SLOT_PREFIX } from './protocol.js';

/** @import {Participant, Features} from './protocol.js' */

/** Of so many who are not announced yet it is kept what they said about themselves. */
const MOST_EARLY = 2000;

/**
 * Who is in the room, and whose stream is whose. A stream belongs to the participant whose channel name is its id, or,
 * with the suffix `.screen`, is that participant's screen share; a stream nobody announced waits unseen. Tracks and
 * announcements may come in either order.
 *
 * Events, all CustomEvents with a `participant` in their detail:
 * - `joined`, `left`
 * - `media`: and `screen` (whether it is the screen share), `stream` (null when its last track left)
 * - `features`: and `features`
 *
 * and two with other details:
 * - `slot`: an audio slot's stream, with `slot` (its number) and `stream` (null when its track left)
 * - `reset`, with `ids`: everybody else is gone, and so are all streams
 */
export class Room extends EventTarget {
  /** @type {Map<string, Participant>} by channel name */
  #participants = new Map();
  /** @type {Map<string, Features>} by channel name */
  #features = new Map();
  /** @type {Map<string, Features>} likewise, of those not announced yet, the latest last */
  #early = new Map();
  /** @type {Map<string, {stream: MediaStream, tracks: Set<MediaStreamTrack>}>} by stream id */
  #streams = new Map();

  /** @returns {Participant[]} */
  get participants() {
    return [...this.#participants.values()];
  }

  /** @param {string} id the channel name */
  participant(id) {
    return this.#participants.get(id) ?? null;
  }

  /** What somebody said about themself last. @param {string} id @returns {Features} */
  features(id) {
    return this.#features.get(id) ?? {};
  }

  /**
   * @param {string} id
   * @param {boolean} screen whether it is the stream of their screen share
   */
  stream(id, screen) {
    return this.#streams.get(screen ? id + SCREEN_SUFFIX : id)?.stream ?? null;
  }

  /** Whether somebody shares a screen, or says so. @param {string} id */
  shares(id) {
    return this.features(id).screen === true || this.stream(id, true) !== null;
  }

  /** Whether the picture of somebody's screen comes. @param {string} id */
  hasScreen(id) {
    return (
      this.stream(id, true)
        ?.getTracks()
        .some(({ kind }) => kind === 'video') ?? false
    );
  }

  /**
   * Starts afresh with these participants; none of their tracks are known yet.
   * @param {Participant[]} participants
   */
  reset(participants) {
    this.#participants.clear();
    this.#features.clear();
    this.#early.clear();
    this.#streams.clear();
    this.#emit('reset', { ids: participants.map((participant) => participant.channel_name) });
    for (const participant of participants) this.add(participant);
  }

  /** @param {Participant} participant */
  add(participant) {
    const id = participant.channel_name;
    const known = this.#participants.has(id);
    this.#participants.set(id, participant);
    if (known) return;
    this.#emit('joined', { participant });
    const features = this.#early.get(id);
    this.#early.delete(id);
    if (features) this.setFeatures(id, features);
    for (const stream of [id, id + SCREEN_SUFFIX]) {
      if (this.#streams.has(stream)) this.#announce(stream);
    }
  }

  /** @param {string} id the channel name */
  remove(id) {
    const participant = this.#participants.get(id);
    this.#participants.delete(id);
    this.#features.delete(id);
    this.#early.delete(id);
    if (participant) this.#emit('left', { participant });
  }

  /**
   * @param {string} id the channel name
   * @param {Features} features
   */
  setFeatures(id, features) {
    const participant = this.#participants.get(id);
    if (participant) {
      this.#features.set(id, features);
      this.#emit('features', { participant, features });
      return;
    }
    this.#early.delete(id);
    this.#early.set(id, features);
    const [oldest] = this.#early.keys();
    if (this.#early.size > MOST_EARLY) this.#early.delete(oldest);
  }

  /**
   * @param {MediaStreamTrack} track may have been in another stream before
   * @param {MediaStream} stream
   */
  addTrack(track, stream) {
    const entry = this.#streams.get(stream.id) ?? { stream, tracks: new Set() };
    entry.stream = stream;
    entry.tracks.add(track);
    this.#streams.set(stream.id, entry);
    this.#announce(stream.id);
  }

  /**
   * @param {MediaStreamTrack} track
   * @param {MediaStream} stream
   */
  removeTrack(track, stream) {
    const entry = this.#streams.get(stream.id);
    if (!entry?.tracks.delete(track)) return;
    if (entry.tracks.size === 0) this.#streams.delete(stream.id);
    this.#announce(stream.id);
  }

  /** All tracks are gone: the connection that brought them was closed. */
  clearTracks() {
    const ids = [...this.#streams.keys()];
    this.#streams.clear();
    for (const id of ids) this.#announce(id);
  }

  /**
   * Tells what the stream has now, if it is somebody's.
   * @param {string} streamId
   */
  #announce(streamId) {
    const stream = this.#streams.get(streamId)?.stream ?? null;
    const slot = slotOf(streamId);
    if (slot !== null) {
      this.#emit('slot', { slot, stream });
      return;
    }
    const screen = streamId.endsWith(SCREEN_SUFFIX);
    const participant = this.#participants.get(screen ? streamId.slice(0, -SCREEN_SUFFIX.length) : streamId);
    if (participant) this.#emit('media', { participant, screen, stream });
  }

  /**
   * @param {string} type
   * @param {object} detail
   */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/**
 * The number of the audio slot that a stream is of, or null.
 * @param {string} streamId
 */
function slotOf(streamId) {
  if (!streamId.startsWith(SLOT_PREFIX)) return null;
  const number = streamId.slice(SLOT_PREFIX.length);
  return /^\d{1,2}$/.test(number) ? Number(number) : null;
}
