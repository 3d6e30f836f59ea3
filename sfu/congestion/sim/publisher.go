package sim

import (
	"math"
	"math/rand/v2"
	"time"

	"parley/sfu/alloc"
)

const (
	encodings     = 3
	frameInterval = time.Second / 30
	largestPacket = 1200
	keyframeAfter = 70 * time.Millisecond  // what a publisher takes at least to answer a request; then the next base frame
	keyframeApart = 500 * time.Millisecond // requests in between are one
	uplink        = 5 * time.Millisecond   // from the capture to the SFU
	keyframeSize  = 4                      // of a delta frame of the same temporal layer
)

// ladder are the bit rates of the rungs: three encodings with two temporal layers each.
func ladder() [2 * encodings]int {
	return [...]int{90_000, 150_000, 300_000, 500_000, 1_020_000, 1_700_000}
}

func rungOf(encoding, temporal int) int { return 2*encoding + temporal }

// nominalBits are a frame's part in its rung's bit rate.
func nominalBits(encoding, temporal int) int {
	rates := ladder()
	bits := rates[rungOf(encoding, 0)]
	if temporal == 1 {
		bits = rates[rungOf(encoding, 1)] - bits
	}
	return bits / 15 // half of 30 frames per second
}

// frame is one encoding's picture as it comes from the publisher.
type frame struct {
	captured time.Duration
	encoding int
	temporal int
	key      bool
	bytes    int // on the wire, over all packets
}

// publisher sends one camera in three encodings at once.
type publisher struct {
	clock     *clock
	random    *rand.Rand
	receivers []*videoTrack
	frames    int
	keyAt     [encodings]time.Duration // when a requested keyframe will be there; 0: none is requested
	requested [encodings]time.Duration
	scene     [encodings]float64 // how much the picture moves: slow changes
	debt      [encodings]float64 // bytes spent too many, which the encoder saves again
	counted   [2 * encodings]int // bytes of each layer since it was last measured
	rungs     []alloc.Rung       // as the SFU measures them
}

func newPublisher(c *clock, random *rand.Rand, phase time.Duration) *publisher {
	p := &publisher{clock: c, random: random, scene: [encodings]float64{1, 1, 1}}
	pixels := [...]int{320 * 180, 640 * 360, 1280 * 720}
	for i, rate := range ladder() {
		p.rungs = append(p.rungs, alloc.Rung{
			Bitrate: rate, Pixels: pixels[i/2], FrameRate: 15 * float64(1+i%2), Spatial: uint8(i / 2), Temporal: uint8(i % 2),
		})
	}
	for e := range encodings {
		p.requested[e] = -keyframeApart
	}
	c.every(phase, frameInterval, p.capture)
	c.every(measureEvery, measureEvery, p.measure)
	return p
}

// request asks for a keyframe of an encoding.
func (p *publisher) request(encoding int) {
	if p.keyAt[encoding] != 0 || p.clock.now-p.requested[encoding] < keyframeApart {
		return
	}
	p.requested[encoding] = p.clock.now
	p.keyAt[encoding] = p.clock.now + keyframeAfter
}

// capture encodes a picture in all encodings.
func (p *publisher) capture() {
	temporal := p.frames % 2
	p.frames++
	for e := range encodings {
		f := &frame{captured: p.clock.now, encoding: e, temporal: temporal}
		if at := p.keyAt[e]; at != 0 && p.clock.now+uplink >= at && temporal == 0 {
			f.key, p.keyAt[e] = true, 0
		}
		f.bytes = p.size(f)
		p.counted[rungOf(e, temporal)] += f.bytes
		p.clock.after(uplink, func() {
			for _, r := range p.receivers {
				r.take(f)
			}
		})
	}
}

// size varies from frame to frame and with the scene; the encoder keeps the mean at the nominal rate over a second.
func (p *publisher) size(f *frame) int {
	e := f.encoding
	mean := float64(nominalBits(e, f.temporal)) / 8
	p.scene[e] += 0.02*(1-p.scene[e]) + 0.03*p.random.NormFloat64()
	size := mean * min(max(p.scene[e], 0.6), 1.6) * math.Exp(0.2*p.random.NormFloat64()-0.02)
	if f.key {
		size = keyframeSize * mean * math.Exp(0.15*p.random.NormFloat64())
	} else {
		size -= min(max(0.06*p.debt[e], -0.4*size), 0.4*size)
	}
	p.debt[e] += size - mean
	return max(int(size), 100)
}

const (
	measureEvery = 100 * time.Millisecond
	measureOver  = 1500 * time.Millisecond // time constant of the smoothed bit rates
)

// measure is what the SFU knows about the bit rate of each rung.
func (p *publisher) measure() {
	weight := 1 - math.Exp(-measureEvery.Seconds()/measureOver.Seconds())
	for e := range encodings {
		sum := 0
		for temporal := range 2 {
			i := rungOf(e, temporal)
			sum += p.counted[i]
			rate := float64(sum*8) / measureEvery.Seconds()
			p.rungs[i].Bitrate += int((rate - float64(p.rungs[i].Bitrate)) * weight)
		}
		p.counted[rungOf(e, 0)], p.counted[rungOf(e, 1)] = 0, 0
	}
}
