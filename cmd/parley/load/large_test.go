package load

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"parley/signaling/protocol"
)

func TestTurns(t *testing.T) {
	for _, test := range []struct{ talking, there int }{{1, 1}, {3, 1}, {3, 2}, {3, 20}, {5, 300}} {
		spoke := make(map[int]int)
		for turn := range 30 {
			now, talkers := int64(turn)*int64(turnLength)+7, 0
			for seat := range test.there {
				if hasTurn(now, seat, test.talking, test.there) {
					talkers++
					spoke[seat]++
				}
			}
			if talkers != 1 {
				t.Fatalf("%+v: %d talk at once", test, talkers)
			}
		}
		if want := min(test.talking, test.there); len(spoke) != want {
			t.Errorf("%+v: %d people have talked", test, len(spoke))
		}
	}
	if hasTurn(5, 0, 0, 10) || hasTurn(5, 0, 3, 0) {
		t.Error("somebody talks though nobody should")
	}
}

func TestRing(t *testing.T) {
	names := []string{"a", "b", "c", "d"}
	for _, test := range []struct {
		self   string
		number int
		want   string
	}{{"a", 1, "bcd"}, {"c", 3, "dab"}, {"d", 4, "abc"}, {"x", 6, "cdab"}} {
		if got := strings.Join(ring(names, test.self, test.number), ""); got != test.want {
			t.Errorf("%s: %s, want %s", test.self, got, test.want)
		}
	}
	if got := ring(nil, "x", 3); len(got) != 0 {
		t.Errorf("of nobody: %q", got)
	}
}

// told writes a message shortly: those who are shown, and those who are hidden with a minus.
func told(tiles []protocol.Tile) string {
	var parts []string
	for _, tile := range tiles {
		if tile.Width == 0 {
			tile.ChannelName = "-" + tile.ChannelName
		}
		parts = append(parts, tile.ChannelName)
	}
	return strings.Join(parts, " ")
}

func TestWallFollowsThePeople(t *testing.T) {
	var looks looks
	w := newWall(Options{Shown: 2, TileWidth: 320, TileHeight: 180}, &looks)
	var s stage
	for _, name := range []string{"me", "a"} {
		s.enter(name)
	}
	check := func(what string, got []protocol.Tile, want string) {
		t.Helper()
		if told(got) != want {
			t.Errorf("%s: %q, want %q", what, told(got), want)
		}
	}
	check("at first", w.join(s.now(), "me", 1, 0, 10), "a")
	check("nothing new", w.update(s.now(), "me", 1, 20), "")
	check("one page only", w.turn(s.now(), "me", 1, 20), "")
	s.enter("b")
	s.enter("c")
	check("others come", w.update(s.now(), "me", 1, 30), "b")
	s.enter("d")
	check("the page is full", w.update(s.now(), "me", 1, 40), "")
	check("next page", w.turn(s.now(), "me", 1, 50), "-a -b c d")
	s.leave("c")
	check("one leaves", w.update(s.now(), "me", 1, 60), "-c a")
	check("next page again", w.turn(s.now(), "me", 1, 70), "-a b")
	check("a new stay", w.join(s.now(), "me", 1, 0, 80), "a b")
}

// TestPagesShowEverybody turns pages of all sizes of rooms.
func TestPagesShowEverybody(t *testing.T) {
	for people := 2; people < 25; people++ {
		var s stage
		for i := range people {
			s.enter(fmt.Sprint(i))
		}
		var looks looks
		w := newWall(Options{Shown: 4, TileWidth: 1, TileHeight: 1}, &looks)
		w.join(s.now(), "3", 4, 0, 1)
		seen := make(map[string]bool)
		for now := range int64(people) {
			if want := min(4, len(ring(s.now().names, "3", 4))); len(w.names) != want || len(w.tiles) != want {
				t.Fatalf("%d people: %d shown, %d tiles", people, len(w.names), len(w.tiles))
			}
			for _, name := range w.names {
				seen[name] = true
			}
			w.turn(s.now(), "3", 4, now)
		}
		if len(seen) < people-1 || seen["3"] && people > 3 {
			t.Errorf("%d people: saw %d", people, len(seen))
		}
	}
}

