package selection

import (
	"slices"
	"testing"

	"parley/sfu/codec"
)

// delivered is a packet as the receiver gets it.
type delivered struct {
	Out
	payload    []byte
	dependency []byte
	truth      *truth
}

// A receiver looks at everything that went out as a decoder would, in the order of the sequence numbers.
type receiver struct {
	t        *testing.T
	kind     codec.Kind
	lossless bool // on the way to us; nothing is lost on the way to it
	short    bool
	packets  map[int]delivered // by unwrapped sequence number
	last     int
	cut      map[uint32]bool // timestamps of pictures that were taken back in part
}

func newReceiver(t *testing.T, kind codec.Kind) *receiver {
	return &receiver{
		t: t, kind: kind, lossless: true, packets: make(map[int]delivered), last: -1, cut: make(map[uint32]bool),
	}
}

// take is given what Next has let through.
func (r *receiver) take(p *wirePacket, frame *codec.Frame, out Out) {
	r.t.Helper()
	d := delivered{Out: out, payload: slices.Clone(p.payload), truth: p.truth}
	out.Fields.Put(frame, d.payload)
	if len(p.dependency) > 0 {
		room := make([]byte, MaxDependency)
		n := out.Fields.PutDependency(p.dependency, room)
		if n == 0 {
			r.t.Fatalf("descriptor %x not written", p.dependency)
		}
		d.dependency = room[:n]
	}
	at := int(out.Sequence)
	if r.last >= 0 {
		at = r.last + int(int16(out.Sequence-uint16(r.last)))
	}
	if other, taken := r.packets[at]; taken {
		r.t.Fatalf("number %d went out twice: %+v, %+v", out.Sequence, *other.truth, *p.truth)
	}
	r.packets[at] = d
	r.last = max(r.last, at)
}

// rewind forgets what was never sent.
func (r *receiver) rewind(from uint16) {
	at := r.last + int(int16(from-uint16(r.last)))
	for ; r.last >= at; r.last-- {
		r.cut[r.packets[r.last].Timestamp] = true
		delete(r.packets, r.last)
	}
}

// frame is one frame as received.
type frame struct {
	*truth
	out      Fields
	parsed   codec.Frame
	stamp    uint32
	complete bool
	marker   bool
	packets  int
}

// frames puts packets together.
func (r *receiver) frames() []frame {
	var frames []frame
	parser := codec.Parser{Kind: r.kind}
	numbers := make([]int, 0, len(r.packets))
	for at := range r.packets {
		numbers = append(numbers, at)
	}
	slices.Sort(numbers)
	for i, at := range numbers {
		if r.lossless && i > 0 && at != numbers[i-1]+1 {
			r.t.Fatalf("gap from %d to %d", numbers[i-1], at)
		}
		p := r.packets[at]
		parsed, err := parser.Parse(p.payload, p.dependency, p.Marker)
		if err != nil {
			r.t.Fatalf("unreadable: %v", err)
		}
		if len(frames) == 0 || frames[len(frames)-1].truth != p.truth {
			frames = append(frames, frame{truth: p.truth, out: p.Fields, parsed: parsed, stamp: p.Timestamp})
		}
		f := &frames[len(frames)-1]
		if f.marker {
			r.t.Fatalf("marker before the end of %+v", *p.truth)
		}
		if f.stamp != p.Timestamp {
			r.t.Fatalf("two timestamps in %+v", *p.truth)
		}
		f.packets++
		f.complete, f.marker = f.packets == p.truth.packets, p.Marker
	}
	return frames
}

// check verifies that every frame can be decoded, and that it looks like one stream.
func (r *receiver) check() (frames []frame) {
	r.t.Helper()
	frames = r.frames()
	sent := make(map[[2]int]bool)
	for i := range frames {
		f := &frames[i]
		key := [2]int{int(f.encoding), f.number}
		if sent[key] {
			r.t.Fatalf("frame %+v in two parts", *f.truth)
		}
		if i == 0 && !f.key {
			r.t.Fatalf("begins with %+v", *f.truth)
		}
		if r.lossless && !r.cut[f.stamp] {
			r.checkDecodable(f, sent)
		}
		sent[key] = f.complete
		if i > 0 {
			r.checkOrder(&frames[i-1], f)
		}
	}
	if r.lossless {
		switch described := frames[0].out.Described; {
		case described || r.kind == codec.KindVP9:
			r.checkReferences(frames)
		case r.kind == codec.KindVP8:
			r.checkVP8(frames)
		}
	}
	return frames
}

