package selection

import "parley/sfu/codec"

// skipped remembers which of the last pictures, by their number as it came, were left out. A picture that was not seen
// is taken to come yet.
type skipped [4]uint64

func (k *skipped) set(number uint16)      { k[number>>6&3] |= 1 << (number & 63) }
func (k *skipped) clear(number uint16)    { k[number>>6&3] &^= 1 << (number & 63) }
func (k *skipped) has(number uint16) bool { return k[number>>6&3]&(1<<(number&63)) != 0 }

// advance forgets the numbers after from, up to to, which come round again.
func (k *skipped) advance(from, to uint16) {
	for i := range min(to-from, 256) {
		k.clear(to - i)
	}
}

// limits are the highest layers that go out.
type limits struct{ spatial, temporal uint8 }

func (s *Selector) limits() limits { return limits{s.current.Spatial, s.current.Temporal} }

// limit lets the current layers hold from p on, whose picture is the first that they hold for.
func (s *Selector) limit(p *Packet) {
	value := *s.numbers.Value()
	value.limits, value.since = s.limits(), p.Timestamp
	if missing := s.numbers.Highest() + 1; missing != p.Sequence {
		s.numbers.Change(missing, value)
	}
	value.former = value.limits
	s.numbers.Change(p.Sequence, value)
}

// of is what held for a picture.
func (h *held) of(timestamp uint32) held {
	value := *h
	if int32(timestamp-h.since) < 0 {
		value.limits = h.former
	}
	return value
}

// raise takes more layers where p allows it. A picture that has ended for the receiver gets no more of them, or there
// would be two ends to it.
func (s *Selector) raise(p *Packet) {
	f := p.Frame
	if s.target.Encoding != s.current.Encoding || !f.First && !f.Keyframe {
		return
	}
	switch {
	case f.Keyframe && !s.ended:
		s.current.Spatial, s.current.Temporal = s.target.Spatial, s.target.Temporal
	case f.Dependency.Structure != nil:
		s.raiseTarget(&f.Dependency)
	default:
		s.raiseTemporal(f)
		if s.kind == codec.KindVP9 {
			s.raiseSpatial(f)
		}
	}
	if s.current.Spatial == s.target.Spatial && s.current.Temporal == s.target.Temporal {
		s.settled, s.waited, s.upper = true, 0, false
	}
}

// raiseTemporal takes higher temporal layers. A frame of the next layer lets them in where it refers to lower layers
// only: VP8 (RFC 7741, 4.2, Y) and libwebrtc's VP9 say so, VP9 in flexible mode tells what it refers to. Besides, VP9
// (RFC 9628, 4.2, U) tells of a frame that those of higher layers that follow refer to nothing before it that is of
// layers higher than its own.
func (s *Selector) raiseTemporal(f *codec.Frame) {
	switch {
	case s.current.Temporal >= s.target.Temporal:
	case s.kind == codec.KindVP9 && f.SwitchUp && f.Temporal <= s.current.Temporal:
		s.current.Temporal = s.target.Temporal
	case f.Temporal == s.current.Temporal+1 && (f.SwitchUp || f.VP9.Flexible) && s.decodable(&f.VP9):
		s.current.Temporal = f.Temporal
	}
}

// decodable reports whether nothing was left out that a VP9 frame refers to, as far as it tells.
func (s *Selector) decodable(d *codec.VP9) bool {
	mask := pictureMask(d.LongPictureID)
	for _, ago := range d.References[:d.ReferenceCount] {
		if s.skipped.has((d.PictureID - uint16(ago)) & mask) {
			return false
		}
	}
	return !d.InterLayer || !s.skipped.has(d.PictureID)
}

// raiseSpatial takes the next spatial layer of VP9 where it is not predicted from earlier pictures, which were left
// out, but at most from the layer below in the same picture.
func (s *Selector) raiseSpatial(f *codec.Frame) {
	if s.ended || f.VP9.Predicted || f.Spatial != s.current.Spatial+1 || f.Spatial > s.target.Spatial ||
		f.Temporal > s.current.Temporal {
		return
	}
	if !f.VP9.InterLayer || s.top == f.Spatial-1 {
		s.current.Spatial = f.Spatial
	}
}

// raiseTarget goes over to the highest decode target wanted that can be entered with this frame: it is a switching
// point of it (AV1 RTP, A.4), and neither what it refers to nor anything in the chain that protects the target was left
// out.
func (s *Selector) raiseTarget(d *codec.Dependency) {
	structure := d.Structure
	if s.current.Spatial >= s.target.Spatial && s.current.Temporal >= s.target.Temporal ||
		!s.intact(d) {
		return
	}
	candidates := d.Switch & structure.Within(s.target.Spatial, s.target.Temporal)
	for target := 0; candidates != 0; target, candidates = target+1, candidates>>1 {
		spatial, temporal := structure.Target(target)
		if candidates&1 == 0 || spatial < s.current.Spatial || temporal < s.current.Temporal ||
			s.ended && spatial > s.current.Spatial {
			continue
		}
		if chain, ok := structure.Chain(target); ok && s.broken&(1<<chain) != 0 {
			continue
		}
		s.current.Spatial, s.current.Temporal = spatial, temporal
	}
}

// intact reports whether nothing was left out that a frame refers to.
func (s *Selector) intact(d *codec.Dependency) bool {
	if int(d.ReferenceCount) > len(d.References) {
		return false
	}
	for _, ago := range d.References[:d.ReferenceCount] {
		if ago < 256 && s.skipped.has(d.FrameNumber-ago) {
			return false
		}
	}
	return true
}

// followChains notes which chains (AV1 RTP, A.3) have lost a frame by our leaving it out.
func (s *Selector) followChains(d *codec.Dependency) {
	for chain := range min(d.Structure.Chains, len(d.ChainDiffs)) {
		switch ago := d.ChainDiffs[chain]; {
		case ago == 0:
			s.broken &^= 1 << chain
		case s.skipped.has(d.FrameNumber - uint16(ago)):
			s.broken |= 1 << chain
		}
	}
}
