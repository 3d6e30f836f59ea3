package sfu

import (
	"cmp"
	"fmt"
	"hash/crc32"
	"net"
	"strconv"

	"github.com/pion/webrtc/v4"
)

// tcpPreference is a candidate's type preference (RFC 8445, section 5.1.2.1). Browsers give 2 to relays over UDP, which
// media prefers to TCP, and 1 to those over TCP.
const tcpPreference = 1

// tcpCandidates makes the candidates over TCP (RFC 6544) that stand beside a host candidate of pion's, which knows UDP
// only (see parley/sfu/icetcp): at the same address, with these ports.
func tcpCandidates(udp webrtc.ICECandidate, ports []uint16) []Candidate {
	if udp.Typ != webrtc.ICECandidateTypeHost || udp.Protocol != webrtc.ICEProtocolUDP {
		return nil
	}
	made := make([]Candidate, 0, len(ports))
	for i, port := range ports {
		port = cmp.Or(port, udp.Port)
		at := net.JoinHostPort(udp.Address, strconv.Itoa(int(port)))
		const passive = 4 // direction preference (section 4.2)
		local := uint32(passive<<13 | (1<<13 - 1 - i))
		candidate := udp.ToJSON()
		candidate.Candidate = fmt.Sprintf("candidate:%d 1 tcp %d %s %d typ host tcptype passive",
			crc32.ChecksumIEEE([]byte("tcp"+at)), tcpPreference<<24|local<<8|255, udp.Address, port)
		made = append(made, candidate)
	}
	return made
}
