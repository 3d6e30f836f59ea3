package sim

import (
	"time"

	"parley/sfu/alloc"
	"parley/sfu/congestion"
	"parley/sfu/pace"
)

const (
	paceEvery = 5 * time.Millisecond
	tickEvery = 50 * time.Millisecond
)

// packet is one of media on its way to a subscriber, kept for resends. Padding has none.
type packet struct {
	class    pace.Class
	track    *videoTrack // nil: audio
	sequence int         // of the track, or of all voices
	picture  *picture    // nil: audio
	size     int
	captured time.Duration
	number   uint16 // transport-wide, of the latest time that it was sent
	resends  int
	resentAt time.Duration
}

// subscriber is the SFU's side of one receiver: it drives the controller as package sfu does.
type subscriber struct {
	clock      *clock
	epoch      time.Time
	link       *link
	controller *congestion.Controller[*packet]
	receiver   *receiver
	tracks     []*videoTrack
	wanted     []alloc.Track
	decisions  []alloc.Decision
	tally      *tally
	sent       int64
}

func (s *subscriber) now() time.Time { return s.epoch.Add(s.clock.now) }

// start begins to send, with voices and the clocks.
func (s *subscriber) start() {
	now := s.clock.now
	for i := range audioTracks {
		s.clock.every(now+time.Duration(i)*7*time.Millisecond, audioInterval, s.sayAudio)
	}
	s.clock.every(now, tickEvery, func() {
		s.controller.Tick(s.now())
		s.allocate()
	})
	s.clock.every(now+paceEvery, paceEvery, s.pace)
}

func (s *subscriber) sayAudio() {
	p := &packet{class: pace.Audio, size: audioSize, captured: s.clock.now}
	s.tally.spoken(p)
	s.offer(p)
}

// offer sends a packet at once if it may go, or queues it.
func (s *subscriber) offer(p *packet) {
	id := uint32(0)
	if p.track != nil {
		id = p.track.id
	}
	if s.controller.May(s.now(), p.class) {
		s.send(p, p.class)
		return
	}
	s.controller.Queue(s.now(), p.class, id, p.size, p)
}

func (s *subscriber) send(p *packet, class pace.Class) {
	p.number = s.transmit(class, p.size, func() { s.receiver.take(p) })
}

// transmit numbers a packet and puts it on the link.
func (s *subscriber) transmit(class pace.Class, size int, arrived func()) (number uint16) {
	number = s.controller.Sent(s.now(), class, size)
	count := s.sent
	s.sent++
	passed := s.link.send(size, class, func() {
		s.receiver.note(count, number)
		s.tally.received(size)
		if arrived != nil {
			arrived()
		}
	})
	s.tally.sent(class, size, passed)
	return number
}

// pace is the clock of what waits.
func (s *subscriber) pace() {
	if !s.controller.Busy() {
		return
	}
	for {
		p, class, ok := s.controller.Next(s.now())
		if !ok {
			break
		}
		s.send(p, class)
	}
	for bytes := s.controller.Padding(s.now()); bytes > 0; bytes -= paddingSize {
		s.transmit(pace.Padding, paddingSize, nil)
	}
}

// allocate asks for decisions and follows them.
func (s *subscriber) allocate() {
	for i, t := range s.tracks {
		s.wanted[i].Rungs = t.publisher.rungs
		s.wanted[i].Current = t.current()
	}
	s.decisions = s.controller.Allocate(s.now(), s.wanted, s.decisions)
	for i, t := range s.tracks {
		t.follow(s.decisions[i])
	}
	s.tally.decide(s.decisions, s.controller.State())
}

// resend answers a NACK.
func (s *subscriber) resend(p *packet) {
	now := s.clock.now
	if p.resends == congestion.MaxResends || p.resends > 0 && now-p.resentAt < 2*s.link.delay {
		return
	}
	if s.controller.Useless(p.number, now-p.resentAt, p.resends > 0) || !s.controller.MayResend(s.now(), p.size) {
		return
	}
	p.resends, p.resentAt = p.resends+1, now
	if s.controller.May(s.now(), pace.Retransmission) {
		s.send(p, pace.Retransmission)
		return
	}
	s.controller.Queue(s.now(), pace.Retransmission, p.track.id, p.size, p)
}

// videoTrack chooses which of a publisher's packets go to a subscriber.
type videoTrack struct {
	subscriber *subscriber
	publisher  *publisher
	id         uint32
	decided    int      // the rung that is wanted, -1: none
	encoding   int      // what flows, -1: nothing
	temporal   int      // highest layer of it that is sent
	base       *picture // of what flows: the newest that others build on
	sequence   int
	history    map[int]*packet
}

// current is the rung that flows.
func (t *videoTrack) current() int {
	if t.encoding < 0 {
		return -1
	}
	return rungOf(t.encoding, t.temporal)
}

// follow turns to another rung: to another temporal layer at once, to another encoding at its keyframe.
func (t *videoTrack) follow(d alloc.Decision) {
	t.decided = d.Rung
	switch {
	case d.Rung < 0:
		t.stop()
	case t.encoding < 0 || d.Rung/2 > t.encoding:
		t.ask()
	case d.Rung/2 == t.encoding:
		t.temporal = d.Rung % 2
	case d.Hold:
		t.temporal = 0
		t.ask()
	default: // silence is better than a queue
		t.stop()
		t.ask()
	}
}

// stop ends what flows; what waits is never sent, and its numbers are used again.
func (t *videoTrack) stop() {
	if t.encoding < 0 {
		return
	}
	t.subscriber.controller.Flush(t.id, func(p *packet) {
		t.sequence = p.sequence
		p.picture.dead = true
		delete(t.history, p.sequence)
	})
	t.encoding, t.base = -1, nil
}

// ask requests the keyframe that is needed to reach what was decided.
func (t *videoTrack) ask() {
	if t.decided < 0 || t.decided/2 == t.encoding {
		return
	}
	t.publisher.request(t.decided / 2)
}

// lost is the receiver's request for a keyframe.
func (t *videoTrack) lost() {
	if t.encoding >= 0 {
		t.publisher.request(t.encoding)
	}
}

// take gets a frame from the publisher and sends it if it is of what flows.
func (t *videoTrack) take(f *frame) {
	if t.decided >= 0 && f.key && f.encoding == t.decided/2 {
		t.encoding, t.temporal = f.encoding, t.decided%2
	}
	if f.encoding != t.encoding || f.temporal > t.temporal || t.base == nil && !f.key {
		return
	}
	p := &picture{
		captured: f.captured, key: f.key, bits: nominalBits(f.encoding, f.temporal),
		packets: (f.bytes + largestPacket - 1) / largestPacket,
	}
	if !f.key {
		p.needs = t.base
	}
	if f.temporal == 0 {
		t.base = p
	}
	p.first = t.sequence
	for i := range p.packets {
		size := f.bytes * (i + 1) / p.packets
		size -= f.bytes * i / p.packets
		sent := &packet{
			class: pace.Video, track: t, sequence: t.sequence, picture: p, size: size, captured: f.captured,
		}
		t.history[t.sequence] = sent
		delete(t.history, t.sequence-2000)
		t.sequence++
		t.subscriber.offer(sent)
	}
}
