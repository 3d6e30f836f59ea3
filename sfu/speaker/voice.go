// Package speaker judges microphones by the audio levels of their packets (RFC 6464): whether one of them speaks, how
// loud, and who of a room speaks more than the others. It has no clock: what time it is it is told, and a time before
// the one told last counts as that. Nothing here is safe for concurrent use.
//
// A level is in -dBov: 0 is the loudest there is, 127 digital silence. Packets come every 20 ms, or every 400 ms where
// discontinuous transmission has nothing to say; they get lost, and come in bursts.
package speaker

import (
	"math/bits"
	"time"
)

// Unknown is the level of a packet that says none: a medium voice.
const Unknown uint8 = 50

const (
	silence uint8 = 127 // digital: the microphone is muted

	quietest = 55.0 // -dBov: what is below is no speech
	margin   = 9.0  // dB of speech above the noise, at least

	hangover   = 300 * time.Millisecond // between words one is still speaking
	mutedAfter = 300 * time.Millisecond
	quietAfter = time.Second
	goneAfter  = 2 * time.Second        // DTX and some loss leave shorter gaps
	together   = 150 * time.Millisecond // packets further apart say nothing of one another

	attack    = 50 * time.Millisecond
	decay     = 300 * time.Millisecond
	onePacket = 40 * time.Millisecond // the most that one stands for in the loudness

	noiseFall   = 0.3 // of the way down, by each packet
	noiseDrop   = 3.0 // dB, but no more: a single gap in a hum is no quiet room
	noiseMuted  = 0.2 // dB down by each packet of a closed noise gate
	noiseRise   = 3.0 // dB/s
	noiseLearn  = 6.0 // dB/s of rise at first
	learnFor    = time.Second
	noiseMost   = 15.0                   // dB above the least floor: what is this loud speaks, however even it is
	noiseStands = 400 * time.Millisecond // the most that a packet stands for, with DTX
)

// Voice is one microphone. The zero value is one that was not heard yet.
type Voice struct {
	last     time.Time // the latest packet came
	spoke    time.Time
	muted    time.Time // digital silence began, unless sounding
	sounding bool
	recent   uint8 // whether the latest packets were loud, the newest lowest

	noise    float64       // the noise floor, in dB above the one at which threshold is the least
	learned  bool          // noise means something
	learning time.Duration // of sound that was heard, up to learnFor
	loudness float64       // dB above digital silence
}

// Hear takes a packet and its level.
func (v *Voice) Hear(level uint8, now time.Time) {
	elapsed := v.tick(now)
	level = min(level, silence)
	if level == silence {
		v.mute()
	} else {
		v.sounding = true
		v.learn(quietest+margin-float64(level), elapsed)
	}
	v.take(level, float64(level) <= quietest-v.noise, elapsed)
}

// HearUnknown takes a packet that says no level. Where all are like that, whoever sends speaks.
func (v *Voice) HearUnknown(now time.Time) {
	elapsed := v.tick(now)
	v.sounding = true
	v.take(Unknown, true, elapsed)
}

// Speaking reports whether they speak now: for at least two packets, and with pauses between words.
func (v *Voice) Speaking(now time.Time) bool { return now.Sub(v.spoke) <= hangover }

// Quiet reports whether they have not spoken for a second: what comes is background noise.
func (v *Voice) Quiet(now time.Time) bool { return now.Sub(v.spoke) >= quietAfter }

// Silent reports whether nothing is lost if nothing is sent: digital silence for some time, or no packets at all.
func (v *Voice) Silent(now time.Time) bool {
	return !v.sounding && now.Sub(v.muted) >= mutedAfter || now.Sub(v.last) >= goneAfter
}

// Loudness is the smoothed level, in -dBov. It means something while they speak.
func (v *Voice) Loudness() uint8 { return silence - uint8(v.loudness+0.5) }

// Spoke is when they last were loud enough, hangover not counted; zero for never.
func (v *Voice) Spoke() time.Time { return v.spoke }

// tick is how long ago the packet before was, 0 for the first.
func (v *Voice) tick(now time.Time) time.Duration {
	if v.last.IsZero() {
		v.last = now
	}
	elapsed := max(0, now.Sub(v.last))
	v.last = v.last.Add(elapsed)
	return elapsed
}

// mute notes digital silence. It says little of the noise: a gate between words brings it, and the button.
func (v *Voice) mute() {
	if v.sounding {
		v.sounding, v.muted = false, v.last
	}
	if !v.Silent(v.last) {
		v.noise = max(0, v.noise-noiseMuted)
	}
}

// learn has the noise floor follow a packet of so many dB above the least floor: quickly down, as speech has gaps, and
// slowly up, as only a hum has none.
func (v *Voice) learn(above float64, elapsed time.Duration) {
	elapsed = min(elapsed, noiseStands)
	rise := noiseRise
	if !v.learned {
		v.learned, v.noise = true, noiseMost // who joins with a fan does not speak
	}
	if v.learning < learnFor {
		v.learning += elapsed
		rise = noiseLearn
	}
	if d := above - v.noise; d < 0 {
		v.noise += max(noiseFall*d, -noiseDrop)
	} else {
		v.noise += min(d, rise*elapsed.Seconds())
	}
	v.noise = min(max(0, v.noise), noiseMost)
}

// take counts a packet that is loud, or not.
func (v *Voice) take(level uint8, loud bool, elapsed time.Duration) {
	if elapsed > together {
		v.recent = 0
	}
	v.recent <<= 1
	if loud {
		v.recent |= 1
		if bits.OnesCount8(v.recent&0b111) >= 2 {
			v.spoke = v.last
		}
	}
	constant := decay
	d := float64(silence-level) - v.loudness
	if d > 0 {
		constant = attack
	}
	elapsed = min(elapsed, onePacket)
	v.loudness += d * float64(elapsed) / float64(elapsed+constant)
}
