package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

const aboutAddress = "address"

// surroundings are what an announced address is compared with.
type surroundings struct {
	own     []netip.Addr // of this machine's interfaces
	server  string       // the STUN server that was asked, "" if none is set
	mapped  netip.Addr   // what it sees, if it answered
	stunErr error
	named   []netip.Addr // what public_host resolves to
}

// judgeSTUN looks at whether the server of stun_discover answers.
func judgeSTUN(s surroundings) []Finding {
	switch {
	case s.server == "":
		return nil
	case s.stunErr != nil:
		return []Finding{failed(aboutAddress,
			"open outgoing UDP, or set stun_discover to another server, or announce instead",
			"the STUN server %s (stun_discover) %s", s.server, saidOf(s.stunErr))}
	}
	return []Finding{ok(aboutAddress, "%s sees this machine at %s", s.server, s.mapped)}
}

// judgeAddress looks at an announced address. Calls is what came of a call to it, if it is none of this machine's own:
// where none gets through, that may only be so from here.
func judgeAddress(at netip.AddrPort, s surroundings, calls error) Finding {
	sees := s.mapped.IsValid() && s.mapped.Is4() == at.Addr().Is4()
	const outside = "see from another machine whether it is forwarded: parley doctor --from-outside"
	switch {
	case slices.Contains(s.own, at.Addr()):
		return ok(aboutAddress, "%s is announced, an address of this machine", at)
	case sees && s.mapped != at.Addr():
		return failed(aboutAddress, "set announce to "+s.mapped.String()+" if that does not change, else to none",
			"%s is announced, but %s sees this machine at %s", at, s.server, s.mapped)
	case calls == nil:
		return ok(aboutAddress, "%s is announced, and a call to it gets through", at)
	case sees, slices.Contains(s.named, at.Addr()):
		return warning(aboutAddress, outside,
			"%s is announced, and a call to it from this machine does not get through, as behind many NATs", at)
	}
	return failed(aboutAddress, "set announce to the public address of this machine (or stun_discover, to have it found)",
		"%s is announced, but it is no address of this machine, and a call to it does not get through", at)
}

// judgeReach tells whether people elsewhere can reach any announced address.
func judgeReach(announced []netip.AddrPort, named []netip.Addr, local bool) []Finding {
	if slices.ContainsFunc(announced, func(a netip.AddrPort) bool { return public(a.Addr()) }) || local {
		return nil
	}
	texts := make([]string, len(announced))
	for i, a := range announced {
		texts[i] = a.String()
	}
	where := "guests in other networks reach none"
	for _, ip := range named {
		if public(ip) {
			where = fmt.Sprintf("while the name is %s: %s", ip, where)
			break
		}
	}
	return []Finding{warning(aboutAddress, "set announce to the public address of this machine, or stun_discover to "+
		"have it found; without guests from elsewhere all is well", "announced are only %s, which are private: %s",
		strings.Join(texts, ", "), where)}
}

// public tells whether an address can be reached from anywhere.
func public(ip netip.Addr) bool {
	shared := netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64}), 10) // RFC 6598
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !shared.Contains(ip)
}
