package client

import "github.com/pion/webrtc/v4"

// followPath notes which way the media goes whenever that changes; an ICE restart changes it without a change of the
// connection's state.
func (c *Client) followPath(conn *connection) {
	transport := conn.pc.SCTP().Transport().ICETransport()
	transport.OnSelectedCandidatePairChange(func(*webrtc.ICECandidatePair) {
		c.ifCurrent(conn, func() { c.notePath(conn) })
	})
}

func (c *Client) notePath(conn *connection) {
	path, relay := conn.path()
	c.state.update(func(s *Snapshot) { s.LocalPath, s.RelayProtocol = path, relay })
}

// path is the selected local candidate, "" before there is one, and how its TURN server is reached, "" without one.
func (c *connection) path() (local, relay string) {
	transport := c.pc.SCTP().Transport().ICETransport()
	pair, err := transport.GetSelectedCandidatePair()
	if err != nil || pair == nil {
		return "", ""
	}
	local = pair.Local.Typ.String() + " " + pair.Local.Protocol.String()
	if pair.Local.Typ != webrtc.ICECandidateTypeRelay {
		return local, ""
	}
	selected, ok := transport.GetSelectedCandidatePairStats()
	if !ok {
		return local, ""
	}
	for _, stats := range c.pc.GetStats() { // nothing else tells the protocol to the relay
		candidate, ok := stats.(webrtc.ICECandidateStats)
		if ok && candidate.ID == selected.LocalCandidateID {
			relay = candidate.RelayProtocol
		}
	}
	return local, relay
}
