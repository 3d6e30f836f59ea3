package main

import (
	"net/netip"
	"path/filepath"
	"slices"
	"testing"

	"parley/configs"
)

func TestMediaHost(t *testing.T) {
	one, other := netip.MustParseAddrPort("127.0.0.1:0"), netip.MustParseAddrPort("203.0.113.7:0")
	for _, test := range []struct {
		name, want string
		media      configs.Media
	}{
		{"nothing is set", "", configs.Media{}},
		{"where to listen", "192.0.2.1", configs.Media{Listen: "192.0.2.1", Announce: []netip.AddrPort{one}}},
		{"one that this machine has", "127.0.0.1", configs.Media{Announce: []netip.AddrPort{one}}},
		{"one that it has not", "", configs.Media{Announce: []netip.AddrPort{other}}},
		{"two", "", configs.Media{Announce: []netip.AddrPort{one, other}}},
		{"and another may come", "", configs.Media{Announce: []netip.AddrPort{one}, STUNDiscover: "a:1"}},
	} {
		if got := mediaHost(configs.Config{Media: test.media}); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestOnThisMachine(t *testing.T) {
	for listen, want := range map[string]bool{
		"127.0.0.1:8000": true, "[::1]:8000": true, "localhost:8000": true, "127.8.8.8:1": true,
		":8000": false, "0.0.0.0:8000": false, "192.0.2.1:8000": false, "example.org:8000": false,
	} {
		if got := onThisMachine(listen); got != want {
			t.Errorf("%s: %v", listen, got)
		}
	}
}

// Who asks for ICE servers is told of those at the addresses that are announced then, one of each family.
func TestICEServersFollowTheAddresses(t *testing.T) {
	announced := func(list ...string) (addrs []netip.AddrPort) {
		for _, addr := range list {
			addrs = append(addrs, netip.MustParseAddrPort(addr))
		}
		return addrs
	}
	cfg := configs.Default()
	cfg.Store.DataDir = t.TempDir()
	cfg.TURN.ICEServers = []string{"stun:stun.example:1"}
	ice, err := newICEServers(cfg, announced("203.0.113.7:7000", "10.0.0.5:7000", "[2001:db8::7]:7000"))
	if err != nil {
		t.Fatal(err)
	}
	told := func(ice *iceServers) (urls []string) {
		config, _ := ice.RTCConfig("anna")
		for _, server := range config.ICEServers {
			urls = append(urls, server.URLs...)
		}
		return urls
	}
	want := []string{
		"stun:stun.example:1", "stun:203.0.113.7:3478", "stun:[2001:db8::7]:3478",
		"turn:203.0.113.7:3478?transport=udp", "turn:203.0.113.7:3478?transport=tcp",
		"turn:[2001:db8::7]:3478?transport=udp", "turn:[2001:db8::7]:3478?transport=tcp",
	}
	if got := told(ice); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	ice.announce(announced("203.0.113.8:17000"))
	want = []string{
		"stun:stun.example:1", "stun:203.0.113.8:3478", "turn:203.0.113.8:3478?transport=udp",
		"turn:203.0.113.8:3478?transport=tcp",
	}
	if got := told(ice); !slices.Equal(got, want) {
		t.Errorf("after a change %q, want %q", got, want)
	}

	// A name needs no change, and without a server there is none to tell of.
	cfg.HTTP.PublicHost = "call.example.org"
	named, err := newICEServers(cfg, announced("203.0.113.7:7000"))
	if err != nil {
		t.Fatal(err)
	}
	before := told(named)
	if named.announce(announced("203.0.113.8:7000")); !slices.Equal(told(named), before) {
		t.Errorf("%q, before %q", told(named), before)
	}
	cfg.TURN.Port, cfg.Store.DataDir = 0, filepath.Join(t.TempDir(), "none")
	without, err := newICEServers(cfg, announced("203.0.113.7:7000"))
	if err != nil {
		t.Fatal(err)
	}
	if got := told(without); !slices.Equal(got, want[:1]) {
		t.Errorf("without a server of ours %q", got)
	}
}
