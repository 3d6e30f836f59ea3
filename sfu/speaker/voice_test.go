package speaker

import (
	"testing"
	"time"
)

// hear has a voice hear a level every so often, and tells when it spoke.
func hear(v *Voice, from time.Time, lasts, every time.Duration, level func(i int) uint8) (now time.Time, spoke int) {
	i := 0
	for now = from; now.Before(from.Add(lasts)); now = now.Add(every) {
		v.Hear(level(i), now)
		if v.Speaking(now) {
			spoke++
		}
		i++
	}
	return now, spoke
}

func steady(level uint8) func(int) uint8 { return func(int) uint8 { return level } }

func TestOnset(t *testing.T) {
	for name, test := range map[string]struct {
		before, level uint8
		every         time.Duration // before
		loss          func(i int) bool
		packets       int // until speaking, lost ones too; 0 for never
	}{
		"new":            {0, 30, 0, nil, 2},
		"still room":     {75, 30, ms(20), nil, 2},
		"usual room":     {60, 45, ms(20), nil, 2},
		"fan":            {45, 30, ms(20), nil, 2},
		"after DTX":      {70, 30, ms(400), nil, 2},
		"after muted":    {127, 30, ms(20), nil, 2},
		"loss":           {70, 30, ms(20), func(i int) bool { return i == 1 }, 3},
		"too soft":       {70, 58, ms(20), nil, 0},
		"not above fan":  {45, 42, ms(20), nil, 0},
		"new and a fan":  {0, 45, 0, nil, 0},
		"digital nought": {0, 127, 0, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var v Voice
			now := epoch()
			if test.before > 0 {
				now, _ = hear(&v, now, 10*time.Second, test.every, steady(test.before))
				if v.Speaking(now) {
					t.Fatal("noise speaks")
				}
			}
			began := 0
			for i := range 100 {
				if test.loss == nil || !test.loss(i) {
					v.Hear(test.level, now)
				}
				if v.Speaking(now) && began == 0 {
					began = i + 1
				}
				now = now.Add(ms(20))
			}
			if began != test.packets {
				t.Errorf("speaks at packet %d, want %d", began, test.packets)
			}
		})
	}
}

func TestClickIsNoSpeech(t *testing.T) {
	var v Voice
	_, spoke := hear(&v, epoch(), 10*time.Second, ms(20), func(i int) uint8 {
		if i%7 == 3 {
			return 10
		}
		return 70
	})
	if spoke > 0 || !v.Spoke().IsZero() {
		t.Errorf("%d packets of clicks speak", spoke)
	}
}

func TestHangover(t *testing.T) {
	var v Voice
	now, _ := hear(&v, epoch(), time.Second, ms(20), steady(30))
	last := now.Add(-ms(20))
	if v.Spoke() != last {
		t.Errorf("spoke at %v, want %v", v.Spoke(), last)
	}
	hear(&v, now, 2*time.Second, ms(20), steady(70))
	for _, test := range []struct {
		after           time.Duration
		speaking, quiet bool
	}{
		{0, true, false}, {ms(300), true, false}, {ms(320), false, false}, {ms(980), false, false},
		{ms(1000), false, true},
	} {
		at := last.Add(test.after)
		if v.Speaking(at) != test.speaking || v.Quiet(at) != test.quiet {
			t.Errorf("after %v: speaking %t, quiet %t", test.after, v.Speaking(at), v.Quiet(at))
		}
	}
}

func TestNeverHeard(t *testing.T) {
	var v Voice
	if v.Speaking(epoch()) || !v.Quiet(epoch()) || !v.Silent(epoch()) || !v.Spoke().IsZero() || v.Loudness() != 127 {
		t.Errorf("%+v", v)
	}
}

