// Package ports finds ports for servers that tests and benchmarks start.
package ports

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
)

// Below the ports that the kernel picks by itself (32768 up on Linux), so that no client's connection takes a port
// between its being found free and the server's opening it.
const (
	first = 10000
	last  = 32767
)

var errNone = errors.New("no free port")

// Free returns a port of loopback that is free for UDP and TCP.
func Free() (int, error) {
	loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	for range 100 {
		address := netip.AddrPortFrom(loopback, uint16(first+rand.IntN(last-first+1))) //nolint:gosec // no secret
		tcp, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(address))
		if err != nil {
			continue
		}
		udp, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(address))
		_ = tcp.Close()
		if err == nil {
			_ = udp.Close()
			return int(address.Port()), nil
		}
	}
	return 0, errNone
}
