package load

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	socketBuffer  = 2 << 20 // bytes; a frame for a thousand people is a burst
	firstSkip     = 20      // one packet in so many is a sample, before the rate of the stream is known
	unboundMax    = 64      // packets that are passed on in the hope that pion expects them
	maxNacks      = 256     // missing packets of a stream that are asked for
	maxPassed     = 400     // packets of media and RTCP per second that are passed on, unless all are to be looked into
	channelHeader = 4       // of ChannelData (RFC 8656, 12.4)
)

// meter counts what has come. It is a plain value.
type meter struct {
	packets, bytes uint64 // media, RTCP and retransmissions not counted
	audio          uint64 // packets of it
	missing        int64  // sequence numbers that were skipped and have not come since
	duplicated     uint64
	reordered      uint64 // came late though nobody had asked for them
	recovered      uint64 // came because they were asked for
	corrupted      uint64 // samples that are not what was sent
	skipped        uint64 // payloads that were left out without a gap in the sequence (verify only)
	resent         uint64 // packets of retransmission streams
	padding        uint64 // packets without a payload, which probe the path: no media, but they count in the feedback
	rtcp           uint64
	overflowed     uint64 // dropped by this machine, for want of room in the receive buffer
}

func (m *meter) add(o meter) {
	m.packets += o.packets
	m.bytes += o.bytes
	m.audio += o.audio
	m.missing += o.missing
	m.duplicated += o.duplicated
	m.reordered += o.reordered
	m.recovered += o.recovered
	m.corrupted += o.corrupted
	m.skipped += o.skipped
	m.resent += o.resent
	m.padding += o.padding
	m.rtcp += o.rtcp
	m.overflowed += o.overflowed
}

// tap is the socket of one participant, as pion's mux or TURN client sees it. It counts media and passes on only what
// pion has to see.
type tap struct {
	*net.UDPConn

	// Static after construction.
	raw      syscall.RawConn
	batches  *batches
	clock    clock
	naps     *naps
	verify   bool
	gappy    bool               // the server leaves out what need not be seen or heard
	slots    bool               // audio comes in slots, where the server keeps the beginning of a talkspurt
	wall     *wall              // what the participant shows, nil for everything
	first    chan struct{}      // closed when the first media has come
	begun    func(time.Time)    // called then, with mu held
	hurry    func()             // called when there is something to ask for
	readable func(uintptr) bool // t.read, made once

	every atomic.Int64 // one packet in so many is a sample
	lent  atomic.Bool  // to a TURN client

	// Owned by the reading goroutine.
	passed  []datagram // for pion
	next    int        // in passed
	readErr error
	drops   uint32 // the kernel's count
	waited  bool   // for the packets that come next
	steady  bool   // media has come for long enough to take it at leisure

	mu      sync.Mutex
	layout  layout             // guarded by mu
	streams map[uint32]*stream // guarded by mu, by SSRC
	latest  *stream            // guarded by mu
	meter   meter              // guarded by mu
	firstAt time.Time          // guarded by mu
	feed    feed               // guarded by mu
	random  uint32             // guarded by mu

	left      bool  // guarded by mu: the participant is leaving
	passSince int64 // guarded by mu: the second in which
	passCount int   // guarded by mu: so many packets were passed on

	paceAt      int64  // guarded by mu: when adapt was called last
	pacePackets uint64 // guarded by mu: what had come by then

	urgent bool // guarded by mu: there is something to ask for
	told   bool // guarded by mu: hurry was called for that
}

// datagram is a packet that waits for pion.
type datagram struct {
	data []byte
	from netip.AddrPort
}

