package doctor

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
)

const (
	aboutDNS  = "DNS"
	doRecords = "make an A record, and an AAAA record if there is IPv6, for it at your DNS provider"
)

// resolve asks for the addresses of a host, which may be one itself.
func resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return []netip.Addr{ip.Unmap()}, nil
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	for i, ip := range found {
		found[i] = ip.Unmap()
	}
	slices.SortFunc(found, netip.Addr.Compare)
	return slices.Compact(found), err
}

// judgeName looks at where public_host leads: to addresses of this machine, or to such as are announced, or as a STUN
// server sees.
func judgeName(host string, found []netip.Addr, err error, here []netip.Addr) []Finding {
	switch {
	case host == "":
		return []Finding{ok(aboutDNS, "public_host is not set: guests need an address of this machine")}
	case err != nil || len(found) == 0:
		return []Finding{failed(aboutDNS, doRecords, "%s has no address (%v)", host, err)}
	}
	var astray []netip.Addr
	for _, ip := range found {
		if !slices.Contains(here, ip) {
			astray = append(astray, ip)
		}
	}
	switch {
	case len(astray) == 0:
		return []Finding{ok(aboutDNS, "%s is %s", host, list(found))}
	case len(astray) < len(found):
		return []Finding{warning(aboutDNS, "remove the record of what is not this server (an old AAAA record often)",
			"%s is %s, of which %s is neither an address of this machine nor an announced one", host, list(found),
			list(astray))}
	}
	return []Finding{warning(aboutDNS, "correct the record; or, if this machine is behind a NAT or a proxy with that "+
		"address, set announce to it", "%s is %s, which is neither an address of this machine nor an announced one", host,
		list(found))}
}

func list(addresses []netip.Addr) string {
	texts := make([]string, len(addresses))
	for i, ip := range addresses {
		texts[i] = ip.String()
	}
	return strings.Join(texts, ", ")
}

// ownAddresses are those of this machine's interfaces, loopback among them.
func ownAddresses() []netip.Addr {
	interfaces, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var own []netip.Addr
	for _, address := range interfaces {
		if prefix, err := netip.ParsePrefix(address.String()); err == nil {
			own = append(own, prefix.Addr().Unmap().WithZone(""))
		}
	}
	return own
}
