package rate

import (
	"testing"
	"time"
)

func TestLimit(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	for _, tt := range []struct {
		name    string
		ms      []int
		tooMany []int // indexes
	}{
		{"as many as allowed", []int{0, 0, 0}, nil},
		{"one more at once", []int{0, 0, 0, 0}, []int{3}},
		{"one more just inside", []int{0, 10, 20, 999}, []int{3}},
		{"one more just outside", []int{0, 10, 20, 1000}, nil},
		{"steady", []int{0, 334, 668, 1002, 1336, 1670, 2004}, nil},
		{"burst across any boundary", []int{900, 950, 1050, 1100, 2100}, []int{3}},
	} {
		l := New(3, time.Second)
		var got []int
		for i, ms := range tt.ms {
			if l.Hit(at(ms)) {
				got = append(got, i)
			}
		}
		if len(got) != len(tt.tooMany) || (len(got) > 0 && got[0] != tt.tooMany[0]) {
			t.Errorf("%s: too many at %v, want %v", tt.name, got, tt.tooMany)
		}
	}
}
