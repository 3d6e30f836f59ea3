package sfu_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"parley/sfu"
	"parley/sfu/sfutest"
)

// page is a client that shows some of the others, and hears them in slots.
func page(t *testing.T, s *sfu.SFU, id string, slots int, shown ...string) *sfutest.Client {
	t.Helper()
	c := sfutest.Join(t, s, "room", id, sfutest.Options{})
	only := true
	c.Peer.View(tilesOf(100, shown...), &only)
	c.Peer.Slots(slots)
	return c
}

func tilesOf(size int, ids ...string) (tiles []sfu.Tile) {
	for _, id := range ids {
		tiles = append(tiles, sfu.Tile{Publisher: id, Width: size, Height: size})
	}
	return tiles
}

func TestDescriptionGrowsWithWhatIsShown(t *testing.T) {
	t.Parallel() // it waits more than it works
	s := newSFU(t)
	options := sfutest.Options{Publish: []string{"audio", "video"}}
	var everybody []string
	for i := range 8 {
		everybody = append(everybody, fmt.Sprint("p", i))
		sfutest.Join(t, s, "room", everybody[i], options)
	}
	viewer := page(t, s, "viewer", 2, everybody[:2]...)
	viewer.AwaitMedia("p0/video", 10)
	viewer.AwaitMedia("p1/video", 10)
	viewer.AwaitMedia("slot.0/audio", 10)
	viewer.AwaitMedia("slot.1/audio", 10)
	for next := 2; next < 8; next += 2 {
		viewer.Peer.View(append(tilesOf(0, everybody[next-2:next]...), tilesOf(100, everybody[next:next+2]...)...), nil)
		begun := time.Now()
		viewer.AwaitMedia(everybody[next]+"/video", 1)
		viewer.AwaitMedia(everybody[next+1]+"/video", 1)
		t.Logf("page %d came into view in %v", next/2, time.Since(begun))
	}
	for stream := range viewer.Streams() {
		name, kind, _ := strings.Cut(stream, "/")
		if kind == "audio" && !strings.HasPrefix(name, "slot.") {
			t.Errorf("the sound of %s comes beside the slots", name)
		}
	}
	if _, offer := viewer.Offers(); strings.Count(offer, "m=audio") > 2 {
		t.Errorf("%d lines of sound", strings.Count(offer, "m=audio"))
	}
	viewer.Await("hidden pictures to leave the description", func() bool { return s.Counts().DownTracks < 8*7*2+2+4 })
	if _, offer := viewer.Offers(); strings.Count(offer, "m=video") > 8 {
		t.Errorf("%d lines of pictures", strings.Count(offer, "m=video"))
	}
}

func TestBarredWhileInTheCall(t *testing.T) {
	t.Parallel() // it waits more than it works
	s := newSFU(t)
	publisher := sfutest.Join(t, s, "room", "p", sfutest.Options{Publish: []string{"audio", "video"}})
	everything, slots := sfutest.Join(t, s, "room", "w", sfutest.Options{}), page(t, s, "s", 3, "p")
	everything.AwaitMedia("p/audio", 5)
	everything.AwaitMedia("p/video", 5)
	slots.AwaitMedia("slot.0/audio", 5)
	publisher.Peer.Bar(sfu.Barred{Microphone: true})
	slots.AwaitEvent("its slot is empty", func(e sfu.Event) bool { return e == sfu.SlotChanged{Slot: 0} })
	heard, muted := everything.Streams()["p/audio"], slots.Streams()["slot.0/audio"]
	everything.AwaitMedia("p/video", 50)
	// What was on its way when it was barred may still have come.
	if more := everything.Streams()["p/audio"] - heard; more > 5 {
		t.Errorf("%d packets of sound of who is muted", more)
	}
	if more := slots.Streams()["slot.0/audio"] - muted; more > 5 {
		t.Errorf("%d packets of sound of who is muted in the slot", more)
	}
	publisher.Peer.Bar(sfu.Barred{})
	everything.AwaitMedia("p/audio", 10)
	slots.AwaitMedia("slot.0/audio", 10)
	publisher.Peer.Bar(sfu.Barred{Viewer: true})
	everything.Await("all to end", func() bool { return s.Counts().UpTracks == 0 })
	if everything.Ended() || publisher.Ended() {
		t.Error("a call has ended with it")
	}
}

func TestBackBeforeTheNextRound(t *testing.T) {
	s := newSFU(t)
	publisher := sfutest.Join(t, s, "room", "p", sfutest.Options{Publish: []string{"video"}})
	viewer := sfutest.Join(t, s, "room", "w", sfutest.Options{})
	viewer.AwaitMedia("p/video", 5)
	publisher.Peer.Bar(sfu.Barred{Camera: true})
	publisher.Peer.Bar(sfu.Barred{})
	viewer.AwaitMedia("p/video", 25) // more than was on its way
}

// Who offers last says how the client sends: each description has to ask for silence that costs nothing.
func TestOffersAskForSilence(t *testing.T) {
	s := newSFU(t)
	sfutest.Join(t, s, "room", "p", sfutest.Options{Publish: []string{"video"}})
	talker := sfutest.Join(t, s, "room", "t", sfutest.Options{Publish: []string{"audio"}})
	talker.AwaitMedia("p/video", 5)
	_, offer := talker.Offers()
	_, sound, found := strings.Cut(offer, "m=audio")
	if sound, _, _ = strings.Cut(sound, "m="); !found || !strings.Contains(sound, "usedtx=1") {
		t.Errorf("offered\n%s", strings.ReplaceAll(offer, "\r", ""))
	}
}

// Hidden until it has left the description, or is about to, and shown again: the picture comes back each time.
func TestComesBackWheneverItIsShown(t *testing.T) {
	t.Parallel() // it waits more than it works
	s := newSFU(t)
	sfutest.Join(t, s, "room", "p", sfutest.Options{Publish: []string{"video"}})
	viewer := page(t, s, "viewer", 1, "p")
	viewer.AwaitMedia("p/video", 5)
	for _, hidden := range []time.Duration{2900 * time.Millisecond, 3100 * time.Millisecond} {
		viewer.Peer.View(tilesOf(0, "p"), nil)
		<-time.After(hidden)
		viewer.Peer.View(tilesOf(100, "p"), nil)
		viewer.AwaitMedia("p/video", 25) // more than was on its way
	}
}
