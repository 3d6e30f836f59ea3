package sfutest

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"parley/sfu/congestion/sim"
)

const (
	ipOverhead = 28      // bytes of IPv4 and UDP around a packet
	wireRoom   = 1 << 13 // packets on a wire or in the inbox
)

// Link is the server's socket with a bottleneck on the way to one address: a drop-tail queue before a capacity that
// changes over time, and a delay both ways. What goes to anybody else passes.
type Link struct {
	net.PacketConn // static, as what follows
	far            netip.Addr
	delay          time.Duration // one way
	inbox          chan datagram
	down, up       chan datagram
	closed         chan struct{}
	close          func() error
	wg             sync.WaitGroup

	mu       sync.Mutex
	room     int        // guarded by mu, as all that follows; bytes that the queue holds
	epoch    time.Time  // the steps count from here
	rate     []sim.Step // bit/s
	dark     sim.Span   // nothing comes back
	waiting  []leaving
	bytes    int       // that wait
	free     time.Time // when the last of them has left
	passages []Passage
}

type datagram struct {
	at   time.Time // when it arrives
	data []byte
	peer net.Addr
}

type leaving struct {
	at   time.Time
	size int
}

// Passage is what became of a packet at the bottleneck.
type Passage struct {
	At      time.Time     // it came
	For     time.Duration // it took, its own sending included
	Size    int           // bytes on the wire
	Dropped bool          // there was no room
	Type    uint8         // payload type of RTP, or more than 127 for RTCP's; 0: no media
}

// NewLink puts a bottleneck between conn, which it owns, and an address.
func NewLink(conn net.PacketConn, far netip.Addr, delay time.Duration) *Link {
	l := &Link{
		PacketConn: conn, far: far, delay: delay, room: 40_000,
		inbox: make(chan datagram, wireRoom), down: make(chan datagram, wireRoom), up: make(chan datagram, wireRoom),
		closed: make(chan struct{}),
	}
	l.close = sync.OnceValue(func() error {
		close(l.closed)
		err := conn.Close()
		l.wg.Wait()
		return err
	})
	l.wg.Go(l.receive)
	l.wg.Go(func() { l.carry(l.up, l.take) })
	l.wg.Go(func() { l.carry(l.down, func(d datagram) { _, _ = conn.WriteTo(d.data, d.peer) }) })
	return l
}

// Schedule sets what the link carries from now on, where the steps' times and those of a blackout count from now.
func (l *Link) Schedule(room int, rate []sim.Step, dark sim.Span) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.room, l.epoch, l.rate, l.dark = room, time.Now(), rate, dark
}

// Passages returns what has happened at the bottleneck since the last call.
func (l *Link) Passages() []Passage {
	l.mu.Lock()
	defer l.mu.Unlock()
	passages := l.passages
	l.passages = nil
	return passages
}

// receive sorts what comes in.
func (l *Link) receive() {
	for {
		b := make([]byte, 2048)
		n, from, err := l.PacketConn.ReadFrom(b)
		if err != nil {
			return
		}
		d := datagram{at: time.Now(), data: b[:n], peer: from}
		if !l.isFar(from) {
			l.take(d)
			continue
		}
		l.mu.Lock()
		since := d.at.Sub(l.epoch)
		lost := since >= l.dark.From && since < l.dark.To
		l.mu.Unlock()
		if d.at = d.at.Add(l.delay); !lost {
			l.put(l.up, d)
		}
	}
}

func (l *Link) isFar(addr net.Addr) bool {
	udp, ok := addr.(*net.UDPAddr)
	return ok && udp.AddrPort().Addr().Unmap() == l.far
}

// put hands on a datagram. A wire never fills in a test that works.
func (l *Link) put(to chan datagram, d datagram) {
	select {
	case to <- d:
	default:
	}
}

func (l *Link) take(d datagram) { l.put(l.inbox, d) }

// carry delivers what is on a wire when it arrives.
func (l *Link) carry(wire chan datagram, deliver func(datagram)) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case d := <-wire:
			timer.Reset(time.Until(d.at))
			select {
			case <-timer.C:
				deliver(d)
			case <-l.closed:
				return
			}
		case <-l.closed:
			return
		}
	}
}

// ReadFrom reads what has arrived.
func (l *Link) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case d := <-l.inbox:
		return copy(b, d.data), d.peer, nil
	case <-l.closed:
		return 0, nil, net.ErrClosed
	}
}

// WriteTo sends a packet.
func (l *Link) WriteTo(b []byte, to net.Addr) (int, error) {
	if !l.isFar(to) {
		return l.PacketConn.WriteTo(b, to)
	}
	if at, ok := l.enter(time.Now(), b); ok {
		l.put(l.down, datagram{at: at.Add(l.delay), data: append([]byte(nil), b...), peer: to})
	}
	return len(b), nil
}

// enter puts a packet into the queue, if there is room, and says when it will have left.
func (l *Link) enter(now time.Time, b []byte) (at time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	gone := 0
	for gone < len(l.waiting) && !l.waiting[gone].at.After(now) {
		l.bytes -= l.waiting[gone].size
		gone++
	}
	l.waiting = l.waiting[gone:]
	p := Passage{At: now, Size: len(b) + ipOverhead, Type: mediaType(b)}
	if l.bytes+p.Size > l.room {
		p.Dropped = true
		l.passages = append(l.passages, p)
		return time.Time{}, false
	}
	if now.After(l.free) {
		l.free = now
	}
	l.free = l.leave(l.free, p.Size)
	l.bytes += p.Size
	l.waiting = append(l.waiting, leaving{l.free, p.Size})
	p.For = l.free.Sub(now)
	l.passages = append(l.passages, p)
	return l.free, true
}

func mediaType(b []byte) uint8 {
	switch {
	case len(b) < 12 || b[0] < 128 || b[0] > 191:
		return 0
	case b[1] >= 192 && b[1] < 224: // RFC 5761, section 4
		return b[1]
	}
	return b[1] & 0x7f
}

// leave is when a packet that starts at the given moment is through, while the rate may change.
func (l *Link) leave(start time.Time, size int) time.Time {
	bits := float64(size) * 8
	for i, step := range l.rate {
		last := i+1 == len(l.rate)
		if !last && !start.Before(l.epoch.Add(l.rate[i+1].At)) {
			continue
		}
		takes := time.Duration(bits / float64(step.Rate) * float64(time.Second))
		if last || !start.Add(takes).After(l.epoch.Add(l.rate[i+1].At)) {
			return start.Add(takes)
		}
		next := l.epoch.Add(l.rate[i+1].At)
		bits -= float64(step.Rate) * next.Sub(start).Seconds()
		start = next
	}
	return start
}

// Close ends both directions.
func (l *Link) Close() error { return l.close() }