func (r *receiver) checkDecodable(f *frame, sent map[[2]int]bool) {
	r.t.Helper()
	if !f.complete && r.kind != codec.KindOpus {
		r.t.Fatalf("%d of %d packets of %+v", f.packets, f.truth.packets, *f.truth)
	}
	for _, number := range f.needs {
		if !sent[[2]int{int(f.encoding), number}] {
			r.t.Fatalf("frame %+v came without %d", *f.truth, number)
		}
	}
}

// checkOrder compares a frame with the one before.
func (r *receiver) checkOrder(before, f *frame) {
	r.t.Helper()
	samePicture := before.encoding == f.encoding && before.picture == f.picture &&
		f.spatial > before.spatial && before.key == f.key
	ahead := int32(f.stamp - before.stamp)
	if samePicture && ahead != 0 || !samePicture && ahead <= 0 {
		r.t.Fatalf("timestamp moves by %d from %+v to %+v", ahead, *before.truth, *f.truth)
	}
	if r.lossless && before.marker == samePicture && !r.cut[before.stamp] {
		r.t.Fatalf("marker %v between %+v and %+v", before.marker, *before.truth, *f.truth)
	}
}

// checkVP8 wants picture ids to rise by one, and TL0PICIDX with the frames of temporal layer 0.
func (r *receiver) checkVP8(frames []frame) {
	r.t.Helper()
	for i := 1; i < len(frames); i++ {
		f, d, before := &frames[i], &frames[i].parsed.VP8, &frames[i-1].parsed.VP8
		if ahead := (d.PictureID - before.PictureID) & pictureMask(d.LongPictureID); ahead != 1 {
			r.t.Fatalf("picture id moves by %d to %+v", ahead, *f.truth)
		}
		ahead := d.TL0PicIdx - before.TL0PicIdx
		if (f.temporal == 0) != (ahead == 1) || ahead > 1 {
			r.t.Fatalf("TL0PICIDX moves by %d to %+v", ahead, *f.truth)
		}
		if newKey := (d.KeyIdx - before.KeyIdx) & 0x1f; newKey > 1 || (newKey == 1) != f.key {
			r.t.Fatalf("KEYIDX moves by %d to %+v", newKey, *f.truth)
		}
	}
}

// checkReferences finds what a frame refers to by the numbers that went out.
func (r *receiver) checkReferences(frames []frame) {
	r.t.Helper()
	type id struct {
		picture uint16
		spatial uint8
	}
	known := make(map[id]*truth)
	for i := range frames {
		f := &frames[i]
		var want, got []int
		self := id{f.out.Frame, 0}
		if r.kind == codec.KindVP9 {
			d := &f.parsed.VP9
			self = id{f.out.Picture, d.SID}
			if d.Flexible {
				for _, ago := range d.References[:d.ReferenceCount] {
					got = append(got, r.numberOf(known[id{(d.PictureID - uint16(ago)) & 0x7fff, d.SID}], f))
				}
				if d.InterLayer {
					got = append(got, r.numberOf(known[id{d.PictureID, d.SID - 1}], f))
				}
				want = f.needs
			}
		} else {
			d := &f.parsed.Dependency
			for _, ago := range d.References[:d.ReferenceCount] {
				got = append(got, r.numberOf(known[id{d.FrameNumber - ago, 0}], f))
			}
			want = f.needs
			if d.Present&d.Active == 0 {
				r.t.Fatalf("%+v is of no active decode target: %b, %b", *f.truth, d.Present, d.Active)
			}
		}
		if !slices.Equal(got, want) {
			r.t.Fatalf("%+v refers to %v", *f.truth, got)
		}
		if known[self] != nil && i-1000 < 0 {
			r.t.Fatalf("%+v and %+v have one number", *f.truth, *known[self])
		}
		known[self] = f.truth
	}
}

func (r *receiver) numberOf(t *truth, f *frame) int {
	if t == nil || t.encoding != f.encoding {
		return -1
	}
	return t.number
}
