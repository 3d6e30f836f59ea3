package turn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
)

// sockets are the UDP sockets of a server. The zero sockets are none.
type sockets struct {
	mu     sync.Mutex
	all    []net.PacketConn // guarded by mu
	closed bool             // guarded by mu
}

// add takes a socket in, counting its reader, and reports false if it is too late for that.
func (s *sockets) add(conn net.PacketConn, readers *sync.WaitGroup) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	readers.Add(1)
	s.all = append(s.all, conn)
	return true
}

// keep lets go of all sockets that are at none of these addresses, and returns them, and the addresses that have none.
func (s *sockets) keep(hosts []netip.Addr) (gone []net.PacketConn, missing []netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := make(map[netip.Addr]net.PacketConn)
	for _, conn := range s.all {
		at[addrPort(conn.LocalAddr()).Addr()] = conn
	}
	s.all = nil
	for _, host := range hosts {
		if conn, ok := at[host]; ok {
			s.all = append(s.all, conn)
			delete(at, host)
		} else {
			missing = append(missing, host)
		}
	}
	for _, conn := range at {
		gone = append(gone, conn)
	}
	return gone, missing
}

// close closes all sockets and refuses new ones.
func (s *sockets) close() error {
	s.mu.Lock()
	s.closed = true
	all := s.all
	s.all = nil
	s.mu.Unlock()
	return closeAll(all)
}

// open starts to serve a UDP socket.
func (s *Server) open(conn net.PacketConn) error {
	if !s.sockets.add(conn, &s.readers) {
		return errors.Join(net.ErrClosed, conn.Close())
	}
	if err := s.newGate(conn, nil).start(); err != nil {
		s.readers.Done()
		return fmt.Errorf("turn: %w", err)
	}
	return nil
}

// Rebind makes the UDP sockets those at these addresses of the machine, each once: new ones are opened, at the port
// that the server has, and those of addresses that went are closed, with their allocations, which nobody can reach any
// more. TCP listens on all addresses anyway. It is for one caller at a time.
func (s *Server) Rebind(ctx context.Context, hosts []netip.Addr) error {
	if len(s.cfg.PacketConns) == 0 {
		return nil
	}
	port := addrPort(s.cfg.PacketConns[0].LocalAddr()).Port()
	gone, missing := s.sockets.keep(hosts)
	var errs []error
	for _, conn := range gone {
		s.log.Info("turn socket closed", "address", conn.LocalAddr().String())
		errs = append(errs, conn.Close())
	}
	for _, host := range missing {
		conns, err := listenPackets(ctx, []string{host.String()}, strconv.Itoa(int(port)))
		if err == nil {
			err = s.open(conns[0])
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("turn socket: %w", err))
			continue
		}
		s.log.Info("turn socket opened", "address", conns[0].LocalAddr().String())
	}
	return errors.Join(errs...)
}
