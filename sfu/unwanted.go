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
		if !ok || c.hasLine(line.mid) || slices.ContainsFunc(offered(names), line.has) {
			continue
		}
		for pt, f := range line.formats {
			if f.isRepair() || f.isRED() {
				continue
			}
			_ = c.engine.RegisterCodec(webrtc.RTPCodecParameters{
				RTPCodecCapability: f.codec, PayloadType: webrtc.PayloadType(pt),
			}, webrtc.NewRTPCodecType(line.kind)) // else the line is rejected after all
			break
		}
	}
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
