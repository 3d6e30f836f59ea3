package selection

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"parley/sfu/codec"
)

// part makes a packet of a layer: its beginning, its end, or both.
func part(spatial uint8, what string) codec.Frame {
	f := codec.Frame{Spatial: spatial}
	f.VP9.Predicted, f.VP9.InterLayer = true, spatial > 0
	for _, flag := range what {
		switch flag {
		case '[':
			f.First = true
		case ']':
			f.Last = true
		case 'k': // part of a keyframe, or of a layer that begins
			f.VP9.Predicted = false
		}
	}
	f.Keyframe = f.First && !f.VP9.Predicted && spatial == 0
	return f
}

// TestEnds looks at where the pictures of a stream of several spatial layers end, as the layers that go out change. The
// last layer in all is S1.
func TestEnds(t *testing.T) {
	type packet struct {
		sequence uint16
		picture  int
		frame    codec.Frame
		want     string // out: it goes out; end: with a marker; no
		to       int    // the highest layer that is wanted from here on, 0: as before
	}
	const s0, s1 = 1, 2
	for name, packets := range map[string][]packet{
		"the tail of the last picture with S1 is late": {
			{10, 0, part(0, "k[]"), "out", s1}, {11, 0, part(1, "k[]"), "end", 0},
			{12, 1, part(0, "[]"), "out", 0}, {13, 1, part(1, "["), "out", 0},
			{16, 2, part(0, "[]"), "end", s0}, {17, 2, part(1, "[]"), "no", 0},
			{14, 1, part(1, ""), "out", 0}, {15, 1, part(1, "]"), "end", 0}, {15, 1, part(1, "]"), "no", 0},
		},
		"so is the head of the first without": {
			{10, 0, part(0, "k[]"), "out", s1}, {11, 0, part(1, "k["), "out", 0},
			{15, 1, part(1, "]"), "no", s0}, {16, 2, part(0, "[]"), "end", 0},
			{12, 0, part(1, "]"), "end", 0}, {13, 1, part(0, "[]"), "end", 0}, {14, 1, part(1, "["), "no", 0},
		},
		"S1 begins in a picture whose S0 has gone out": {
			{10, 0, part(0, "k[]"), "end", s0}, {11, 0, part(1, "k[]"), "no", 0},
			{12, 1, part(0, "[]"), "end", s1}, {13, 1, part(1, "k[]"), "no", 0},
			{14, 2, part(0, "k[]"), "out", 0}, {15, 2, part(1, "k[]"), "end", 0},
		},
		"a keyframe whose head is late": {
			{10, 0, part(0, "k[]"), "end", s0}, {11, 0, part(1, "k[]"), "no", 0},
			{13, 1, part(0, "k]"), "end", s1}, {14, 1, part(1, "k[]"), "no", 0}, {12, 1, part(0, "k["), "out", 0},
		},
		"S1 begins where the tail of S0 is late": {
			{10, 0, part(0, "k[]"), "end", s0}, {11, 0, part(1, "k[]"), "no", 0},
			{12, 1, part(0, "["), "out", s1}, {14, 1, part(1, "k[]"), "end", 0}, {13, 1, part(0, "]"), "out", 0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := New(codec.KindVP9, 90000)
			for i, in := range packets {
				if in.to != 0 {
					s.SetTarget(Target{Encoding: 1, Spatial: uint8(in.to - 1)})
				}
				p := at(in.picture)
				p.Encoding, p.Sequence, p.Frame = 1, in.sequence, &in.frame
				p.Marker = in.frame.Last && in.frame.Spatial == 1
				got := "no"
				if out, ok := s.Next(&p); ok && out.Marker {
					got = "end"
				} else if ok {
					got = "out"
				}
				if got != in.want {
					t.Fatalf("packet %d, number %d: %s, want %s", i, in.sequence, got, in.want)
				}
			}
			if _, waits := s.Waiting(); waits != (s.Current().Spatial < s.target.Spatial) {
				t.Errorf("waits %v for a keyframe, with %+v", waits, s.Current())
			}
		})
	}
}

