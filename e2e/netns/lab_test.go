package netns

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// The addresses of the little internet. It knows no way to the networks behind a NAT.
const (
	hostname = "parley.test" // the server's, in the hosts file of every namespace

	serverAddress  = "203.0.113.10"
	serverAddress6 = "2001:db8:113::10"
	serverInside   = "192.168.77.2" // behind a 1:1 NAT
)

// place says what lies between the guest, the internet and the server.
type place struct {
	nats     []nat    // from the guest on; none: a router that routes
	ipv6     bool     // the guest has IPv6 and no IPv4
	firewall firewall // of the router next to the internet
	server   serverNAT
	closed   string // script of what the routers near the server do not let through
}

// lab is a small internet of network namespaces, which are removed when the test ends:
//
//	guest -- router (one for each NAT) -- internet -- [router] -- server
//	                                         |
//	                                       other
type lab struct {
	t      *testing.T
	prefix string // of the names of the namespaces
	ipv6   bool   // the guest has no IPv4

	guest, other, server *node
	internet             *node
	edge                 *node // the guest's router next to the internet
	gate                 *node // what all traffic of the server goes through
}

// node is one namespace.
type node struct {
	lab  *lab
	name string
}

// labs counts those of this process.
var labs atomic.Int64

// build makes the namespaces and the cables between them.
func build(t *testing.T, p place) *lab {
	t.Helper()
	l := &lab{t: t, prefix: fmt.Sprintf("%s%d-%d-", namesBegin, os.Getpid(), labs.Add(1)), ipv6: p.ipv6}
	l.internet = l.node("internet")
	l.other = l.node("other")
	l.guest = l.node("guest")
	l.cable(l.other, []string{"198.51.100.2/24", "2001:db8:100::2/64"}, l.internet,
		[]string{"198.51.100.1/24", "2001:db8:100::1/64"})
	l.placeServer(p)
	l.placeGuest(p)
	return l
}

func (l *lab) placeServer(p place) {
	l.server = l.node("server")
	l.gate = l.internet
	near := []string{"203.0.113.1/24", "2001:db8:113::1/64"}
	if p.server != public {
		l.gate = l.node("gate")
		l.cable(l.gate, []string{"203.0.113.2/24", "2001:db8:113::2/64"}, l.internet, near)
		l.cable(l.server, []string{serverInside + "/24"}, l.gate, []string{"192.168.77.1/24"})
		l.gate.sh(p.server.rules())
	} else {
		l.cable(l.server, []string{serverAddress + "/24", serverAddress6 + "/64"}, l.internet, near)
	}
	l.gate.sh(p.closed)
}

// placeGuest lays the cables from the internet to the guest, router by router.
func (l *lab) placeGuest(p place) {
	if p.ipv6 {
		l.edge = l.node("router")
		l.cable(l.edge, []string{"2001:db8:2::2/64"}, l.internet, []string{"2001:db8:2::1/64"})
		l.internet.sh("ip route add 2001:db8:10::/64 via 2001:db8:2::2")
		l.cable(l.guest, []string{"2001:db8:10::2/64"}, l.edge, []string{"2001:db8:10::1/64"})
		l.edge.sh(string(p.firewall))
		return
	}
	if len(p.nats) == 0 {
		p.nats = []nat{routed}
	}
	outside, above := "192.0.2.", l.internet
	for i := len(p.nats) - 1; i >= 0; i-- {
		router := l.node(fmt.Sprint("router", i+1))
		l.cable(router, []string{outside + "2/24"}, above, []string{outside + "1/24"})
		inside := "192.168.10."
		if i > 0 {
			inside = "100.64.0." // of a provider's own NAT, RFC 6598
		}
		router.sh(p.nats[i].rules(above.name, outside+"2", inside+"2"))
		if p.nats[i] == routed {
			above.sh("ip route add " + inside + "0/24 via " + outside + "2")
		}
		if above == l.internet {
			l.edge = router
			router.sh(string(p.firewall))
		}
		outside, above = inside, router
	}
	l.cable(l.guest, []string{outside + "2/24"}, above, []string{outside + "1/24"})
}

// node makes a namespace with nothing but loopback, which routes.
func (l *lab) node(name string) *node {
	l.t.Helper()
	n := &node{l, name}
	full := l.prefix + name
	run(l.t, exec.Command("ip", "netns", "add", full))
	etc := filepath.Join("/etc/netns", full) // `ip netns exec` puts its files over those in /etc
	l.t.Cleanup(func() {
		run(l.t, exec.Command("ip", "netns", "del", full))
		_ = os.RemoveAll(etc)
		_ = os.Remove("/etc/netns") // fails while it is in use
	})
	if err := os.MkdirAll(etc, 0o755); err != nil {
		l.t.Fatal(err)
	}
	write(l.t, filepath.Join(etc, "resolv.conf"), "nameserver 127.0.0.1\n") // where nobody answers, and that at once
	n.resolves(serverAddress)
	n.sh(`ip link set lo up
		sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1`)
	return n
}

// cable joins a node to the one that it reaches all others through. Each end is called like the node at the other.
func (l *lab) cable(n *node, addresses []string, above *node, gateways []string) {
	l.t.Helper()
	run(l.t, exec.Command("ip", "link", "add", above.name, "netns", l.prefix+n.name,
		"type", "veth", "peer", "name", n.name, "netns", l.prefix+above.name))
	lay := func(n *node, dev string, addresses []string) {
		for _, address := range addresses {
			n.sh("ip addr add " + address + " dev " + dev + " nodad") // it would take a second to find that it is free
		}
		n.sh("ip link set " + dev + " up")
	}
	lay(n, above.name, addresses)
	lay(above, n.name, gateways)
	for _, gateway := range gateways {
		address := netip.MustParsePrefix(gateway).Addr()
		n.sh("ip route add default via " + address.String())
	}
}

// resolves says what the name of the server stands for in the programs that start from now on.
func (n *node) resolves(address string) {
	n.lab.t.Helper()
	hosts := "127.0.0.1 localhost\n::1 localhost\n"
	for _, address := range []string{address, serverAddress6} {
		hosts += address + " " + hostname + "\n"
	}
	write(n.lab.t, filepath.Join("/etc/netns", n.lab.prefix+n.name, "hosts"), hosts)
}

// moveServer gives the server, which is behind no NAT, another IPv4 address of the same network in place of its own.
func (l *lab) moveServer(address string) {
	l.t.Helper()
	l.server.sh(`
		sysctl -qw net.ipv4.conf.all.promote_secondaries=1
		ip addr add ` + address + `/24 dev internet
		ip addr del ` + serverAddress + `/24 dev internet`)
	for _, n := range []*node{l.server, l.guest, l.other} {
		n.resolves(address)
	}
}

// command is a program that will run in the namespace.
func (n *node) command(name string, args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", n.lab.prefix + n.name, name}, args...)...)
}

// sh runs a script in the namespace. In it, tables is iptables for IPv4 and IPv6 both.
func (n *node) sh(script string) {
	n.lab.t.Helper()
	run(n.lab.t, n.command("sh", "-ec", `tables() { iptables "$@"; ip6tables "$@"; }`+"\n"+script))
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%q: %v\n%s", cmd.Args, err, out)
	}
}
