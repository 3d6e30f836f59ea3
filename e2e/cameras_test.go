package e2e

import (
	"testing"
	"time"

	"parley/signaling/client"
)

// TestCameraOffAtOnce has a camera go off with its first packet, before anybody can have asked for its picture, and
// come back when the server has long told publishers what nobody receives.
func TestCameraOffAtOnce(t *testing.T) {
	t.Parallel() // it waits
	s := start(t)
	options := everything()
	options.Small = true
	ann, bob := s.guest("ann", options), s.guest("bob", everything())
	join(t, bob, "red")
	join(t, ann, "red")
	await(t, ann, "the first packet", func(seen client.Snapshot) bool {
		return seen.Sent[client.Encoding{Kind: "video"}].Packets > 0
	})
	ann.Mute(false, true)
	time.Sleep(9 * time.Second) // what nobody wants for 5 s is switched off
	before := bob.Snapshot().Received[from(ann, "video")].Packets
	ann.Mute(false, false)
	await(t, bob, "the picture", func(seen client.Snapshot) bool {
		return seen.Received[from(ann, "video")].Packets > before+10
	})
}
