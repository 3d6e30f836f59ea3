package load

import (
	"encoding/binary"
	"time"
)

// A voice in an audio slot begins with what the server has kept of it, which is late.
const (
	spurtAfter = 3 * audioTicks // of the RTP clock from packet to packet, beyond which a talkspurt begins
	spurtKept  = 5              // packets of it that may have been kept
)

// stream is one incoming SSRC. It is guarded by its tap's mu.
type stream struct {
	ssrc     uint32
	pt       uint8
	kind     payloadKind
	bound    bool // pion has a reader for it
	passed   int  // packets passed on before that
	skip     int  // packets until the next sample
	number   sequences
	nacks    []missing
	reported reported
	picture  bool // a keyframe was asked for

	heard bool   // audio has come
	spoke uint32 // RTP timestamp of the newest packet of audio
	early int    // packets from it on that may have been kept

	samples [64]sample // by sequence number
	more    []sample   // the same when all packets are samples

	// Of the payload: whose it was and where it was in its track.
	begun     bool
	publisher uint32
	track     uint16
	counter   uint32
	number16  uint16
}

// sample is when a packet arrived that pion was given.
type sample struct {
	number uint16
	early  bool  // the server may have kept it
	at     int64 // ns since the run began, 0: none
}

// hear takes note of the newest packet of audio, which has left out gap numbers. Whether a talkspurt begins is for the
// packet to say, not for the time of its arrival: that is late too when the server has stood still.
func (s *stream) hear(packet []byte, gap int) {
	spoke := binary.BigEndian.Uint32(packet[4:])
	if !s.heard || packet[1]&0x80 != 0 || gap == 0 && int32(spoke-s.spoke) > spurtAfter {
		s.early = spurtKept
	} else {
		s.early = max(0, s.early-1-gap)
	}
	s.heard, s.spoke = true, spoke
}

func (s *stream) sample(number uint16, at int64) {
	x := sample{number, s.early > 0, at}
	if s.more != nil {
		s.more[int(number)%len(s.more)] = x
		return
	}
	s.samples[int(number)%len(s.samples)] = x
}

func (s *stream) sampleOf(number uint16) (sample, bool) {
	x := &s.samples[int(number)%len(s.samples)]
	if s.more != nil {
		x = &s.more[int(number)%len(s.more)]
	}
	if x.number != number || x.at == 0 {
		return sample{}, false
	}
	found := *x
	x.at = 0
	return found, true
}

// decrypted takes what pion made of a sample: its payload, of which a synthetic one says when it was sent. It returns
// the packet's time on the way.
func (t *tap) decrypted(ssrc uint32, number uint16, payload []byte, synthetic bool) (time.Duration, bool) {
	var sent stamp
	var err error
	if synthetic {
		sent, err = readStamp(payload)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.streams[ssrc]
	if s == nil {
		return 0, false
	}
	s.bound = true
	x, known := s.sampleOf(number)
	if !known && s.number.lacks(number) { // it came as a retransmission
		s.number.take(number)
		t.meter.missing--
		t.meter.recovered++
	}
	if !synthetic {
		return 0, false
	}
	if err != nil {
		t.meter.corrupted++
		return 0, false
	}
	if t.verify {
		t.follow(s, sent, number)
	}
	if x.early || t.wall != nil && s.kind == kindVideo && !t.wall.steady(ssrc, x.at) {
		return 0, false
	}
	return time.Duration(x.at - sent.at), known
}

// follow compares the payload's own numbers with those of the stream.
func (t *tap) follow(s *stream, sent stamp, number uint16) {
	same := s.begun && s.publisher == sent.publisher && s.track == sent.track
	ahead, on := int16(number-s.number16), int32(sent.counter-s.counter)
	switch {
	case same && ahead <= 0: // late in the stream, which has been counted
		return
	case same && on == 0:
		t.meter.duplicated++
	case same && on < 0:
		t.meter.reordered++
	case same && on > int32(ahead) && !t.gappy:
		t.meter.skipped += uint64(on) - uint64(ahead)
	}
	s.begun, s.publisher, s.track, s.counter, s.number16 = true, sent.publisher, sent.track, sent.counter, number
}
