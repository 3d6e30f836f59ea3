package rewrite

import "testing"

func TestAlign(t *testing.T) {
	const second = 1 << 32
	for name, test := range map[string]struct {
		from, to  Clock
		timestamp uint32
		want      uint32
		ok        bool
	}{
		"the same report":     {Clock{10 * second, 500}, Clock{10 * second, 9000}, 600, 9100, true},
		"a second later":      {Clock{11 * second, 500}, Clock{10 * second, 9000}, 500, 99000, true},
		"a second earlier":    {Clock{9 * second, 90000}, Clock{10 * second, 90000}, 90001, 1, true},
		"a half later":        {Clock{10*second + second/2, 0}, Clock{10 * second, 0}, 0, 45000, true},
		"before the report":   {Clock{10 * second, 500}, Clock{10 * second, 9000}, 400, 8900, true},
		"rounds":              {Clock{10 * second, 0xffff_ff00}, Clock{10 * second, 0}, 0x10, 0x110, true},
		"across the NTP era":  {Clock{second / 4, 0}, Clock{1<<64 - second/4, 0}, 0, 45000, true},
		"none of the source":  {Clock{}, Clock{10 * second, 9000}, 600, 0, false},
		"none of the former":  {Clock{10 * second, 9000}, Clock{}, 600, 0, false},
		"fractions round off": {Clock{10*second + second/90000, 0}, Clock{10 * second, 0}, 0, 1, true},
	} {
		got, ok := test.from.Align(test.timestamp, test.to, 90000)
		if got != test.want || ok != test.ok {
			t.Errorf("%s: %d, %v, want %d, %v", name, got, ok, test.want, test.ok)
		}
	}
}
