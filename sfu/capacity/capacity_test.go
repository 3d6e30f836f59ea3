package capacity

import "testing"

func TestHeadroom(t *testing.T) {
	measured := State{known: true, most: 107, limit: LimitCPU}
	many := State{known: true, most: 1299, limit: LimitEgress}
	full := State{known: true, most: 107, full: true, limit: LimitEgress}
	allowed := func(s State, people int) State { s.people = people; return s }
	for name, test := range map[string]struct {
		state  State
		people int
		want   Headroom
	}{
		"nothing known":              {State{}, 5, Headroom{}},
		"few":                        {measured, 90, Headroom{17, true, LimitCPU}},
		"some":                       {measured, 60, Headroom{45, true, LimitCPU}},
		"many":                       {many, 0, Headroom{1200, true, LimitEgress}},
		"none":                       {measured, 107, Headroom{0, true, LimitCPU}},
		"less than none":             {measured, 200, Headroom{0, true, LimitCPU}},
		"full":                       {full, 3, Headroom{0, true, LimitEgress}},
		"allowed":                    {allowed(State{}, 150), 27, Headroom{123, true, LimitPeople}},
		"more than allowed":          {allowed(State{}, 20), 30, Headroom{0, true, LimitPeople}},
		"allowed less than fit":      {allowed(measured, 70), 50, Headroom{20, true, LimitPeople}},
		"allowed more than fit":      {allowed(measured, 500), 60, Headroom{45, true, LimitCPU}},
		"neither allowed nor fit":    {allowed(measured, 100), 110, Headroom{0, true, LimitPeople}},
		"full however many may come": {allowed(State{full: true, limit: LimitCPU}, 500), 60, Headroom{0, true, LimitCPU}},
	} {
		if got := test.state.Headroom(test.people); got != test.want {
			t.Errorf("%s: %+v, not %+v", name, got, test.want)
		}
	}
}

func TestEstimatesAreRoundedDown(t *testing.T) {
	for n, want := range map[int]int{
		-3: 0, 0: 0, 7: 7, 19: 19, 20: 20, 24: 20, 99: 95, 100: 100, 119: 110, 999: 990, 1099: 1000, 123456: 120000,
	} {
		if got := coarse(n); got != want {
			t.Errorf("%d is told as %d, not %d", n, got, want)
		}
	}
}
