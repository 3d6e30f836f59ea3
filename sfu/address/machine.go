package address

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// Own is one address of this machine.
type Own struct {
	Addr      netip.Addr // IPv4 never wrapped in IPv6
	Interface string
	Down      bool // the interface is switched off

	// Of IPv6, where the system tells (RFC 4862): an address that is not ready to be used, or turned out to be somebody
	// else's; one that is no more to be used for anything new; one that is made up anew every day (RFC 8981).
	Tentative, Deprecated, Temporary bool
}

// Machine lists the addresses that this machine has now.
func Machine() ([]Own, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	states := states()
	var all []Own
	for _, i := range interfaces {
		addresses, err := i.Addrs()
		if err != nil {
			continue // it went away meanwhile
		}
		for _, address := range addresses {
			prefix, err := netip.ParsePrefix(address.String())
			if err != nil {
				continue
			}
			own := states[prefix.Addr()]
			own.Addr, own.Interface, own.Down = prefix.Addr().Unmap(), i.Name, i.Flags&net.FlagUp == 0
			all = append(all, own)
		}
	}
	return all, nil
}

// Useful lists the addresses that clients elsewhere may reach. Those of networks that only containers and virtual
// machines are in are left out: browsers would try them for nothing, on somebody else's Docker. Where there is nothing
// else they are better than nothing.
func Useful(all []Own) []netip.Addr {
	var good, poor []netip.Addr
	for _, own := range all {
		switch {
		case !own.Addr.IsGlobalUnicast() || own.Down || own.Tentative:
		case own.Deprecated || own.Temporary || isInternal(own.Interface):
			poor = append(poor, own.Addr)
		default:
			good = append(good, own.Addr)
		}
	}
	if len(good) == 0 {
		return poor
	}
	return good
}

// isInternal tells whether an interface is, by its name, one of the machine's own containers or virtual machines.
func isInternal(name string) bool {
	for _, prefix := range []string{
		"docker", "veth", "virbr", "vmnet", "vboxnet", "cni", "flannel", "cali", "cilium", "kube-", "lxc", "lxdbr",
		"podman",
	} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	// Docker's further networks. Others call the bridge br-lan that the machine's own address is on.
	id, ok := strings.CutPrefix(name, "br-")
	return ok && len(id) == 12 && strings.Trim(id, "0123456789abcdef") == ""
}

// Bindable lists the addresses that sockets can be bound to. A link-local one means nothing without its zone, which no
// URL and no candidate can have.
func Bindable(all []Own) []netip.Addr {
	var bindable []netip.Addr
	for _, own := range all {
		if !own.Addr.IsLinkLocalUnicast() && !own.Tentative {
			bindable = append(bindable, own.Addr)
		}
	}
	return bindable
}