// TestFill closes gaps that nothing goes out for.
func TestFill(t *testing.T) {
	s := New(codec.KindVP8, 90000)
	next := func(encoding uint32, sequence uint16, picture int, f *codec.Frame, want int) {
		t.Helper()
		p := at(picture)
		p.Encoding, p.Sequence, p.Frame, p.Empty = encoding, sequence, f, f == nil
		if out, ok := s.Next(&p); ok {
			t.Fatalf("packet %d goes out as %d", sequence, out.Sequence)
		}
		out, ok := s.Fill(&p)
		if ok != (want >= 0) || ok && (int(out.Sequence) != want || out.Timestamp != p.Timestamp || out.Marker) {
			t.Fatalf("packet %d: %+v, %v, want %d", sequence, out, ok, want)
		}
	}
	begin := func(encoding uint32, sequence uint16, picture int) {
		t.Helper()
		s.SetTarget(Target{Encoding: encoding})
		p := at(picture)
		p.Encoding, p.Sequence, p.Frame = encoding, sequence, &key
		if _, ok := s.Next(&p); !ok {
			t.Fatal("not begun")
		}
	}
	upper := layer(0, 1, true)
	begin(1, 10, 0)
	next(1, 11, 1, &upper, -1) // left out, not missing
	next(1, 14, 2, &upper, -1) // 12 and 13 are missing
	next(1, 12, 2, &upper, 11)
	next(1, 12, 2, &upper, -1) // once
	next(1, 11, 1, &upper, -1)
	begin(1, 20, 3)         // 15 to 19 are missing: 13 to 17 of what goes out
	next(1, 15, 2, nil, 13) // padding
	begin(2, 500, 4)
	next(1, 16, 2, &upper, 14)
	next(1, 17, 100, &upper, -1) // another round of numbers, for all we know
	next(1, 21, 5, &upper, -1)
}

// TestRecovered loses packets of a stream whose target changes, all of which come late: every picture that goes out
// ends once, with the highest of its layers.
func TestRecovered(t *testing.T) {
	for _, coding := range codings {
		if coding.short {
			continue
		}
		t.Run(coding.name, func(t *testing.T) {
			for seed := range uint64(10) {
				recovered(t, coding.kind, coding.shape, seed)
			}
		})
	}
}

// late is a packet that comes with a later picture.
type latePacket struct {
	wirePacket
	picture int
}

func recovered(t *testing.T, kind codec.Kind, s shape, seed uint64) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 11))
	from, parser, selector := newSource(kind, s, 1, random), codec.Parser{Kind: kind}, New(kind, 90000)
	r := newReceiver(t, kind)
	give := func(p *wirePacket) {
		if p.Empty {
			selector.Next(&p.Packet)
			return
		}
		parsed, err := parser.Parse(p.payload, p.dependency, p.Marker)
		if err != nil { // what is late may be of a structure that is gone
			return
		}
		p.Frame = &parsed
		if out, ok := selector.Next(&p.Packet); ok {
			r.take(p, &parsed, out)
		}
	}
	selector.SetTarget(Target{Encoding: 1, Spatial: All, Temporal: All})
	var waiting []latePacket
	key := false
	for picture := range 500 {
		at := time.Duration(picture) * time.Second / 30
		lossy := picture > 5 && picture < 490
		if lossy && random.IntN(12) == 0 {
			selector.SetTarget(Target{Encoding: 1, Spatial: uint8(random.IntN(4)), Temporal: uint8(random.IntN(4))})
		}
		for _, p := range from.next(at, key) {
			if lossy && random.IntN(25) == 0 {
				waiting = append(waiting, latePacket{p, picture + random.IntN(4)})
				continue
			}
			give(&p)
		}
		for i := range waiting {
			if p := &waiting[i]; p.picture <= picture {
				p.Arrived = start.Add(at + 30*time.Millisecond)
				give(&p.wirePacket)
			}
		}
		waiting = slices.DeleteFunc(waiting, func(p latePacket) bool { return p.picture <= picture })
		_, asked := selector.Waiting()
		key = asked && random.IntN(3) == 0
	}
	checkEnds(t, r)
}

// checkEnds looks at the end of each picture that went out.
func checkEnds(t *testing.T, r *receiver) {
	t.Helper()
	type picture struct {
		top     *truth
		packets map[*truth]int
		markers []*truth
	}
	pictures := make(map[uint32]*picture)
	whole := make(map[int]bool)
	numbers := make([]int, 0, len(r.packets))
	for at := range r.packets {
		numbers = append(numbers, at)
	}
	slices.Sort(numbers)
	for _, at := range numbers {
		d := r.packets[at]
		p := pictures[d.Timestamp]
		if p == nil {
			p = &picture{top: d.truth, packets: make(map[*truth]int)}
			pictures[d.Timestamp] = p
		}
		if d.truth.spatial > p.top.spatial {
			p.top = d.truth
		}
		if p.packets[d.truth]++; p.packets[d.truth] == d.truth.packets {
			whole[d.truth.number] = true
		}
		if d.Marker {
			p.markers = append(p.markers, d.truth)
		}
	}
	for _, p := range pictures {
		decodable := true
		for f := range p.packets {
			for _, number := range f.needs {
				decodable = decodable && whole[number]
			}
		}
		switch {
		case len(p.markers) > 1 || len(p.markers) == 1 && p.markers[0] != p.top:
			t.Fatalf("%+v ends with %d markers, the first on %+v", *p.top, len(p.markers), *p.markers[0])
		case decodable && len(p.markers) == 0:
			t.Fatalf("%+v never ends", *p.top)
		case decodable && !whole[p.top.number]:
			t.Fatalf("%d of %d packets of %+v", p.packets[p.top], p.top.packets, *p.top)
		}
	}
}
