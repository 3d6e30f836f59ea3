// Package netns tests the built server over networks as guests have them: NATs, firewalls, IPv6 alone. Each test makes
// a small internet of network namespaces, see lab_test.go, and removes it; that needs root.
package netns

// State is what somebody in a call sees, as caller and browser.js print it, one line of JSON at a time.
type State struct {
	Path        string            `json:"path"`        // see the constants below, "" without a connection
	Connections int               `json:"connections"` // RTCPeerConnections made so far
	From        map[string]Counts `json:"from"`        // by the screen name of the others in the room
}

// Counts only grow. They are packets in a Go client; in a browser, decoded frames and the energy of the sound.
type Counts struct {
	Video float64 `json:"video"` // 0 before the first keyframe
	Audio float64 `json:"audio"`
}

// The ways of media between a guest and the server.
const (
	DirectUDP = "udp"
	DirectTCP = "tcp" // ICE-TCP, RFC 6544
	TURNUDP   = "turn/udp"
	TURNTCP   = "turn/tcp"
	TURNTLS   = "turn/tls"
)
