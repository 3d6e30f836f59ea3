package egress

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
)

// buffer is asked for in each direction. Sending: a keyframe to hundreds of subscribers fits, and so does what the
// kernel keeps for neighbours that do not answer (some 200 kB each), which else would leave no room for anybody.
// Receiving: 100 ms of 300 Mbit/s.
const buffer = 4 << 20

// Batching is a way in which batches go through the kernel.
type Batching int

// The ways, the cheapest first.
const (
	GSO      Batching = iota // several packets to a destination in one message, many messages in one call
	Messages                 // a message per packet, many in one call (sendmmsg)
	Single                   // one call per packet
)

func (b Batching) String() string {
	switch b {
	case GSO:
		return "gso"
	case Messages:
		return "sendmmsg"
	default:
		return "sendto"
	}
}

// Options are choices that have good defaults.
type Options struct {
	// Batching is the best way that is tried; a lesser one is taken where the kernel cannot do it.
	Batching Batching
	// Shards is the number of sockets at the port, each with a goroutine that reads it. 0: one per CPU that we may use,
	// at most 8. Only on Linux there can be more than one.
	Shards int
}

// Listen opens the media port at addr ("host:port", the host empty for all addresses). All addresses means IPv6 and
// IPv4 on one socket, or IPv4 alone where IPv6 is switched off.
func Listen(ctx context.Context, addr string, o Options, log *slog.Logger) (*Conn, error) {
	first, err := listen(ctx, addr)
	if err != nil {
		return nil, fmt.Errorf("media socket: %w", err)
	}
	if o.Shards <= 0 {
		o.Shards = defaultShards()
	}
	more, err := share(ctx, first, o.Shards-1)
	if err != nil {
		log.Warn("the media port has one socket only, read by one goroutine", "error", err)
	}
	conns := make([]net.PacketConn, 0, o.Shards)
	receive, send := buffer*2, buffer*2
	for _, conn := range append([]*net.UDPConn{first}, more...) {
		r, s := enlarge(conn, buffer)
		receive, send = min(receive, r), min(send, s)
		conns = append(conns, conn)
	}
	c := newConn(conns, o, log)
	log.Info("media socket", "address", first.LocalAddr().String(), "sockets", len(conns),
		"receive_buffer", receive, "send_buffer", send, "sending", c.path.method().String())
	return c, nil
}

func listen(ctx context.Context, addr string) (*net.UDPConn, error) {
	var config net.ListenConfig
	conn, err := config.ListenPacket(ctx, "udp", addr)
	if err != nil {
		host, port, splitErr := net.SplitHostPort(addr)
		if splitErr != nil || !everywhere(host) {
			return nil, err
		}
		if conn, err = config.ListenPacket(ctx, "udp4", net.JoinHostPort("0.0.0.0", port)); err != nil {
			return nil, err
		}
	}
	return conn.(*net.UDPConn), nil
}

// everywhere tells whether host stands for all addresses of both families.
func everywhere(host string) bool {
	if host == "" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Is6() && ip.IsUnspecified()
}
