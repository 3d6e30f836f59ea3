package sfu

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

const (
	audioLevelURI = sdp.AudioLevelURI
	// dependencyURI is of the dependency descriptor (AV1 RTP, appendix A).
	dependencyURI = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
	mimeTypeRED   = "audio/red" // RFC 2198
)

// sendingLine is an m-line of the client's description on which it sends.
type sendingLine struct {
	mid, kind     string
	stream, track string // msid (RFC 8830)
	formats       map[uint8]format
	extensions    extensionIDs
	ssrcs         []uint32          // declared, none with simulcast
	repairs       map[uint32]uint32 // declared: the stream that each SSRC repairs (RFC 5576, 4.2)
}

// format is what a payload type stands for.
type format struct {
	codec   webrtc.RTPCodecCapability
	repairs uint8 // of a retransmission format (RFC 4588): the payload type of what it repairs
}

func (f format) isRepair() bool { return strings.EqualFold(f.codec.MimeType, webrtc.MimeTypeRTX) }
func (f format) isRED() bool    { return strings.EqualFold(f.codec.MimeType, mimeTypeRED) }

// extensionIDs are the ids of header extensions (RFC 8285), 0 where they were not negotiated.
type extensionIDs struct{ mid, rid, repairedRID, transport, level, dependency uint8 }

// at returns the place of an extension's id, nil for one that is of no interest.
func (e *extensionIDs) at(uri string) *uint8 {
	switch uri {
	case sdp.SDESMidURI:
		return &e.mid
	case sdp.SDESRTPStreamIDURI:
		return &e.rid
	case sdp.SDESRepairRTPStreamIDURI:
		return &e.repairedRID
	case sdp.TransportCCURI:
		return &e.transport
	case sdp.AudioLevelURI:
		return &e.level
	case dependencyURI:
		return &e.dependency
	}
	return nil
}

// merge takes over what other has: on one transport an id means the same on all lines (RFC 9143, 9.1).
func (e *extensionIDs) merge(other extensionIDs) {
	for _, pair := range [][2]*uint8{
		{&e.mid, &other.mid}, {&e.rid, &other.rid}, {&e.repairedRID, &other.repairedRID},
		{&e.transport, &other.transport}, {&e.level, &other.level},
		{&e.dependency, &other.dependency},
	} {
		if *pair[1] != 0 {
			*pair[0] = *pair[1]
		}
	}
}

// parseSending reads the lines on which the client sends out of its description. Others cost no more than finding
// their end: of a large room's description nearly all lines are ours. What is malformed is left out, as if it were
// absent; pion has judged the description as a whole.
func parseSending(description string) []sendingLine {
	var lines []sendingLine
	session, rest, _ := strings.Cut(description, "\nm=")
	fallback := direction(session, "sendrecv")
	for rest != "" {
		var section string
		section, rest, _ = strings.Cut(rest, "\nm=")
		switch direction(section, fallback) {
		case "sendrecv", "sendonly":
		default:
			continue
		}
		if line, ok := parseSendingLine(section); ok {
			lines = append(lines, line)
		}
	}
	return lines
}

// direction finds the direction attribute of a section (RFC 8866, 6.7).
func direction(section, fallback string) string {
	for _, name := range []string{"recvonly", "inactive", "sendonly", "sendrecv"} {
		if hasFlag(section, name) {
			return name
		}
	}
	return fallback
}

// hasFlag reports whether a section has an attribute without a value.
func hasFlag(section, name string) bool {
	_, after, found := strings.Cut(section, "\na="+name)
	for found && after != "" && after[0] != '\r' && after[0] != '\n' { // a longer name
		_, after, found = strings.Cut(after, "\na="+name)
	}
	return found
}

