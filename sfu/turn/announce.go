package turn

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// remembered is how many addresses are known that are announced no more.
const remembered = 32

// announced is the SFU's media addresses as clients know them. It does not change; a change makes another.
type announced struct {
	now []*mediaAddr
	// former are those of before, the latest first. Who has an allocation goes on with the address that it knows. What is
	// sent there goes to the SFU in this process, to whomever the address may belong by now.
	former []*mediaAddr
}

// mediaAddr is an announced media address.
type mediaAddr struct {
	addr netip.AddrPort
	udp  *net.UDPAddr // the same, as pion wants it
}

// Announce replaces the announced addresses. What was allocated before goes on as it was.
func (s *Server) Announce(addrs []netip.AddrPort) error {
	s.announcing.Lock()
	defer s.announcing.Unlock()
	next, before := new(announced), new(announced)
	if media := s.media.Load(); media != nil {
		before = media
	}
	for _, addr := range addrs {
		addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
		if !addr.IsValid() || addr.Addr().IsUnspecified() || addr.Port() == 0 {
			return fmt.Errorf("%w: announced address %v", ErrConfig, addr)
		}
		next.now = append(next.now, &mediaAddr{addr, net.UDPAddrFromAddrPort(addr)})
	}
	if len(next.now) == 0 {
		return fmt.Errorf("%w: no announced address", ErrConfig)
	}
	for _, m := range slices.Concat(before.now, before.former) {
		if next.find(m.addr) == nil && len(next.former) < remembered {
			next.former = append(next.former, m)
		}
	}
	s.table.reserve(s.reserved(next))
	s.media.Store(next)
	return nil
}

// reserved returns the ports that no relay gets: those of the media and of the server itself.
func (s *Server) reserved(media *announced) map[uint16]bool {
	ports := make(map[uint16]bool)
	for _, m := range slices.Concat(media.now, media.former) {
		ports[m.addr.Port()] = true
	}
	for _, conn := range s.cfg.PacketConns {
		ports[addrPort(conn.LocalAddr()).Port()] = true
	}
	for _, l := range s.cfg.Listeners {
		ports[addrPort(l.Addr()).Port()] = true
	}
	return ports
}

// find returns a media address, nil if it is none.
func (a *announced) find(addr netip.AddrPort) *mediaAddr {
	for _, all := range [][]*mediaAddr{a.now, a.former} {
		for _, m := range all {
			if m.addr == addr {
				return m
			}
		}
	}
	return nil
}

// has tells whether the IP address is one of the media.
func (a *announced) has(ip netip.Addr) bool {
	for _, all := range [][]*mediaAddr{a.now, a.former} {
		for _, m := range all {
			if m.addr.Addr() == ip {
				return true
			}
		}
	}
	return false
}

// home returns the first announced address of a family, as in REQUESTED-ADDRESS-FAMILY (RFC 8656, section 18.6), nil if
// none is of it. Who does not ask gets IPv4, or IPv6 if that is all there is.
func (a *announced) home(family []byte, asked bool) *mediaAddr {
	for _, m := range a.now {
		is4 := m.addr.Addr().Is4()
		switch {
		case asked && (family[0] == 1 && is4 || family[0] == 2 && !is4):
			return m
		case !asked && is4:
			return m
		}
	}
	if asked {
		return nil
	}
	return a.now[0]
}
