//go:build !linux

package egress

import "net"

// enlarge asks for buffers of size bytes. It returns what it asked for, 0 for a refusal.
func enlarge(conn *net.UDPConn, size int) (receive, send int) {
	if conn.SetReadBuffer(size) == nil {
		receive = size
	}
	if conn.SetWriteBuffer(size) == nil {
		send = size
	}
	return receive, send
}
