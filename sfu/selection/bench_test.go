package selection

import (
	"math/rand/v2"
	"testing"
	"time"

	"parley/sfu/codec"
)

// stream makes packets of one encoding, parsed, with numbers that go on for ever.
func stream(tb testing.TB, kind codec.Kind, s shape) (next func() *Packet) {
	from := newSource(kind, s, 1, rand.New(rand.NewPCG(1, 1)))
	parser := codec.Parser{Kind: kind}
	var packets []wirePacket
	for picture := range 64 {
		for _, p := range from.next(time.Duration(picture)*time.Second/30, false) {
			if p.Empty {
				continue
			}
			parsed, err := parser.Parse(p.payload, p.dependency, p.Marker)
			if err != nil {
				tb.Fatal(err)
			}
			p.Frame = &parsed
			packets = append(packets, p)
		}
	}
	i, sequence := 0, uint16(0)
	p := new(Packet)
	return func() *Packet {
		*p = packets[i].Packet
		p.Sequence = sequence
		sequence++
		i = (i + 1) % len(packets)
		return p
	}
}

func BenchmarkNext(b *testing.B) {
	for _, coding := range codings {
		for _, all := range []bool{true, false} {
			name, target := coding.name+"/all", Target{Encoding: 1, Spatial: 7, Temporal: 7}
			if !all {
				name, target = coding.name+"/lowest", Target{Encoding: 1}
			}
			b.Run(name, func(b *testing.B) {
				next := stream(b, coding.kind, coding.shape)
				s := New(coding.kind, 90000)
				s.SetTarget(target)
				b.ReportAllocs()
				for b.Loop() {
					s.Next(next())
				}
			})
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for _, coding := range codings {
		b.Run(coding.name, func(b *testing.B) {
			from := newSource(coding.kind, coding.shape, 1, rand.New(rand.NewPCG(1, 1)))
			parser := codec.Parser{Kind: coding.kind}
			var p wirePacket
			for picture := range 3 {
				p = from.next(time.Duration(picture)*time.Second/30, false)[0]
				if _, err := parser.Parse(p.payload, p.dependency, p.Marker); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := parser.Parse(p.payload, p.dependency, p.Marker); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
