package bwe

import (
	"slices"
	"time"
)

const pairs = 16

// link measures how fast the bottleneck itself is, whoever else sends through it: of two packets that were sent at the
// same moment, the second comes out its own time later (packet pairs; C. Dovrolis et al., "What do packet dispersion
// techniques measure?", 2001). Packets of others that got between make some pairs slower, so it is the upper quartile
// that counts, if enough of them agree.
type link struct {
	number   uint64 // of the newest packet
	sent, at time.Duration

	rates [pairs]float64 // bit/s
	next  int
}

// arrived takes the packets that arrived, in the order of their numbers.
func (l *link) arrived(number uint64, sent, at time.Duration, size int) {
	behind := number == l.number+1 && sent-l.sent <= 2*unit
	span := (at - l.at).Seconds()
	l.number, l.sent, l.at = number, sent, at
	if !behind || span < 0.001 {
		return // the receiver's clock has steps of 250 us
	}
	l.rates[l.next%pairs] = float64(size*8) / span
	l.next++
}

// rate is that of the link in bit/s; 0: not known.
func (l *link) rate() float64 {
	if l.next < pairs {
		return 0
	}
	sorted := l.rates
	slices.Sort(sorted[:])
	rate, agree := sorted[pairs*3/4], 0
	for _, r := range sorted {
		if r > 0.85*rate && r < 1.18*rate {
			agree++
		}
	}
	if agree < pairs/3 {
		return 0
	}
	return rate
}
