// Package front shares one TCP port among all that can come there, so that a guest whose network lets nothing but that
// port through still gets a call: HTTP, TURN over TCP and ICE over TCP in the clear; HTTP and TURN over TLS. The first
// bytes tell which it is.
package front

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"parley/sfu/admission"
)

// Limits of connections of which it is not known yet what they are. Who connects and says nothing is closed soon.
const (
	patience   = 5 * time.Second
	maxPending = 1024
	// maxConnections is how many there may be in all, whatever they are: some thousand people, and far below what the
	// kernel gives a process to open.
	maxConnections = 10_000
)

// Config says who gets what. A connection that nobody is there for is closed.
type Config struct {
	TLS  *tls.Config         // nil for none: HTTP comes in the clear
	TURN func(conn net.Conn) // takes over a connection of TURN (RFC 8656), and does not block
	ICE  func(conn net.Conn) // takes over one of ICE over TCP (RFC 6544), and does not block
	// Admit counts a connection, until gone is called, or refuses it. It does not block. Nil lets everybody in.
	Admit func(remote net.Addr) (gone func(), ok bool)
}

// Front is the port as a listener of HTTP's connections. With TLS they are *tls.Conn, their handshake done.
type Front struct {
	// Static after construction.
	net.Listener
	cfg   Config
	log   *slog.Logger
	http  chan net.Conn
	ended context.Context
	end   context.CancelFunc

	open    atomic.Int64
	pending *admission.Set[net.Conn]
	sorting sync.WaitGroup
}

// New sorts what comes to the listener, which it owns, until Close.
func New(l net.Listener, cfg Config, log *slog.Logger) *Front {
	f := &Front{
		Listener: l, cfg: cfg, log: log, http: make(chan net.Conn),
		pending: admission.NewSet[net.Conn](admission.Limits{
			Connections: 2 * maxPending, Pending: maxPending, PendingFor: patience,
		}),
	}
	f.ended, f.end = context.WithCancel(context.Background())
	f.sorting.Go(func() { admission.Accept(l, f.take) })
	return f
}

// Accept returns the next connection of HTTP.
func (f *Front) Accept() (net.Conn, error) {
	select {
	case conn := <-f.http:
		return conn, nil
	case <-f.ended.Done():
		return nil, net.ErrClosed
	}
}

// Close closes the port and what has not been handed on, and waits for those who sort.
func (f *Front) Close() error {
	f.end()
	err := f.Listener.Close()
	f.pending.Close()
	f.sorting.Wait()
	return err
}

// take has a connection sorted.
func (f *Front) take(conn net.Conn) {
	gone, ok := f.admit(conn)
	if !ok {
		_ = conn.Close()
		return
	}
	plain := newPeeked(conn)
	plain.gone = gone
	if _, ok := f.pending.Add(conn, func() { f.sorting.Add(1) }); !ok {
		_ = plain.Close()
		return
	}
	go func() {
		defer f.sorting.Done()
		f.sort(plain)
	}()
}

// admit counts a connection until gone is called.
func (f *Front) admit(conn net.Conn) (gone func(), ok bool) {
	if f.open.Add(1) > maxConnections {
		f.open.Add(-1)
		return nil, false
	}
	left := func() {}
	if f.cfg.Admit != nil {
		if left, ok = f.cfg.Admit(conn.RemoteAddr()); !ok {
			f.open.Add(-1)
			return nil, false
		}
	}
	return sync.OnceFunc(func() {
		f.open.Add(-1)
		left()
	}), true
}

// sort finds out what the connection is and hands it on.
func (f *Front) sort(plain *peeked) {
	conn := plain.Conn
	_ = conn.SetWriteDeadline(time.Now().Add(patience)) // a handshake writes too
	whole, kind := net.Conn(plain), plain.kind()
	if kind == kindTLS && f.cfg.TLS != nil {
		whole, kind = f.secure(plain)
	} else if kind == kindHTTP && f.cfg.TLS != nil {
		redirect(plain)
		kind = kindUnknown
	}
	to := f.receiver(kind)
	if to == nil {
		f.pending.Remove(conn)
		_ = plain.Close()
		return
	}
	if !f.pending.Release(conn) {
		_ = plain.Close() // another needed its place
		return
	}
	_ = conn.SetWriteDeadline(time.Time{})
	to(whole)
}

// secure makes the handshake. Who has agreed on a protocol in it (RFC 7301) speaks HTTP, or is the certificate
// authority at its challenge (RFC 8737), which wants no more than that; of others the first bytes decide again.
func (f *Front) secure(plain net.Conn) (net.Conn, kind) {
	conn := tls.Server(plain, f.cfg.TLS)
	ctx, cancel := context.WithTimeout(f.ended, patience)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		f.log.Debug("TLS handshake failed", "error", err)
		return conn, kindUnknown
	}
	if conn.ConnectionState().NegotiatedProtocol != "" {
		return conn, kindHTTP
	}
	inner := newPeeked(conn)
	if kind := inner.kind(); kind == kindTURN || kind == kindHTTP {
		return inner, kind
	}
	return conn, kindUnknown
}

// receiver is who takes connections of a kind, nil if nobody does.
func (f *Front) receiver(k kind) func(net.Conn) {
	switch k {
	case kindHTTP:
		return f.serveHTTP
	case kindTURN:
		return f.cfg.TURN
	case kindICE:
		return f.cfg.ICE
	default:
		return nil
	}
}

func (f *Front) serveHTTP(conn net.Conn) {
	select {
	case f.http <- conn:
	case <-f.ended.Done():
		_ = conn.Close()
	}
}
