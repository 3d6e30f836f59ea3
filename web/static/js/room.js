import { SCREEN_SUFFIX } from './protocol.js';

/** @import {Participant, Features} from './protocol.js' */

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
 * and `reset`, with `ids`: everybody else is gone.
 */
export class Room extends EventTarget {
  /** @type {Map<string, Participant>} by channel name */
  #participants = new Map();
  /** @type {Map<string, Features>} by channel name; may arrive before the participant */
  #features = new Map();
  /** @type {Map<string, {stream: MediaStream, tracks: Set<MediaStreamTrack>}>} by stream id */
  #streams = new Map();

  /** @returns {Participant[]} */
  get participants() {
    return [...this.#participants.values()];
  }

  /**
   * Starts afresh with these participants; none of their tracks are known yet.
   * @param {Participant[]} participants
   */
  reset(participants) {
    this.#participants.clear();
    this.#features.clear();
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
    const features = this.#features.get(id);
    if (features) this.#emit('features', { participant, features });
    this.#announce(id);
    this.#announce(id + SCREEN_SUFFIX);
  }

  /** @param {string} id the channel name */
  remove(id) {
    const participant = this.#participants.get(id);
    this.#participants.delete(id);
    this.#features.delete(id);
    if (participant) this.#emit('left', { participant });
  }

  /**
   * @param {string} id the channel name
   * @param {Features} features
   */
  setFeatures(id, features) {
    this.#features.set(id, features);
    const participant = this.#participants.get(id);
    if (participant) this.#emit('features', { participant, features });
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
    this.#announce(stream.id);
    if (entry.tracks.size === 0) this.#streams.delete(stream.id);
  }

  /** All tracks are gone: the connection that brought them was closed. */
  clearTracks() {
    for (const [id, entry] of this.#streams) {
      entry.tracks.clear();
      this.#announce(id);
    }
    this.#streams.clear();
  }

  /**
   * Tells what the stream has now, if it is somebody's.
   * @param {string} streamId
   */
  #announce(streamId) {
    const entry = this.#streams.get(streamId);
    if (!entry) return;
    const screen = streamId.endsWith(SCREEN_SUFFIX);
    const participant = this.#participants.get(screen ? streamId.slice(0, -SCREEN_SUFFIX.length) : streamId);
    if (!participant) return;
    this.#emit('media', { participant, screen, stream: entry.tracks.size > 0 ? entry.stream : null });
  }

  /**
   * @param {string} type
   * @param {object} detail
   */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
