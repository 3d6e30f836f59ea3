package sfu

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// films has a guest publish a camera, and a microphone.
func (h *house) films(id string) *guest {
	h.tb.Helper()
	g := h.join(id)
	g.describe(offer(micLine, cameraLine))
	g.send(picture(1, 10))
	g.settle()
	return g
}

// shownAs are tiles of participants, of one size.
func shownAs(width int, ids ...string) (tiles []Tile) {
	for _, id := range ids {
		tiles = append(tiles, Tile{Publisher: id, Width: width, Height: width})
	}
	return tiles
}

// pictures are whose cameras a guest's description has, or is to have.
func (g *guest) pictures() (ids []string) {
	g.settle()
	for _, up := range g.conn.lines.wanted {
		if up.kind.String() == "video" {
			ids = append(ids, up.publisher)
		}
	}
	slices.Sort(ids)
	return ids
}

func TestOnlyWhatIsShown(t *testing.T) {
	h := newHouse(t)
	for i := range 4 {
		h.films(fmt.Sprint("p", i))
	}
	viewer := h.join("viewer")
	viewer.settle()
	expect := func(what string, ids ...string) {
		t.Helper()
		if got := viewer.pictures(); !slices.Equal(got, ids) {
			t.Errorf("%s: has the pictures of %v, want %v", what, got, ids)
		}
	}
	yes, no := true, false
	expect("before it says anything", "p0", "p1", "p2", "p3")
	viewer.peer.see(shownAs(100, "p1", "p2"), &yes, h.now)
	expect("of two, and no others", "p1", "p2")
	h.films("p4")
	expect("who comes later and is not shown", "p1", "p2")
	viewer.peer.see(shownAs(100, "p4"), nil, h.now)
	expect("who comes later and is shown", "p1", "p2", "p4")
	viewer.peer.see(shownAs(0, "p1"), nil, h.now)
	expect("one was just hidden", "p1", "p2", "p4")
	h.pass(outOfSight - time.Millisecond)
	viewer.peer.see(shownAs(0, "p1"), nil, h.now) // which is no news
	viewer.peer.loseSight(h.now)
	expect("not hidden for long yet", "p1", "p2", "p4")
	h.pass(time.Millisecond)
	viewer.peer.loseSight(h.now)
	expect("hidden for long", "p2", "p4")
	viewer.peer.see(nil, &no, h.now)
	expect("all again", "p0", "p1", "p2", "p3", "p4")
}

func TestFirstPicturesAreGuessed(t *testing.T) {
	h := newHouse(t)
	for i := range 4 {
		h.films(fmt.Sprint("p", i))
	}
	yes := true
	join := func(id string) *guest {
		viewer := h.join(id)
		viewer.settle()
		viewer.peer.see(nil, &yes, h.now)
		return viewer
	}
	viewer := join("viewer")
	expect := func(what string, ids ...string) {
		t.Helper()
		if got := viewer.pictures(); !slices.Equal(got, ids) {
			t.Errorf("%s: has the pictures of %v, want %v", what, got, ids)
		}
	}
	expect("before it has lines")
	viewer.peer.guess(2)
	expect("of two lines", "p0", "p1")
	viewer.peer.see(nil, &yes, h.now)
	expect("nothing said", "p0", "p1")
	viewer.peer.see(shownAs(100, "p1", "p3"), nil, h.now)
	expect("one of them shown", "p1", "p3")
	viewer.peer.guess(4)
	expect("who has said what it shows", "p1", "p3")

	viewer = join("hider")
	viewer.peer.guess(9)
	expect("of many lines", "p0", "p1", "p2", "p3")
	viewer.peer.see(shownAs(0, "p0", "p1", "p2", "p3"), nil, h.now)
	h.pass(outOfSight)
	viewer.peer.loseSight(h.now)
	expect("all hidden")
}

