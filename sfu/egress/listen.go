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

// Listen opens the media socket at addr ("host:port", the host empty for all addresses). All addresses means IPv6 and
// IPv4 on one socket, or IPv4 alone where IPv6 is switched off.
func Listen(ctx context.Context, addr string, log *slog.Logger) (*Conn, error) {
	var config net.ListenConfig
	conn, err := config.ListenPacket(ctx, "udp", addr)
	if err != nil {
		host, port, splitErr := net.SplitHostPort(addr)
		if splitErr != nil || !everywhere(host) {
			return nil, fmt.Errorf("media socket: %w", err)
		}
		if conn, err = config.ListenPacket(ctx, "udp4", net.JoinHostPort("0.0.0.0", port)); err != nil {
			return nil, fmt.Errorf("media socket: %w", err)
		}
	}
	receive, send := enlarge(conn.(*net.UDPConn), buffer)
	log.Debug("media socket", "address", conn.LocalAddr().String(), "receive_buffer", receive, "send_buffer", send)
	return NewConn(conn), nil
}

// everywhere tells whether host stands for all addresses of both families.
func everywhere(host string) bool {
	if host == "" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Is6() && ip.IsUnspecified()
}
