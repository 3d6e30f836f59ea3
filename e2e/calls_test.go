package e2e

import (
	"testing"

	"parley/signaling/client"
)

func TestTwoPeople(t *testing.T) {
	s := start(t)
	publish := client.Options{Audio: true, Video: true, Features: map[string]any{"video": true}}
	ann, bob := s.guest("ann", publish), s.guest("bob", publish)
	join(t, ann, "red")
	join(t, bob, "red")
	for _, c := range []*client.Client{ann, bob} {
		other := ann
		if c == ann {
			other = bob
		}
		await(t, c, "media of the other", func(seen client.Snapshot) bool {
			name := other.Snapshot().ChannelName
			video := seen.Received[client.Source{ChannelName: name, Kind: "video"}]
			audio := seen.Received[client.Source{ChannelName: name, Kind: "audio"}]
			return video.Packets > 20 && video.Keyframes > 0 && audio.Packets > 50 && seen.Features[name] != nil
		})
		t.Log(describe(c.Snapshot()))
	}
}