// newTap opens a socket on an address of this machine.
func newTap(at netip.Addr, e *environment, w *wall, begun func(time.Time), hurry func()) (*tap, error) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(at, 0)))
	if err != nil {
		return nil, fmt.Errorf("open a socket: %w", err)
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("open a socket: %w", err)
	}
	t := &tap{
		UDPConn: conn, raw: raw, batches: e.batches, clock: e.clock, naps: &e.naps, verify: e.options.Verify,
		gappy: e.options.selective(), slots: e.options.Slots > 0, wall: w, first: make(chan struct{}), begun: begun,
		hurry: hurry, streams: make(map[uint32]*stream), random: uint32(e.clock.now()) | 1,
	}
	t.every.Store(firstSkip)
	if t.verify {
		t.every.Store(1)
	}
	t.readable = t.read
	t.prepare()
	return t, nil
}

// ReadFromAddrPort waits for a packet for pion.
func (t *tap) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	for t.next == len(t.passed) {
		t.next, t.passed = 0, t.passed[:0]
		if err := t.wait(); err != nil && len(t.passed) == 0 {
			return 0, netip.AddrPort{}, err
		}
	}
	d := t.passed[t.next]
	t.passed[t.next] = datagram{}
	t.next++
	n := copy(b, d.data)
	t.batches.release(d.data)
	return n, d.from, nil
}

// nap lets packets gather, once media flows. Nothing is lost by it where the kernel tells when each has arrived, and
// the server is not charged with waking this process for each.
func (t *tap) nap() {
	if !t.steady {
		first := t.joinedAt()
		t.steady = !first.IsZero() && time.Since(first) > napsAfter
		return
	}
	time.Sleep(time.Duration(t.naps.length.Load()))
}

// naps says how long all taps nap.
type naps struct{ length atomic.Int64 }

const (
	napsAfter  = time.Second
	napAtLeast = 2 * time.Millisecond
	napEach    = 50 * time.Microsecond // longer for each participant
	napAtMost  = 50 * time.Millisecond
)

func (n *naps) set(people int) {
	n.length.Store(int64(min(napAtMost, max(napAtLeast, time.Duration(people)*napEach))))
}

// ReadFrom is the same for those who know no netip.
func (t *tap) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := t.ReadFromAddrPort(b)
	if err != nil {
		return 0, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// WriteToAddrPort sends a packet.
func (t *tap) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return t.WriteToUDPAddrPort(b, to)
}

// pass keeps a packet for pion.
func (t *tap) pass(data []byte, from netip.AddrPort) {
	t.passed = append(t.passed, datagram{append(t.batches.buffer(), data...), from})
}

// urge has the reporter look after this tap soon, if there is something to ask for.
func (t *tap) urge() {
	t.mu.Lock()
	tell := t.urgent && !t.told
	t.told = t.told || tell
	t.mu.Unlock()
	if tell {
		t.hurry()
	}
}

// take looks at one packet and tells whether pion has to see it. It is called with mu held.
func (t *tap) take(packet []byte, arrived int64) bool {
	if len(packet) > channelHeader && packet[0] >= 0x40 && packet[0] <= 0x4f { // RFC 7983: from a TURN server
		packet = packet[channelHeader:]
	}
	if len(packet) < 12 || packet[0]>>6 != 2 {
		return true // STUN, DTLS
	}
	if pt := packet[1] & 0x7f; pt >= 64 && pt <= 95 { // RFC 5761, 4
		t.meter.rtcp++
		return t.mayPass(arrived)
	}
	ssrc := binary.BigEndian.Uint32(packet[8:])
	s := t.latest
	if s == nil || s.ssrc != ssrc {
		if s = t.streams[ssrc]; s == nil {
			s = t.newStream(ssrc, packet[1]&0x7f)
		}
		t.latest = s
	}
	if t.layout.transportID != 0 {
		if number, ok := transportNumber(packet, t.layout.transportID); ok {
			t.feed.arrived(ssrc, number, arrived)
		}
	}
	if s.kind == kindRTX && packet[0]&0x20 != 0 { // what comes again is never padded by the server
		t.meter.padding++
		return false
	}
	if s.kind == kindRTX {
		t.meter.resent++
		if !t.verify {
			t.resent()
			return false
		}
		return t.mayPass(arrived)
	}
	return t.count(s, packet, arrived) && t.mayPass(arrived)
}

