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
	spatial, temporal uint8 // highest layers that go out
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

	// Of the current encoding.
	frame   uint32 // timestamp of the newest picture, as it came
	top     uint8  // highest spatial layer of it that went out
	picture uint16 // VP8: id of the newest picture, as it came
	newest  uint16 // number of the newest frame, as it came
	skipped skipped
	broken  uint32 // chains, a bit each
	partly  bool   // the receiver was told since the last structure that not all decode targets are active

	last   last
	frames frames
}

// encodings is how many encodings of a track are told apart.
const encodings = 4

// seen is the newest of an encoding that does not flow. Browsers probe with retransmissions, of keyframes too: what was
// seen before must not be begun with.
type seen struct {
	encoding uint32
	sequence uint16
}

// last is what went out last, in order.
type last struct {
	started   bool
	encoding  uint32
	timestamp uint32
	offset    uint32 // of the timestamp
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

// Begins reports whether Next would begin with p: go over to its encoding, or take it up again. A caller that keeps
// the parameter sets before a keyframe hands them in first then, the first of them as a keyframe.
func (s *Selector) Begins(p *Packet) bool {
	if p.Empty || !p.Frame.Keyframe || p.Encoding != s.target.Encoding {
		return false
	}
	if p.Encoding != s.current.Encoding {
		return s.newer(p)
	}
	return s.restarted(p)
}

// Replay is called before packets of an encoding that does not flow are handed in again, in order and from that number
// on: a keyframe whose beginning came late, or one that is kept for those who join. Else what was seen before is never
// begun with.
func (s *Selector) Replay(encoding uint32, from uint16) {
	if encoding != s.current.Encoding {
		s.note(encoding, from-1)
	}
}

// newer reports whether p is newer than what was seen of its encoding, which does not flow.
func (s *Selector) newer(p *Packet) bool {
	for i := range s.others {
		if o := &s.others[i]; o.encoding == p.Encoding {
			ahead := int16(p.Sequence - o.sequence)
			return ahead > 0 || ahead < -maxBehind
		}
	}
	return true
}

// note remembers the newest of an encoding. The one that was noted first makes room for a new one.
func (s *Selector) note(encoding uint32, sequence uint16) {
	for i := range s.others {
		if s.others[i].encoding == encoding {
			s.others[i].sequence = sequence
			return
		}
	}
	copy(s.others[:], s.others[1:])
	s.others[encodings-1] = seen{encoding, sequence}
}

// restarted reports whether p cannot be of the numbers that its encoding, the current one, had so far.
func (s *Selector) restarted(p *Packet) bool {
	ahead := int16(p.Sequence - s.numbers.Highest())
	return ahead > maxGap || ahead < -maxBehind
}

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
		s.numbers.Drop(p.Sequence, *s.numbers.Value())
		return Out{}, false
	}
	if p.Timestamp != s.frame {
		s.frame, s.top = p.Timestamp, 0
		if !s.settled && s.adapt() {
			return s.other(p)
		}
	}
	s.inspect(p.Frame)
	if !s.settled {
		s.raise(p)
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
		s.limit(s.numbers.Highest() + 1)
	}
	s.settled = s.current.Temporal == s.target.Temporal && s.current.Spatial == s.target.Spatial
	return false
}

// limit lets the current layers hold from a number on.
func (s *Selector) limit(from uint16) {
	value := *s.numbers.Value()
	value.spatial, value.temporal = s.current.Spatial, s.current.Temporal
	s.numbers.Change(from, value)
}

// leave ends the current encoding.
func (s *Selector) leave() {
	s.note(s.current.Encoding, s.numbers.Highest())
	s.numbers.End()
	s.current = Target{}
	s.former = s.last.arrived.Add(lateTime)
}

// other decides about a packet of an encoding that does not flow.
func (s *Selector) other(p *Packet) (Out, bool) {
	if p.Empty {
		return Out{}, false
	}
	if p.Arrived.Before(s.former) {
		if out, ok := s.late(p); ok {
			return out, true
		}
	}
	if s.Begins(p) {
		return s.begin(p), true
	}
	if s.newer(p) {
		s.note(p.Encoding, p.Sequence)
	}
	return Out{}, false
}

