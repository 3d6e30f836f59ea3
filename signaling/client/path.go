package client

import (
	"net"
	"strconv"

	"github.com/pion/webrtc/v4"
)

// followPath notes which way the media goes whenever that changes; an ICE restart changes it without a change of the
// connection's state.
func (c *Client) followPath(conn *connection) {
	transport := conn.pc.SCTP().Transport().ICETransport()
	transport.OnSelectedCandidatePairChange(func(*webrtc.ICECandidatePair) {
		c.ifCurrent(conn, func() { c.notePath(conn) })
	})
}

func (c *Client) notePath(conn *connection) {
	transport := conn.pc.SCTP().Transport().ICETransport()
	pair, err := transport.GetSelectedCandidatePair()
	if err != nil || pair == nil {
		return
	}
	local := pair.Local.Typ.String() + " " + pair.Local.Protocol.String()
	remote := net.JoinHostPort(pair.Remote.Address, strconv.Itoa(int(pair.Remote.Port)))
	relay := ""
	if pair.Local.Typ == webrtc.ICECandidateTypeRelay {
		relay = conn.relayProtocol(transport)
	}
	c.state.update(func(s *Snapshot) { s.LocalPath, s.RelayProtocol, s.RemoteAddress = local, relay, remote })
}

// relayProtocol is how the TURN server of the path is reached, which only the statistics tell.
func (c *connection) relayProtocol(transport *webrtc.ICETransport) string {
	selected, ok := transport.GetSelectedCandidatePairStats()
	if !ok {
		return ""
	}
	for _, stats := range c.pc.GetStats() {
		candidate, ok := stats.(webrtc.ICECandidateStats)
		if ok && candidate.ID == selected.LocalCandidateID {
			return candidate.RelayProtocol
		}
	}
	return ""
}
