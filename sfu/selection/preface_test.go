package selection

import (
	"slices"
	"testing"

	"parley/sfu/codec"
)

// TestPreface hands in the parameter sets before a keyframe as the caller does that keeps them.
func TestPreface(t *testing.T) {
	s := New(codec.KindH264, 90000)
	s.SetTarget(Target{Encoding: 1})
	set, slice := codec.Frame{ParameterSet: true, First: true}, codec.Frame{Keyframe: true, Last: true}
	early := Packet{Encoding: 1, Sequence: 20, Frame: &set}
	p := Packet{Encoding: 1, Sequence: 21, Marker: true, Frame: &slice}
	if s.Begins(&early) || !s.Begins(&p) {
		t.Fatal("begins with the wrong one")
	}
	set.Keyframe = true
	for i, packet := range []*Packet{&early, &p} {
		if out, ok := s.Next(packet); !ok || out.Sequence != uint16(20+i) {
			t.Fatalf("packet %d: %+v, %v", i, out, ok)
		}
	}
	if s.Begins(&p) {
		t.Error("begins twice")
	}
}

// keeper hands H264 in as the caller does: what comes before the first slice waits for it where the encoding does not
// flow.
type keeper struct {
	s       *Selector
	parser  codec.Parser
	preface []Packet
	kinds   map[uint16]byte // by number, as they came
	got     []byte          // types of what went out
	last    uint16          // its number
	gaps    int
}

func (k *keeper) come(t *testing.T, sequence uint16, picture int, marker bool, kind byte) {
	t.Helper()
	frame, err := k.parser.Parse([]byte{0x60 | kind, 0x80, 1}, nil, marker)
	if err != nil {
		t.Fatal(err)
	}
	p := at(picture)
	p.Encoding, p.Sequence, p.Marker, p.Frame = 1, sequence, marker, &frame
	k.kinds[sequence] = kind
	if len(k.preface) > 0 && k.preface[0].Timestamp != p.Timestamp {
		k.preface = nil
	}
	switch {
	case frame.Keyframe:
		if k.s.Begins(&p) {
			for i := range k.preface {
				k.next(&k.preface[i])
			}
		}
		k.preface = nil
	case frame.ParameterSet:
		early, begins := p, frame
		begins.Keyframe = true
		early.Frame = &begins
		k.preface = append(k.preface, early)
		if k.s.Current().Encoding != 1 {
			return
		}
	}
	k.next(&p)
}

func (k *keeper) next(p *Packet) {
	out, ok := k.s.Next(p)
	if !ok {
		return
	}
	if len(k.got) > 0 && out.Sequence != k.last+1 {
		k.gaps++
	}
	k.got, k.last = append(k.got, k.kinds[p.Sequence]), out.Sequence
}

// TestUnits has pictures of units that are a packet each. Who begins gets all of a keyframe's, and who has begun all
// units, in order and once.
func TestUnits(t *testing.T) {
	const slice, idr, sei, sps, pps, aud = 1, 5, 6, 7, 8, 9
	plain := []byte{slice}
	for name, test := range map[string]struct {
		pictures [][]byte
		want     []byte
		anew     int // the picture that the numbers begin anew with
	}{
		"parameter sets":           {[][]byte{plain, {sps, pps, idr}, plain}, []byte{sps, pps, idr, slice}, 0},
		"and information":          {[][]byte{plain, {sps, pps, sei, idr}, plain}, []byte{sps, pps, sei, idr, slice}, 0},
		"a delimiter before":       {[][]byte{{aud, slice}, {aud, sps, pps, idr}}, []byte{aud, sps, pps, idr}, 0},
		"information before":       {[][]byte{{sei, slice}, {sei, sps, sei, pps, idr}}, []byte{sei, sps, sei, pps, idr}, 0},
		"before every slice":       {[][]byte{{sps, idr}, {aud, sei, slice}}, []byte{sps, idr, aud, sei, slice}, 0},
		"not of another picture":   {[][]byte{{sps, pps, sei}, {idr}}, []byte{idr}, 0},
		"the numbers begin anew":   {[][]byte{{sps, idr}, {sps, pps, sei, idr}}, []byte{sps, idr, sps, pps, sei, idr}, 1},
		"anew, without a keyframe": {[][]byte{{sps, idr}, {aud, slice}, {aud, idr}}, []byte{sps, idr, aud, idr}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			k := &keeper{s: New(codec.KindH264, 90000), parser: codec.Parser{Kind: codec.KindH264}, kinds: map[uint16]byte{}}
			k.s.SetTarget(Target{Encoding: 1})
			sequence := uint16(100)
			for picture, units := range test.pictures {
				if picture > 0 && picture == test.anew {
					sequence = 40000
				}
				for i, kind := range units {
					k.come(t, sequence, picture, i == len(units)-1, kind)
					sequence++
				}
			}
			if !slices.Equal(k.got, test.want) || k.gaps > 0 {
				t.Errorf("%v with %d gaps, want %v", k.got, k.gaps, test.want)
			}
		})
	}
}

// TestReplayedUnits begins with the parameter sets, as they were parsed.
func TestReplayedUnits(t *testing.T) {
	s, parser := New(codec.KindH264, 90000), codec.Parser{Kind: codec.KindH264}
	var packets []Packet
	for i, kind := range []byte{9, 7, 8, 6, 5, 9, 1, 9, 1} {
		frame, err := parser.Parse([]byte{0x60 | kind, 0x80, 1}, nil, kind < 6)
		if err != nil {
			t.Fatal(err)
		}
		p := at(i / 5)
		p.Encoding, p.Sequence, p.Marker, p.Frame = 1, uint16(100+i), kind < 6, &frame
		packets = append(packets, p)
	}
	for i := range packets[:7] {
		s.Next(&packets[i])
	}
	s.SetTarget(Target{Encoding: 1})
	s.Replay(1, 100)
	for i := range packets {
		if out, ok := s.Next(&packets[i]); !ok || out.Sequence != uint16(100+i) || out.Marker != packets[i].Marker {
			t.Fatalf("packet %d: %+v, %v", i, out, ok)
		}
	}
}
