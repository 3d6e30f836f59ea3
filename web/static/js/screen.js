import { deniedBySystem } from './problems.js';
import { t } from './words.js';

/**
 * The screen, or a window or tab of it, as the person picks.
 *
 * @typedef {Pick<MediaDevices, 'getDisplayMedia'>} Source
 * @typedef {{video: MediaStreamTrack, audio: MediaStreamTrack | null}} Shared
 */

// Sound comes as it is: what is good for a voice is not for music. That of the whole system comes without what this page
// plays, or the others would hear themselves. Browsers ignore what they do not know.
const OPTIONS = {
  video: { frameRate: { ideal: 30, max: 30 } },
  audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false, restrictOwnAudio: true },
  systemAudio: 'include',
  selfBrowserSurface: 'exclude',
  surfaceSwitching: 'include',
};

export class Screen {
  #source;

  /** @param {Partial<Source> | undefined} source absent on insecure pages, and of no use on telephones */
  constructor(source) {
    this.#source = source;
  }

  get available() {
    return Boolean(this.#source?.getDisplayMedia);
  }

  /**
   * Lets the person pick what to share; must begin while their click is handled. The tracks are the caller's to stop.
   * @returns {Promise<{shared: Shared | null, problem: string}>} no problem if they changed their mind
   */
  async open() {
    try {
      const stream = await this.#source?.getDisplayMedia?.(OPTIONS);
      const [video] = stream?.getVideoTracks() ?? [];
      if (!stream || !video) return { shared: null, problem: t('screen.unsupported') };
      const audio = stream.getAudioTracks()[0] ?? null;
      video.contentHint = 'detail'; // sharp before smooth
      if (audio) audio.contentHint = 'music';
      return { shared: { video, audio }, problem: '' };
    } catch (error) {
      if (deniedBySystem(error)) return { shared: null, problem: t('screen.system') };
      const declined = /** @type {any} */ (error)?.name === 'NotAllowedError';
      return { shared: null, problem: declined ? '' : t('screen.failed') };
    }
  }
}
