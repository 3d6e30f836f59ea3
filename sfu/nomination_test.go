package sfu

import (
	"testing"
	"time"

	"github.com/pion/ice/v4"
)

func pairOf(t *testing.T, remote string) *ice.CandidatePair {
	t.Helper()
	local, err := ice.UnmarshalCandidate("candidate:1 1 udp 2130706431 203.0.113.5 7000 typ host")
	if err != nil {
		t.Fatal(err)
	}
	other, err := ice.UnmarshalCandidate(remote)
	if err != nil {
		t.Fatal(err)
	}
	return &ice.CandidatePair{Local: local, Remote: other}
}

func TestNominationsAreFollowed(t *testing.T) {
	udp := pairOf(t, "candidate:2 1 udp 2122260223 192.0.2.7 50000 typ host")
	relay := pairOf(t, "candidate:3 1 udp 41885439 203.0.113.5 1024 typ relay raddr 0.0.0.0 rport 0")
	n, begun := nominations{}, time.Unix(1000, 0)
	check := func(at time.Duration, pair *ice.CandidatePair, want bool) {
		t.Helper()
		if got := n.follow(pair, begun.Add(at)); got != want {
			t.Errorf("at %v: %v", at, got)
		}
	}
	check(0, relay, false)                     // pion takes the first
	check(10*time.Millisecond, udp, false)     // and goes up
	check(20*time.Millisecond, relay, false)   // the client is not sure yet
	check(900*time.Millisecond, udp, false)    // now it is
	check(1800*time.Millisecond, relay, false) // maybe not
	check(4*time.Second, relay, true)          // UDP has died
	check(6*time.Second, relay, false)         // which is known
	check(6100*time.Millisecond, udp, false)   // it is back: pion goes up
	check(9*time.Second, relay, true)
}
