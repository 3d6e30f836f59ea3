package feedback

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// asked lists the numbers in pairs, in the order that they stand in.
func asked(pairs []rtcp.NackPair) []int {
	var numbers []int
	for _, pair := range pairs {
		for _, number := range pair.PacketList() {
			numbers = append(numbers, int(number))
		}
	}
	return numbers
}

// TestAsksOverTime lists when one lost packet is asked for, in milliseconds after it was missed, looking every one.
func TestAsksOverTime(t *testing.T) {
	for name, test := range map[string]struct {
		rtt  time.Duration
		want []int
	}{
		"short":     {time.Millisecond, []int{10, 30, 70, 150, 310, 470, 630, 790}},
		"unknown":   {0, []int{10, 30, 70, 150, 310, 470, 630, 790}},
		"negative":  {-time.Hour, []int{10, 30, 70, 150, 310, 470, 630, 790}},
		"50 ms":     {50 * time.Millisecond, []int{10, 60, 160, 360, 760}},
		"300 ms":    {300 * time.Millisecond, []int{10, 310, 910}},
		"an hour":   {time.Hour, []int{10}},
		"as far as": {990 * time.Millisecond, []int{10, 1000}},
	} {
		t.Run(name, func(t *testing.T) {
			s, now := NewSource(1, rate), time.Now()
			receive(s, now, 1, 3)
			var got []int
			for ms := range 3000 {
				for _, number := range asked(s.Nacks(now.Add(time.Duration(ms)*time.Millisecond), test.rtt, nil)) {
					if number != 2 {
						t.Errorf("asks for %d", number)
					}
					got = append(got, ms)
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("asked after %v ms, want %v", got, test.want)
			}
			if len(s.missing.list) != 0 {
				t.Errorf("%d are still remembered", len(s.missing.list))
			}
		})
	}
}

func TestAsksAtOnceAfterTwo(t *testing.T) {
	s, now := NewSource(1, rate), time.Now()
	receive(s, now, 1, 3)
	if got := asked(s.Nacks(now, 0, nil)); got != nil {
		t.Errorf("asks for %v after one packet", got)
	}
	receive(s, now, 3) // a duplicate is no packet
	if got := asked(s.Nacks(now, 0, nil)); got != nil {
		t.Errorf("asks for %v after a duplicate", got)
	}
	receive(s, now, 4)
	if got := asked(s.Nacks(now, 0, nil)); !slices.Equal(got, []int{2}) {
		t.Errorf("asks for %v after two packets", got)
	}
	for i := range 100 { // the clock stands still
		receive(s, now, 5+i)
		if got := asked(s.Nacks(now, 0, nil)); got != nil {
			t.Errorf("asks for %v again, though no time has passed", got)
		}
	}
}

func TestStopsAsking(t *testing.T) {
	s, now := NewSource(1, rate), time.Now()
	receive(s, now, 65530, 1, 2)
	s.Recovered(65531)
	receive(s, now, 65535)
	if got, want := asked(s.Nacks(now, 0, nil)), []int{65532, 65533, 65534, 0}; !slices.Equal(got, want) {
		t.Errorf("asks for %v, want %v", got, want)
	}
	s.Recovered(65533)
	receive(s, now, 0)
	now = now.Add(time.Second / 10)
	if got, want := asked(s.Nacks(now, 0, nil)), []int{65532, 65534}; !slices.Equal(got, want) {
		t.Errorf("asks for %v, want %v", got, want)
	}
}

func TestGaps(t *testing.T) {
	for name, test := range map[string]struct {
		sequences   []int
		first, last int // asked for
		count       int
	}{
		"500":             {[]int{0, 501, 502}, 1, 500, 500},
		"501":             {[]int{0, 502, 503}, 0, 0, 0},
		"far":             {[]int{0, 20000, 20001}, 0, 0, 0},
		"back":            {[]int{30000, 100, 101, 102}, 0, 0, 0},
		"600 in two":      {[]int{0, 301, 602, 603}, 101, 601, 500}, // 301 came
		"before a jump":   {[]int{0, 2, 5000, 5001}, 0, 0, 0},
		"before a large":  {[]int{0, 2, 1000, 1001}, 1, 1, 1},
		"out of judgment": {[]int{0, 2, 3000, 4098, 4099}, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s, now := NewSource(1, rate), time.Now()
			receive(s, now, test.sequences...)
			got := asked(s.Nacks(now, 0, nil))
			if len(got) != test.count || len(got) > 0 && (got[0] != test.first || got[len(got)-1] != test.last) {
				t.Errorf("asks for %d: %v, want %d, from %d to %d", len(got), got, test.count, test.first, test.last)
			}
		})
	}
}

func TestPairs(t *testing.T) {
	s, now := NewSource(1, rate), time.Now()
	receive(s, now, 65500)
	for i := 65501; i < 65500+40*18; i++ {
		if (i-65500)%18 != 0 {
			receive(s, now, i) // every 18th is lost: one of a pair's 17 each
		}
	}
	receive(s, now, 65500+40*18+1)
	before := []rtcp.NackPair{{PacketID: 65517}} // is the caller's and may not be added to
	pairs := s.Nacks(now.Add(time.Second/2), 0, before)
	if len(pairs) != 1+40 || pairs[0] != before[0] {
		t.Errorf("%d pairs, the first %v", len(pairs), pairs[0])
	}
	if got := asked(pairs[1:]); len(got) != 40 || got[0] != 65518 || got[2] != (65500+3*18)%65536 {
		t.Errorf("asks for %v", got)
	}

	full := NewSource(1, rate)
	receive(full, now, 0)
	for i := 1; i < 300*18; i++ {
		if i%18 != 0 {
			receive(full, now, i)
		}
	}
	var all []int
	for _, want := range []int{maxPairs, maxPairs, 0} { // of those within the window
		pairs := full.Nacks(now, 0, nil)
		all = append(all, asked(pairs)...)
		if want = min(want, 4095/18-len(all)+len(pairs)); len(pairs) != want {
			t.Errorf("%d pairs at once, want %d", len(pairs), want)
		}
	}
	if len(all) != 4095/18 || !slices.IsSorted(all) {
		t.Errorf("asked for %d, of %d", len(all), 4095/18)
	}
}

func TestForgives(t *testing.T) {
	s, now := NewSource(1, rate), time.Now()
	receive(s, now, 1, 5)
	s.Forgive()
	if got := asked(s.Nacks(now.Add(100*time.Millisecond), 0, nil)); len(got) > 0 {
		t.Errorf("asks for %v, which it was to forgive", got)
	}
	receive(s, now.Add(100*time.Millisecond), 7)
	if got := asked(s.Nacks(now.Add(200*time.Millisecond), 0, nil)); !slices.Equal(got, []int{6}) {
		t.Errorf("asks for %v, want what is missing since", got)
	}
}