// begin makes p's encoding the current one.
func (s *Selector) begin(p *Packet) Out {
	if s.current.Encoding != 0 {
		s.note(s.current.Encoding, s.numbers.Highest())
	}
	s.current = s.target
	s.current.Hold = false
	s.former = p.Arrived.Add(lateTime)
	s.lost, s.settled, s.waited, s.upper = false, true, 0, false
	value := held{timestamp: s.timestampOffset(p), spatial: s.current.Spatial, temporal: s.current.Temporal}
	if s.last.started {
		s.continueCounters(p.Frame, &value)
	}
	s.numbers.Begin(p.Encoding, p.Sequence, value)
	s.frame, s.top, s.newest = p.Timestamp, 0, number(p.Frame)
	s.skipped, s.broken, s.partly = skipped{}, 0, false
	resumed := s.last.started
	out := s.send(p)
	if resumed && s.kind == codec.KindOpus {
		out.Marker = true // a talkspurt begins (RFC 3551, 4.1)
	}
	return out
}

// timestampOffset finds what to subtract from the timestamps of p's encoding, so that they go on from the last ones.
func (s *Selector) timestampOffset(p *Packet) uint32 {
	if !s.last.started {
		return 0
	}
	arrival := s.last.timestamp + s.ticks(max(p.Arrived.Sub(s.last.arrived), 0))
	out := arrival
	candidate, ok := p.Timestamp, true // its own clock goes on
	if p.Encoding != s.last.encoding {
		candidate, ok = p.Clock.Align(p.Timestamp, s.last.clock, s.rate)
	}
	candidate -= s.last.offset
	if limit := int32(s.ticks(tolerance)); ok && int32(candidate-arrival) <= limit && int32(arrival-candidate) <= limit {
		out = candidate
	}
	least := s.last.timestamp + 1
	if s.kind == codec.KindOpus {
		least = s.last.timestamp + s.rate/50 // a usual packet
	}
	if int32(out-least) < 0 {
		out = least
	}
	return p.Timestamp - out
}

// ticks converts a time into units of the media clock.
func (s *Selector) ticks(d time.Duration) uint32 {
	return uint32(uint64(d/time.Second)*uint64(s.rate) + uint64(d%time.Second)*uint64(s.rate)/uint64(time.Second))
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
	if f.Dependency.Attached || out.Fields.Targets != 0 {
		s.partly = out.Fields.Targets != 0
	}
	s.frames.add(f, number(f), out)
}

// leaveOut drops p, which is ahead. A VP8 picture that is left out must not be missed: a receiver would hold back the
// pictures that follow it. Receivers of VP9 and AV1 find references by the distance, so that their numbers stay.
func (s *Selector) leaveOut(p *Packet) {
	f := p.Frame
	value := *s.numbers.Value()
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
	switch {
	case !f.First || f.Temporal > s.target.Temporal || f.Spatial > s.target.Spatial && s.layered():
	case f.Spatial > s.current.Spatial && s.layered():
		s.upper = true
	default:
		s.waited++
	}
	s.numbers.Drop(p.Sequence, value)
}

// marker ends the picture with the highest layer that goes out.
func (s *Selector) marker(p *Packet, value *held) bool {
	return p.Marker || s.layered() && p.Frame.Last && p.Frame.Spatial == value.spatial
}

// late decides about a packet that is not ahead by what held at its time.
func (s *Selector) late(p *Packet) (Out, bool) {
	if p.Empty {
		return Out{}, false
	}
	sequence, value, ok := s.numbers.Late(p.Encoding, p.Sequence)
	if !ok || p.Frame.Temporal > value.temporal || p.Frame.Spatial > value.spatial && s.layered() {
		return Out{}, false
	}
	if p.Frame.Keyframe && p.Encoding == s.current.Encoding {
		s.lost = false
	}
	s.numbers.Sent(sequence)
	return Out{
		Sequence:  sequence,
		Timestamp: p.Timestamp - value.timestamp,
		Marker:    s.marker(p, value),
		Fields:    s.fields(p.Frame, value),
	}, true
}