// parseSendingLine reads one section, without its "m=".
func parseSendingLine(section string) (sendingLine, bool) {
	first, attributes, _ := strings.Cut(section, "\n")
	fields := strings.Fields(first)
	if len(fields) < 4 || fields[0] != "audio" && fields[0] != "video" {
		return sendingLine{}, false
	}
	// Port 0 means rejected, unless the line was bundled from the start and has none of its own (RFC 9143, section 6).
	if fields[1] == "0" && !hasFlag(section, "bundle-only") {
		return sendingLine{}, false
	}
	line := sendingLine{kind: fields[0], formats: make(map[uint8]format), repairs: make(map[uint32]uint32)}
	parameters := make(map[uint8]string)
	for attribute := range strings.Lines(attributes) {
		key, value, _ := strings.Cut(strings.TrimSpace(attribute), ":")
		switch key {
		case "a=mid":
			line.mid = value
		case "a=msid":
			line.stream, line.track, _ = strings.Cut(value, " ")
		case "a=rtpmap":
			line.addFormat(value)
		case "a=fmtp":
			pt, rest, _ := strings.Cut(value, " ")
			if n, err := strconv.ParseUint(pt, 10, 7); err == nil {
				parameters[uint8(n)] = rest
			}
		case "a=extmap":
			line.addExtension(value)
		case "a=ssrc":
			line.addSSRC(value)
		case "a=ssrc-group":
			line.addGroup(value)
		}
	}
	for pt, f := range line.formats {
		f.codec.SDPFmtpLine = parameters[pt]
		if apt, err := strconv.ParseUint(formatParameter(f.codec, "apt", ""), 10, 7); f.isRepair() && err == nil {
			f.repairs = uint8(apt)
		}
		line.formats[pt] = f
	}
	// Retransmissions are declared among the others.
	line.ssrcs = slices.DeleteFunc(line.ssrcs, func(ssrc uint32) bool { _, ok := line.repairs[ssrc]; return ok })
	return line, line.mid != ""
}

// addFormat takes "<payload type> <name>/<clock rate>[/<channels>]" (RFC 8866, 6.6).
func (l *sendingLine) addFormat(value string) {
	pt, encoding, _ := strings.Cut(value, " ")
	parts := strings.Split(encoding, "/")
	n, err := strconv.ParseUint(pt, 10, 7)
	if err != nil || len(parts) < 2 {
		return
	}
	rate, err := strconv.ParseUint(parts[1], 10, 32)
	if err != nil {
		return
	}
	codec := webrtc.RTPCodecCapability{MimeType: l.kind + "/" + parts[0], ClockRate: uint32(rate)}
	if len(parts) > 2 {
		if channels, err := strconv.ParseUint(parts[2], 10, 16); err == nil {
			codec.Channels = uint16(channels)
		}
	}
	l.formats[uint8(n)] = format{codec: codec}
}

// addExtension takes "<id>[/<direction>] <uri>" (RFC 8285, section 8).
func (l *sendingLine) addExtension(value string) {
	id, uri, _ := strings.Cut(value, " ")
	id, _, _ = strings.Cut(id, "/")
	uri, _, _ = strings.Cut(uri, " ")
	n, err := strconv.ParseUint(id, 10, 8)
	if at := l.extensions.at(uri); at != nil && err == nil {
		*at = uint8(n)
	}
}

// addSSRC takes "<ssrc> <attribute>[:<value>]" (RFC 5576, 4.1).
func (l *sendingLine) addSSRC(value string) {
	id, attribute, _ := strings.Cut(value, " ")
	ssrc, err := strconv.ParseUint(id, 10, 32)
	if err != nil {
		return
	}
	if !slices.Contains(l.ssrcs, uint32(ssrc)) {
		l.ssrcs = append(l.ssrcs, uint32(ssrc))
	}
	if msid, ok := strings.CutPrefix(attribute, "msid:"); ok && l.stream == "" {
		l.stream, l.track, _ = strings.Cut(msid, " ")
	}
}

// addGroup takes "FID <media> <retransmission>" (RFC 5576, 4.2).
func (l *sendingLine) addGroup(value string) {
	fields := strings.Fields(value)
	if len(fields) != 3 || fields[0] != "FID" {
		return
	}
	media, err := strconv.ParseUint(fields[1], 10, 32)
	repair, err2 := strconv.ParseUint(fields[2], 10, 32)
	if err == nil && err2 == nil {
		l.repairs[uint32(repair)] = uint32(media)
	}
}
