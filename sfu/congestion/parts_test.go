package congestion

import (
	"testing"
	"time"
)

// Reports of one track each count by their packets, and are taken once a second.
func TestReceptionWeighsTracks(t *testing.T) {
	now := time.Unix(1e9, 0)
	var voice, video, all Reception
	if voice.Note(now, 1000, 255, 0) || video.Note(now, 1<<16|100, 255, 0) {
		t.Error("due at once")
	}
	now = now.Add(500 * time.Millisecond)
	if voice.Note(now, 1025, 0, 70*time.Millisecond) {
		t.Error("due after 500 ms")
	}
	now = now.Add(500 * time.Millisecond)
	if !video.Note(now, 1<<16|175, 128, 50*time.Millisecond) {
		t.Error("not due after 1 s")
	}
	voice.Note(now, 1010, 255, 90*time.Millisecond) // an old one tells nothing more
	all.Take(now, &voice)
	all.Take(now, &video)
	if got := all.Lost(); got != 0.375 || all.RTT != 50*time.Millisecond {
		t.Errorf("%v lost, round trip %s", got, all.RTT)
	}
	var again Reception
	again.Take(now, &video)
	if again.Lost() != 0 || again.RTT != 0 || video.Note(now.Add(900*time.Millisecond), 1<<16|180, 0, 0) {
		t.Error("what was taken counts again")
	}
}

// After long darkness without a reason one picture is tried, and then ever more rarely.
func TestDarkDares(t *testing.T) {
	now := time.Unix(1e9, 0)
	var d dark
	var trials []time.Duration
	for at := time.Duration(0); at < 4*time.Minute; at += 50 * time.Millisecond {
		dares := d.dares(now.Add(at), 100) == 100
		if dares && (len(trials) == 0 || at-trials[len(trials)-1] > darkTrial) {
			trials = append(trials, at)
		}
		d.note(now.Add(at), !dares, false)
	}
	if len(trials) < 4 || trials[0].Round(time.Second) != darkFor || trials[3]-trials[2] < 2*darkFor {
		t.Errorf("trials at %v", trials)
	}
	d = dark{}
	for at := time.Duration(0); at < time.Minute; at += 50 * time.Millisecond {
		d.note(now.Add(at), true, at%(10*time.Second) == 0)
		if d.dares(now.Add(at), 100) != 0 {
			t.Fatalf("dares after %s with congestion every 10 s", at)
		}
	}
}
