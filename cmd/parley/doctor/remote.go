package doctor

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"parley/signaling/client"
)

// judgeRemote judges a call from another machine. Why is what was found at each address that the path led to in vain,
// reached is where the pages are; works tells whether any path does.
func judgeRemote(o outcome, why map[string]error, reached []netip.Addr, works bool) Finding {
	about := aboutCalls + " by " + o.path.name
	level := Failed
	if works {
		level = Warning
	}
	switch {
	case o.err == nil:
		return ok(about, "sound and picture both ways, by %s", o.remote)
	case errors.Is(o.err, errNotOffered):
		return ok(about, "left out: the server offers none")
	case errors.Is(o.err, errRelayOnly):
		return ok(about, "left out: the server wants all media relayed")
	case errors.Is(o.err, client.ErrRefused):
		return failed(about, "give what the room asks for (--join-password, --invite), or come when it is not full",
			"not let in: %v", o.err)
	}
	var seen []string
	for _, address := range o.offered {
		said := saidOf(o.err)
		if err, looked := why[address]; looked {
			said = saidOf(err)
			if err == nil {
				said = "answers, but no media comes of it: something else than Parley is there, or in between"
			}
		}
		seen = append(seen, at(address, o.path.network)+" "+said)
	}
	do := open(o)
	if o.path.network == "udp" && !o.path.relay {
		seen = append(seen, "without it calls are worse")
		if other := elsewhere(o.offered, reached); other != "" {
			do = other + "\n" + do
		}
	}
	return Finding{Name: about, Level: level, Seen: strings.Join(seen, "; "), Do: do}
}

// at is "7000/udp at 203.0.113.5".
func at(address, network string) string {
	host, port, _ := net.SplitHostPort(address)
	return fmt.Sprintf("%s/%s at %s", port, network, host)
}

// open says what to open for a path.
func open(o outcome) string {
	var ports []string
	for _, address := range o.offered {
		_, port, _ := net.SplitHostPort(address)
		if port += "/" + o.path.network; !slices.Contains(ports, port) {
			ports = append(ports, port)
		}
	}
	return "open " + strings.Join(ports, ", ") + " in the server's firewall, and forward it if there is a NAT in front; " +
		"if that is done, this network blocks it"
}

// elsewhere says what to do if media is announced where the pages are not: the commonest fault behind a NAT.
func elsewhere(offered []string, reached []netip.Addr) string {
	var announced []string
	for _, address := range offered {
		host, _, _ := net.SplitHostPort(address)
		ip, err := netip.ParseAddr(host)
		if err != nil || slices.Contains(reached, ip.Unmap()) {
			return ""
		}
		if !slices.ContainsFunc(reached, func(page netip.Addr) bool { return page.Is4() == ip.Unmap().Is4() }) {
			continue // pages of one family say nothing of addresses of the other
		}
		announced = append(announced, host)
	}
	if len(announced) == 0 || len(reached) == 0 {
		return ""
	}
	return fmt.Sprintf("set announce to %s, if that is the server: it announces %s, which is not where its pages are",
		list(reached), strings.Join(announced, ", "))
}