// mayPass keeps what pion gets within bounds: it queues without any.
func (t *tap) mayPass(now int64) bool {
	if t.left {
		return false
	}
	if t.verify {
		return true
	}
	if now-t.passSince > int64(time.Second) {
		t.passSince, t.passCount = now, 0
	}
	t.passCount++
	return t.passCount <= maxPassed
}

// resent takes a retransmission for the packet that was asked for first: which it is, only pion could tell.
func (t *tap) resent() {
	for _, s := range t.streams {
		for i, m := range s.nacks {
			if m.times > 0 && s.number.lacks(m.number) {
				s.nacks = slices.Delete(s.nacks, i, i+1)
				s.number.take(m.number)
				t.meter.missing--
				t.meter.recovered++
				return
			}
		}
	}
}

// count accounts for a media packet and tells whether it is a sample.
func (t *tap) count(s *stream, packet []byte, arrived int64) bool {
	if t.firstAt.IsZero() {
		t.firstAt = time.Now()
		t.begun(t.firstAt)
		close(t.first)
	}
	t.meter.packets++
	t.meter.bytes += uint64(len(packet))
	if s.kind == kindAudio {
		t.meter.audio++
	}
	number := binary.BigEndian.Uint16(packet[2:])
	s.reported.got++
	switch v, gap := s.number.take(number); v {
	case newest:
		if gap > 0 {
			t.meter.missing += int64(gap)
			s.lose(number, gap, arrived)
			t.urgent = true
		}
		if t.slots && s.kind == kindAudio {
			s.hear(packet, gap)
		}
		if t.wall != nil && s.kind == kindVideo && packet[1]&0x80 != 0 {
			t.wall.frame(s.ssrc, arrived)
		}
	case late:
		t.meter.missing--
		if s.asked(number) {
			t.meter.recovered++
		} else {
			t.meter.reordered++
		}
	case duplicate:
		t.meter.duplicated++
	case ancient:
		t.meter.reordered++
	}
	if !s.bound {
		if s.passed++; s.passed > unboundMax && s.passed%unboundMax != 0 {
			return false
		}
	} else if s.skip--; s.skip > 0 {
		return false
	}
	s.skip = t.interval()
	s.sample(number, arrived)
	return true
}

// interval is how many packets on the next sample is: on average as many as wanted, and never in step with the frames.
func (t *tap) interval() int {
	every := uint32(t.every.Load())
	if every <= 1 {
		return 1
	}
	t.random ^= t.random << 13 // xorshift
	t.random ^= t.random >> 17
	t.random ^= t.random << 5
	return 1 + int(t.random%(2*every-1))
}

func (t *tap) newStream(ssrc uint32, payloadType uint8) *stream {
	s := &stream{ssrc: ssrc, pt: payloadType, kind: t.layout.kinds[payloadType]}
	t.urgent = true // for a keyframe
	if t.verify {
		s.more = make([]sample, 4096)
	}
	t.streams[ssrc] = s
	return s
}

// describe takes note of what a description says of the packets to come.
func (t *tap) describe(description string) {
	l := readLayout(description)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.layout = l
	for _, s := range t.streams {
		if s.kind == kindUnknown {
			s.kind = l.kinds[s.pt]
		}
	}
}

// bind tells that pion has a reader for a stream.
func (t *tap) bind(ssrc uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.streams[ssrc]; s != nil {
		s.bound = true
	}
}

// total returns what has been counted so far.
func (t *tap) total() meter {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.meter
}

// joinedAt returns when the first media came.
func (t *tap) joinedAt() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.firstAt
}

// end passes on no more media: nobody might read it.
func (t *tap) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.left = true
}

// restart forgets the streams: the participant has a new connection.
func (t *tap) restart() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.streams)
	t.latest, t.layout, t.feed = nil, layout{}, feed{}
}
