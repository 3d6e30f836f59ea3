// Package selection decides which packets of a track go down to one receiver, and as what: which encoding (simulcast),
// which spatial and temporal layers of it (SVC), numbered so that the receiver's decoder takes them for one stream. It
// is pure: no clock, no goroutine, no lock.
package selection

import (
	"time"

	"parley/sfu/codec"
	"parley/sfu/rewrite"
)

// Packet is what a Selector must know of an RTP packet.
type Packet struct {
	Encoding  uint32 // SSRC of the source's encoding, never 0
	Sequence  uint16
	Timestamp uint32
	Marker    bool
	Empty     bool // padding only
	Arrived   time.Time
	Clock     rewrite.Clock // of the encoding
	Frame     *codec.Frame  // nil if Empty
}

// All stands for whatever layers there are.
const All = 255

// Target is what a receiver should get.
type Target struct {
	Encoding uint32 // 0: nothing
	Spatial  uint8  // highest layers of that encoding, counted from 0
	Temporal uint8
	// Hold lets the former encoding go on until a keyframe of this one comes. Else it ends with its frame.
	Hold bool
}

// Out is how a packet goes out.
type Out struct {
	Sequence  uint16
	Timestamp uint32
	Marker    bool
	Fields    Fields
}

// held is what holds for a stretch of numbers.
type held struct {
	timestamp         uint32 // offsets: what to subtract
	picture, frame    uint16
	tl0PicIdx, keyIdx uint8
	limits            limits
	// Where packets are missing as the limits change, some are of pictures before the change: former holds for those
	// before the timestamp since. Elsewhere it equals limits.
	former limits
	since  uint32
}

const (
	// lateTime is for how long packets of the former encoding are taken after a switch.
	lateTime = time.Second
	// maxGap is how many packets may be missing before the source's numbers are taken to have begun anew (RFC 3550,
	// A.1, MAX_DROPOUT).
	maxGap = 3000
	// maxBehind is how far behind a packet may be, likewise.
	maxBehind = 1 << 13
	// tolerance is by how much the sender's clock may differ from the time that has passed here.
	tolerance = 300 * time.Millisecond
	// syncPatience is how many frames that are wanted are left out for want of a point to switch up at, before a keyframe
	// is asked for.
	syncPatience = 64
)

// Selector chooses among the encodings of one track for one receiver.
type Selector struct {
	kind    codec.Kind
	rate    uint32
	target  Target
	current Target // Encoding 0: nothing flows
	numbers rewrite.Numbers[held]
	former  time.Time // until when late packets of former encodings are taken

	lost    bool // the receiver asked for a keyframe of what flows
	settled bool // current is as the target wants it
	waited  int  // frames of higher temporal layers left out though wanted
	upper   bool // higher spatial layers were left out though wanted
	others  [encodings]seen
	again   rerun // what Replay was told

	// Of the current encoding.
	frame   uint32 // timestamp of the newest picture, as it came
	top     uint8  // highest spatial layer of it that went out
	ended   bool   // it went out to its end, whatever layers it has above
	picture uint16 // VP8: id of the newest picture, as it came
	newest  uint16 // number of the newest frame, as it came
	skipped skipped
	broken  uint32 // chains, a bit each
	partly  bool   // the receiver was told since the last structure that not all decode targets are active

	last   last
	frames frames
}

// last is what went out last, in order.
type last struct {
	started   bool
	encoding  uint32
	timestamp uint32
	offset    uint32 // of the timestamp
	ideal     uint32 // what it would be, had time not had to move on at the switch: so that this does not add up
	arrived   time.Time
	clock     rewrite.Clock
	counters  Fields
}

// New returns a Selector that waits for a target.
func New(kind codec.Kind, clockRate uint32) *Selector {
	return &Selector{kind: kind, rate: clockRate}
}

