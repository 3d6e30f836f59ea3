package doctor

import (
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"
)

// path is one way of media between a guest and the server.
type path struct {
	name    string
	network string // of what the guest sends: "udp" or "tcp"
	relay   bool   // through TURN
	tls     bool   // and that within TLS
	family  int    // 4 or 6; 0 for either
	literal bool   // to addresses only: the names of TURN servers have none of this family
}

// paths are all there are, the best first, each by each family if there are several.
func paths(families ...int) []path {
	var all []path
	for _, p := range []path{
		{name: "UDP", network: "udp"},
		{name: "ICE-TCP", network: "tcp"},
		{name: "TURN/UDP", network: "udp", relay: true},
		{name: "TURN/TCP", network: "tcp", relay: true},
		{name: "TURN/TLS", network: "tcp", relay: true, tls: true},
	} {
		if len(families) < 2 {
			all = append(all, p)
			continue
		}
		for _, family := range families {
			p := p
			p.family = family
			all = append(all, p)
		}
	}
	return all
}

// mayUse tells whether the path can lead to an address.
func (p path) mayUse(ip netip.Addr) bool {
	return p.family == 0 || (p.family == 4) == ip.Unmap().Is4()
}

// serves tells whether a URL of an ICE server is of this path, and returns its host and port (RFC 7065).
func (p path) serves(url string) (address string, serves bool) {
	if !p.relay || !hasHost(url) {
		return "", false
	}
	uri, err := stun.ParseURI(url)
	if err != nil {
		return "", false
	}
	switch uri.Scheme {
	case stun.SchemeTypeTURN:
		serves = !p.tls && uri.Proto.String() == p.network
	case stun.SchemeTypeTURNS:
		serves = p.tls && uri.Proto == stun.ProtoTypeTCP
	default:
	}
	host := strings.Trim(uri.Host, "[]")
	if ip, err := netip.ParseAddr(host); err == nil && !p.mayUse(ip) || err != nil && p.literal {
		serves = false
	}
	return net.JoinHostPort(host, strconv.Itoa(uri.Port)), serves
}

// hasHost reports whether a URL has a host that can be read, with a port or without. Where it has none, pion's parser
// adds ports for ever.
func hasHost(url string) bool {
	_, rest, _ := strings.Cut(url, ":")
	host, _, _ := strings.Cut(rest, "?")
	if _, _, err := net.SplitHostPort(host); err == nil {
		return true
	}
	_, _, err := net.SplitHostPort(host + ":3478")
	return err == nil
}

// networks are those that ICE may use.
func (p path) networks() []webrtc.NetworkType {
	var all []webrtc.NetworkType
	udp, tcp := p.network == "udp" || p.relay, p.network == "tcp" && !p.relay
	for _, network := range []webrtc.NetworkType{
		webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6, webrtc.NetworkTypeTCP4, webrtc.NetworkTypeTCP6,
	} {
		is6 := network == webrtc.NetworkTypeUDP6 || network == webrtc.NetworkTypeTCP6
		isTCP := network == webrtc.NetworkTypeTCP4 || network == webrtc.NetworkTypeTCP6
		// What a relay leads to need not be of the family by which the guest reaches the relay.
		if p.family == 0 || p.relay || (p.family == 6) == is6 {
			if isTCP && tcp || !isTCP && udp {
				all = append(all, network)
			}
		}
	}
	return all
}

// isSelected tells whether a selected local candidate, such as "relay udp", is one of this path.
func (p path) isSelected(local string) bool {
	kind, network, _ := strings.Cut(local, " ")
	if p.relay {
		return kind == "relay"
	}
	return kind != "relay" && strings.HasPrefix(network, p.network)
}

// candidate is what counts of a candidate of the server (RFC 8839, section 5.1).
type candidate struct {
	fields  []string
	network string // "udp" or "tcp"
	address netip.AddrPort
}

// parseCandidate reads "candidate:foundation component transport priority address port typ ...".
func parseCandidate(text string) (c candidate, ok bool) {
	c.fields = strings.Fields(text)
	if len(c.fields) < 8 {
		return c, false
	}
	ip, err := netip.ParseAddr(c.fields[4])
	port, portErr := strconv.ParseUint(c.fields[5], 10, 16)
	c.network, c.address = strings.ToLower(c.fields[2]), netip.AddrPortFrom(ip.Unmap(), uint16(port))
	return c, err == nil && portErr == nil
}

// at is the same candidate at another address.
func (c candidate) at(address netip.AddrPort) string {
	fields := append([]string{}, c.fields...)
	fields[4], fields[5] = address.Addr().String(), strconv.Itoa(int(address.Port()))
	return strings.Join(fields, " ")
}
