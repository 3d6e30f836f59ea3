package selection

import (
	"math/rand/v2"
	"time"

	"parley/sfu/codec"
	"parley/sfu/rewrite"
)

// A source makes the packets of one encoding as an encoder would, and says what each frame really refers to.
type source struct {
	kind      codec.Kind
	shape     shape
	encoding  uint32
	sequence  uint16
	timestamp uint32
	picture   uint16 // picture id or frame number
	short     bool   // 7-bit picture ids
	tl0       uint8
	keyIdx    uint8
	step      int // pictures since the keyframe
	frames    int // frames in all
	last      map[place]int
	reports   bool
	skew      time.Duration // of its arrival
	random    *rand.Rand
	structure uint8 // AV1: id of the first template
}

// shape says which layers there are and how they refer to each other.
type shape struct {
	spatial   int
	temporal  []int // temporal layer of each picture of a period
	key       bool  // inter-layer prediction at keyframes only
	flexible  bool  // VP9
	described bool  // VP8, H264: with a dependency descriptor, and nothing of layers in the payload
}

// place is where a frame may be referred to: the newest of a layer.
type place struct{ spatial, temporal int }

// wirePacket is what the network carries.
type wirePacket struct {
	Packet
	payload    []byte
	dependency []byte
	truth      *truth
}

// truth is what a frame really is.
type truth struct {
	encoding uint32
	number   int // of the frame among those of its encoding
	picture  int // of the picture it is of
	spatial  int
	temporal int
	key      bool
	needs    []int // frames of the same encoding
	sync     bool  // none of them of a higher temporal layer than 0
	fresh    bool  // what follows in the period refers to nothing from before, above temporal layer 0
	packets  int
}

func newSource(kind codec.Kind, s shape, encoding uint32, random *rand.Rand) *source {
	return &source{
		kind: kind, shape: s, encoding: encoding, random: random, reports: true,
		sequence: uint16(random.Uint32()), timestamp: random.Uint32(), picture: uint16(random.Uint32()) & 0x7fff,
		tl0: uint8(random.Uint32()), keyIdx: uint8(random.Uint32()) & 0x1f, structure: uint8(random.Uint32()) & 0x3f,
		last: make(map[place]int), step: -1,
	}
}

// next makes the packets of the next picture, captured at that time.
func (s *source) next(at time.Duration, key bool) []wirePacket {
	s.step++
	if s.step == 0 {
		key = true
	}
	if key {
		s.step = 0
		clear(s.last)
		s.keyIdx = (s.keyIdx + 1) & 0x1f
	}
	temporal := s.shape.temporal[s.step%len(s.shape.temporal)]
	if temporal == 0 {
		s.tl0++
	}
	var packets []wirePacket
	for spatial := range s.shape.spatial {
		frame := &truth{
			encoding: s.encoding, number: s.frames, picture: s.step, spatial: spatial, temporal: temporal, key: key,
			packets: 1 + s.random.IntN(4),
		}
		s.frames++
		base := s.frames - 1 // of this frame
		frame.fresh = s.step/len(s.shape.temporal)%2 == 0
		var ago []int
		sync := false
		if !key {
			ago, sync = s.references(spatial, temporal)
			frame.sync = sync
			frame.needs = append(frame.needs, ago...)
		}
		interLayer := spatial > 0 && (key || !s.shape.key)
		if interLayer {
			frame.needs = append(frame.needs, base-1)
		}
		for i := range frame.packets {
			first, last := i == 0, i == frame.packets-1
			p := wirePacket{truth: frame}
			p.Encoding, p.Sequence = s.encoding, s.sequence
			p.Timestamp = s.timestamp + uint32(at.Seconds()*90000)
			p.Marker = last && spatial == s.shape.spatial-1
			p.Arrived = start.Add(at + s.skew + time.Duration(i)*time.Millisecond)
			if s.reports {
				p.Clock = s.clock(at)
			}
			s.write(&p, frame, ago, sync, interLayer, first, last)
			s.sequence++
			packets = append(packets, p)
		}
		s.last[place{spatial, temporal}] = base
		s.picture++
		if s.kind == codec.KindVP9 && spatial < s.shape.spatial-1 {
			s.picture--
		}
	}
	if s.random.IntN(30) == 0 {
		p := packets[len(packets)-1]
		p.Sequence, p.Marker, p.Empty, p.truth = s.sequence, false, true, nil
		s.sequence++
		packets = append(packets, p)
	}
	return packets
}

