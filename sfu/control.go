package sfu

import (
	"encoding/binary"
	"time"

	"github.com/pion/rtcp"

	"parley/sfu/congestion"
	"parley/sfu/egress"
	"parley/sfu/rewrite"
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
				s.layer.clock = rewrite.Clock{NTP: report.NTPTime, RTP: report.RTPTime}
			}
			in.measure(report.Reports, now, b)
		}
	case rtcp.TypeReceiverReport:
		var report rtcp.ReceiverReport
		if report.Unmarshal(packet) == nil {
			in.measure(report.Reports, now, b)
		}
	case rtcp.TypePayloadSpecificFeedback:
		in.aboutPayload(header, packet, now, b)
	case rtcp.TypeTransportSpecificFeedback:
		in.aboutTransport(header, packet, now, b)
	default:
	}
}

// aboutTransport acts on what the client says of packets that arrived or did not. mu is held.
func (in *ingress) aboutTransport(header rtcp.Header, packet []byte, now time.Time, b *egress.Batch) {
	switch header.Count {
	case rtcp.FormatTLN:
		var nack rtcp.TransportLayerNack
		if nack.Unmarshal(packet) == nil {
			if d := in.downs[nack.MediaSSRC]; d != nil {
				in.sender.resend(d, nack.Nacks, now, in.rtt, b)
			}
		}
	case rtcp.FormatTCC:
		in.sender.feedback(packet, now, b)
	default:
	}
}

// aboutPayload passes on that the client has lost a picture, and takes its estimate. mu is held.
func (in *ingress) aboutPayload(header rtcp.Header, packet []byte, now time.Time, b *egress.Batch) {
	switch header.Count {
	case rtcp.FormatREMB:
		var remb rtcp.ReceiverEstimatedMaximumBitrate
		if remb.Unmarshal(packet) == nil {
			in.sender.estimated(float64(remb.Bitrate), now, b)
		}
	case rtcp.FormatPLI:
		var pli rtcp.PictureLossIndication
		if pli.Unmarshal(packet) == nil {
			if d := in.downs[pli.MediaSSRC]; d != nil {
				d.requestKeyframe(now)
			}
		}
	case rtcp.FormatFIR:
		var fir rtcp.FullIntraRequest
		if fir.Unmarshal(packet) == nil {
			for _, entry := range fir.FIR {
				if d := in.downs[entry.SSRC]; d != nil {
					d.requestKeyframe(now)
				}
			}
		}
	default:
	}
}

// measure learns round trip and loss from reception reports on what we send (RFC 3550, 6.4.1), which may come one by
// one for each track. mu is held.
func (in *ingress) measure(reports []rtcp.ReceptionReport, now time.Time, b *egress.Batch) {
	due := false
	for i := range reports {
		report := &reports[i]
		rtt := time.Duration(0)
		if report.LastSenderReport != 0 {
			compact := uint32(ntpTime(now) >> 16) // the middle 32 bits
			rtt = time.Duration(compact-report.LastSenderReport-report.Delay) * time.Second >> 16
		}
		if rtt > 0 && rtt < maxRTT {
			in.rtt += (rtt - in.rtt) / 8
			in.timed = true
		} else {
			rtt = 0
		}
		if d := in.downs[report.SSRC]; d != nil {
			due = d.reception.Note(now, report.LastSequenceNumber, report.FractionLost, rtt) || due
		}
	}
	if !due {
		return
	}
	var all congestion.Reception
	for _, d := range in.downs {
		all.Take(now, &d.reception)
	}
	in.sender.received(all.Lost(), all.RTT, now, b)
}
