package configs

import (
	"net/netip"
	"testing"
)

func TestParseProxy(t *testing.T) {
	for _, test := range []struct{ text, network, printed string }{
		{"127.0.0.1", "127.0.0.1/32", "127.0.0.1"},
		{"127.0.0.1/32", "127.0.0.1/32", "127.0.0.1"},
		{"10.0.0.0/8", "10.0.0.0/8", "10.0.0.0/8"},
		{"::1", "::1/128", "::1"},
		{"2001:db8::/32", "2001:db8::/32", "2001:db8::/32"},
		{text: ""},
		{text: "localhost"},
		{text: "127.0.0.1:80"},
		{text: "[::1]"},
		{text: "10.0.0.1/8"},
		{text: "10.0.0.0/33"},
		{text: "10.0.0.0/-1"},
		{text: "10.0.0.0/"},
		{text: "0.0.0.0/0"},
		{text: "::/0"},
		{text: "0.0.0.0"},
		{text: "::"},
		{text: "::ffff:10.0.0.0/104"},
		{text: "::ffff:10.0.0.1"},
		{text: "fe80::1%eth0"},
		{text: " 10.0.0.1"},
	} {
		got, err := ParseProxy(test.text)
		if test.network == "" {
			if err == nil {
				t.Errorf("%q gave %v", test.text, got)
			}
			continue
		}
		if want := netip.MustParsePrefix(test.network); err != nil || got != want || formatProxy(got) != test.printed {
			t.Errorf("%q gave %v, %v", test.text, got, err)
		}
	}
}
