package sfu

import (
	"encoding/binary"
	"time"

	"github.com/pion/rtcp"

	"parley/sfu/egress"
)

const (
	rtcpHeaderSize = 4
	maxRTT         = 2 * time.Second
)

// receiveRTCP acts on a compound packet of the client. mu is held. Types that nobody here acts on cost no more than
// finding their end.
func (in *ingress) receiveRTCP(compound []byte, now time.Time, b *egress.Batch) {
	for len(compound) >= rtcpHeaderSize {
		var header rtcp.Header
		size := rtcpHeaderSize * (1 + int(binary.BigEndian.Uint16(compound[2:])))
		if err := header.Unmarshal(compound); err != nil || size > len(compound) {
			return
		}
		in.control(header, compound[:size], now, b)
		compound = compound[size:]
	}
}

// control acts on one packet. mu is held.
func (in *ingress) control(header rtcp.Header, packet []byte, now time.Time, b *egress.Batch) {
	switch header.Type {
	case rtcp.TypeSenderReport:
		var report rtcp.SenderReport
		if report.Unmarshal(packet) == nil {
			if s := in.sources[report.SSRC]; s != nil && !s.repair {
				s.layer.account.SenderReport(report.NTPTime, now)
			}
			in.measure(report.Reports, now)
		}
	case rtcp.TypeReceiverReport:
		var report rtcp.ReceiverReport
		if report.Unmarshal(packet) == nil {
			in.measure(report.Reports, now)
		}
	case rtcp.TypePayloadSpecificFeedback:
		in.keyframeWanted(header, packet)
	case rtcp.TypeTransportSpecificFeedback:
		if header.Count != rtcp.FormatTLN {
			return
		}
		var nack rtcp.TransportLayerNack
		if nack.Unmarshal(packet) == nil {
			if d := in.downs[nack.MediaSSRC]; d != nil {
				d.resend(nack.Nacks, b)
			}
		}
	default:
	}
}

// keyframeWanted passes on that the client has lost a picture. mu is held.
func (in *ingress) keyframeWanted(header rtcp.Header, packet []byte) {
	switch header.Count {
	case rtcp.FormatPLI:
		var pli rtcp.PictureLossIndication
		if pli.Unmarshal(packet) == nil {
			if d := in.downs[pli.MediaSSRC]; d != nil {
				d.requestKeyframe()
			}
		}
	case rtcp.FormatFIR:
		var fir rtcp.FullIntraRequest
		if fir.Unmarshal(packet) == nil {
			for _, entry := range fir.FIR {
				if d := in.downs[entry.SSRC]; d != nil {
					d.requestKeyframe()
				}
			}
		}
	default:
	}
}

// measure learns the round trip from reception reports on what we send (RFC 3550, 6.4.1). mu is held.
func (in *ingress) measure(reports []rtcp.ReceptionReport, now time.Time) {
	for _, report := range reports {
		if report.LastSenderReport == 0 {
			continue
		}
		compact := uint32(ntpTime(now) >> 16) // the middle 32 bits
		rtt := time.Duration(compact-report.LastSenderReport-report.Delay) * time.Second >> 16
		if rtt > 0 && rtt < maxRTT {
			in.rtt += (rtt - in.rtt) / 8
		}
	}
}
