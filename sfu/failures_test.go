package sfu_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/pprof"
	"testing"
	"time"

	"parley/sfu"
	"parley/sfu/sfutest"
)

// bounded ends the whole run, and says who waits for whom, if the test takes longer.
func bounded(t *testing.T, d time.Duration) {
	t.Helper()
	timer := time.AfterFunc(d, func() {
		_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
		panic(t.Name() + " is stuck")
	})
	t.Cleanup(func() { timer.Stop() })
}

// TestRandomChurn has publishers come, go, begin anew, fall silent, look away and be barred in any order, while two
// stay: lines come and go in every description.
func TestRandomChurn(t *testing.T) {
	t.Parallel() // it waits more than it works
	bounded(t, 60*time.Second)
	const steps = 60
	s := newSFU(t)
	both := sfutest.Options{Publish: []string{"audio", "video"}}
	a, b := sfutest.Join(t, s, "room", "a", both), sfutest.Join(t, s, "room", "b", both)
	random := rand.New(rand.NewPCG(7, uint64(steps)))
	kinds := [][]string{{"audio"}, {"video"}, {"audio", "video", "screen"}, nil}
	var guests []*sfutest.Client
	for i := range steps {
		switch at := random.IntN(max(1, len(guests))); {
		case len(guests) < 2 || len(guests) < 7 && random.IntN(3) == 0:
			options := sfutest.Options{Publish: kinds[random.IntN(len(kinds))]}
			guests = append(guests, sfutest.Join(t, s, "room", fmt.Sprint("guest", i), options))
		case random.IntN(4) == 0:
			only := random.IntN(2) == 0
			guests[at].Peer.View([]sfu.Tile{{Publisher: "a", Width: 640, Height: 360}}, &only)
		case random.IntN(4) == 0:
			guests[at].Peer.Bar(sfu.Barred{Camera: random.IntN(2) == 0, Microphone: random.IntN(2) == 0})
		case random.IntN(3) == 0:
			guests[at].Reset()
		case random.IntN(3) == 0:
			guests[at].CloseConnection()
		default:
			guests[at].Leave()
			guests = append(guests[:at], guests[at+1:]...)
		}
		time.Sleep(time.Duration(random.IntN(40)) * time.Millisecond) // so that every step is met, not only the first
	}
	last := sfutest.Join(t, s, "room", "last", both)
	for _, guest := range guests {
		if guest.Ended() {
			t.Errorf("the server has given %s up", guest.ID)
		}
		guest.Leave()
	}
	for _, pair := range [][2]*sfutest.Client{{a, b}, {b, a}, {a, last}, {last, a}, {b, last}, {last, b}} {
		pair[0].AwaitMedia(pair[1].ID+"/audio", 5)
		pair[0].AwaitMedia(pair[1].ID+"/video", 5)
	}
}

// TestRestartsOfICE has a client restart ICE again and again, as soon as it may.
func TestRestartsOfICE(t *testing.T) {
	t.Parallel() // it waits more than it works
	bounded(t, 60*time.Second)
	s := newSFU(t)
	both := sfutest.Options{Publish: []string{"audio", "video"}}
	a, b := sfutest.Join(t, s, "room", "a", both), sfutest.Join(t, s, "room", "b", both)
	a.AwaitMedia("b/video", 5)
	b.AwaitMedia("a/video", 5)
	for range 4 {
		a.RestartICE()
	}
	for _, stream := range []string{"audio", "video"} {
		a.AwaitMedia("b/"+stream, 50)
		b.AwaitMedia("a/"+stream, 50)
	}
}

// TestCloseWithABlockedPeer has one participant's events pile up: others do not notice, and it can be closed.
func TestCloseWithABlockedPeer(t *testing.T) {
	t.Parallel() // it waits more than it works
	bounded(t, 60*time.Second)
	s := newSFU(t)
	both := sfutest.Options{Publish: []string{"audio", "video"}}
	a, b := sfutest.Join(t, s, "room", "a", both), sfutest.Join(t, s, "room", "b", both)
	a.AwaitMedia("b/audio", 5)
	entered, release := make(chan struct{}, 1), make(chan struct{})
	blocked, err := s.Join("room", "blocked", sfu.Barred{}, func(sfu.Event) {
		select {
		case entered <- struct{}{}:
		default:
		}
		<-release
	})
	if err != nil {
		t.Fatal(err)
	}
	blocked.Signal(sfu.Description{Type: sfu.TypeReset})
	<-entered
	c := sfutest.Join(t, s, "room", "c", both)
	a.AwaitMedia("c/video", 5)
	c.AwaitMedia("b/video", 5)
	b.Leave()
	for range 8 {
		blocked.Signal(sfu.Description{Type: sfu.TypeReset})
	}
	blocked.Close()
	again := sfutest.Join(t, s, "room", "blocked", both)
	again.AwaitMedia("a/audio", 5)
	a.AwaitMedia("blocked/audio", 5)
	select {
	case <-blocked.Done():
		t.Error("ended while an event was being delivered")
	default:
	}
	close(release)
	<-blocked.Done()
}
