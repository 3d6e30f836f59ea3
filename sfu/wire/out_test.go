package wire

import (
	"bytes"
	"strings"
	"testing"

	"github.com/pion/rtp"
)

func TestOut(t *testing.T) {
	for name, test := range map[string]struct {
		out  Out
		want []byte
	}{
		"bare": {
			Out{PayloadType: 96, Sequence: 0x0102, Timestamp: 0x03040506, SSRC: 0x0708090a},
			[]byte{0x80, 96, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
		},
		"bits, and no more of the payload type than fits": {
			Out{Marker: true, Padding: true, PayloadType: 0xff},
			[]byte{0xa0, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		},
		"transport-wide number": {
			Out{TransportID: 3, TransportSequence: 0xfffe},
			[]byte{0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xbe, 0xde, 0, 1, 0x31, 0xff, 0xfe, 0},
		},
		"all three": {
			Out{TransportID: 14, TransportSequence: 1, LevelID: 1, Level: 0xff, MidID: 4, Mid: "12"},
			[]byte{
				0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xbe, 0xde, 0, 2,
				0xe1, 0, 1, 0x10, 0xff, 0x41, '1', '2',
			},
		},
		"a source": {
			Out{CSRC: 0x0a0b0c0d, LevelID: 2, Level: 5},
			[]byte{0x91, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 11, 12, 13, 0xbe, 0xde, 0, 1, 0x20, 5, 0, 0},
		},
		"level alone": {
			Out{LevelID: 2, Level: 5},
			[]byte{0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xbe, 0xde, 0, 1, 0x20, 5, 0, 0},
		},
		"what the form cannot carry": {
			Out{TransportID: 15, LevelID: 200, MidID: 3, Mid: strings.Repeat("m", 17)},
			[]byte{0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		},
		"a short descriptor": {
			Out{TransportID: 3, TransportSequence: 1, DependencyID: 5, Dependency: []byte{7, 8, 9}},
			[]byte{0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xbe, 0xde, 0, 2, 0x31, 0, 1, 0x52, 7, 8, 9, 0},
		},
		"a long descriptor makes all wide": {
			Out{TransportID: 3, TransportSequence: 0x0102, DependencyID: 5, Dependency: bytes.Repeat([]byte{6}, 17)},
			append([]byte{0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 6, 3, 2, 1, 2, 5, 17},
				append(bytes.Repeat([]byte{6}, 17), 0)...),
		},
		"an id without a mid": {Out{MidID: 3}, []byte{0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			b := bytes.Repeat([]byte{0xaa}, 100)
			n := test.out.Put(b)
			if n != len(test.want) || n != test.out.Len() || n%4 != 0 {
				t.Fatalf("%d bytes written, Len is %d, want %d", n, test.out.Len(), len(test.want))
			}
			if !bytes.Equal(b[:n], test.want) {
				t.Errorf("got  % x\nwant % x", b[:n], test.want)
			}
			if b[n] != 0xaa {
				t.Error("more was written than reported")
			}
		})
	}
}

func FuzzOut(f *testing.F) {
	f.Add(true, false, uint8(96), uint16(1), uint32(2), uint32(3), uint8(1), uint16(4), uint8(2), uint8(5), uint8(3), "0")
	f.Add(false, true, uint8(255), uint16(0), uint32(0), uint32(0), uint8(15), uint16(0), uint8(0), uint8(0), uint8(14),
		strings.Repeat("m", 16))
	f.Add(false, true, uint8(0), uint16(0), uint32(0), uint32(0), uint8(0), uint16(0), uint8(0), uint8(0), uint8(14),
		strings.Repeat("m", 17))
	f.Fuzz(func(t *testing.T, marker, padding bool, pt uint8, sequence uint16, timestamp, ssrc uint32,
		transportID uint8, transport uint16, levelID, level, midID uint8, mid string,
	) {
		o := Out{
			marker, padding, pt & 0x7f, sequence, timestamp, ssrc, timestamp ^ ssrc, transportID, transport, levelID, level,
			midID, mid, 0, nil,
		}
		b := make([]byte, o.Len())
		if n := o.Put(b); n != len(b) {
			t.Fatalf("%d bytes written, Len is %d", n, len(b))
		}
		var header rtp.Header
		if size, err := header.Unmarshal(b); err != nil || size != len(b) {
			t.Fatalf("pion reads %d of %d bytes: %v", size, len(b), err)
		}
		if csrc := timestamp ^ ssrc; csrc != 0 && (len(header.CSRC) != 1 || header.CSRC[0] != csrc) {
			t.Fatalf("pion reads the CSRCs %v, want %d", header.CSRC, csrc)
		}
		got, err := ParseHeader(b)
		if err != nil {
			t.Fatal(err)
		}
		want := Header{
			Marker: marker, Padding: padding, PayloadType: pt & 0x7f, Sequence: sequence, Timestamp: timestamp, SSRC: ssrc,
			Size: len(b),
		}
		if !equal(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
		taken := map[uint8]bool{} // of equal ids the first is read
		check := func(id uint8, want []byte) {
			if id == 0 || id > MaxID || len(want) == 0 || len(want) > maxData || taken[id] {
				return
			}
			taken[id] = true
			if data := header.GetExtension(id); !bytes.Equal(data, want) {
				t.Fatalf("pion reads %v under %d, want %v", data, id, want)
			}
			if data := got.Extensions.Get(id); !bytes.Equal(data, want) {
				t.Fatalf("%v under %d, want %v", data, id, want)
			}
		}
		check(transportID, []byte{byte(transport >> 8), byte(transport)})
		check(levelID, []byte{level})
		check(midID, []byte(mid))
	})
}

func TestPutAllocatesNothing(t *testing.T) {
	o := Out{TransportID: 1, LevelID: 2, MidID: 3, Mid: "17"}
	b := make([]byte, 64)
	n := 0
	allocations := testing.AllocsPerRun(100, func() {
		o.TransportSequence++
		n = o.Put(b[:o.Len()])
	})
	if allocations != 0 || n == 0 {
		t.Errorf("%v allocations per header of %d bytes", allocations, n)
	}
}

func BenchmarkPut(b *testing.B) {
	o := Out{TransportID: 1, LevelID: 2, MidID: 3, Mid: "17"}
	buffer := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		o.TransportSequence++
		o.Put(buffer)
	}
}

func TestSetTransportSequence(t *testing.T) {
	for name, dependency := range map[string][]byte{"narrow": nil, "wide": bytes.Repeat([]byte{1}, 20)} {
		out := Out{
			CSRC: uint32(len(dependency)), TransportID: 3, TransportSequence: 1, DependencyID: 4, Dependency: dependency,
		}
		b, want := make([]byte, 100), make([]byte, 100)
		out.Put(b)
		SetTransportSequence(b, 0xabcd)
		out.TransportSequence = 0xabcd
		out.Put(want)
		if !bytes.Equal(b, want) {
			t.Errorf("%s: got % x, want % x", name, b, want)
		}
	}
}
