package speaker

import (
	"math/rand/v2"
	"testing"
	"time"
)

// scripts seeds a fuzz target.
func scripts(f *testing.F) {
	random := rand.NewChaCha8([32]byte{})
	for range 50 {
		script := make([]byte, 900)
		_, _ = random.Read(script)
		f.Add(script)
	}
	f.Add([]byte{0, 255, 255, 128, 0, 0})
}

// step moves a time, sometimes a little backwards, and sometimes by hours.
func step(now time.Time, by byte) time.Time {
	switch {
	case by == 255:
		return now.Add(5 * time.Hour)
	case by >= 240:
		return now.Add(-ms(int(by-239) * 10))
	case by >= 128:
		return now.Add(ms(int(by - 108)))
	}
	return now.Add(ms(int(by / 6)))
}

func FuzzVoice(f *testing.F) {
	scripts(f)
	f.Fuzz(func(t *testing.T, script []byte) {
		var v Voice
		now, spoke := epoch(), time.Time{}
		for ; len(script) >= 2; script = script[2:] {
			now = step(now, script[0])
			if script[1] == 200 {
				v.HearUnknown(now)
			} else {
				v.Hear(script[1], now)
			}
			if v.noise < 0 || v.noise > quietest+margin || v.Loudness() > 127 {
				t.Fatalf("noise %f, loudness %f", v.noise, v.loudness)
			}
			if v.Speaking(now) && (v.Quiet(now) || v.Silent(now) && v.sounding) {
				t.Fatal("speaking and quiet")
			}
			if v.Spoke().Before(spoke) {
				t.Fatal("spoke longer ago than before")
			}
			spoke = v.Spoke()
		}
	})
}

// Whatever comes, only somebody who was heard and not removed is dominant, and as long as they stay.
func FuzzDetector(f *testing.F) {
	scripts(f)
	f.Fuzz(func(t *testing.T, script []byte) {
		var d Detector[byte]
		var had bool
		now, heard := epoch(), map[byte]bool{}
		for ; len(script) >= 3; script = script[3:] {
			now = step(now, script[0])
			k := script[1] & 7
			switch {
			case script[1] == 255:
				d.Remove(k)
				delete(heard, k)
				had = false
			case script[1] < 200:
				d.Hear(k, script[2], now)
				heard[k] = true
			}
			got, ok := d.Dominant(now)
			if ok && !heard[got] {
				t.Fatalf("%d is dominant and not there", got)
			}
			if had && !ok {
				t.Fatal("nobody is dominant any more")
			}
			had = ok
			if len(d.voices) != len(d.byKey) || len(d.voices) > len(heard) {
				t.Fatalf("%d voices, %d keys, %d there", len(d.voices), len(d.byKey), len(heard))
			}
			for i, v := range d.voices {
				if d.byKey[v.key] != v || v.head > d.slot {
					t.Fatalf("voice %d: %+v", i, v.key)
				}
			}
		}
	})
}
