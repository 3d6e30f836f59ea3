package sfu

import (
	"testing"

	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"
)

func TestTCPCandidates(t *testing.T) {
	host := webrtc.ICECandidate{
		Foundation: "1", Priority: 2130706431, Address: "203.0.113.5", Protocol: webrtc.ICEProtocolUDP, Port: 7000,
		Typ: webrtc.ICECandidateTypeHost, Component: 1,
	}
	made := tcpCandidates(host, []uint16{MediaPort, 443})
	if len(made) != 2 {
		t.Fatalf("%d candidates, not one for each port", len(made))
	}
	former := host.Priority
	for i, port := range []int{7000, 443} {
		read, err := ice.UnmarshalCandidate(made[i].Candidate)
		if err != nil {
			t.Fatalf("%q: %v", made[i].Candidate, err)
		}
		if read.TCPType() != ice.TCPTypePassive || read.NetworkType() != ice.NetworkTypeTCP4 ||
			read.Address() != host.Address || read.Port() != port {
			t.Errorf("%q is not passive TCP at %s:%d", made[i].Candidate, host.Address, port)
		}
		if read.Priority() >= former {
			t.Errorf("%q has priority over the one before it", made[i].Candidate)
		}
		former = read.Priority()
	}
	host.Typ = webrtc.ICECandidateTypeRelay
	if made := tcpCandidates(host, []uint16{443}); made != nil {
		t.Errorf("a relay has candidates over TCP: %v", made)
	}
}
