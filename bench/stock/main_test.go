package main

import (
	"context"
	"fmt"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"parley/signaling/client"
)

// TestMain looks for goroutines left behind, but for one that pion leaves: it waits for the first packet of a track
// that never had one.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/pion/webrtc/v4.(*PeerConnection).startReceiver.func1"))
}

func TestForwarding(t *testing.T) {
	udp, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = udp.Close() })
	s, err := newStock(udp)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	both := client.Options{Audio: true, Video: true}
	var people []*client.Client
	for i, options := range []client.Options{both, both, {}} {
		account, err := client.LogIn(ctx, server.URL, fmt.Sprint("guest", i), fmt.Sprint("The real guest", i))
		if err != nil {
			t.Fatal(err)
		}
		c, err := account.Dial(ctx, "lobby", options)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if err := c.JoinAndWait(ctx, "room"); err != nil {
			t.Fatal(err)
		}
		people = append(people, c)
	}
	for i, c := range people {
		for j, other := range people[:2] {
			if i == j {
				continue
			}
			from := other.Snapshot().ChannelName
			if err := c.Await(ctx, func(s client.Snapshot) bool {
				video := s.Received[client.Source{ChannelName: from, Kind: "video"}]
				audio := s.Received[client.Source{ChannelName: from, Kind: "audio"}]
				return video.Packets > 20 && video.Keyframes > 0 && video.Bytes > 100*video.Packets && audio.Packets > 10
			}); err != nil {
				t.Fatalf("%d from %d: %v, received %+v", i, j, err, c.Snapshot().Received)
			}
		}
	}
	for i, c := range people[:2] {
		if sent := c.Snapshot().Sent[client.Encoding{Kind: "video"}]; sent.KeyframeRequests == 0 {
			t.Errorf("nobody has asked %d for a keyframe", i)
		}
	}
	_ = people[0].Close()
	if err := people[1].Await(ctx, func(s client.Snapshot) bool { return len(s.People) == 1 }); err != nil {
		t.Errorf("who left: %v", err)
	}
}