// SetTarget says what the receiver should get from the next frame on, or as soon as there is a keyframe or switching
// point.
func (s *Selector) SetTarget(t Target) {
	if t == s.target {
		return
	}
	if t.Encoding != s.target.Encoding {
		s.again = rerun{}
	}
	s.target, s.settled, s.waited, s.upper = t, false, 0, false
}

// Current is what flows; its Encoding is 0 before the first keyframe and when nothing does.
func (s *Selector) Current() Target { return s.current }

// Waiting reports that a keyframe of that encoding is needed, to reach the target or for the receiver to go on.
func (s *Selector) Waiting() (encoding uint32, ok bool) {
	switch {
	case s.target.Encoding == 0:
		return 0, false
	case s.target.Encoding != s.current.Encoding, s.lost, s.waited >= syncPatience, s.upper:
		return s.target.Encoding, true
	}
	return 0, false
}

// Lost is called when the receiver has asked for a keyframe.
func (s *Selector) Lost() { s.lost = true }

// layered reports whether an encoding of this codec may hold several spatial layers.
func (s *Selector) layered() bool { return s.kind == codec.KindVP9 || s.kind == codec.KindAV1 }

// wanted reports whether f is of the layers that go out and refers to nothing that was left out.
func (s *Selector) wanted(f *codec.Frame) bool {
	switch {
	case f.Temporal > s.current.Temporal, f.Spatial > s.current.Spatial && s.layered():
		return false
	case s.kind == codec.KindVP9:
		return s.decodable(&f.VP9)
	case f.Dependency.Structure != nil:
		return s.intact(&f.Dependency)
	}
	return true
}

// Next decides about a packet, as it comes. It reports false for one that is not for this receiver.
func (s *Selector) Next(p *Packet) (out Out, ok bool) {
	if p.Encoding != s.current.Encoding {
		return s.other(p)
	}
	if s.restarted(p) {
		s.leave()
		return s.other(p)
	}
	if !s.numbers.Ahead(p.Sequence) {
		return s.late(p)
	}
	if p.Empty {
		s.numbers.Drop(p.Sequence)
		return Out{}, false
	}
	if p.Timestamp != s.frame {
		s.frame, s.top, s.ended = p.Timestamp, 0, false
		if !s.settled && s.adapt() {
			return s.other(p)
		}
	}
	s.inspect(p.Frame)
	if !s.settled {
		s.raise(p)
		if s.limits() != s.numbers.Value().limits {
			s.limit(p)
		}
	}
	if !s.wanted(p.Frame) {
		s.leaveOut(p)
		return Out{}, false
	}
	return s.send(p), true
}

// inspect keeps the account of the current encoding's pictures.
func (s *Selector) inspect(f *codec.Frame) {
	if f.Keyframe {
		s.lost, s.waited, s.upper = false, 0, false
	}
	described := f.Dependency.Structure != nil
	if !described && s.kind != codec.KindVP9 {
		return
	}
	if number := number(f); number != s.newest {
		s.skipped.advance(s.newest, number)
		s.newest = number
	}
	if described && f.First {
		s.followChains(&f.Dependency)
	}
}

// adapt gives up what is more than the target, between two pictures. It reports whether the encoding is left.
func (s *Selector) adapt() bool {
	if s.target.Encoding != s.current.Encoding {
		if !s.target.Hold {
			s.leave()
			return true
		}
		return false
	}
	if s.target.Temporal < s.current.Temporal || s.target.Spatial < s.current.Spatial {
		s.current.Temporal = min(s.current.Temporal, s.target.Temporal)
		s.current.Spatial = min(s.current.Spatial, s.target.Spatial)
	}
	return false
}

// send maps p, which is ahead.
func (s *Selector) send(p *Packet) Out {
	value := s.numbers.Value()
	out := Out{
		Sequence:  s.numbers.Next(p.Sequence),
		Timestamp: p.Timestamp - value.timestamp,
		Marker:    s.marker(p, value),
		Fields:    s.fields(p.Frame, value),
	}
	if !s.last.started || int32(out.Timestamp-s.last.timestamp) > 0 {
		s.last.timestamp, s.last.arrived = out.Timestamp, p.Arrived
	}
	s.last.started, s.last.encoding, s.last.offset, s.last.clock = true, p.Encoding, value.timestamp, p.Clock
	s.last.counters = out.Fields
	s.noteSent(p.Frame, &out)
	return out
}

