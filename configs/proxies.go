package configs

import (
	"errors"
	"net/netip"
)

// errProxy says what a trusted proxy looks like.
var errProxy = errors.New("IP or PREFIX, such as 127.0.0.1, 10.0.0.0/8 or 2001:db8::/32")

// ParseProxy reads one trusted proxy: an address, or a network of them without bits beyond its length. Refused are
// everybody (a length of 0), IPv4 in IPv6's clothes, and addresses with a zone.
func ParseProxy(text string) (netip.Prefix, error) {
	network, err := netip.ParsePrefix(text)
	if address, bad := netip.ParseAddr(text); bad == nil && address.Zone() == "" {
		network, err = address.Prefix(address.BitLen())
	}
	if err != nil || network.Bits() == 0 || network.Addr().IsUnspecified() || network.Addr().Is4In6() ||
		network != network.Masked() {
		return netip.Prefix{}, errProxy
	}
	return network, nil
}

// formatProxy is the inverse of ParseProxy.
func formatProxy(network netip.Prefix) string {
	if network.IsSingleIP() {
		return network.Addr().String()
	}
	return network.String()
}