// clock is a report that is a second old.
func (s *source) clock(at time.Duration) rewrite.Clock {
	at = at.Truncate(time.Second)
	return rewrite.Clock{NTP: 1<<40 + uint64(at.Seconds()*(1<<32)), RTP: s.timestamp + uint32(at.Seconds()*90000)}
}

// references returns the frames that one of that layer is predicted from: the newest of each layer up to its own, or
// of the lowest alone at a synchronization point, which every second period has.
func (s *source) references(spatial, temporal int) (numbers []int, sync bool) {
	period := len(s.shape.temporal)
	newest := func(t int) (int, bool) { number, ok := s.last[place{spatial, t}]; return number, ok }
	base, _ := newest(0)
	if temporal == 0 {
		return []int{base}, false
	}
	if s.kind == codec.KindVP9 && !s.shape.flexible { // one reference, to the newest of a lower layer
		for t := temporal - 1; t > 0; t-- {
			if number, ok := newest(t); ok && number > base {
				return []int{number}, true
			}
		}
		return []int{base}, true
	}
	// The first of its layer in the period, in every other period; without it a receiver cannot enter.
	first := true
	for i := range s.step % period {
		first = first && s.shape.temporal[i] != temporal
	}
	if first && s.step/period%2 == 0 {
		return []int{base}, true
	}
	for t := 0; t <= temporal; t++ {
		if number, ok := newest(t); ok {
			numbers = append(numbers, number)
		} else {
			return []int{base}, true
		}
	}
	return numbers, false
}

func (s *source) write(p *wirePacket, f *truth, ago []int, sync, interLayer, first, last bool) {
	body := []byte{byte(f.number), byte(p.Sequence)}
	switch s.kind {
	case codec.KindVP8:
		p.payload = append(s.vp8(f, sync, first), body...)
		if s.shape.described {
			p.payload, p.dependency = []byte{0x10, 1}, s.descriptor(f, first, last)
		}
	case codec.KindVP9:
		p.payload = append(s.vp9(f, ago, sync, interLayer, first, last), body...)
	case codec.KindH264:
		nal := byte(1)
		if f.key {
			nal = 5
		}
		slice := byte(0x10) // begins with a later macroblock than the first
		if first {
			slice = 0x80
		}
		p.payload = append([]byte{0x60 | nal, slice}, body...)
		if s.shape.described {
			p.dependency = s.descriptor(f, first, last)
		}
	case codec.KindAV1:
		p.payload = append([]byte{0}, body...)
		p.dependency = s.descriptor(f, first, last)
	default:
		p.payload = body
	}
}

func (s *source) vp8(f *truth, sync, first bool) []byte {
	start := byte(0x80)
	if first {
		start |= 0x10
	}
	out := []byte{start, 0xf0}
	if s.short {
		out = append(out, byte(s.picture&0x7f))
	} else {
		out = append(out, 0x80|byte(s.picture>>8&0x7f), byte(s.picture))
	}
	y := byte(0)
	if sync {
		y = 0x20
	}
	out = append(out, s.tl0, byte(f.temporal)<<6|y|s.keyIdx)
	inter := byte(1)
	if f.key {
		inter = 0
	}
	return append(out, inter)
}

func (s *source) vp9(f *truth, ago []int, sync, interLayer, first, last bool) []byte {
	flags := byte(0xa0) // I, L
	set := func(on bool, bit byte) {
		if on {
			flags |= bit
		}
	}
	set(!f.key, 0x40)
	set(s.shape.flexible, 0x10)
	set(first, 0x08)
	set(last, 0x04)
	layers := byte(f.temporal)<<5 | byte(f.spatial)<<1
	if sync && !s.shape.flexible {
		layers |= 0x10
	}
	if interLayer {
		layers |= 1
	}
	out := []byte{flags, 0x80 | byte(s.picture>>8&0x7f), byte(s.picture), layers}
	if !s.shape.flexible {
		return append(out, s.tl0)
	}
	for i, number := range ago {
		// Frames of one spatial layer are as many pictures apart as they are frames apart, by the number of layers.
		diff := byte((f.number-number)/s.shape.spatial) << 1
		if i < len(ago)-1 {
			diff |= 1
		}
		out = append(out, diff)
	}
	return out
}

