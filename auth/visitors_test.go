package auth

import (
	"fmt"
	"testing"
	"time"
)

func TestVisitorsPresent(t *testing.T) {
	v, now := NewVisitors(Allowance{Present: 2}), time.Unix(1790000000, 0)
	for _, step := range []struct {
		remote string
		ok     bool
	}{
		{"192.0.2.1:1000", true},
		{"[::ffff:192.0.2.1]:1001", true},
		{"192.0.2.1:1002", false},
		{"192.0.2.2:1000", true},
		{"[2001:db8:1:2::1]:1000", true},
		{"[2001:db8:1:2:ffff::2]:1000", true},
		{"[2001:db8:1:2::3]:1000", false}, // the same /64
		{"[2001:db8:1:3::1]:1000", true},
		{"127.0.0.1:1", true}, {"127.0.0.1:2", true}, {"127.0.0.1:3", true},
		{"[::1]:1", true}, {"[::1]:2", true}, {"[::1]:3", true},
	} {
		if retry, ok := v.Come(step.remote, now); ok != step.ok || ok != (retry == 0) {
			t.Errorf("%s: %v, again in %v", step.remote, ok, retry)
		}
	}
	v.Go("192.0.2.1:1001", now)
	v.Go("127.0.0.1:1", now)
	if _, ok := v.Come("192.0.2.1:1003", now); !ok {
		t.Error("nobody is let in after another has gone")
	}
}

func TestVisitorsInARow(t *testing.T) {
	v, now := NewVisitors(Allowance{Visits: 60, Within: time.Minute}), time.Unix(1790000000, 0)
	come := func() (time.Duration, bool) {
		retry, ok := v.Come(home, now)
		if ok {
			v.Go(home, now)
		}
		return retry, ok
	}
	for i := range 60 {
		if _, ok := come(); !ok {
			t.Fatalf("number %d is refused", i)
		}
	}
	if retry, ok := come(); ok || retry <= 900*time.Millisecond || retry > time.Second {
		t.Errorf("%v, again in %v", ok, retry)
	}
	now = now.Add(time.Second)
	if _, ok := come(); !ok {
		t.Error("refused a second later")
	}
	if _, ok := come(); ok {
		t.Error("a second gives back more than one")
	}
	now = now.Add(2 * time.Minute)
	if _, ok := come(); !ok || len(v.bySite) != 1 {
		t.Errorf("%v, %d addresses are kept", ok, len(v.bySite))
	}
}

// TestVisitorsForget has far more addresses come than are kept, while some stay.
func TestVisitorsForget(t *testing.T) {
	v, now := NewVisitors(Allowance{Present: 1, Visits: 2, Within: time.Hour}), time.Unix(1790000000, 0)
	remote := func(i int) string { return fmt.Sprintf("[2001:db8:%x:%x::1]:1", i>>16, i&0xffff) }
	const stay = 100
	for i := range maxSites + 5000 {
		if _, ok := v.Come(remote(i), now); !ok {
			t.Fatalf("number %d is refused", i)
		}
		if i >= stay {
			v.Go(remote(i), now)
		}
	}
	if n := len(v.bySite); n != maxSites {
		t.Errorf("%d addresses are kept", n)
	}
	for i := range stay {
		if _, ok := v.Come(remote(i), now); ok {
			t.Fatalf("number %d, who stays, is forgotten", i)
		}
	}
	now = now.Add(2 * time.Hour)
	for i := range stay {
		v.Go(remote(i), now)
	}
	if n := len(v.bySite); n != maxSites-stay {
		t.Errorf("%d addresses are kept, those that have gone too", n)
	}
}
