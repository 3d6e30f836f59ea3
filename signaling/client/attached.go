package client

import "github.com/pion/webrtc/v4"

// Media stands for what a client sends and receives, for a program that does both in its own way.
type Media interface {
	// Attach is called with each new connection, on the client's loop, before its first offer.
	Attach(conn *Connection) error
	// Describe is told each description of the server, on the client's loop, before it is applied.
	Describe(sdp string)
}

// Connection is what a [Media] has of one RTCPeerConnection. Its methods may be called from Attach.
type Connection struct {
	client *Client
	conn   *connection
}

// PC is the connection itself.
func (c *Connection) PC() *webrtc.PeerConnection { return c.conn.pc }

// Publish adds one track in one or several encodings.
func (c *Connection) Publish(encodings ...*Track) error { return c.conn.add(encodings) }

// OnTrack calls f with each received track, on the client's loop.
func (c *Connection) OnTrack(f func(*webrtc.TrackRemote, *webrtc.RTPReceiver)) {
	c.conn.pc.OnTrack(func(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		c.client.ifCurrent(c.conn, func() { f(remote, receiver) })
	})
}

// Go runs f, which has to end soon after Done is closed. It may also be called by what OnTrack calls.
func (c *Connection) Go(f func()) { c.conn.running.Go(f) }

// Done is closed when the connection ends.
func (c *Connection) Done() <-chan struct{} { return c.conn.closing }
