import { writeFile } from 'node:fs/promises';

const RATE = 48_000;
const SYLLABLES = 4; // a second
const PITCH = 140; // Hz
const FORMANTS = [
  [500, 1],
  [1500, 0.5],
  [2500, 0.25],
];

/**
 * Writes a WAV file that sounds like somebody who does not stop speaking, as a fake microphone: harmonics of a voice, in
 * syllables, with some breath.
 * @param {string} path
 * @param {number} [seconds] after which it begins anew
 */
export async function writeSpeech(path, seconds = 8) {
  const samples = new Int16Array(RATE * seconds);
  for (let i = 0; i < samples.length; i++) samples[i] = Math.round(0.3 * 32_767 * speech(i / RATE));
  await writeFile(path, Buffer.concat([header(samples.byteLength), Buffer.from(samples.buffer)]));
}

/** Writes a WAV file of a microphone that is not plugged in. @param {string} path */
export async function writeSilence(path) {
  const samples = Buffer.alloc(2 * RATE);
  await writeFile(path, Buffer.concat([header(samples.byteLength), samples]));
}

/** @param {number} time in s @returns {number} between -1 and 1 */
function speech(time) {
  const syllable = Math.max(0, Math.sin(Math.PI * SYLLABLES * time) ** 2 - 0.1);
  const pitch = PITCH * (1 + 0.1 * Math.sin(2 * Math.PI * 0.7 * time));
  let voice = 0;
  for (let harmonic = 1; harmonic <= 20; harmonic++) {
    const loudness = FORMANTS.reduce((sum, [at, gain]) => sum + gain * near(harmonic * pitch, at), 0);
    voice += loudness * Math.sin(2 * Math.PI * harmonic * pitch * time);
  }
  return Math.max(-1, Math.min(1, syllable * (voice + 0.05 * (Math.random() - 0.5))));
}

/** @param {number} frequency @param {number} formant */
function near(frequency, formant) {
  return 1 / (1 + ((frequency - formant) / 200) ** 2);
}

/** Of a RIFF file, 16 bits, one channel. @param {number} size of the samples, in bytes */
function header(size) {
  const bytes = Buffer.alloc(44);
  bytes.write('RIFF', 0);
  bytes.writeUInt32LE(36 + size, 4);
  bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20); // PCM
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(RATE, 24);
  bytes.writeUInt32LE(2 * RATE, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36);
  bytes.writeUInt32LE(size, 40);
  return bytes;
}