// noteSent keeps the account of what went out in order.
func (s *Selector) noteSent(f *codec.Frame, out *Out) {
	if s.kind == codec.KindOpus || s.kind == codec.KindOther {
		return
	}
	s.picture, s.top = f.VP8.PictureID, f.Spatial
	if out.Marker {
		s.ended = s.layered()
	}
	if f.Dependency.Attached || out.Fields.Targets != 0 {
		s.partly = out.Fields.Targets != 0
	}
	s.frames.add(f, number(f), out)
}

// leaveOut drops p, which is ahead. A VP8 picture that is left out must not be missed: a receiver would hold back the
// pictures that follow it. Receivers of VP9 and AV1 find references by the distance, so that their numbers stay.
func (s *Selector) leaveOut(p *Packet) {
	f := p.Frame
	value := s.numbers.Drop(p.Sequence)
	switch s.kind {
	case codec.KindVP8:
		if d := &f.VP8; d.HasPictureID && d.PictureID != s.picture {
			s.picture = d.PictureID
			value.picture++
		}
	case codec.KindVP9:
		if f.Spatial <= s.current.Spatial {
			s.skipped.set(f.VP9.PictureID)
		}
	}
	if f.Dependency.Structure != nil {
		s.skipped.set(f.Dependency.FrameNumber)
	}
	if f.Spatial > s.current.Spatial {
		s.ended = s.layered()
	}
	switch {
	case !f.First || f.Temporal > s.target.Temporal || f.Spatial > s.target.Spatial && s.layered():
	case f.Spatial > s.current.Spatial && s.layered():
		s.upper = true
	default:
		s.waited++
	}
}

// marker ends the picture with the highest layer that goes out.
func (s *Selector) marker(p *Packet, value *held) bool {
	return p.Marker || s.layered() && p.Frame.Last && p.Frame.Spatial == value.limits.spatial
}

// late decides about a packet that is not ahead by what held at its time.
func (s *Selector) late(p *Packet) (Out, bool) {
	if p.Empty {
		return Out{}, false
	}
	sequence, kept, ok := s.numbers.Late(p.Encoding, p.Sequence)
	if !ok {
		return Out{}, false
	}
	value := kept.of(p.Timestamp)
	if p.Frame.Temporal > value.limits.temporal || p.Frame.Spatial > value.limits.spatial && s.layered() {
		return Out{}, false
	}
	if p.Frame.Keyframe && p.Encoding == s.current.Encoding {
		s.lost = false
	}
	s.numbers.Sent(sequence)
	return Out{
		Sequence:  sequence,
		Timestamp: p.Timestamp - value.timestamp,
		Marker:    s.marker(p, &value),
		Fields:    s.fields(p.Frame, &value),
	}, true
}

// Fill is called with a packet that Next has just refused. It may have been missing, and its number still waits for it:
// the receiver asks for it in vain, and libwebrtc makes nothing of H264 that comes after it but a keyframe. Padding
// alone under the number that Fill returns says that there is nothing to wait for. The packet itself would not do:
// others of its frame may have been left out already, and so may what the frame refers to.
func (s *Selector) Fill(p *Packet) (out Out, ok bool) {
	if p.Encoding != s.current.Encoding && !p.Arrived.Before(s.former) {
		return Out{}, false
	}
	sequence, value, ok := s.numbers.Late(p.Encoding, p.Sequence)
	if !ok {
		return Out{}, false
	}
	s.numbers.Sent(sequence)
	return Out{Sequence: sequence, Timestamp: p.Timestamp - value.timestamp}, true
}
