package icetcp

import (
	"cmp"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"parley/sfu/admission"
)

// Media is the SFU's media socket, *egress.Conn.
type Media interface {
	// Attach makes what the SFU writes to at go to deliver, which does not block.
	Attach(at netip.AddrPort, deliver func(packet []byte)) (detach func(), err error)
	// Inject makes the SFU read the packet as if it came from that address. It does not block.
	Inject(from netip.AddrPort, packet []byte)
}

// Limits bound what clients can cost. Zero means the default.
type Limits struct {
	Connections int           // in all, 4096
	Pending     int           // that the SFU has not answered, 256; for a new one the oldest has to go
	PendingFor  time.Duration // that a connection may be so, 10 s
	Silent      time.Duration // that one in use may send nothing, 30 s: clients prove consent every few seconds
	Queue       int           // packets that wait for one client, 512
	Write       time.Duration // that a client may take to accept what is written, 10 s; then it is cut
}

func (l Limits) complete() Limits {
	return Limits{
		Connections: cmp.Or(l.Connections, 4096),
		Pending:     cmp.Or(l.Pending, 256),
		PendingFor:  cmp.Or(l.PendingFor, 10*time.Second),
		Silent:      cmp.Or(l.Silent, 30*time.Second),
		Queue:       cmp.Or(l.Queue, 512),
		Write:       cmp.Or(l.Write, 10*time.Second),
	}
}

// Server has the connections of all clients.
type Server struct {
	// Static after construction.
	media  Media
	limits Limits
	log    *slog.Logger

	conns    *admission.Set[*conn]
	last     atomic.Uint32 // number of the last connection, of which its address is made
	buffers  sync.Pool     // of *[]byte: packets on their way to clients
	counters counters

	running sync.WaitGroup // a reader and a writer per connection, and acceptors

	mu        sync.Mutex
	listeners []net.Listener // guarded by mu
	closed    bool           // guarded by mu
}

// New makes a server, which ends with Close.
func New(media Media, limits Limits, log *slog.Logger) *Server {
	limits = limits.complete()
	s := &Server{media: media, limits: limits, log: log}
	s.conns = admission.NewSet[*conn](admission.Limits{
		Connections: limits.Connections, Pending: limits.Pending, PendingFor: limits.PendingFor,
	})
	s.buffers.New = func() any { return new([]byte) }
	return s
}

// Accept serves all connections that come to the listener, which it closes at the end.
func (s *Server) Accept(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = l.Close()
		return
	}
	s.listeners = append(s.listeners, l)
	s.running.Go(func() { admission.Accept(l, s.Serve) })
}

// Serve takes over a connection that somebody has accepted, and returns at once.
func (s *Server) Serve(raw net.Conn) {
	c := s.newConn(raw)
	evicted, ok := s.conns.Add(c, func() { s.running.Add(2) })
	if !ok || evicted {
		s.counters.crowded.Add(1)
	}
	if !ok {
		_ = raw.Close()
		return
	}
	s.counters.accepted.Add(1)
	go c.read()
	go c.write()
}

// Close ends all connections and waits for them.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	listeners := s.listeners
	s.listeners = nil
	s.mu.Unlock()
	var errs []error
	for _, l := range listeners {
		errs = append(errs, l.Close())
	}
	s.conns.Close()
	s.running.Wait()
	return errors.Join(errs...)
}

// address makes up the address of a connection, in the family of its client: from 240.0.0.0/4, which is reserved (RFC
// 1112, section 4), or 100::/64, which goes nowhere (RFC 6666). So it is nobody's, and says nothing of the client.
func (s *Server) address(client net.Addr) netip.AddrPort {
	const port = 9 // as ICE has it for an end without one (RFC 6544, section 4.5)
	n := s.last.Add(1) & 0x07ffffff
	if tcp, ok := client.(*net.TCPAddr); ok && tcp.IP.To4() == nil {
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte{
			0: 1, 12: byte(n >> 24), 13: byte(n >> 16), 14: byte(n >> 8), 15: byte(n),
		}), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{
		240 | byte(n>>24), byte(n >> 16), byte(n >> 8), byte(n),
	}), port)
}

// MadeUp reports whether an address is one that stands for a connection.
func MadeUp(at netip.AddrPort) bool {
	bytes := at.Addr().As16()
	if at.Addr().Unmap().Is4() {
		return bytes[12] >= 240
	}
	return bytes[0] == 1 && [7]byte(bytes[1:8]) == [7]byte{}
}

type counters struct{ accepted, crowded, garbage, dropped, stalled atomic.Uint64 }

// Stats says what a server carries, and counts since its start.
type Stats struct {
	Connections int

	Accepted uint64 // connections
	Crowded  uint64 // connections refused, or closed for another one
	Garbage  uint64 // connections that did not speak ICE
	Dropped  uint64 // packets that their client was too slow for
	Stalled  uint64 // connections cut because their client did not read
}

// Stats returns the numbers at this moment.
func (s *Server) Stats() Stats {
	return Stats{
		Connections: s.conns.Size(),
		Accepted:    s.counters.accepted.Load(),
		Crowded:     s.counters.crowded.Load(),
		Garbage:     s.counters.garbage.Load(),
		Dropped:     s.counters.dropped.Load(),
		Stalled:     s.counters.stalled.Load(),
	}
}
