package configs

import (
	"net/netip"
	"testing"
)

func TestParseAnnounce(t *testing.T) {
	tests := []struct{ text, addr string }{
		{"192.0.2.1", "192.0.2.1:0"},
		{"192.0.2.1:7000", "192.0.2.1:7000"},
		{"127.0.0.1", "127.0.0.1:0"},
		{"2001:db8::1", "[2001:db8::1]:0"},
		{"::1", "[::1]:0"},
		{"[::1]", "[::1]:0"},
		{"[2001:db8::1]:7000", "[2001:db8::1]:7000"},
		{"::ffff:192.0.2.1", "192.0.2.1:0"},
		{"[::ffff:192.0.2.1]:1", "192.0.2.1:1"},
		{"192.0.2.1:65535", "192.0.2.1:65535"},
		{text: ""},
		{text: ":"},
		{text: ":7000"},
		{text: "[]"},
		{text: "[]:7000"},
		{text: "["},
		{text: "[::1"},
		{text: "::1]"},
		{text: "[::1]7000"},
		{text: "[::1]:"},
		{text: "[192.0.2.1]"},
		{text: "[192.0.2.1]:7000"},
		{text: "192.0.2.1:"},
		{text: "192.0.2.1:0"},
		{text: "192.0.2.1:65536"},
		{text: "192.0.2.1:+1"},
		{text: "192.0.2.1:7000:1"},
		{text: "192.0.2.256"},
		{text: "192.0.2.01"},
		{text: "192.0.2.0/24"},
		{text: " 192.0.2.1"},
		{text: "example.org"},
		{text: "example.org:7000"},
		{text: "0.0.0.0"},
		{text: "::"},
		{text: "224.0.0.1"},
		{text: "ff02::1"},
		{text: "fe80::1%eth0"},
		{text: "[fe80::1%eth0]:7000"},
	}
	for _, test := range tests {
		got, err := ParseAnnounce(test.text)
		if test.addr == "" {
			if err == nil {
				t.Errorf("%q gave %v", test.text, got)
			}
			continue
		}
		if want := netip.MustParseAddrPort(test.addr); err != nil || got != want {
			t.Errorf("%q gave %v, %v, want %v", test.text, got, err, want)
		}
	}
}

func FuzzParseAnnounce(f *testing.F) {
	for _, seed := range []string{
		"192.0.2.1", "192.0.2.1:7000", "::1", "[::1]", "[::1]:7000", "::ffff:1.2.3.4", "[fe80::1%a]:1", "[", "]", ":", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		address, err := ParseAnnounce(text)
		if err != nil {
			if address.IsValid() {
				t.Fatalf("%q is refused but gives %v", text, address)
			}
			return
		}
		if addr := address.Addr(); !addr.IsValid() || addr.IsUnspecified() || addr.IsMulticast() || addr.Zone() != "" {
			t.Fatalf("%q gives %v", text, address)
		}
		if again, err := ParseAnnounce(formatAnnounce(address)); err != nil || again != address {
			t.Fatalf("%q gives %v, written again it gives %v, %v", text, address, again, err)
		}
	})
}