func TestTurningPagesStaysBounded(t *testing.T) {
	h := newHouse(t)
	var everybody []string
	for i := range 40 {
		everybody = append(everybody, fmt.Sprintf("p%02d", i))
		h.films(everybody[i])
	}
	viewer := h.join("viewer")
	viewer.settle()
	yes := true
	viewer.peer.see(nil, &yes, h.now)
	for page := range 10 {
		if page > 0 {
			viewer.peer.see(shownAs(0, everybody[4*page-4:4*page]...), nil, h.now)
		}
		viewer.peer.see(shownAs(100, everybody[4*page:4*page+4]...), nil, h.now)
		h.pass(10 * time.Millisecond)
		if n := len(viewer.pictures()); n > 4+maxHidden {
			t.Fatalf("%d pictures on page %d, of which 4 are shown", n, page)
		}
	}
	got := viewer.pictures()
	if !slices.Contains(got, "p39") || slices.Contains(got, "p00") || !slices.Contains(got, "p32") {
		t.Errorf("on the last page %v: want its own and those hidden last", got)
	}
}

func TestBarredIsNotForwarded(t *testing.T) {
	h := newHouse(t)
	a := h.films("a")
	a.send(out{ssrc: 100, pt: 111, sequence: 1, payload: []byte("hello"), level: 30})
	a.settle()
	viewer := h.join("viewer")
	viewer.settle()
	kinds := func() (kinds []string) {
		viewer.settle()
		for _, up := range viewer.conn.lines.wanted {
			kinds = append(kinds, up.kind.String())
		}
		slices.Sort(kinds)
		return kinds
	}
	for _, test := range []struct {
		what Barred
		want []string
	}{
		{Barred{}, []string{"audio", "video"}},
		{Barred{Microphone: true}, []string{"video"}},
		{Barred{Camera: true, Screen: true}, []string{"audio"}},
		{Barred{Viewer: true}, nil},
		{Barred{Screen: true}, []string{"audio", "video"}},
	} {
		a.peer.bar(test.what)
		if got := kinds(); !slices.Equal(got, test.want) {
			t.Errorf("barred from %+v: %v are forwarded, want %v", test.what, got, test.want)
		}
	}
}

func TestViewersAreNotSpokenOf(t *testing.T) {
	h := newHouse(t)
	a, b := h.join("a"), h.join("b")
	a.peer.bar(Barred{Viewer: true})
	a.peer.shareFeatures([]byte(`{"video":true}`))
	if len(h.room.features) != 0 {
		t.Error("what a viewer says of itself is passed on")
	}
	a.peer.bar(Barred{})
	if string(h.room.features["a"]) != `{"video":true}` {
		t.Error("on stage it is not")
	}
	a.peer.bar(Barred{Microphone: true, Camera: true, Screen: true})
	if len(h.room.features) != 1 {
		t.Error("who is on stage without anything to send is no viewer")
	}
	a.peer.bar(Barred{Viewer: true})
	if len(h.room.features) != 0 {
		t.Error("it is kept of who went off the stage")
	}
	b.settle()
}

// A picture that comes back into view begins with the keyframe that came while it was hidden.
func TestComesBackIntoView(t *testing.T) {
	h := newHouse(t)
	a, viewer := h.films("a"), h.join("viewer")
	down := viewer.watch(a.track("1"), videoSeat())
	sequence := uint16(1)
	next := func(width byte) {
		h.pass(33 * time.Millisecond)
		sequence++
		a.send(picture(sequence, width))
	}
	hide := func(pixels int) {
		viewer.conn.sender.show(h.now, func(*upTrack) tileSize { return tileSize{known: true, pixels: pixels} })
	}
	next(10) // a keyframe
	for range 30 {
		next(0)
	}
	if n := len(viewer.sequences(down.ssrc)); n != 31 {
		t.Fatalf("%d packets came before", n)
	}
	hide(0)
	for range 30 {
		next(0)
	}
	viewer.rtp = nil
	next(10)
	next(0)
	if n := len(viewer.rtp); n != 0 {
		t.Fatalf("%d packets while hidden", n)
	}
	h.pass(50 * time.Millisecond)
	requests := len(a.rtcp)
	hide(100 * 100)
	next(0)
	if n := len(viewer.sequences(down.ssrc)); n != 3 {
		t.Errorf("%d packets as it is shown again, want the keyframe and the two since", n)
	}
	if len(a.rtcp) != requests {
		t.Error("a keyframe was asked for, though there is one")
	}
	for i, p := range viewer.rtp[1:] {
		former := viewer.rtp[i]
		if p.SequenceNumber != former.SequenceNumber+1 || int32(p.Timestamp-former.Timestamp) <= 0 {
			t.Errorf("number %d at %d follows %d at %d", p.SequenceNumber, p.Timestamp, former.SequenceNumber, former.Timestamp)
		}
	}
}
