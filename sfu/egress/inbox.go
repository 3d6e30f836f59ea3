package egress

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// waiting is how many packets may wait for pion, about what a socket's receive buffer holds.
const waiting = 1024

var errDeadline error = os.ErrDeadlineExceeded

// inbox is where packets that are no media wait for pion's mux, in the order in which they came.
type inbox struct {
	packets  chan *packet
	free     sync.Pool // of *packet
	deadline deadline
}

type packet struct {
	from netip.AddrPort
	data []byte
}

func (in *inbox) init() {
	in.packets = make(chan *packet, waiting)
	in.free.New = func() any { return new(packet) }
	in.deadline.passed = make(chan struct{})
}

// copy returns a copy of a packet, to be put into free in the end.
func (in *inbox) copy(from netip.AddrPort, data []byte) *packet {
	p := in.free.Get().(*packet)
	p.from, p.data = from, append(p.data[:0], data...)
	return p
}

// put copies a packet into the queue, and reports false if it is full.
func (in *inbox) put(from netip.AddrPort, data []byte) bool {
	p := in.copy(from, data)
	select {
	case in.packets <- p:
		return true
	default:
		in.free.Put(p)
		return false
	}
}

func (in *inbox) read(b []byte, closed <-chan struct{}) (int, netip.AddrPort, error) {
	passed := in.deadline.wait()
	select { // an end comes before packets
	case <-closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	case <-passed:
		return 0, netip.AddrPort{}, os.ErrDeadlineExceeded
	default:
	}
	select {
	case <-closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	case <-passed:
		return 0, netip.AddrPort{}, os.ErrDeadlineExceeded
	case p := <-in.packets:
		n, from := copy(b, p.data), p.from
		in.free.Put(p)
		return n, from, nil
	}
}

// deadline is a time that can be waited for, and moved while somebody waits.
type deadline struct {
	mu     sync.Mutex
	passed chan struct{} // closed when it has; guarded by mu
	timer  *time.Timer   // guarded by mu
}

// wait returns what is closed when the deadline passes.
func (d *deadline) wait() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.passed
}

// set moves the deadline, or removes it if t is zero.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	select {
	case <-d.passed:
		d.passed = make(chan struct{})
	default:
	}
	if t.IsZero() {
		return
	}
	left := time.Until(t)
	if left <= 0 {
		close(d.passed)
		return
	}
	var timer *time.Timer
	timer = time.AfterFunc(left, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.timer == timer { // else it has been moved just now
			d.timer = nil
			close(d.passed)
		}
	})
	d.timer = timer
}
