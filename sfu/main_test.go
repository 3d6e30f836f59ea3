package sfu_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain looks for goroutines left behind, at the end of all tests: those that wait most run beside each other.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// pion may leave a client's wait for the first packet of a track that never had one, as those of parked lines.
		goleak.IgnoreAnyFunction("github.com/pion/webrtc/v4.(*PeerConnection).startReceiver.func1"),
		// Likewise for its retransmissions.
		goleak.IgnoreAnyFunction("github.com/pion/webrtc/v4.(*RTPReceiver).maybeStartRepairStreamReader.func1"),
		// And its hold on a stream that nobody had accepted when the client closed its connection.
		goleak.IgnoreAnyFunction("github.com/pion/srtp/v3.(*SessionSRTP).decrypt"),
	)
}
