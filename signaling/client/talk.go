package client

import "sync/atomic"

// Quiet is what a client sends of its audio while it does not talk.
type Quiet int

const (
	// Never quiet: the tone goes on and on, at one level.
	Never Quiet = iota
	// Silence is digital silence, level 127, in packets of a few bytes.
	Silence
	// Pause sends no packet at all, as a muted or discontinuous encoder does.
	Pause
)

const (
	voiceBit = 0x80 // RFC 6464, 3: the packet has voice
	noLevel  = 127  // of digital silence
	softest  = 126
)

// silentFrame is 20 ms of Opus in which there is nothing to hear.
func silentFrame() []byte { return []byte{0xf8, 0xff, 0xfe} }

// syllables says by how many dB each 20 ms of speech are below its loudest: words of two or three syllables, and the
// short gaps between them.
func syllables() []byte {
	return []byte{
		9, 3, 0, 0, 1, 2, 5, 10, 18, 6, 2, 0, 1, 3, 7, 14, 26, 32, 30, 12,
		4, 1, 0, 2, 4, 9, 16, 7, 3, 1, 1, 2, 4, 8, 13, 8, 4, 2, 3, 6,
		12, 22, 34, 38, 38, 36, 20, 8,
	}
}

// voice is how a client's audio sounds.
type voice struct {
	quiet Quiet // static after construction
	level atomic.Uint32
}

// talking is the level of the loudest syllable and that the client talks at all.
const talking = 1 << 8

// Talk begins to talk, at the level of -dBov (RFC 6464), 0 the loudest. It needs an [Options.Quiet] to be heard from
// silence on.
func (c *Client) Talk(level uint8) { c.voice.level.Store(talking | uint32(level&0x7f)) }

// Hush ends what Talk began.
func (c *Client) Hush() { c.voice.level.Store(0) }

// frame says what the nth 20 ms of audio are: whether they are sent, and if so at which level, in the form of RFC 6464.
func (v *voice) frame(n int) (level byte, sent bool) {
	loudest := v.level.Load()
	if loudest&talking != 0 {
		pattern := syllables()
		return voiceBit | byte(min(softest, loudest&0x7f+uint32(pattern[n%len(pattern)]))), true
	}
	switch v.quiet {
	case Silence:
		return noLevel, true
	case Pause:
		return 0, false
	}
	return voiceBit | audioLevel, true
}
