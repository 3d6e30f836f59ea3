package speaker

import (
	"fmt"
	"testing"
	"time"
)

// listeners makes a room of so many voices, of whom some talk and all send, and a function that takes their packets of
// 20 ms.
func listeners(present, talking int) (second func()) {
	voices := make([]Voice, present)
	microphones := make([]*microphone, present)
	levels := make([][50]uint8, present)
	for k := range microphones {
		microphones[k] = newMicrophone(uint64(k), -65)
		if k < talking {
			microphones[k].speak(0, time.Second, -28)
		}
		for i := range levels[k] {
			levels[k][i] = microphones[k].level(ms(20 * i))
		}
	}
	var d Detector[int]
	now, i := epoch(), 0
	return func() {
		for k := range voices {
			level := levels[k][i%50]
			voices[k].Hear(level, now)
			if voices[k].Speaking(now) {
				d.Hear(k, level, now)
			}
			d.Dominant(now)
			now = now.Add(slotTime / time.Duration(present))
		}
		i++
	}
}

func BenchmarkPacket(b *testing.B) {
	for _, test := range []struct{ present, talking int }{{3, 1}, {30, 2}, {300, 5}, {300, 300}} {
		b.Run(fmt.Sprintf("%d/%d", test.talking, test.present), func(b *testing.B) {
			tick := listeners(test.present, test.talking)
			for range 200 {
				tick()
			}
			b.ReportAllocs()
			packets := 0
			for b.Loop() {
				tick()
				packets += test.present
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(packets), "ns/packet")
		})
	}
}

func BenchmarkHear(b *testing.B) {
	var d Detector[string]
	now := epoch()
	keys := []string{"anna", "ben", "cleo", "dora", "emil"}
	b.ReportAllocs()
	for b.Loop() {
		for _, k := range keys {
			d.Hear(k, 30, now)
		}
		now = now.Add(slotTime)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(keys)), "ns/packet")
}

func TestNothingIsAllocated(t *testing.T) {
	tick := listeners(300, 5)
	for range 200 {
		tick()
	}
	if got := testing.AllocsPerRun(500, tick); got > 0 {
		t.Errorf("%v allocations in 20 ms", got)
	}
}
