package turn

import (
	"time"

	"golang.org/x/time/rate"
)

const (
	// burst is how much of a user's bandwidth may come at once: a keyframe, or what a network has held back.
	burst = 500 * time.Millisecond
	// minBurst is a keyframe where that is little, in bytes.
	minBurst = 64 << 10
	// keptFor is how long an account is kept that nobody uses, by when its bandwidth is all there again.
	keptFor = 2 * burst
)

// account is what one user has and uses, over all their allocations.
type account struct {
	// Static after construction. Nil is no limit.
	user     string
	up, down *rate.Limiter // in bytes

	allocations int       // live; guarded by the table's mu
	left        time.Time // when the last of them ended; likewise
}

// newAccount makes an account with a bandwidth in bits per second for each direction, 0 for no limit.
func newAccount(user string, bandwidth int) *account {
	a := &account{user: user}
	if bandwidth > 0 {
		bytes := float64(bandwidth) / 8
		size := max(int(bytes*burst.Seconds()), minBurst)
		a.up, a.down = rate.NewLimiter(rate.Limit(bytes), size), rate.NewLimiter(rate.Limit(bytes), size)
	}
	return a
}

// within tells whether a packet of so many bytes is within the bandwidth, and takes it from that.
func within(limit *rate.Limiter, bytes int) bool {
	return limit == nil || limit.AllowN(time.Now(), bytes)
}