func TestWallMeasuresFreezes(t *testing.T) {
	var looks looks
	w := newWall(Options{Shown: 3, TileWidth: 320, TileHeight: 180}, &looks)
	var s stage
	for _, name := range []string{"a", "b", "c"} {
		s.enter(name)
	}
	at := func(seconds float64) int64 { return int64(seconds * float64(time.Second)) }
	w.join(s.now(), "me", 0, at(1), at(1.1))
	w.describe(map[uint32]string{1: "a", 2: "b", 3: "elsewhere"})
	paused := protocol.Quality{ChannelName: "b", Track: protocol.TrackCamera}
	back := paused
	back.Layer = new(int)
	w.frame(1, at(1.2)) // 200 ms after the websocket
	w.frame(3, at(1.2))
	w.frame(9, at(1.2))
	w.frame(2, at(1.3))
	if w.steady(1, at(2.1)) || !w.steady(1, at(2.3)) || w.steady(3, at(5)) {
		t.Error("a picture is steady when it has been shown for a second")
	}
	w.begin()
	w.frame(1, at(1.4))
	w.frame(1, at(2.1)) // after 700 ms
	w.frame(2, at(1.5))
	w.quality(paused, at(1.6))
	w.frame(2, at(1.7)) // late
	w.quality(back, at(9))
	w.frame(2, at(9.1))
	w.end(at(9.2)) // a has had no frame for 7.1 s, and c none at all
	if got := looks.joins.snapshot().times(); got.Count != 2 || got.P50 < 199 || got.Max > 310 {
		t.Errorf("first frames %+v", got)
	}
	gaps := looks.gaps.snapshot()
	if got := gaps.times(); gaps.total() != 2 || got.Max < 7000 || got.Max > 7300 || got.P50 < 190 || got.P50 > 320 {
		t.Errorf("gaps %+v", got)
	}
	if n := looks.paused.Load(); n != 1 { // b, though it came back
		t.Errorf("%d paused", n)
	}
	if gaps.above(frozen) != 1 || looks.blanks.snapshot().total() != 1 {
		t.Errorf("%d frozen, %d blank", gaps.above(frozen), looks.blanks.snapshot().total())
	}
	w.update(&cast{[]string{"a", "x"}, 9}, "me", 0, at(10))
	w.describe(map[uint32]string{1: "a", 2: "x"})
	w.frame(2, at(10.25))
	if got := looks.shown.snapshot().times(); got.Count != 1 || got.Max < 240 || got.Max > 265 {
		t.Errorf("a tile that was shown later: %+v", got)
	}
}

// TestWallTellsPausedTiles wants those of which something is in no other figure, in the window in which that was.
func TestWallTellsPausedTiles(t *testing.T) {
	at := func(seconds float64) int64 { return int64(seconds * float64(time.Second)) }
	for name, test := range map[string]struct {
		frames    []float64 // when they came, the window being from 2 s to 5 s
		paused    float64
		back      float64
		then      uint64 // in this window
		blank     uint64
		afterward uint64 // in the next
	}{
		"never":                       {[]float64{1, 2, 3, 4, 4.9}, 9, 9, 0, 0, 0},
		"in between":                  {[]float64{1, 2, 3.8}, 3, 3.7, 1, 0, 0},
		"before":                      {[]float64{1, 1.8, 4.9}, 1.2, 1.7, 0, 0, 0},
		"from before":                 {[]float64{1, 4.9}, 1.2, 4, 1, 0, 0},
		"until after":                 {[]float64{1, 2, 3}, 4, 9, 1, 0, 1},
		"at first":                    {[]float64{3.1, 4.9}, 1, 3, 0, 0, 0},
		"at first, back a bit later":  {[]float64{3, 3.1, 4.9}, 1, 3.2, 0, 0, 0},
		"at first, back much later":   {[]float64{3, 4.9}, 1, 4.8, 1, 0, 0},
		"all the time":                {nil, 1, 9, 1, 0, 1},
		"without a frame before that": {nil, 1, 3, 0, 1, 0},
	} {
		var looks looks
		w := newWall(Options{Shown: 1, TileWidth: 320, TileHeight: 180}, &looks)
		w.join(&cast{[]string{"a"}, 1}, "me", 0, at(0.5), at(0.5))
		w.describe(map[uint32]string{1: "a"})
		one := 1
		for now := 0.6; now < 6; now += 0.1 { // what happens, in order
			near := func(seconds float64) bool { return now-0.05 < seconds && seconds <= now+0.05 }
			q := protocol.Quality{ChannelName: "a", Track: protocol.TrackCamera}
			switch {
			case near(test.back):
				q.Layer = &one
				fallthrough
			case near(test.paused):
				w.quality(q, at(now))
			case near(2):
				w.begin()
			case near(5):
				w.end(at(now))
				if n, blank := looks.paused.Load(), looks.blanks.snapshot().total(); n != test.then || blank != test.blank {
					t.Errorf("%s: %d paused, %d blank", name, n, blank)
				}
			}
			for _, frame := range test.frames {
				if near(frame) {
					w.frame(1, at(now))
				}
			}
		}
		before := looks.paused.Load()
		if w.end(at(6)); looks.paused.Load()-before != test.afterward {
			t.Errorf("%s: %d paused afterwards", name, looks.paused.Load()-before)
		}
	}
}

