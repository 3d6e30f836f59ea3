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
	table   *table
	streams *admission.Set[*stream]
	sockets sockets
	pion    logging.LoggerFactory

	announcing sync.Mutex // held to change media
	media      atomic.Pointer[announced]

	buffers  sync.Pool // of *[]byte: packets on their way to clients
	counters counters
	closed   atomic.Bool

	acceptors sync.WaitGroup
	readers   sync.WaitGroup // pion's goroutines that read from gates
}

// New starts a server on the sockets of cfg, which it owns even if it fails.
func New(cfg Config, log *slog.Logger) (*Server, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, errors.Join(err, closeAll(cfg.PacketConns), closeAll(cfg.Listeners))
	}
	s := &Server{
		cfg:   cfg,
		log:   log,
		table: newTable(cfg.Limits),
		streams: admission.NewSet[*stream](admission.Limits{
			Connections: cfg.Limits.Connections, Pending: cfg.Limits.Pending, PendingFor: cfg.Limits.PendingFor,
		}),
		// Pion reports each packet that it cannot place; what matters of that is counted.
		pion: &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled},
	}
	s.buffers.New = func() any { return new([]byte) }
	if err := s.Announce(cfg.Announced); err != nil {
		return nil, errors.Join(err, closeAll(cfg.PacketConns), closeAll(cfg.Listeners))
	}
	for i, conn := range cfg.PacketConns {
		if err := s.open(conn); err != nil {
			return nil, errors.Join(err, closeAll(cfg.PacketConns[i+1:]), s.Close())
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
	err := errors.Join(closeAll(s.cfg.Listeners), s.sockets.close())
	s.acceptors.Wait()
	s.streams.Close()
	s.readers.Wait()
	s.table.handlers.Wait()
	return err
}

func closeAll[C io.Closer](closers []C) error {
	var errs []error
	for _, c := range closers {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
