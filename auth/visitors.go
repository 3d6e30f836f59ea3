package auth

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// maxSites bounds the addresses that are kept in mind. Beyond it those are forgotten that have nothing open: their
	// allowance is fresh then, so that nobody is refused for what others do.
	maxSites = 20_000
	// crowdedRetry is when to ask again where as many are present as may be.
	crowdedRetry = 10 * time.Second
)

// Allowance is what all who come from one address may have, and do. Zero values stand for no limit.
type Allowance struct {
	Present int           // at once
	Visits  int           // in a row
	Within  time.Duration // after which as many may come again
}

// Visitors counts who comes from which address: IPv4 addresses, and networks of IPv6 (/64). Those of this machine are
// not counted: they are its operator's, or come through a proxy that Parley was not told of. Safe for concurrent use.
type Visitors struct {
	allowance Allowance // static after construction

	mu     sync.Mutex
	bySite map[string]*visitor // guarded by mu: at most maxSites, and those with somebody present
}

// visitor is all who come from one address.
type visitor struct {
	present int
	visits  *rate.Limiter
}

// NewVisitors starts counting.
func NewVisitors(allowance Allowance) *Visitors {
	return &Visitors{allowance: allowance, bySite: make(map[string]*visitor)}
}

// Come tells whether one more may come from there, a remote address as net/http has it; Go must follow then when they
// have gone. Else retry is when it may be tried again.
func (v *Visitors) Come(remote string, now time.Time) (retry time.Duration, ok bool) {
	site, local := siteOf(remote)
	if local {
		return 0, true
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	by := v.bySite[site]
	if by == nil {
		v.makeRoom()
		by = &visitor{visits: rate.NewLimiter(v.pace(), v.allowance.Visits)}
		v.bySite[site] = by
	}
	if most := v.allowance.Present; most > 0 && by.present >= most {
		return crowdedRetry, false
	}
	if v.allowance.Visits > 0 && !by.visits.AllowN(now, 1) {
		missing := 1 - by.visits.TokensAt(now)
		return time.Duration(missing * float64(v.allowance.Within) / float64(v.allowance.Visits)), false
	}
	by.present++
	return 0, true
}

// Go follows each Come that was allowed.
func (v *Visitors) Go(remote string, now time.Time) {
	site, local := siteOf(remote)
	if local {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	by := v.bySite[site]
	by.present--
	if by.present == 0 && by.visits.TokensAt(now) >= float64(v.allowance.Visits) {
		delete(v.bySite, site)
	}
}

// pace is how fast visits are given back.
func (v *Visitors) pace() rate.Limit {
	if v.allowance.Visits == 0 || v.allowance.Within == 0 {
		return rate.Inf
	}
	return rate.Limit(float64(v.allowance.Visits) / v.allowance.Within.Seconds())
}

// makeRoom forgets one who has nothing open, any of them, if there are too many. It is called with mu held.
func (v *Visitors) makeRoom() {
	if len(v.bySite) < maxSites {
		return
	}
	for site, by := range v.bySite {
		if by.present == 0 {
			delete(v.bySite, site)
			return
		}
	}
}
