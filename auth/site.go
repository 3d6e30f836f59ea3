package auth

import "net/netip"

// siteBits is how much of an IPv6 address tells one network from another (RFC 6177): who has one has all below.
const siteBits = 64

// siteOf is whom a request's remote address counts for: an IPv4 address, or a network of IPv6. Local tells that it is
// this machine's.
func siteOf(remote string) (site string, local bool) {
	address, err := netip.ParseAddrPort(remote)
	if err != nil {
		return remote, false // of a connection that is no TCP
	}
	host := address.Addr().Unmap().WithZone("")
	if host.Is6() && !host.IsLoopback() {
		return netip.PrefixFrom(host, siteBits).Masked().String(), false
	}
	return host.String(), host.IsLoopback()
}
