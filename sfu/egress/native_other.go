//go:build unix && !linux

package egress

import "net/netip"

type native struct{}

func newNative(netip.AddrPort) native { return native{} }