func TestReadPictures(t *testing.T) {
	description := "v=0\r\nm=audio 9 X 111\r\na=msid:anna x\r\na=ssrc:1 cname:a\r\n" +
		"m=video 9 X 96 97\r\na=msid:anna y\r\na=ssrc-group:FID 2 3\r\na=ssrc:2 cname:a\r\na=ssrc:3 cname:a\r\n" +
		"m=video 9 X 96\r\na=recvonly\r\na=ssrc:77 cname:a\r\nm=video 9 X 96\r\na=msid:ben z\r\na=ssrc:4 cname:b\r\n" +
		"a=ssrc:x\r\na=ssrc:99999999999 y\r\n"
	got := readPictures(description)
	if len(got) != 3 || got[2] != "anna" || got[3] != "anna" || got[4] != "ben" {
		t.Errorf("%v", got)
	}
}

func FuzzReadPictures(f *testing.F) {
	f.Add("m=video 9 X 96\r\na=msid:ben z\r\na=ssrc:4 cname:b\r\n")
	f.Fuzz(func(t *testing.T, description string) {
		for ssrc, name := range readPictures(description) {
			if !strings.Contains(description, name) {
				t.Errorf("%d is of %q", ssrc, name)
			}
		}
	})
}

// TestTapTellsFramesFromPackets has the wall learn of the last packet of each frame, and of nothing else.
func TestTapTellsFramesFromPackets(t *testing.T) {
	tap := testTap(t, Options{})
	var looks looks
	tap.wall = newWall(Options{Shown: 1, TileWidth: 1, TileHeight: 1}, &looks)
	tap.wall.join(&cast{[]string{"a"}, 1}, "me", 0, 0, 0)
	tap.wall.describe(map[uint32]string{7: "a", 8: "a"})
	now := tap.clock.now()
	send := func(payloadType byte, ssrc uint32, number uint16, ms int64) {
		tap.take(rtpPacket(payloadType, ssrc, number, number), now+ms*int64(time.Millisecond))
	}
	send(96, 7, 1, 0)
	send(0x80|111, 8, 1, 0) // audio
	if tap.wall.tiles["a"].begun {
		t.Error("half a frame shows")
	}
	send(0x80|96, 7, 2, 10)
	send(0x80|96, 7, 2, 500) // once more
	send(0x80|97, 9, 1, 600) // a resend
	send(0x80|96, 7, 4, 1010)
	if p := tap.wall.tiles["a"]; !p.begun || time.Duration(p.longest) != time.Second {
		t.Errorf("%+v", p)
	}
	if m := tap.total(); m.audio != 1 {
		t.Errorf("%d packets of audio", m.audio)
	}
}

