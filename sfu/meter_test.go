package sfu

import (
	"testing"
	"time"

	"parley/sfu/codec"
)

// TestMeter has a layer of 1 Mbit/s with half of its frames in a higher temporal layer, a keyframe every 2 s.
func TestMeter(t *testing.T) {
	var m meter
	now := time.Now()
	run := func(d time.Duration) {
		for i := 0; i < int(d*30/time.Second); i++ {
			f := codec.Frame{First: true, Temporal: uint8(i % 2), Keyframe: i%60 == 0}
			packets := 4
			if f.Keyframe {
				packets *= keyframeFactor
			}
			for range packets {
				m.add(now, &f, 1_000_000/8/30/4-packetExtras)
				f.First = false
			}
			now = now.Add(time.Second / 30)
		}
	}
	check := func(when string) {
		t.Helper()
		for temporal, want := range []float64{550_000, 1_050_000} { // a keyframe is three frames more
			rate, fps := m.upTo(0, temporal)
			if rate < 0.9*want || rate > 1.1*want || fps < 13.5*float64(temporal+1) || fps > 16.5*float64(temporal+1) {
				t.Errorf("%s: up to layer %d: %.0f bit/s, %.1f frames/s", when, temporal, rate, fps)
			}
		}
	}
	run(5 * time.Second)
	check("after 5 s")
	now = now.Add(time.Minute)
	run(300 * time.Millisecond)
	check("after a pause")
	if !m.measured() {
		t.Error("not measured")
	}
}
