//go:build !linux

package egress

import (
	"context"
	"net"
)

// defaultShards is 1: only Linux divides the sources among sockets at one port.
func defaultShards() int { return 1 }

// share opens no more sockets.
func share(context.Context, *net.UDPConn, int) ([]*net.UDPConn, error) { return nil, nil }