// A hum that begins is taken for speech, but not for long.
func TestHum(t *testing.T) {
	for name, level := range map[string]float64{"fan": -45, "soft fan": -52} {
		t.Run(name, func(t *testing.T) {
			var v Voice
			now, _ := hear(&v, epoch(), 10*time.Second, ms(20), steady(70))
			m := newMicrophone(1, level)
			hum := func(int) uint8 { return m.level(0) }
			now, spoke := hear(&v, now, time.Second, ms(20), hum)
			if spoke < 45 {
				t.Errorf("spoke %d packets of the first 50", spoke)
			}
			now, _ = hear(&v, now, 7*time.Second, ms(20), hum)
			now, spoke = hear(&v, now, time.Minute, ms(20), hum)
			if spoke > 0 {
				t.Errorf("hum spoke %d packets", spoke)
			}
			// Nor does it again after a pause of the microphone, or a gap.
			now, _ = hear(&v, now, 5*time.Second, ms(20), steady(127))
			now, spoke = hear(&v, now, time.Minute, ms(20), hum)
			if spoke > 0 {
				t.Errorf("hum spoke %d packets after it was muted", spoke)
			}
			v.Hear(90, now)
			if _, spoke = hear(&v, now, time.Minute, ms(20), hum); spoke > 0 {
				t.Errorf("hum spoke %d packets after a gap", spoke)
			}
		})
	}
}

// Speech is never taken for a hum, even if it has no pauses.
func TestSpeechStays(t *testing.T) {
	const lasts = time.Minute
	for name, add := range map[string]func(m *microphone){
		"words":     func(m *microphone) { m.speak(0, lasts, -30) },
		"soft":      func(m *microphone) { m.speak(0, lasts, -42) },
		"no pauses": func(m *microphone) { m.sounds = []sound{{0, lasts, -30, 0, 5}} },
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(50) {
				var v Voice
				m := newMicrophone(seed, -65)
				add(m)
				_, spoke := hear(&v, epoch(), lasts, ms(20), func(i int) uint8 { return m.level(ms(20 * i)) })
				if spoke < 2850 {
					t.Errorf("seed %d: spoke %d packets of 3000", seed, spoke)
				}
			}
		})
	}
}

func TestSilent(t *testing.T) {
	var v Voice
	now, _ := hear(&v, epoch(), time.Second, ms(20), steady(127))
	if !v.Silent(epoch()) || !v.Silent(now) {
		t.Error("muted at first and not silent")
	}
	v.Hear(80, now)
	if v.Silent(now) || v.Silent(now.Add(ms(1500))) {
		t.Error("silent in a still room")
	}
	v.Hear(127, now)
	v.Hear(127, now.Add(ms(280)))
	if v.Silent(now.Add(ms(299))) {
		t.Error("silent too early")
	}
	if !v.Silent(now.Add(ms(300))) {
		t.Error("muted and not silent")
	}
	v.HearUnknown(now.Add(ms(320)))
	if v.Silent(now.Add(ms(320))) {
		t.Error("silent with a level that is not known")
	}
	if !v.Silent(now.Add(ms(2320))) {
		t.Error("gone and not silent")
	}
}

func TestUnknownSpeaks(t *testing.T) {
	var v Voice
	now := epoch()
	for i := range 3000 {
		v.HearUnknown(now)
		if v.Speaking(now) != (i > 0) {
			t.Fatalf("speaking %t at packet %d", v.Speaking(now), i)
		}
		now = now.Add(ms(20))
	}
	if v.Loudness() != Unknown {
		t.Errorf("loudness %d, want %d", v.Loudness(), Unknown)
	}
	for range 10 { // DTX
		now = now.Add(ms(400))
		v.HearUnknown(now)
	}
	if v.Speaking(now) {
		t.Error("comfort noise speaks")
	}
}

func TestLoudness(t *testing.T) {
	var v Voice
	at := func(n int, level uint8) uint8 {
		for range n {
			v.Hear(level, v.last.Add(ms(20)))
		}
		return v.Loudness()
	}
	v.Hear(70, epoch())
	if got := at(100, 70); got != 70 {
		t.Errorf("%d after 2 s of 70", got)
	}
	if got := at(5, 20); got < 24 || got > 35 {
		t.Errorf("%d after 100 ms of 20", got)
	}
	if got := at(15, 20); got > 21 {
		t.Errorf("%d after 400 ms of 20", got)
	}
	if got := at(5, 70); got < 24 || got > 40 {
		t.Errorf("%d 100 ms after 20", got)
	}
	if got := at(40, 70); got < 60 {
		t.Errorf("%d 900 ms after 20", got)
	}
}
