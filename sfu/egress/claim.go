package egress

import (
	"net/netip"
	"strings"

	"github.com/pion/stun/v4"
)

// claim has what comes from an address given to the agent that a request of ICE's from there names (RFC 8445, 7.2.2).
//
// Pion's mux looks at that only where no agent has the address. But behind a NAT, or where a client begins anew at one
// port, it may be that of a client who is gone and was not given up yet: for as long the next one would get no answer.
func (m *Mux) claim(packet []byte, from netip.AddrPort) {
	ufrag, ok := ufragOf(packet)
	if !ok {
		return
	}
	m.mu.Lock()
	agent := m.receiving[inward{ufrag, from.Addr().Unmap().Is4()}]
	m.mu.Unlock()
	if agent != nil {
		_, _ = agent.WriteToAddrPort(nil, from) // to which pion's mux ties an address; nothing is sent
	}
}

// ufragOf returns the first half of the user name in a binding request, which is that of the agent it is for.
func ufragOf(packet []byte) (ufrag string, ok bool) {
	if len(packet) < 2 || packet[0] != 0 || packet[1] != 1 || !stun.IsMessage(packet) {
		return "", false
	}
	message := &stun.Message{Raw: packet}
	if message.Decode() != nil {
		return "", false
	}
	name, err := message.Get(stun.AttrUsername)
	if err != nil {
		return "", false
	}
	ufrag, _, ok = strings.Cut(string(name), ":")
	return ufrag, ok
}
