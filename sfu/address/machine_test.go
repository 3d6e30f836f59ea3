package address

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// own makes addresses of "INTERFACE ADDRESS [STATE...]" each.
func own(t *testing.T, lines ...string) (all []Own) {
	t.Helper()
	for _, line := range lines {
		fields := strings.Fields(line)
		own := Own{Interface: fields[0], Addr: netip.MustParseAddr(fields[1])}
		for _, state := range fields[2:] {
			switch state {
			case "down":
				own.Down = true
			case "tentative":
				own.Tentative = true
			case "deprecated":
				own.Deprecated = true
			case "temporary":
				own.Temporary = true
			default:
				t.Fatal("no such state: ", state)
			}
		}
		all = append(all, own)
	}
	return all
}

func TestUseful(t *testing.T) {
	for _, test := range []struct {
		name, want string
		all        []string
	}{
		{"a box on a public address", "203.0.113.7 2001:db8::7", []string{
			"lo 127.0.0.1", "lo ::1", "eth0 203.0.113.7", "eth0 2001:db8::7", "eth0 fe80::7",
		}},
		{"with Docker", "203.0.113.7", []string{
			"docker0 172.17.0.1", "eth0 203.0.113.7", "br-0123456789ab 172.18.0.1", "docker_gwbridge 172.19.0.1",
			"docker0 2001:db8:1::1",
		}},
		{"with virtual machines and Kubernetes", "10.0.0.5", []string{
			"virbr0 192.168.122.1", "veth12ab 10.1.0.1", "cni0 10.42.0.1", "cni-podman0 10.88.0.1", "flannel.1 10.42.0.0",
			"cali0123 10.43.0.1", "cilium_host 10.44.0.1", "kube-ipvs0 10.96.0.1", "lxcbr0 10.0.3.1", "lxdbr0 10.0.4.1",
			"podman0 10.88.0.1", "vmnet8 172.16.1.1", "vboxnet0 192.168.56.1", "enp3s0 10.0.0.5",
		}},
		{"private, shared, of a VPN", "10.0.0.5 100.64.0.5 192.168.1.5 10.8.0.1 fd00::5", []string{
			"eth0 10.0.0.5", "eth1 100.64.0.5", "wlan0 192.168.1.5", "wg0 10.8.0.1", "eth0 fd00::5",
		}},
		{"on a bridge", "203.0.113.7 192.168.1.1 198.51.100.7", []string{
			"br0 203.0.113.7", "br-lan 192.168.1.1", "br-0123456789xy 198.51.100.7",
		}},
		{"link-local", "10.0.0.5", []string{"eth0 169.254.3.4", "eth0 fe80::1", "eth0 10.0.0.5"}},
		{"nothing but link-local", "", []string{"lo 127.0.0.1", "eth0 169.254.3.4", "eth0 fe80::1"}},
		{"nothing but Docker", "172.17.0.1 172.18.0.1", []string{
			"lo 127.0.0.1", "docker0 172.17.0.1", "br-0123456789ab 172.18.0.1",
		}},
		{"nothing but temporary", "2001:db8::aaaa", []string{"eth0 2001:db8::aaaa temporary", "eth0 fe80::1"}},
		{"states of IPv6", "2001:db8::1", []string{
			"eth0 2001:db8::1", "eth0 2001:db8::2 temporary", "eth0 2001:db8::3 deprecated", "eth0 2001:db8::4 tentative",
			"eth0 2001:db8::5 deprecated temporary",
		}},
		{"switched off", "10.0.0.5", []string{"eth0 203.0.113.7 down", "eth1 10.0.0.5"}},
		{"multicast, unspecified", "10.0.0.5", []string{"eth0 224.0.0.1", "eth0 0.0.0.0", "eth0 ::", "eth0 10.0.0.5"}},
		{"nothing", "", nil},
	} {
		if got := strings.Trim(fmt.Sprint(Useful(own(t, test.all...))), "[]"); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func TestBindable(t *testing.T) {
	all := own(t, "lo 127.0.0.1", "lo ::1", "docker0 172.17.0.1", "eth0 203.0.113.7", "eth0 fe80::1", "eth0 169.254.1.1",
		"eth0 2001:db8::2 temporary", "eth0 2001:db8::4 tentative")
	want := "[127.0.0.1 ::1 172.17.0.1 203.0.113.7 2001:db8::2]"
	if got := fmt.Sprint(Bindable(all)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// This very machine has what the standard library says.
func TestMachine(t *testing.T) {
	all, err := Machine()
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, own := range all {
		got = append(got, own.Addr.String())
		if own.Interface == "" {
			t.Errorf("%v is on no interface", own.Addr)
		}
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, addr := range addrs {
		want = append(want, netip.MustParsePrefix(addr.String()).Addr().Unmap().String())
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
