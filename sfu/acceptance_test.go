package sfu_test

import (
	"fmt"
	"testing"
	"time"

	"parley/sfu/alloc"
	"parley/sfu/congestion/sim"
	"parley/sfu/sfutest"
)

// The scenarios of the acceptance with the whole stack: PeerConnections of pion, ICE, DTLS, SRTP, in virtual time. Here
// negotiation, keyframes and the requests for them are real, and the encoders' rates are what the SFU measures. So the
// limits are those of the simulation (see congestion/sim) with the tolerance that stands beside each.

// The tolerance, where no other is given.
const (
	factor = 1.25 // of times and of bad audio
	points = 0.05 // of scores
)

// limit is a bound of the design, and what it is multiplied by or added to here.
type limit struct {
	name    string
	got     float64
	atLeast bool
	bound   float64 // with tolerance
}

func judge(t *testing.T, result *sim.Result, limits ...limit) {
	t.Helper()
	for _, l := range limits {
		bad := l.got > l.bound
		if l.atLeast {
			bad = l.got < l.bound
		}
		if bad {
			t.Errorf("%s: %.3f, limit %.3f", l.name, l.got, l.bound)
		} else {
			t.Logf("%s: %.3f, limit %.3f", l.name, l.got, l.bound)
		}
	}
}

func span(from, to time.Duration) sim.Span { return sim.Span{From: from, To: to} }

// settled is a phase without its first 12 s, and quiet without its first 3 s.
func settled(phase sim.Span) sim.Span { return span(phase.From+12*time.Second, phase.To) }
func quiet(phase sim.Span) sim.Span   { return span(phase.From+3*time.Second, phase.To) }

func TestAcceptanceOverVnet(t *testing.T) {
	var networks sfutest.Networks
	for name, scenario := range map[string]func(*testing.T, *sfutest.Networks){
		"1 steady": steady, "2 drop, 3 recovery": drop, "4 deep drop": deepDrop, "10 little wanted": littleWanted,
		"11 blackout": blackout,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scenario(t, &networks)
		})
	}
}

func steady(t *testing.T, networks *sfutest.Networks) {
	all := span(0, 60*time.Second)
	r := play(t, networks, network{duration: all.To, capacity: []sim.Step{{Rate: 1_000_000}}})
	judge(t, r,
		limit{"score", r.Score(0, settled(all)), true, 0.99 - points},
		limit{"85 % within", r.Reach(0, all, 0.85), false, 2 + 0.5}, // a round trip and a keyframe later
		limit{"p95 queue", r.Queue(0, quiet(all)), false, 0.065 * factor},
		limit{"gap", r.Gap(0, all), false, 0.5 * factor},
		limit{"bad audio", r.BadAudio(0, all), false, 0.005},
		limit{"switches/min", r.Switches(0, settled(all)), false, 2.5 * 3}, // encoders' rates differ from what they should be
	)
}

func drop(t *testing.T, networks *sfutest.Networks) {
	low, after := span(12*time.Second, 34*time.Second), span(34*time.Second, 54*time.Second)
	for _, ms := range []int{640, 300} {
		t.Run(fmt.Sprintf("%d ms of buffer", ms), func(t *testing.T) {
			t.Parallel()
			gap, audio := 1.2, 0.05
			if ms == 300 {
				gap, audio = 1, 0.045
			}
			audio *= 40.0 / 22 // the phase is shorter than the design's, and what is bad is its beginning
			r := play(t, networks, network{
				duration: after.To, room: 500_000 / 8 * ms / 1000,
				capacity: []sim.Step{{Rate: 2_000_000}, {At: low.From, Rate: 500_000}, {At: after.From, Rate: 2_000_000}},
			})
			judge(t, r,
				limit{"allocation fits", r.Fits(0, low), false, 0.7 * factor},
				limit{"p95 queue", r.Queue(0, quiet(low)), false, 0.075 * factor},
				limit{"gap", r.Gap(0, low), false, gap * factor},
				limit{"score", r.Score(0, settled(low)), true, 0.85 - points},
				limit{"bad audio", r.BadAudio(0, low), false, audio * factor},
				limit{"85 % within", r.Reach(0, after, 0.85), false, 8 * factor},
				limit{"score", r.Score(0, settled(after)), true, 0.99 - points},
			)
		})
	}
}

func deepDrop(t *testing.T, networks *sfutest.Networks) {
	low, after := span(12*time.Second, 36*time.Second), span(36*time.Second, 50*time.Second)
	r := play(t, networks, network{
		duration: after.To, room: 300_000 / 8,
		capacity: []sim.Step{{Rate: 1_000_000}, {At: low.From, Rate: 300_000}, {At: after.From, Rate: 2_000_000}},
	})
	judge(t, r,
		limit{"p95 queue", r.Queue(0, quiet(low)), false, 0.090 * factor},
		limit{"gap", r.Gap(0, low), false, 2 * factor},
		limit{"score", r.Score(0, settled(low)), true, 0.98 - points},
		limit{"bad audio", r.BadAudio(0, low), false, 0.08 * 30 / 24 * factor},
		limit{"85 % within", r.Reach(0, after, 0.85), false, 6 * factor},
		limit{"all tracks back", r.Back(0, after), false, 3 * factor},
	)
}

func littleWanted(t *testing.T, networks *sfutest.Networks) {
	capped, all := span(0, 20*time.Second), span(20*time.Second, 42*time.Second)
	const small = 320 * 180
	r := play(t, networks, network{
		duration: all.To, capacity: []sim.Step{{Rate: 1_000_000}},
		views: []sim.View{
			{Shown: [cameras]int{small, small, 0}},
			{At: all.From, Shown: [cameras]int{alloc.Unlimited, alloc.Unlimited, alloc.Unlimited}},
		},
	})
	judge(t, r,
		limit{"estimate over proof", r.Boldness(0, capped), false, 1.2 * factor},
		limit{"score", r.Score(0, settled(all)), true, 0.99 - points},
		limit{"85 % within", r.Reach(0, all, 0.85), false, 2 + 1}, // layers are switched on first
		limit{"p95 queue", r.Queue(0, quiet(all)), false, 0.050 * factor},
		limit{"bad audio", r.BadAudio(0, all), false, 0.005},
	)
}

func blackout(t *testing.T, networks *sfutest.Networks) {
	dark, after := span(12*time.Second, 18*time.Second), span(18*time.Second, 32*time.Second)
	r := play(t, networks, network{duration: after.To, capacity: []sim.Step{{Rate: 1_000_000}}, dark: dark})
	before := span(dark.From-5*time.Second, dark.From)
	judge(t, r,
		limit{"rate after 1.5 s", r.Sent(0, span(dark.From+1500*time.Millisecond, dark.To)) / r.Sent(0, before), false, 0.5},
		limit{"85 % within", r.Reach(0, after, 0.85), false, 3 * factor},
		limit{"p95 queue", r.Queue(0, quiet(span(0, after.To))), false, 0.060 * factor},
	)
}
