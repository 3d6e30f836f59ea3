package sfu

import (
	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"
)

// nominations has the path follow the client's nominations to a pair of less priority too: a client leaves a path that
// died, or that it likes less, without a word but that. Pion goes up only.
//
// It belongs to one ICE agent, which calls it from its loop.
type nominations struct{ last *ice.CandidatePair }

// observe makes settings those of the connection whose nominations these are. They must not be shared.
func (n *nominations) observe(settings *webrtc.SettingEngine) {
	settings.SetICEBindingRequestHandler(func(m *stun.Message, _, _ ice.Candidate, pair *ice.CandidatePair) bool {
		return n.follow(m, pair)
	})
}

// follow tells whether the request moves the path to the pair (RFC 8445, section 7.3.1.5). What has not answered a
// check of ours is no pair yet; the client repeats itself.
func (n *nominations) follow(m *stun.Message, pair *ice.CandidatePair) bool {
	if !m.Contains(stun.AttrUseCandidate) || pair == n.last || pair.ResponsesReceived() == 0 {
		return false
	}
	n.last = pair
	return true
}
