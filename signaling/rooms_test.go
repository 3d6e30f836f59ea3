package signaling

import (
	"testing"

	"parley/sfu"
	"parley/sfu/capacity"
)

// A page asks again where it is the load, and not where somebody has set a number.
func TestWhatPassesMayBeAskedForAgain(t *testing.T) {
	const full = `{"error":{"type":"full","detail":"full: `
	const busy = `{"error":{"type":"full","detail":"full for now: `
	for _, tt := range []struct {
		limit   string
		rooms   int
		refusal string
	}{
		{capacity.LimitCPU, 0, busy + `the server carries no more people (cpu)","retry":true}}`},
		{capacity.LimitEgress, 0, busy + `the server carries no more people (egress)","retry":true}}`},
		{capacity.LimitPeople, 0, full + `the server carries no more people (people)"}}`},
		{"", 0, full + `the server carries no more people"}}`},
		{capacity.LimitCPU, 1, full + `the room takes 1 people"}}`},
	} {
		f := newFixture(t, Config{MaxRoomPeople: tt.rooms})
		ann, bob := f.open("ann"), f.open("bob")
		ann.join("red")
		f.capacity.set(sfu.Headroom{Known: true, Limit: tt.limit})
		bob.send(`{"join":"red"}`)
		if got := bob.next(); got != tt.refusal {
			t.Errorf("%q, rooms of %d: %s, not %s", tt.limit, tt.rooms, got, tt.refusal)
		}
	}
}
