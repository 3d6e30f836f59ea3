package codec

import (
	"bytes"
	"encoding/hex"
	"testing"
)

func unhex(text string) []byte {
	data, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return data
}

// captured are dependency descriptors that Chromium sent: with and without a structure, with active decode targets, and
// with custom references and chains.
var captured = [][]byte{
	unhex("c00001c0081485214eaaaaa8000600004000100002aa80a8000600004000100002a000a800060000400016d549241b552490" +
		"6d54923157e001974ca864330e222396eca8655304224390eca87753013f00b3027f016704ff02cf1f80"),
	unhex("c50002"),
	unhex("c300031a20100800"),
	unhex("c0000580081485214eaaaaa8000600004000100002aa80a8000600004000100002a000a800060000400016d549241b552490" +
		"6d54923157e001974ca864330e222396eca8655304224390eca87753013f00b3027f016704ff02cf"),
	unhex("c3000840fc"),
	unhex("c2000a58fd40141000"),
	unhex("c3000c5ffd101c1814"),
	unhex("4600101b20085048"),
	unhex("c0000180011ea85141010c027c0164"),
	unhex("c0000280011ea85141010c04fc02cc"),
	unhex("c200041a2010"),
	unhex("c200031a2010"),
}

func TestStructure(t *testing.T) {
	p := Parser{Kind: KindAV1}
	f, err := p.Parse([]byte{0}, captured[0], false)
	if err != nil {
		t.Fatal(err)
	}
	d := &f.Dependency
	s := d.Structure
	if !f.Keyframe || !f.First || !d.Attached || s.Targets != 9 || s.Chains != 3 {
		t.Fatalf("%+v with %d decode targets, %d chains", f, s.Targets, s.Chains)
	}
	if want := [MaxSpatial]Size{{320, 180}, {640, 360}, {1280, 720}}; f.Sizes != want || f.Width != 1280 {
		t.Errorf("sizes %v", f.Sizes)
	}
	for target := range s.Targets {
		spatial, temporal := s.Target(target)
		if int(spatial) != target/3 || int(temporal) != target%3 {
			t.Errorf("decode target %d is of layers %d, %d", target, spatial, temporal)
		}
		if chain, ok := s.Chain(target); !ok || chain != target/3 {
			t.Errorf("decode target %d has chain %d, %v", target, chain, ok)
		}
	}
	for _, test := range []struct {
		spatial, temporal uint8
		want              uint32
	}{{0, 0, 0b1}, {0, 2, 0b111}, {1, 0, 0b1001}, {2, 1, 0b11011011}, {255, 255, 0b111111111}} {
		if got := s.Within(test.spatial, test.temporal); got != test.want {
			t.Errorf("within %d, %d: %b, want %b", test.spatial, test.temporal, got, test.want)
		}
	}
}

// simple makes a structure of two temporal layers, with its first template's id, and descriptors made after it.
func simple(id int, number uint16, attached bool, template int) []byte {
	w := &writer{}
	w.put(0b11, 2)
	w.put(id+template, 6)
	w.put(int(number), 16)
	if !attached {
		return w.bytes
	}
	w.put(0b10000, 5)
	w.put(id, 6)
	w.put(1, 5)                 // two decode targets
	w.put(0b00_01_11, 6)        // templates: 0, 0, 1
	w.put(0b1010_1010_0001, 12) // indications
	w.put(0b0, 1)               // references: none,
	w.put(0b1_0001_0, 6)        // 2 ago,
	w.put(0b1_0000_0, 6)        // 1 ago
	w.put(0b10, 2)              // one chain
	w.put(0b0000_0010_0001, 12) // which all of them continue
	w.put(0b0, 1)               // no sizes
	return w.bytes
}

// TestStructures has structures come, go, and get lost.
func TestStructures(t *testing.T) {
	type step struct {
		data     []byte
		err      error
		temporal uint8
		key      bool
	}
	for name, steps := range map[string][]step{
		"nothing without a structure": {{simple(5, 1, false, 0), ErrStructure, 0, false}},
		"one for all":                 {{simple(5, 1, true, 0), nil, 0, true}, {simple(5, 2, false, 2), nil, 1, false}},
		"template too high": {
			{simple(5, 1, true, 0), nil, 0, true}, {simple(5, 2, false, 3), ErrStructure, 0, false},
		},
		"ids go round": {{simple(63, 1, true, 0), nil, 0, true}, {simple(63, 2, false, 2), nil, 1, false}},
		"a new one was lost": {
			{simple(5, 1, true, 0), nil, 0, true}, {simple(8, 9, false, 1), ErrStructure, 0, false},
			{simple(8, 8, true, 0), nil, 0, true}, {simple(8, 10, false, 2), nil, 1, false},
		},
		"late packets of the former one": {
			{simple(5, 1, true, 0), nil, 0, true}, {simple(8, 4, true, 0), nil, 0, true},
			{simple(5, 3, false, 2), nil, 1, false}, {simple(5, 1, true, 0), nil, 0, true},
			{simple(8, 5, false, 2), nil, 1, false}, {simple(5, 5, false, 0), ErrStructure, 0, false},
		},
		"numbers begin anew": {
			{simple(5, 40000, true, 0), nil, 0, true}, {simple(8, 1, true, 0), nil, 0, true},
			{simple(8, 2, false, 2), nil, 1, false},
		},
		"an inter frame that brings it": {{simple(5, 1, true, 1), nil, 0, false}},
		"cut":                           {{[]byte{0xc0, 0}, ErrShort, 0, false}},
		"cut within":                    {{simple(5, 1, true, 0)[:6], ErrStructure, 0, false}},
	} {
		t.Run(name, func(t *testing.T) {
			p := Parser{Kind: KindAV1}
			for i, step := range steps {
				f, err := p.Parse([]byte{0}, step.data, false)
				if err != step.err { //nolint:errorlint // it is returned as it is
					t.Fatalf("step %d: %v, want %v", i, err, step.err)
				}
				if err == nil && (f.Temporal != step.temporal || f.Keyframe != step.key) {
					t.Fatalf("step %d: %+v", i, f)
				}
			}
		})
	}
}

