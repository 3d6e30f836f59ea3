package sfu

import (
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"
)

// abandoned is how long a pair has not been nominated when another one of less priority is followed. While a client
// looks for its path it may nominate several, many times a second.
const abandoned = time.Second

// nominations has the path follow the client's nominations to a pair of less priority too: a client leaves a path that
// died, or that it likes less, without a word but that. Pion goes up only.
//
// It belongs to one ICE agent, which calls it from its loop.
type nominations struct {
	current *ice.CandidatePair // nil: none yet
	heard   time.Time          // when current was last nominated
}

// observe makes settings those of the connection whose nominations these are. They must not be shared.
func (n *nominations) observe(settings *webrtc.SettingEngine) {
	settings.SetICEBindingRequestHandler(func(m *stun.Message, _, _ ice.Candidate, pair *ice.CandidatePair) bool {
		// What has not answered a check of ours is no pair yet; the client repeats itself.
		return m.Contains(stun.AttrUseCandidate) && pair.ResponsesReceived() > 0 && n.follow(pair, time.Now())
	})
}

// follow takes a nomination (RFC 8445, section 7.3.1.5), and tells whether pion has to be told to go to the pair.
func (n *nominations) follow(pair *ice.CandidatePair, now time.Time) bool {
	up := n.current == nil || priority(pair) > priority(n.current) // pion goes there by itself
	if pair != n.current && !up && now.Sub(n.heard) < abandoned {
		return false
	}
	down := pair != n.current && !up
	n.current, n.heard = pair, now
	return down
}

// priority of a pair (RFC 8445, section 6.1.2.3), but for what sets two ends apart.
func priority(pair *ice.CandidatePair) uint64 {
	local, remote := uint64(pair.Local.Priority()), uint64(pair.Remote.Priority())
	return min(local, remote)<<32 | max(local, remote)
}
