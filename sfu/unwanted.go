package sfu

import (
	"slices"
	"strings"

	"github.com/pion/webrtc/v4"
)

// acceptUnwanted makes pion accept the new lines of an offer that have no codec of ours, with one of theirs in which
// nothing is ever forwarded. Once it has rejected a line, pion (4.2.26) makes no offer any more.
func (c *connection) acceptUnwanted(description string, names []string) {
	_, rest, _ := strings.Cut(description, "\nm=")
	for rest != "" {
		var section string
		section, rest, _ = strings.Cut(rest, "\nm=")
		line, ok := parseSendingLine(section)
		if !ok || c.unwanted >= maxUnwanted || c.hasLine(line.mid) || slices.ContainsFunc(offered(names), line.has) {
			continue
		}
		for pt, f := range line.formats {
			if f.isRepair() || f.isRED() {
				continue
			}
			c.unwanted++
			_ = c.engine.RegisterCodec(webrtc.RTPCodecParameters{
				RTPCodecCapability: f.codec, PayloadType: webrtc.PayloadType(pt),
			}, webrtc.NewRTPCodecType(line.kind)) // else the line is rejected after all
			break
		}
	}
}

// hideRejected makes lines that the client's answer rejects (port 0) look accepted as we have offered them, but
// inactive, and returns their mids. Of a rejected line pion would learn that the client has no codec of that kind, or
// miss the mid, which clients built on pion leave out then; either way it makes no offer any more.
func (c *connection) hideRejected(answer string) (string, map[string]bool) {
	sections := strings.Split(answer, "\nm=")
	if !slices.ContainsFunc(sections[1:], isRejected) {
		return answer, nil // and our offer, which pion writes anew, is not needed
	}
	offer := c.pc.PendingLocalDescription()
	if offer == nil {
		return answer, nil
	}
	mids := make(map[string]bool)
	for i, section := range strings.Split(offer.SDP, "\nm=") {
		if i > 0 && i < len(sections) && isRejected(sections[i]) {
			var mid string
			sections[i], mid = unanswered(section)
			mids[mid] = true
		}
	}
	return strings.TrimRight(strings.Join(sections, "\nm="), "\r\n") + "\r\n", mids
}

// isRejected reports whether a section, without its "m=", is of media and rejected.
func isRejected(section string) bool {
	first, _, _ := strings.Cut(section, "\n")
	fields := strings.Fields(first)
	return len(fields) > 1 && (fields[0] == "audio" || fields[0] == "video") && fields[1] == "0" &&
		!hasFlag(section, "bundle-only")
}

// unanswered is a section of ours with what it offers but nothing of our end, inactive, and its mid.
func unanswered(section string) (text, mid string) {
	var b strings.Builder
	for line := range strings.Lines(section) {
		line = strings.TrimSpace(line)
		key, value, _ := strings.Cut(line, ":")
		switch key {
		case "a=mid":
			mid = value
		case "a=rtcp-mux", "a=rtpmap", "a=fmtp", "a=rtcp-fb", "a=extmap":
		default:
			if strings.HasPrefix(key, "a=") {
				continue
			}
		}
		b.WriteString(line + "\r\n")
	}
	return b.String() + "a=inactive\r", mid
}

// hasLine reports whether there is a line with that mid already.
func (c *connection) hasLine(mid string) bool {
	return slices.ContainsFunc(c.pc.GetTransceivers(), func(t *webrtc.RTPTransceiver) bool { return t.Mid() == mid })
}

// has reports whether the line has a codec.
func (l *sendingLine) has(codec webrtc.RTPCodecCapability) bool {
	for _, f := range l.formats {
		if sameCodec(f.codec, codec) {
			return true
		}
	}
	return false
}

// offered lists the codecs of those names as we offer them.
func offered(names []string) []webrtc.RTPCodecCapability {
	var codecs []webrtc.RTPCodecCapability
	for _, codec := range videoCodecs() {
		if slices.Contains(names, codec.name) {
			codecs = append(codecs, webrtc.RTPCodecCapability{MimeType: codec.mimeType, SDPFmtpLine: codec.fmtp})
		}
	}
	if slices.Contains(names, "opus") {
		codecs = append(codecs, webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus})
	}
	return codecs
}
