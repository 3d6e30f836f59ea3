package configs

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// errAnnounce says what an announced address looks like.
var errAnnounce = errors.New("IP or IP:PORT, an IPv6 address with a port in brackets")

// ParseAnnounce reads one announced address: 192.0.2.1, 192.0.2.1:7000, 2001:db8::1, [2001:db8::1] or
// [2001:db8::1]:7000. The port is 0 if there is none. Addresses that nobody can send to are refused: the unspecified
// one, multicast, and those with a zone.
func ParseAnnounce(text string) (netip.AddrPort, error) {
	host, port := text, uint16(0)
	switch i := strings.LastIndexByte(text, ':'); {
	case strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]"):
		host = text[1 : len(text)-1]
	case strings.HasPrefix(text, "[") || strings.Count(text, ":") == 1:
		number, err := strconv.ParseUint(text[i+1:], 10, 16)
		if err != nil || number == 0 {
			return netip.AddrPort{}, errAnnounce
		}
		host, port = text[:i], uint16(number)
		if inner, bracketed := strings.CutPrefix(host, "["); bracketed {
			if host, bracketed = strings.CutSuffix(inner, "]"); !bracketed {
				return netip.AddrPort{}, errAnnounce
			}
		}
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.Is4() && strings.HasPrefix(text, "[") {
		return netip.AddrPort{}, errAnnounce
	}
	if addr = addr.Unmap(); addr.IsUnspecified() || addr.IsMulticast() || addr.Zone() != "" {
		return netip.AddrPort{}, errAnnounce
	}
	return netip.AddrPortFrom(addr, port), nil
}

// formatAnnounce is the inverse of ParseAnnounce.
func formatAnnounce(address netip.AddrPort) string {
	if address.Port() == 0 {
		return address.Addr().String()
	}
	return address.String()
}
