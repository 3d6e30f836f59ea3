// Package turn is the STUN and TURN server (RFC 8489, RFC 8656) beside the SFU, on UDP and TCP.
//
// It exists for clients that reach the SFU in no other way, so its relays lead to the SFU and nowhere else. A relay is
// no socket: its address is an announced IP with a port that is nobody's, the SFU's media socket hands packets for that
// address to the relay, and takes packets from it as if they had come from there (see parley/sfu/egress). Nothing
// leaves the process, so it works behind a 1:1 NAT without hairpin, and there is no way to reach anything else.
//
// The protocol is pion's (github.com/pion/turn/v4). A gate stands between it and each socket: what pion does not check
// is checked there, and its answers are corrected there. The comments say what and why.
package turn

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"

	"github.com/pion/logging"

	"parley/sfu/admission"
)

// Server is a running STUN and TURN server.
type Server struct {
	// Static after construction.
	cfg     Config
	log     *slog.Logger
	media   []mediaAddr
	table   *table
	streams *admission.Set[*stream]
	pion    logging.LoggerFactory

	buffers  sync.Pool // of *[]byte: packets on their way to clients
	counters counters
	closed   atomic.Bool

	acceptors sync.WaitGroup
	readers   sync.WaitGroup // pion's goroutines that read from gates
}

// mediaAddr is an announced media address.
type mediaAddr struct {
	addr netip.AddrPort
	udp  *net.UDPAddr // the same, as pion wants it
}

// New starts a server on the sockets of cfg, which it owns even if it fails.
func New(cfg Config, log *slog.Logger) (*Server, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, errors.Join(err, closeAll(cfg))
	}
	s := &Server{
		cfg:   cfg,
		log:   log,
		table: newTable(cfg.Limits, reserved(cfg)),
		streams: admission.NewSet[*stream](admission.Limits{
			Connections: cfg.Limits.Connections, Pending: cfg.Limits.Pending, PendingFor: cfg.Limits.PendingFor,
		}),
		// Pion reports each packet that it cannot place; what matters of that is counted.
		pion: &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled},
	}
	s.buffers.New = func() any { return new([]byte) }
	for _, a := range cfg.Announced {
		s.media = append(s.media, mediaAddr{a, net.UDPAddrFromAddrPort(a)})
	}
	for _, conn := range cfg.PacketConns {
		g := s.newGate(conn, nil)
		s.readers.Add(1)
		if err := g.start(); err != nil {
			s.readers.Done()
			return nil, errors.Join(fmt.Errorf("turn: %w", err), s.Close())
		}
	}
	for _, l := range cfg.Listeners {
		s.acceptors.Go(func() { admission.Accept(l, s.Serve) })
	}
	return s, nil
}

func (s *Server) newGate(conn net.PacketConn, st *stream) *gate {
	return &gate{server: s, conn: conn, stream: st, relays: make(map[netip.AddrPort]*relay)}
}

// ended is called when a gate can be read no more, on pion's goroutine, which then ends the gate's allocations.
func (s *Server) ended(g *gate, err error) {
	if g.stream != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			s.counters.refused[idle].Add(1)
		}
		s.streams.Remove(g.stream)
	}
	s.readers.Done()
}

// Close ends all allocations and connections, closes the sockets and waits for what reads from them.
func (s *Server) Close() error {
	if s.closed.Swap(true) {
		return net.ErrClosed
	}
	s.table.close()
	err := closeAll(s.cfg)
	s.acceptors.Wait()
	s.streams.Close()
	s.readers.Wait()
	s.table.handlers.Wait()
	return err
}

func closeAll(cfg Config) error {
	var errs []error
	for _, l := range cfg.Listeners {
		errs = append(errs, l.Close())
	}
	for _, conn := range cfg.PacketConns {
		errs = append(errs, conn.Close())
	}
	return errors.Join(errs...)
}

// mediaIndex returns the index of an announced media address, -1 if it is none.
func (s *Server) mediaIndex(addr netip.AddrPort) int {
	for i, m := range s.media {
		if m.addr == addr {
			return i
		}
	}
	return -1
}

// isMedia tells whether the IP address is an announced one.
func (s *Server) isMedia(ip netip.Addr) bool {
	for _, m := range s.media {
		if m.addr.Addr() == ip {
			return true
		}
	}
	return false
}

// home returns the index of the first announced address of a family, as in REQUESTED-ADDRESS-FAMILY (RFC 8656, section
// 18.6), -1 if none is of it. Who does not ask gets IPv4, or IPv6 if that is all there is.
func (s *Server) home(family []byte, asked bool) int {
	for i, m := range s.media {
		is4 := m.addr.Addr().Is4()
		switch {
		case asked && (family[0] == 1 && is4 || family[0] == 2 && !is4):
			return i
		case !asked && is4:
			return i
		}
	}
	if asked {
		return -1
	}
	return 0
}