// TestStructureForLong goes several times through the frame numbers with one structure.
func TestStructureForLong(t *testing.T) {
	p := Parser{Kind: KindAV1}
	if _, err := p.Parse([]byte{0}, simple(5, 77, true, 0), false); err != nil {
		t.Fatal(err)
	}
	for number := 78; number < 200_000; number += 100 {
		if _, err := p.Parse([]byte{0}, simple(5, uint16(number), false, 1), false); err != nil {
			t.Fatalf("frame %d: %v", number, err)
		}
	}
}

// TestPutDependency rewrites what Chromium sent and reads it again.
func TestPutDependency(t *testing.T) {
	var source, same, told Parser
	source.Kind, same.Kind, told.Kind = KindAV1, KindAV1, KindAV1
	for i, original := range captured {
		f, err := source.Parse([]byte{0}, original, false)
		if err != nil {
			continue // of another stream
		}
		targets := f.Dependency.Structure.Targets
		number := f.Dependency.FrameNumber + 1000
		room := bytes.Repeat([]byte{0xff}, 255)
		n := PutDependency(original, room, number, 0, 0)
		if n != len(original) || !bytes.Equal(room[3:n], original[3:]) || room[0] != original[0] {
			t.Fatalf("%d: %x became %x", i, original, room[:n])
		}
		compareDependency(t, &same, &f, room[:n], number, f.Dependency.Active)
		active := uint32(0b101) & f.Dependency.Structure.All()
		n = PutDependency(original, room, number, active, targets)
		if n < len(original) || n > len(original)+(5+targets+7)/8 {
			t.Fatalf("%d: %d bytes became %d", i, len(original), n)
		}
		compareDependency(t, &told, &f, room[:n], number, active)
		if again := PutDependency(original, room[:len(original)-1], number, active, targets); again != 0 {
			t.Fatalf("%d: written beyond the room", i)
		}
	}
}

func compareDependency(t *testing.T, p *Parser, want *Frame, written []byte, number uint16, active uint32) {
	t.Helper()
	got, err := p.Parse([]byte{0}, written, false)
	if err != nil {
		t.Fatalf("%x: %v", written, err)
	}
	if got.Dependency.FrameNumber != number || got.Dependency.Active != active ||
		got.Dependency.dependencies != want.Dependency.dependencies || got.Keyframe != want.Keyframe ||
		got.First != want.First || got.Last != want.Last || got.Spatial != want.Spatial || got.Temporal != want.Temporal {
		t.Fatalf("%+v became %+v", want, got)
	}
}

func FuzzDependency(f *testing.F) {
	for i := range captured {
		f.Add(captured[0], captured[i], uint16(i))
	}
	f.Add(simple(5, 1, true, 0), simple(5, 2, false, 2), uint16(7))
	f.Fuzz(func(t *testing.T, first, second []byte, number uint16) {
		var source, receiver Parser
		source.Kind, receiver.Kind = KindAV1, KindAV1
		for _, original := range [][]byte{first, second} {
			room := make([]byte, len(original)+8)
			frame, err := source.Parse([]byte{0}, original, false)
			if err != nil || frame.Dependency.Structure == nil {
				PutDependency(original, room, number, 1, int(number%33)) // whatever it is
				return
			}
			d := &frame.Dependency
			active := d.Active &^ 1
			n := PutDependency(original, room, d.FrameNumber, active, d.Structure.Targets)
			if n == 0 {
				t.Fatalf("%x not written", original)
			}
			compareDependency(t, &receiver, &frame, room[:n], d.FrameNumber, active)
		}
	})
}

func TestParseAllocatesNothing(t *testing.T) {
	for name, test := range map[string]struct {
		kind               Kind
		payload, extension []byte
	}{
		"VP8":  {KindVP8, []byte{0x80, 0xf0, 0x81, 0x02, 0x99, 0x45, 0, 0}, nil},
		"VP9":  {KindVP9, []byte{0xf4, 0x81, 0x02, 0x20, 0x03, 0x04}, nil},
		"H264": {KindH264, []byte{0x67, 0x42, 0xc0, 0x1f, 0x8c, 0x8d, 0x40, 0x50, 0x17, 0xfc, 0xb3, 0xc2, 0x21}, nil},
		"AV1":  {KindAV1, []byte{0}, simple(5, 2, false, 2)},
	} {
		p := Parser{Kind: test.kind}
		if test.extension != nil {
			if _, err := p.Parse(test.payload, simple(5, 1, true, 0), false); err != nil {
				t.Fatal(err)
			}
		}
		room := make([]byte, 64)
		allocations := testing.AllocsPerRun(100, func() {
			f, err := p.Parse(test.payload, test.extension, false)
			if err != nil {
				t.Fatal(name, err)
			}
			if f.Dependency.Structure != nil {
				PutDependency(test.extension, room, 1, 1, f.Dependency.Structure.Targets)
			}
		})
		if allocations != 0 {
			t.Errorf("%s: %v allocations", name, allocations)
		}
	}
}