// descriptor writes a dependency descriptor: one template for each layer, everything else as custom fields.
func (s *source) descriptor(f *truth, first, last bool) []byte {
	w := &testBits{}
	w.bit(first)
	w.bit(last)
	temporals := 1
	for _, t := range s.shape.temporal {
		temporals = max(temporals, t+1)
	}
	w.put(int(s.structure)+f.spatial*temporals+f.temporal&0x3f, 6)
	w.put(int(s.picture), 16)
	targets := s.shape.spatial * temporals
	attached := f.key && first && f.spatial == 0
	w.bit(attached)
	w.bit(false)
	w.put(7, 3)
	if attached {
		s.writeStructure(w, temporals)
	}
	for target := range targets {
		w.put(s.indication(f, target/temporals, target%temporals), 2)
	}
	for _, number := range f.needs {
		if diff := f.number - number; diff <= 16 {
			w.put(1, 2)
			w.put(diff-1, 4)
		} else {
			w.put(2, 2)
			w.put(diff-1, 8)
		}
	}
	w.put(0, 2)
	for chain := range s.shape.spatial { // of frames of temporal layer 0, in this spatial layer and those it needs
		w.put(s.chainDiff(f, chain), 8)
	}
	return w.bytes
}

// indication is what a frame is to a decode target.
func (s *source) indication(f *truth, spatial, temporal int) int {
	inUse := f.spatial == spatial || f.spatial < spatial && (f.key || !s.shape.key)
	switch {
	case !inUse || f.temporal > temporal:
		return 0
	case f.key && f.spatial == spatial:
		return 2
	case f.spatial < spatial:
		return 3
	case f.temporal == temporal && (f.temporal == 0 || f.sync), f.temporal == 0 && f.fresh:
		return 2
	default:
		return 3
	}
}

func (s *source) chainDiff(f *truth, chain int) int {
	if f.key && f.spatial == 0 {
		return 0
	}
	newest := -1
	for spatial := range chain + 1 {
		if s.shape.key && spatial != chain && (!f.key || spatial >= f.spatial) {
			continue
		}
		if number, ok := s.last[place{spatial, 0}]; ok && number < f.number {
			newest = max(newest, number)
		}
	}
	if newest < 0 {
		newest = f.number - f.spatial // the keyframe's lowest layer
	}
	return f.number - newest
}

func (s *source) writeStructure(w *testBits, temporals int) {
	w.put(int(s.structure), 6)
	targets := s.shape.spatial * temporals
	w.put(targets-1, 5)
	for spatial := range s.shape.spatial {
		for temporal := range temporals {
			switch {
			case temporal < temporals-1:
				w.put(1, 2)
			case spatial < s.shape.spatial-1:
				w.put(2, 2)
			default:
				w.put(3, 2)
			}
		}
	}
	for template := range targets {
		f := &truth{spatial: template / temporals, temporal: template % temporals, key: true}
		for target := range targets {
			w.put(s.indication(f, target/temporals, target%temporals), 2)
		}
	}
	for range targets {
		w.put(0, 1)
	}
	w.nonSymmetric(s.shape.spatial, targets+1)
	for target := range targets {
		w.nonSymmetric(target/temporals, s.shape.spatial)
	}
	for range targets * s.shape.spatial {
		w.put(0, 4)
	}
	w.bit(true)
	for spatial := range s.shape.spatial {
		w.put(320<<spatial-1, 16)
		w.put(180<<spatial-1, 16)
	}
}

// testBits writes bits one by one.
type testBits struct {
	bytes []byte
	count int
}

func (w *testBits) bit(on bool) {
	if w.count%8 == 0 {
		w.bytes = append(w.bytes, 0)
	}
	if on {
		w.bytes[w.count/8] |= 0x80 >> (w.count % 8)
	}
	w.count++
}

func (w *testBits) put(value, n int) {
	for i := n - 1; i >= 0; i-- {
		w.bit(value>>i&1 != 0)
	}
}

// nonSymmetric writes a number below count (AV1, 4.10.7).
func (w *testBits) nonSymmetric(value, count int) {
	width := 0
	for rest := count; rest != 0; rest >>= 1 {
		width++
	}
	short := 1<<width - count
	if value < short {
		w.put(value, width-1)
	} else {
		w.put((value+short)>>1, width-1)
		w.put((value+short)&1, 1)
	}
}
