package selection

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"parley/sfu/codec"
)

// TestReplay begins with a keyframe whose first packet came late.
func TestReplay(t *testing.T) {
	s := New(codec.KindVP8, 90000)
	s.SetTarget(Target{Encoding: 1})
	frames := []codec.Frame{{Keyframe: true, First: true}, {}, {Last: true}, delta}
	hand := func(sequence int, want bool) {
		t.Helper()
		p := at(sequence / 3)
		p.Encoding, p.Sequence, p.Frame = 1, uint16(sequence), &frames[sequence]
		if out, ok := s.Next(&p); ok != want || ok && int(out.Sequence) != sequence {
			t.Fatalf("packet %d: %d, %v", sequence, out.Sequence, ok)
		}
	}
	for _, sequence := range []int{1, 2, 3, 0} {
		hand(sequence, false)
	}
	s.Replay(1, 0)
	for sequence := range frames {
		hand(sequence, true)
	}
	s.Replay(1, 0) // of no effect on what flows
	hand(0, false)
}

// TestReplayMissing begins with a packet that was lost, and whose number still waits for it.
func TestReplayMissing(t *testing.T) {
	s := New(codec.KindVP8, 90000)
	next := func(sequence uint16, f codec.Frame, want int) {
		t.Helper()
		p := at(int(sequence))
		p.Encoding, p.Sequence, p.Frame = 1, sequence, &f
		if out, ok := s.Next(&p); ok != (want >= 0) || ok && int(out.Sequence) != want {
			t.Fatalf("packet %d: %d, %v, want %d", sequence, out.Sequence, ok, want)
		}
	}
	s.SetTarget(Target{Encoding: 1})
	next(10, key, 10)
	next(12, delta, 12)
	s.SetTarget(Target{})
	next(13, delta, -1)
	s.SetTarget(Target{Encoding: 1})
	s.Replay(1, 11)
	next(11, key, 13)
	next(12, delta, 14)
	next(13, delta, 15)
}

// TestReplayNoMore: only the next packet begins whatever it is, and only of the target's encoding.
func TestReplayNoMore(t *testing.T) {
	for name, test := range map[string]struct {
		before func(s *Selector)
		want   bool
	}{
		"the next":            {func(*Selector) {}, true},
		"of another encoding": {func(s *Selector) { s.Replay(2, 20) }, true},
		"of another target": {func(s *Selector) {
			s.SetTarget(Target{Encoding: 2})
			s.SetTarget(Target{Encoding: 1})
		}, false},
		"of the target's layers": {func(s *Selector) { s.SetTarget(Target{Encoding: 1, Temporal: 1}) }, true},
		"after another packet": {func(s *Selector) {
			f := delta
			s.Next(&Packet{Encoding: 1, Sequence: 19, Frame: &f})
		}, false},
	} {
		s := New(codec.KindH264, 90000)
		s.SetTarget(Target{Encoding: 1})
		s.Replay(1, 20)
		test.before(s)
		f := delta
		if _, ok := s.Next(&Packet{Encoding: 1, Sequence: 20, Frame: &f}); ok != test.want {
			t.Errorf("%s: %v", name, ok)
		}
	}
}

// TestReplayed goes to and fro between encodings, each time by the newest keyframe that there is and what has come
// since, and looks with a decoder's eyes at what goes out.
func TestReplayed(t *testing.T) {
	for _, coding := range codings {
		t.Run(coding.name, func(t *testing.T) {
			begun := 0
			for seed := range uint64(4) {
				begun += replayed(t, coding.kind, coding.shape, coding.short, seed)
			}
			if begun < 20 {
				t.Errorf("begun only %d times", begun)
			}
		})
	}
}

// kept is an encoding with its packets from the newest keyframe on.
type kept struct {
	*source
	parser  codec.Parser
	packets []wirePacket
	again   uint32            // how often it was begun with them
	truths  map[*truth]*truth // of this time
}

// now is what a frame is to a receiver that may have had it before.
func (k *kept) now(f *truth) *truth {
	if k.truths[f] == nil {
		mine := *f
		mine.encoding += k.again << 8
		k.truths[f] = &mine
	}
	return k.truths[f]
}

// come takes the packets of a picture.
func (k *kept) come(t *testing.T, packets []wirePacket) {
	t.Helper()
	if packets[0].truth.key {
		k.packets = nil
	}
	for i := range packets {
		p := &packets[i]
		if !p.Empty {
			parsed, err := k.parser.Parse(p.payload, p.dependency, p.Marker)
			if err != nil {
				t.Fatal(err)
			}
			p.Frame = &parsed
		}
	}
	k.packets = append(k.packets, packets...)
}

// parseAgain reads them with a Parser that has seen nothing before.
func (k *kept) parseAgain(t *testing.T) []wirePacket {
	t.Helper()
	again := kept{parser: codec.Parser{Kind: k.kind}}
	again.come(t, slices.Clone(k.packets))
	return again.packets
}

func replayed(t *testing.T, kind codec.Kind, s shape, short bool, seed uint64) (begun int) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 13))
	encodings := make([]kept, 2)
	for i := range encodings {
		encodings[i] = kept{
			source: newSource(kind, s, uint32(i+1), random), parser: codec.Parser{Kind: kind}, truths: map[*truth]*truth{},
		}
		encodings[i].short = short
	}
	r, selector := newReceiver(t, kind), New(kind, 90000)
	r.short = short
	give := func(p *wirePacket) {
		if out, ok := selector.Next(&p.Packet); ok {
			mine := *p
			mine.truth = encodings[p.Encoding-1].now(p.truth)
			r.take(&mine, p.Frame, out)
		}
	}
	for picture := range 600 {
		at := time.Duration(picture) * time.Second / 30
		if random.IntN(30) == 0 { // now and then one that there is no keyframe for is waited for
			selector.SetTarget(Target{Encoding: uint32(random.IntN(3)), Spatial: uint8(random.IntN(4)),
				Temporal: uint8(random.IntN(4)), Hold: random.IntN(2) == 0})
		}
		if encoding, waits := selector.Waiting(); waits && random.IntN(3) == 0 && encoding != selector.Current().Encoding {
			of := &encodings[encoding-1]
			run := of.packets
			if random.IntN(2) == 0 {
				run = of.parseAgain(t)
			}
			if len(run) > 0 {
				of.again++
				clear(of.truths)
				selector.Replay(encoding, run[0].Sequence)
				for i := range run {
					give(&run[i])
				}
				begun++
				if selector.Current().Encoding != encoding {
					t.Fatalf("%+v flows, not %d", selector.Current(), encoding)
				}
			}
		}
		for i := range encodings {
			packets := encodings[i].next(at, random.IntN(50) == 0)
			encodings[i].come(t, packets)
			for j := range packets {
				give(&packets[j])
			}
		}
	}
	r.check()
	return begun
}
