package turn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
)

// buffer is asked for in each direction of a UDP socket, which carries the media of all its relays.
const buffer = 1 << 20

// Listen opens UDP and TCP on the same port of addr ("host:port", the host empty for all addresses). For port 0 it
// finds one that is free in both.
//
// All addresses means a UDP socket for each that the machine has now: what one socket for all of them sends leaves from
// the address that the kernel picks, and a client takes no answer from another address than it has asked.
func Listen(ctx context.Context, addr string) ([]net.PacketConn, net.Listener, error) {
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
		conns, err := listenPackets(ctx, hosts(host), same)
		if err == nil {
			return conns, listener, nil
		}
		_ = listener.Close()
		if port != "0" || attempt == 9 || errors.Is(err, context.Canceled) {
			return nil, nil, fmt.Errorf("turn socket: %w", err)
		}
	}
}

// listenPackets opens a UDP socket at each host. All have to open, but for addresses that are not ready to be used, as
// new IPv6 ones are not for a moment, where there are others.
func listenPackets(ctx context.Context, hosts []string, port string) ([]net.PacketConn, error) {
	var config net.ListenConfig
	var conns []net.PacketConn
	for _, host := range hosts {
		conn, err := config.ListenPacket(ctx, "udp", net.JoinHostPort(host, port))
		if errors.Is(err, syscall.EADDRNOTAVAIL) && len(hosts) > 1 {
			continue
		}
		if err != nil {
			for _, opened := range conns {
				_ = opened.Close()
			}
			return nil, err
		}
		udp := conn.(*net.UDPConn)
		_ = udp.SetReadBuffer(buffer)
		_ = udp.SetWriteBuffer(buffer)
		conns = append(conns, conn)
	}
	if len(conns) == 0 {
		return nil, syscall.EADDRNOTAVAIL
	}
	return conns, nil
}

// hosts lists what to listen on for host: itself, or, where it stands for all addresses, those that the machine has.
func hosts(host string) []string {
	only4 := false
	if host != "" {
		ip, err := netip.ParseAddr(host)
		if err != nil || !ip.IsUnspecified() {
			return []string{host}
		}
		only4 = ip.Is4()
	}
	interfaces, err := net.InterfaceAddrs()
	if err != nil {
		return []string{host}
	}
	var all []string
	for _, address := range interfaces {
		prefix, err := netip.ParsePrefix(address.String())
		if err != nil {
			continue
		}
		ip := prefix.Addr().Unmap()
		// A link-local address means nothing without its zone, which no URL can have.
		if ip.IsLinkLocalUnicast() || only4 && !ip.Is4() {
			continue
		}
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		return []string{host}
	}
	return all
}
