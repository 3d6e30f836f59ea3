package rewrite

import (
	"math/rand/v2"
	"testing"
)

// step is one packet handed to a Sequence.
type step struct {
	do   string // "switch", "next" or "drop"
	in   uint16
	want int // of next; -1 for refused
}

func TestSequence(t *testing.T) {
	for name, steps := range map[string][]step{
		"one source passes through": {
			{"switch", 100, 0}, {"next", 100, 100}, {"next", 101, 101}, {"next", 103, 103}, {"next", 102, 102},
		},
		"nothing before the first source": {{"next", 5, -1}},
		"a second source goes on": {
			{"switch", 100, 0}, {"next", 100, 100}, {"next", 101, 101},
			{"switch", 7000, 0}, {"next", 7000, 102}, {"next", 7002, 104}, {"next", 7001, 103},
		},
		"packets from before the switch belong to nobody": {
			{"switch", 100, 0}, {"next", 100, 100}, {"switch", 50, 0}, {"next", 49, -1}, {"next", 50, 101},
		},
		"a dropped packet leaves no gap": {
			{"switch", 10, 0}, {"next", 10, 10}, {"drop", 11, 0}, {"next", 12, 11}, {"next", 13, 12},
		},
		"a dropped number never goes out": {
			{"switch", 10, 0}, {"next", 10, 10}, {"drop", 11, 0}, {"next", 11, -1}, {"next", 12, 11},
		},
		"loss before a dropped packet keeps its gap": {
			{"switch", 10, 0}, {"next", 10, 10}, {"drop", 13, 0}, {"next", 14, 13}, {"next", 12, 12}, {"next", 11, 11},
		},
		"late packets use the offset of their time": {
			{"switch", 10, 0}, {"next", 10, 10}, {"next", 12, 12}, {"drop", 13, 0}, {"next", 14, 13}, {"drop", 15, 0},
			{"next", 16, 14}, {"next", 11, 11}, {"next", 14, 13},
		},
		"a late drop renumbers nothing": {
			{"switch", 10, 0}, {"next", 10, 10}, {"next", 12, 12}, {"drop", 11, 0}, {"next", 13, 13},
		},
		"across the wraparound": {
			{"switch", 65534, 0}, {"next", 65534, 32766}, {"drop", 65535, 0}, {"next", 0, 32767}, {"next", 1, 32768},
			{"switch", 65535, 0}, {"next", 65535, 32769}, {"next", 0, 32770},
		},
		"dropped alone, then switched": {
			{"switch", 10, 0}, {"drop", 10, 0}, {"drop", 11, 0}, {"switch", 500, 0}, {"next", 500, 10},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var s Sequence
			for i, step := range steps {
				switch step.do {
				case "switch":
					s.Switch(step.in)
				case "drop":
					s.Drop(step.in)
				case "next":
					got := -1
					if out, ok := s.Next(step.in); ok {
						got = int(out)
					}
					if got != step.want {
						t.Fatalf("step %d, next(%d) = %d, want %d", i, step.in, got, step.want)
					}
				}
			}
		})
	}
}

// TestSequenceAgainstModel compares with a model that remembers everything: over random loss, reordering, drops and
// switches, two packets never share a number, and in-order streams without loss leave no gap.
func TestSequenceAgainstModel(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 1))
		var s Sequence
		owner := make(map[uint16]uint32) // outgoing number -> who has it
		source, in := uint32(0), uint16(random.Uint32())
		s.Switch(in)
		var sent int
		for range 5000 {
			switch random.IntN(40) {
			case 0:
				source++
				in = uint16(random.Uint32())
				s.Switch(in)
			case 1:
				s.Drop(in)
				in++
				continue
			}
			out, ok := s.Next(in)
			if !ok {
				t.Fatalf("seed %d: packet %d in order refused", seed, in)
			}
			if other, taken := owner[out]; taken {
				t.Fatalf("seed %d: number %d went out twice, for %d and %d", seed, out, other, source)
			}
			owner[out] = source
			in++
			sent++
		}
		if s.last-s.first(owner) != uint16(sent-1) {
			t.Fatalf("seed %d: %d packets span %d numbers", seed, sent, s.last-s.first(owner)+1)
		}
	}
}

// first is the oldest of the numbers that went out.
func (s *Sequence) first(owner map[uint16]uint32) uint16 {
	first := s.last
	for {
		if _, ok := owner[first-1]; !ok {
			return first
		}
		first--
	}
}

func FuzzSequence(f *testing.F) {
	f.Add([]byte{0, 0, 10, 1, 0, 10, 2, 0, 11, 1, 0, 12})
	f.Fuzz(func(t *testing.T, data []byte) {
		var s Sequence
		given := make(map[uint16]uint16) // outgoing -> incoming, of the current source
		for ; len(data) >= 3; data = data[3:] {
			in := uint16(data[1])<<8 | uint16(data[2])
			switch data[0] % 3 {
			case 0:
				s.Switch(in)
				clear(given)
			case 1:
				if out, ok := s.Next(in); ok {
					if other, taken := given[out]; taken && other != in {
						t.Fatalf("%d and %d both went out as %d", other, in, out)
					}
					given[out] = in
				}
			case 2:
				s.Drop(in)
			}
			if len(given) > 1<<14 {
				return // numbers may come round
			}
		}
	})
}
