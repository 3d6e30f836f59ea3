package selection

import (
	"math/rand/v2"
	"testing"
	"time"

	"parley/sfu/codec"
)

// TestReordered mixes up neighbouring packets, of which none is lost: every frame of the layers wanted goes out whole,
// with all that it needs.
func TestReordered(t *testing.T) {
	for _, coding := range codings {
		for _, target := range []Target{{Encoding: 1}, {Encoding: 1, Spatial: All, Temporal: All}} {
			for seed := range uint64(4) {
				if frames := reordered(t, coding.kind, coding.shape, target, seed); frames < 150 {
					t.Fatalf("%s: only %d frames", coding.name, frames)
				}
			}
		}
	}
}

func reordered(t *testing.T, kind codec.Kind, s shape, target Target, seed uint64) (frames int) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 5))
	from, parser, selector := newSource(kind, s, 1, random), codec.Parser{Kind: kind}, New(kind, 90000)
	r := newReceiver(t, kind)
	r.lossless = false // where a packet that is left out comes late, its gap stays
	selector.SetTarget(target)
	var packets []wirePacket
	for picture := range 800 {
		packets = append(packets, from.next(time.Duration(picture)*time.Second/30, false)...)
	}
	for i := 10; i+1 < len(packets); i++ { // the first packet of all must come first
		if j := i + random.IntN(3); random.IntN(4) == 0 && j < len(packets) {
			packets[i], packets[j] = packets[j], packets[i]
		}
	}
	for i := range packets {
		p := &packets[i]
		if p.Empty {
			selector.Next(&p.Packet)
			continue
		}
		parsed, err := parser.Parse(p.payload, p.dependency, p.Marker)
		if err != nil {
			t.Fatal(err)
		}
		p.Frame = &parsed
		if out, ok := selector.Next(&p.Packet); ok {
			r.take(p, &parsed, out)
		}
	}
	sent := make(map[[2]int]bool)
	got := r.check()
	for i := range got {
		r.checkDecodable(&got[i], sent)
		sent[[2]int{1, got[i].number}] = true
	}
	return len(got)
}

// FuzzPackets hands in whatever looks like packets.
func FuzzPackets(f *testing.F) {
	for i, coding := range codings {
		from := newSource(coding.kind, coding.shape, 1, rand.New(rand.NewPCG(uint64(i), 6)))
		var data []byte
		for picture := range 6 {
			for _, p := range from.next(time.Duration(picture)*time.Second/30, false) {
				data = append(data, 1, byte(p.Sequence>>8), byte(p.Sequence), byte(picture), byte(len(p.payload)))
				data = append(data, p.payload...)
				data = append(append(data, byte(len(p.dependency))), p.dependency...)
			}
		}
		f.Add(uint8(coding.kind), data)
	}
	f.Fuzz(func(t *testing.T, kind uint8, data []byte) {
		take := func(n int) []byte {
			n = min(n, len(data))
			taken := data[:n:n]
			data = data[n:]
			return taken
		}
		one := func() byte {
			if taken := take(1); len(taken) == 1 {
				return taken[0]
			}
			return 0
		}
		s := New(codec.Kind(kind)%(codec.KindAV1+1), 90000)
		parsers := [4]codec.Parser{}
		for i := range parsers {
			parsers[i].Kind = s.kind
		}
		s.SetTarget(Target{Encoding: 1, Spatial: All, Temporal: All})
		sent := make(map[uint16]int)
		for i := 0; len(data) > 0 && i < 1000; i++ {
			what := one()
			p := Packet{Encoding: uint32(what & 3), Marker: what&4 != 0}
			p.Sequence = uint16(one())<<8 | uint16(one())
			picture := one()
			p.Timestamp, p.Arrived = 3000*uint32(picture), start.Add(time.Duration(i)*time.Millisecond)
			switch {
			case p.Encoding == 0:
				s.SetTarget(Target{Encoding: uint32(picture & 3), Spatial: what >> 3 & 3, Temporal: what >> 5, Hold: what&4 != 0})
				continue
			case what>>3 == 31:
				s.Rewind(p.Sequence)
				clear(sent)
				continue
			}
			payload := take(int(one()))
			dependency := take(int(one()))
			p.Empty = len(payload) == 0
			if !p.Empty {
				frame, err := parsers[p.Encoding].Parse(payload, dependency, p.Marker)
				if err != nil {
					continue
				}
				p.Frame = &frame
			}
			out, ok := s.Next(&p)
			fills := false
			if !ok {
				if out, fills = s.Fill(&p); !fills {
					continue
				}
			}
			if before, twice := sent[out.Sequence]; twice {
				t.Fatalf("packets %d and %d both go out as %d", before, i, out.Sequence)
			}
			sent[out.Sequence] = i
			if len(sent) > 500 {
				clear(sent)
			}
			if fills {
				continue
			}
			out.Fields.Put(p.Frame, append([]byte(nil), payload...))
			out.Fields.PutDependency(dependency, make([]byte, MaxDependency))
		}
	})
}
