package turn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
)

// buffer is asked for in each direction of the UDP socket, which carries the media of all relays on UDP.
const buffer = 1 << 20

// Listen opens UDP and TCP on the same port of addr ("host:port", the host empty for all addresses). For port 0 it
// finds one that is free in both.
func Listen(ctx context.Context, addr string) (net.PacketConn, net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, nil, fmt.Errorf("turn address: %w", err)
	}
	var config net.ListenConfig
	for attempt := 0; ; attempt++ {
		listener, err := config.Listen(ctx, "tcp", addr)
		if err != nil {
			return nil, nil, fmt.Errorf("turn socket: %w", err)
		}
		same := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
		conn, err := config.ListenPacket(ctx, "udp", net.JoinHostPort(host, same))
		if err == nil {
			udp := conn.(*net.UDPConn)
			_ = udp.SetReadBuffer(buffer)
			_ = udp.SetWriteBuffer(buffer)
			return conn, listener, nil
		}
		_ = listener.Close()
		if port != "0" || attempt == 9 || errors.Is(err, context.Canceled) {
			return nil, nil, fmt.Errorf("turn socket: %w", err)
		}
	}
}
