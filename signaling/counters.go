package signaling

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"parley/signaling/floor"
	"parley/signaling/protocol"
)

// other is the name of what has none of its own in a tally.
const other = "other"

// Names of limits that are counted when they are hit; those of apps have the app's key.
const (
	limitFrameSize   = "frame_size"
	limitFrameRate   = "frame_rate"
	limitMalformed   = "malformed_frames"
	limitSlowReader  = "slow_reader"
	limitMailbox     = "mailbox"
	limitJoins       = "joins"
	limitPeople      = "people"
	limitLoad        = "load"
	limitRooms       = "rooms"
	limitGuesses     = "password_guesses"
	limitSockets     = "address_sockets"
	LimitLogins      = "address_logins"      // counted by who serves the pages
	LimitLobbies     = "address_lobbies"     // likewise
	LimitConnections = "address_connections" // counted by who listens
)

// Counters count what happens on the sockets, from the start. None of its methods blocks.
type Counters struct {
	open                      atomic.Int64
	framesIn, framesOut       atomic.Uint64
	joins, resumed, unresumed atomic.Uint64
	chat                      atomic.Uint64
	ended                     tally // sockets, by why
	failedJoins               tally // by type of the error
	refusals                  tally // by type of the error
	limits                    tally // by name
	toMedia                   histogram
}

// Counts is what a [Counters] has counted. The maps have all names that there are, also those that count nothing.
type Counts struct {
	Sockets             int64 // open now
	FramesIn, FramesOut uint64
	Joins               uint64
	Resumed, Unresumed  uint64
	ChatMessages        uint64
	Ended               map[string]uint64 // sockets, by why
	FailedJoins         map[string]uint64 // by type of the error
	Refusals            map[string]uint64 // by type of the error
	Limits              map[string]uint64 // by name
	ToMedia             Histogram         // seconds from a join until media can flow
}

// NewCounters begin at nothing.
func NewCounters() *Counters {
	doors := []string{
		protocol.ErrorBadRoom, protocol.ErrorPassword, protocol.ErrorInvite, protocol.ErrorLocked,
		protocol.ErrorRemoved, protocol.ErrorFull, protocol.ErrorDraining,
	}
	return &Counters{
		ended: newTally("closed_by_the_client", "socket_lost", "logged_out", "the_server_is_stopping", "the_server_restarts",
			"silent_for_too_long", "not_resumed",
			"slow_reader", "mailbox_full", "too_many_frames", "frame_too_large",
			"too_many_malformed_frames", "internal_error"),
		failedJoins: newTally(doors...),
		refusals: newTally(append(doors, protocol.ErrorBadMessage, protocol.ErrorBadRecipient,
			protocol.ErrorBadDescription, protocol.ErrorBadCandidate, protocol.ErrorForbidden, protocol.ErrorGone,
			protocol.ErrorTooFast, protocol.ErrorInternal, protocol.ErrorLimit)...),
		limits: newTally(limitFrameSize, limitFrameRate, limitMalformed, limitSlowReader, limitMailbox, limitJoins,
			limitPeople, limitLoad, limitRooms, limitGuesses, limitSockets, LimitLogins, LimitLobbies, LimitConnections,
			protocol.KeyRTC, protocol.KeyFloor, protocol.KeyChat, protocol.KeyEcho),
		toMedia: newHistogram(0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30),
	}
}

// Read returns what was counted until now.
func (c *Counters) Read() Counts {
	return Counts{
		Sockets: c.open.Load(), FramesIn: c.framesIn.Load(), FramesOut: c.framesOut.Load(), Joins: c.joins.Load(),
		Resumed: c.resumed.Load(), Unresumed: c.unresumed.Load(), ChatMessages: c.chat.Load(),
		Ended: c.ended.read(), FailedJoins: c.failedJoins.read(), Refusals: c.refusals.read(), Limits: c.limits.read(),
		ToMedia: c.toMedia.read(),
	}
}

// Limit counts that a limit was hit.
func (c *Counters) Limit(name string) { c.limits.add(name) }

// Resume counts a client that came back for its session, and got it or not.
func (c *Counters) Resume(got bool) {
	if got {
		c.resumed.Add(1)
	} else {
		c.unresumed.Add(1)
	}
}

// socketEnded counts a socket less, and why.
func (c *Counters) socketEnded(reason string) {
	c.open.Add(-1)
	c.ended.add(strings.ReplaceAll(reason, " ", "_"))
	switch reason {
	case "slow reader":
		c.limits.add(limitSlowReader)
	case "mailbox full":
		c.limits.add(limitMailbox)
	case "too many frames":
		c.limits.add(limitFrameRate)
	case "frame too large":
		c.limits.add(limitFrameSize)
	case "too many malformed frames":
		c.limits.add(limitMalformed)
	}
}

// joinFailed counts a join that was refused.
func (c *Counters) joinFailed(err error) {
	c.failedJoins.add(wireError(err).Type)
	switch {
	case errors.Is(err, errManyJoins):
		c.limits.add(limitJoins)
	case errors.Is(err, errManyRooms):
		c.limits.add(limitRooms)
	case errors.Is(err, floor.ErrGuesses):
		c.limits.add(limitGuesses)
	case errors.Is(err, floor.ErrBusy):
		c.limits.add(limitLoad)
	case errors.Is(err, floor.ErrFull):
		c.limits.add(limitPeople)
	}
}

// tally counts by a few names that are known beforehand, so that nobody from outside can make them many.
type tally struct {
	names  []string // static after construction
	counts []atomic.Uint64
}

func newTally(names ...string) tally {
	names = append(slices.Clone(names), other)
	return tally{names, make([]atomic.Uint64, len(names))}
}

func (t *tally) add(name string) {
	at := slices.Index(t.names, name)
	if at < 0 {
		at = len(t.names) - 1
	}
	t.counts[at].Add(1)
}

func (t *tally) read() map[string]uint64 {
	all := make(map[string]uint64, len(t.names))
	for i, name := range t.names {
		all[name] = t.counts[i].Load()
	}
	return all
}

// Histogram is how often a duration was how long, in seconds.
type Histogram struct {
	Count   uint64
	Sum     float64
	Buckets map[float64]uint64 // by upper bound: how often it was at most that
}

type histogram struct {
	bounds []float64 // static after construction: seconds, rising
	counts []atomic.Uint64
	sum    atomic.Int64 // nanoseconds
}

func newHistogram(bounds ...float64) histogram {
	return histogram{bounds: bounds, counts: make([]atomic.Uint64, len(bounds)+1)}
}

func (h *histogram) add(d time.Duration) {
	at, _ := slices.BinarySearch(h.bounds, d.Seconds())
	h.counts[at].Add(1)
	h.sum.Add(int64(d))
}

func (h *histogram) read() Histogram {
	read := Histogram{Sum: time.Duration(h.sum.Load()).Seconds(), Buckets: make(map[float64]uint64, len(h.bounds))}
	for i := range h.counts {
		read.Count += h.counts[i].Load()
		if i < len(h.bounds) {
			read.Buckets[h.bounds[i]] = read.Count
		}
	}
	return read
}
