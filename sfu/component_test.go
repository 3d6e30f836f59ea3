package sfu

import (
	"strings"
	"testing"
)

func TestCandidatesForRTCPByItselfAreLeftOut(t *testing.T) {
	const (
		rtp  = "candidate:0 1 UDP 2122252543 192.0.2.7 40941 typ host"
		rtcp = "candidate:0 2 UDP 2122252542 192.0.2.7 55026 typ host"
	)
	if ofRTCP(rtp) || !ofRTCP(rtcp) || ofRTCP("") || ofRTCP("candidate:0") {
		t.Error("one is taken for the other")
	}
	for _, end := range []string{"\r\n", "\n"} {
		lines := []string{"v=0", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=" + rtp, "a=mid:2 2 2", ""}
		want := strings.Join(lines, end)
		got := withoutRTCP(strings.Replace(want, "a=mid", "a="+rtcp+end+"a=mid", 1))
		if got != want {
			t.Errorf("%q", got)
		}
	}
}
