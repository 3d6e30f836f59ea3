package load

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Durations are counted in microseconds: one by one up to 64, from there in 32 buckets per power of two, which is 3 %.
const (
	linear     = 64
	perOctave  = 32
	octaves    = 22 // up to more than a minute
	numBuckets = linear + octaves*perOctave
)

// histogram counts durations. Its methods may be called from any goroutine.
type histogram struct{ counts [numBuckets]atomic.Uint64 }

func (h *histogram) add(d time.Duration) { h.counts[bucketOf(d)].Add(1) }

// distribution is a histogram at one moment, or the difference of two.
type distribution [numBuckets]uint64

func (h *histogram) snapshot() *distribution {
	d := new(distribution)
	for i := range h.counts {
		d[i] = h.counts[i].Load()
	}
	return d
}

// since returns what was counted after an earlier snapshot.
func (d *distribution) since(earlier *distribution) *distribution {
	diff := *d
	for i := range diff {
		diff[i] -= earlier[i]
	}
	return &diff
}

func (d *distribution) total() uint64 {
	var n uint64
	for _, count := range d {
		n += count
	}
	return n
}

// quantile returns the duration that a share q of all does not exceed, 0 if there are none. q = 1 is the greatest.
func (d *distribution) quantile(q float64) time.Duration {
	total := d.total()
	if total == 0 {
		return 0
	}
	rank := max(1, uint64(q*float64(total)+0.5))
	for i, count := range d {
		if count >= rank {
			return upperBound(i)
		}
		rank -= count
	}
	return upperBound(numBuckets - 1)
}

func bucketOf(d time.Duration) int {
	us := uint64(max(0, d.Microseconds()))
	if us < linear {
		return int(us)
	}
	octave := bits.Len64(us) - bits.Len64(linear) // 0 for [64, 128)
	if octave >= octaves {
		return numBuckets - 1
	}
	return linear + octave*perOctave + int(us>>(octave+1)) - perOctave
}

// upperBound is the longest duration of a bucket, in whole microseconds.
func upperBound(bucket int) time.Duration {
	if bucket < linear {
		return time.Duration(bucket) * time.Microsecond
	}
	octave, sub := (bucket-linear)/perOctave, (bucket-linear)%perOctave
	return time.Duration((perOctave+sub+1)<<(octave+1)-1) * time.Microsecond
}
