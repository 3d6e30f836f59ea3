package selection

import (
	"math/rand/v2"
	"testing"
	"time"

	"parley/sfu/codec"
)

// What else is counted than packets of layers.
var rewound, switched = [2]int{-1, 0}, [2]int{-1, 1}

var (
	t1 = []int{0}
	t2 = []int{0, 1}
	t3 = []int{0, 2, 1, 2}
)

// codings are those that browsers make.
var codings = []struct {
	name  string
	kind  codec.Kind
	shape shape
	short bool
}{
	{"VP8 L1T1", codec.KindVP8, shape{1, t1, false, false, false}, false},
	{"VP8 L1T2, short", codec.KindVP8, shape{1, t2, false, false, false}, true},
	{"VP8 L1T3", codec.KindVP8, shape{1, t3, false, false, false}, false},
	{"VP8 L1T3, described", codec.KindVP8, shape{1, t3, false, false, true}, false},
	{"H264 L1T3, described", codec.KindH264, shape{1, t3, false, false, true}, false},
	{"H264", codec.KindH264, shape{1, t1, false, false, false}, false},
	{"VP9 L1T3", codec.KindVP9, shape{1, t3, false, false, false}, false},
	{"VP9 L1T3 flexible", codec.KindVP9, shape{1, t3, false, true, false}, false},
	{"VP9 L3T3", codec.KindVP9, shape{3, t3, false, true, false}, false},
	{"VP9 L3T3_KEY", codec.KindVP9, shape{3, t3, true, true, false}, false},
	{"VP9 L2T2, not flexible", codec.KindVP9, shape{2, t2, false, false, false}, false},
	{"AV1 L1T1", codec.KindAV1, shape{1, t1, false, false, false}, false},
	{"AV1 L1T3", codec.KindAV1, shape{1, t3, false, false, false}, false},
	{"AV1 L2T2", codec.KindAV1, shape{2, t2, false, false, false}, false},
	{"AV1 L3T3", codec.KindAV1, shape{3, t3, false, false, false}, false},
	{"AV1 L3T3_KEY", codec.KindAV1, shape{3, t3, true, false, false}, false},
}

// TestDecodable changes the target at random, on perfect paths, and looks with a decoder's eyes at what goes out.
func TestDecodable(t *testing.T) {
	for _, coding := range codings {
		t.Run(coding.name, func(t *testing.T) {
			seen := make(map[[2]int]int)
			for seed := range uint64(3) {
				run(t, coding.kind, coding.shape, coding.short, seed, seen)
			}
			for spatial := range coding.shape.spatial {
				for _, temporal := range coding.shape.temporal {
					if what := [2]int{spatial, temporal}; seen[what] < 100 {
						t.Errorf("layer %v went out %d times", what, seen[what])
					}
				}
			}
			if seen[rewound] == 0 || seen[switched] < 20 {
				t.Errorf("nothing happened: %v", seen)
			}
		})
	}
}

func run(t *testing.T, kind codec.Kind, s shape, short bool, seed uint64, seen map[[2]int]int) {
	random := rand.New(rand.NewPCG(seed, 7))
	sources := make([]*source, 3)
	parsers := make([]codec.Parser, 3)
	for i := range sources {
		sources[i] = newSource(kind, s, uint32(i+1), random)
		sources[i].short = short
		sources[i].reports = seed%3 > 0
		parsers[i].Kind = kind
	}
	r := newReceiver(t, kind)
	selector := New(kind, 90000)
	asked := uint32(0)
	for picture := range 1000 {
		at := time.Duration(picture) * time.Second / 30
		if random.IntN(25) == 0 {
			selector.SetTarget(Target{
				Encoding: uint32(random.IntN(4)), Spatial: uint8(random.IntN(4)), Temporal: uint8(random.IntN(4)),
				Hold: random.IntN(2) == 0,
			})
		}
		if random.IntN(100) == 0 {
			selector.Lost()
		}
		for i, from := range sources {
			for _, p := range from.next(at, asked == from.encoding || random.IntN(200) == 0) {
				if p.Empty {
					if _, ok := selector.Next(&p.Packet); ok {
						t.Fatal("padding went out")
					}
					continue
				}
				parsed, err := parsers[i].Parse(p.payload, p.dependency, p.Marker)
				if err != nil {
					t.Fatal(err)
				}
				p.Frame = &parsed
				if out, ok := selector.Next(&p.Packet); ok {
					r.take(&p, &parsed, out)
					seen[[2]int{p.truth.spatial, p.truth.temporal}]++
				}
			}
		}
		asked = 0
		if encoding, ok := selector.Waiting(); ok && random.IntN(3) == 0 {
			asked = encoding
		}
		if random.IntN(60) == 0 && r.last > 100 {
			from := uint16(r.last - random.IntN(20))
			selector.Rewind(from)
			r.rewind(from)
			seen[rewound]++
		}
	}
	r.short = short
	frames := r.check()
	for i := 1; i < len(frames); i++ {
		if frames[i].encoding != frames[i-1].encoding {
			seen[switched]++
		}
	}
}
