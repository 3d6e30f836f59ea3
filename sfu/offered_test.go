package sfu_test

import (
	"strings"
	"testing"

	"github.com/pion/webrtc/v4"

	"parley/sfu"
	"parley/sfu/sfutest"
)

// receiving has a client offer lines on which it only receives.
func receiving(kinds ...webrtc.RTPCodecType) func(*webrtc.PeerConnection) error {
	init := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}
	return func(pc *webrtc.PeerConnection) error {
		for _, kind := range kinds {
			if _, err := pc.AddTransceiverFromKind(kind, init); err != nil {
				return err
			}
		}
		return nil
	}
}

const (
	audio = webrtc.RTPCodecTypeAudio
	video = webrtc.RTPCodecTypeVideo
)

func TestOfferedLinesNeedNoRound(t *testing.T) {
	t.Parallel() // it waits more than it works
	s := newSFU(t)
	ann := sfutest.Join(t, s, "hall", "ann", sfutest.Options{Publish: []string{"audio", "video"}})
	ben := sfutest.Join(t, s, "hall", "ben", sfutest.Options{Publish: []string{"audio"}})
	ann.AwaitMedia("ben/audio", 1)
	ben.AwaitMedia("ann/video", 1)

	eve := sfutest.Join(t, s, "hall", "eve", sfutest.Options{
		Publish: []string{"audio", "video"}, Setup: receiving(audio, audio, video, audio),
	})
	for _, stream := range []string{"ann/audio", "ann/video", "ben/audio"} {
		eve.AwaitMedia(stream, 3)
	}
	if n, _ := eve.Offers(); n != 0 {
		t.Errorf("the server made %d offers to who had lines for all", n)
	}
	ann.AwaitMedia("eve/video", 3)

	// What comes later is offered, on the line that is left as far as that is for it.
	dan := sfutest.Join(t, s, "hall", "dan", sfutest.Options{Publish: []string{"audio", "video"}})
	eve.AwaitMedia("dan/audio", 3)
	eve.AwaitMedia("dan/video", 3)
	if _, sdp := eve.Offers(); strings.Count(sdp, "\nm=") != 8 { // features, two up, four offered, and one more
		t.Errorf("%d lines after dan, want 8", strings.Count(sdp, "\nm="))
	}
	// And when it ends, another has the line.
	dan.Leave()
	sfutest.Join(t, s, "hall", "fay", sfutest.Options{Publish: []string{"video"}})
	eve.AwaitMedia("fay/video", 3)
	if _, sdp := eve.Offers(); strings.Count(sdp, "\nm=") != 8 {
		t.Errorf("%d lines after fay, want 8", strings.Count(sdp, "\nm="))
	}
}

func TestTooFewOfferedLines(t *testing.T) {
	t.Parallel() // it waits more than it works
	s := newSFU(t)
	for _, id := range []string{"ann", "ben", "cat"} {
		sfutest.Join(t, s, "hall", id, sfutest.Options{Publish: []string{"audio", "video"}})
	}
	eve := sfutest.Join(t, s, "hall", "eve", sfutest.Options{Setup: receiving(video)})
	for _, id := range []string{"ann", "ben", "cat"} {
		eve.AwaitMedia(id+"/audio", 3)
		eve.AwaitMedia(id+"/video", 3)
	}
	// A fresh connection has them likewise.
	eve.Reset()
	for _, id := range []string{"ann", "ben", "cat"} {
		eve.AwaitMedia(id+"/audio", 3)
		eve.AwaitMedia(id+"/video", 3)
	}
}

func TestOfferedLinesBringSlots(t *testing.T) {
	s := newSFU(t)
	ann := sfutest.Join(t, s, "hall", "ann", sfutest.Options{Publish: []string{"audio"}})
	ann.AwaitConnected()
	eve := sfutest.Join(t, s, "hall", "eve", sfutest.Options{
		Setup: receiving(audio, audio),
		// Before the offer, as a client does that says it before it joins.
		Before: func(peer *sfu.Peer) { peer.Slots(2) },
	})
	eve.AwaitMedia("slot.0/audio", 3)
	if n, _ := eve.Offers(); n != 0 {
		t.Errorf("the server made %d offers to who had lines for all slots", n)
	}
}