func TestSignals(t *testing.T) {
	one, two := signals{1, 4, 4, 900, 10, 5, 1000, 300}, signals{1, 2, 2, 500, 20, 7, 3000, 500}
	var all signals
	all.add(one)
	all.add(two)
	if got, want := all.report(), (Signalling{3, 4, 900, 15, 6, 2000, 400}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	a, b, c := &participant{}, &participant{}, &participant{}
	l := Later{Joins: 2}
	later := two
	later.offers, later.bytesIn = 5, 3400
	l.count(map[*participant]signals{a: one, b: two}, map[*participant]signals{a: one, b: later, c: one})
	want := Later{
		Joins: 2, OffersPresent: 1.5, OffersPresentMax: 3, OffersNew: 4, OffersNewMax: 4, BytesPresent: 100, BytesNew: 1300,
		Bytes: 850,
	}
	if l != want {
		t.Errorf("%+v, want %+v", l, want)
	}
}

// TestCPUPerJoin has people join for 10 s, each of whom costs 5 ms at once and 1 % of a core from then on.
func TestCPUPerJoin(t *testing.T) {
	const joins = 100
	at := func(seconds, cpu float64) mark {
		return mark{at: int64(seconds * float64(time.Second)), server: usage{known: true, cpu: cpu}}
	}
	begin := 0.2 * 3
	joined := begin + 0.2*10 + 0.005*joins + 0.01*joins*10/2
	end := joined + (0.2+0.01*joins)*4
	after := end + (0.2+0.01*joins)*3
	got := cpuPerJoin(at(0, 0), at(3, begin), at(13, joined), at(17, end), at(20, after), joins)
	if got < 4.99 || got > 5.01 {
		t.Errorf("%v ms", got)
	}
	if got := cpuPerJoin(mark{}, mark{}, mark{}, mark{}, mark{}, 1); got != 0 {
		t.Errorf("of what is not known: %v", got)
	}
}

func TestSizesOfLayers(t *testing.T) {
	o := Default()
	o.VideoWidth, o.VideoHeight, o.FrameRate = 320, 180, 10
	if l := layers(o); len(l) != 1 || l[0].width != 320 || l[0].rate != 10 || l[0].temporal {
		t.Errorf("%+v", l)
	}
	o.VideoWidth, o.VideoHeight, o.Simulcast, o.VideoBitrate = 1280, 720, true, 1.2e6
	l := layers(o)
	if len(l) != 3 || l[0].width != 320 || l[1].height != 360 || l[2].width != 1280 || l[0].bitrate != 1e5 {
		t.Errorf("%+v", l)
	}
	p, bytes := newPicture(l[2]), 0
	for range l[2].keyframeEvery() {
		p.frame(false, func(b []byte, _ int, _ bool) { bytes += len(b) })
	}
	if rate := float64(bytes) * 8 / keyframes.Seconds(); rate < 1.1e6 || rate > 1.21e6 {
		t.Errorf("%.0f bit/s", rate)
	}
	for s, want := range map[string][2]int{"320x180": {320, 180}, "1x1": {1, 1}} {
		if w, h, err := ParseSize(s); err != nil || w != want[0] || h != want[1] {
			t.Errorf("%s: %d, %d, %v", s, w, h, err)
		}
	}
	for _, s := range []string{"", "320", "x", "320x", "0x5", "-1x5", "3x4x5", "axb"} {
		if _, _, err := ParseSize(s); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
}

// TestLargeReport wants the rows of large rooms where there is something to say, and only there.
func TestLargeReport(t *testing.T) {
	r := someReport()
	lines := func() string {
		var b strings.Builder
		if err := r.WriteText(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	if text := lines(); strings.Contains(text, "frozen") || strings.Contains(text, "joined later") {
		t.Errorf("of a small room\n%s", text)
	}
	r.Shown, r.Viewers = 9, 4
	r.Pictures = &Pictures{Frozen: 2, Blank: 1, Paused: 4, Gaps: Times{40, 41, 600, 712, 90}}
	r.Later = &Later{Joins: 100, Seconds: 10.2, CPU: 4.25, Bytes: 51_000, OffersPresentMax: 3}
	text := lines()
	for _, want := range []string{
		"2 of 90 tiles for more than 500 ms, 1 blank, 4 paused", "max 712 ms", "100 in 10.2 s",
		"4.2 ms of CPU, 51.0 kB", "at most 3",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	var page strings.Builder
	if err := r.WriteHTML(&page); err != nil || !strings.Contains(page.String(), "longest freeze") ||
		!strings.Contains(page.String(), "4 viewers, 9 shown") {
		t.Errorf("%v in the page", err)
	}
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{`"gap_ms"`, `"cpu_ms_per_join"`, `"person"`, `"signalling"`, `"frozen":2`} {
		if !strings.Contains(string(data), name) {
			t.Errorf("no %s in the JSON", name)
		}
	}
}
