package address

import (
	"maps"
	"net/netip"
	"testing"
)

func TestParseStates(t *testing.T) {
	const list = `fe8000000000000000fc00fffe000001 04 40 20 80     eth0
00000000000000000000000000000001 01 80 10 80       lo
20010db8000000000000000000000002 04 40 00 01     eth0
20010db8000000000000000000000003 04 40 00 20     eth0
20010db8000000000000000000000004 04 40 00 40     eth0
20010db8000000000000000000000005 04 40 00 88     eth0
20010db8000000000000000000000006 04 40 00 321 eth0
nonsense
20010db800000000000000000000000g 04 40 00 01     eth0
20010db8000000000000000000000007 04 40 00 zz     eth0
`
	want := map[netip.Addr]Own{
		netip.MustParseAddr("fe80::fc:ff:fe00:1"): {},
		netip.MustParseAddr("::1"):                {},
		netip.MustParseAddr("2001:db8::2"):        {Temporary: true},
		netip.MustParseAddr("2001:db8::3"):        {Deprecated: true},
		netip.MustParseAddr("2001:db8::4"):        {Tentative: true},
		netip.MustParseAddr("2001:db8::5"):        {Tentative: true},
		netip.MustParseAddr("2001:db8::6"):        {Temporary: true, Deprecated: true},
	}
	if got := parseStates(list); !maps.Equal(got, want) {
		t.Errorf("%+v", got)
	}
}
