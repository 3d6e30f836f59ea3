package turn

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// ErrConfig wraps what is wrong with a Config.
var ErrConfig = errors.New("turn configuration")

// Media is the SFU's media socket, *egress.Conn.
type Media interface {
	// Attach makes what the SFU writes to relay go to deliver, which does not block.
	Attach(relay netip.AddrPort, deliver func(packet []byte)) (detach func(), err error)
	// Inject makes the SFU read the packet as if it came from relay. It does not block.
	Inject(relay netip.AddrPort, packet []byte)
}

// Config is what a [Server] needs.
type Config struct {
	PacketConns []net.PacketConn // UDP sockets, the server's from now on
	Listeners   []net.Listener   // TCP, or TLS over it; the server's from now on

	Realm     string
	Announced []netip.AddrPort // the SFU's media addresses as clients know them: all that relays reach
	Media     Media

	// Verify takes a username apart and returns the password that goes with it; the expiry is judged here.
	Verify func(username string) (id, password string, expires time.Time, err error)
	// InCall tells whether the participant with that id is in a call, and so keeps an allocation past the life of its
	// credentials. Nil means that nobody is. It must not block.
	InCall func(id string) bool
	// Now is the clock for credentials, time.Now if nil.
	Now func() time.Time

	Limits Limits
}

// Limits bound what clients can cost. Zero means the default, but for UserBandwidth.
type Limits struct {
	PerUser     int           // live allocations of one id, 16: one per URL and network interface, twice at a restart
	Allocations int           // live allocations in all, 10000
	Queue       int           // packets that wait for one client, 256
	Connections int           // TCP connections in all, 4096
	Pending     int           // TCP connections without an allocation, 256; for a new one the oldest has to go
	PendingFor  time.Duration // that a TCP connection may be without an allocation, 10 s
	Write       time.Duration // that a TCP client may take to accept a message, 10 s; then it is cut

	// UserBandwidth is what one id may send and may receive over all its allocations, in bits per second of payload each
	// way. 0: no limit.
	UserBandwidth int
}

// complete returns the configuration with its defaults, or what is wrong with it.
func (c Config) complete() (Config, error) {
	l := &c.Limits
	l.PerUser = cmp.Or(l.PerUser, 16)
	l.Allocations = cmp.Or(l.Allocations, 10_000)
	l.Queue = cmp.Or(l.Queue, 256)
	l.Connections = cmp.Or(l.Connections, 4096)
	l.Pending = cmp.Or(l.Pending, 256)
	l.PendingFor = cmp.Or(l.PendingFor, 10*time.Second)
	l.Write = cmp.Or(l.Write, 10*time.Second)
	if min(l.PerUser, l.Allocations, l.Queue, l.Connections, l.Pending, l.UserBandwidth) < 0 ||
		min(l.PendingFor, l.Write) < 0 {
		return c, fmt.Errorf("%w: a limit is negative", ErrConfig)
	}
	if c.InCall == nil {
		c.InCall = func(string) bool { return false }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	switch {
	case len(c.PacketConns)+len(c.Listeners) == 0:
		return c, fmt.Errorf("%w: no socket", ErrConfig)
	case c.Realm == "":
		return c, fmt.Errorf("%w: no realm", ErrConfig)
	case c.Media == nil:
		return c, fmt.Errorf("%w: no media socket", ErrConfig)
	case c.Verify == nil:
		return c, fmt.Errorf("%w: no credentials", ErrConfig)
	}
	return c, nil
}
