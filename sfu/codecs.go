package sfu

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"parley/sfu/codec"
)

// ErrCodec is returned for a name in [Config.Codecs] that is none of [CodecNames].
var ErrCodec = errors.New("unknown codec")

// CodecNames lists what [Config.Codecs] may contain, in the order in which codecs are preferred.
func CodecNames() []string { return []string{"opus", "vp8", "vp9", "h264", "av1"} }

// videoCodec is one payload format of a video codec; each has its own payload type and one for retransmissions.
type videoCodec struct {
	name, mimeType, fmtp string
	payloadType          webrtc.PayloadType
}

// videoCodecs lists payload formats. The payload types are only our proposal: what the client offers is what counts.
func videoCodecs() []videoCodec {
	return []videoCodec{
		{"vp8", webrtc.MimeTypeVP8, "", 96},
		{"vp9", webrtc.MimeTypeVP9, "profile-id=0", 98},
		{"h264", webrtc.MimeTypeH264, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f", 102},
		{"h264", webrtc.MimeTypeH264, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640c1f", 104},
		{"av1", webrtc.MimeTypeAV1, "level-idx=5;profile=0;tier=0", 106},
	}
}

// newMediaEngine registers the named codecs and the header extensions that the SFU reads or passes on.
func newMediaEngine(names []string) (*webrtc.MediaEngine, error) {
	engine := &webrtc.MediaEngine{}
	for _, name := range names {
		if !slices.Contains(CodecNames(), name) {
			return nil, fmt.Errorf("%w %q", ErrCodec, name)
		}
	}
	if slices.Contains(names, "opus") {
		if err := registerAudio(engine); err != nil {
			return nil, err
		}
	}
	for _, codec := range videoCodecs() {
		if !slices.Contains(names, codec.name) {
			continue
		}
		if err := registerVideo(engine, codec); err != nil {
			return nil, fmt.Errorf("register %s: %w", codec.name, err)
		}
	}
	return engine, registerExtensions(engine, slices.Contains(names, "av1"))
}

// registerAudio registers Opus, and behind it Opus with redundancy (RFC 2198): the payload type follows each packet.
func registerAudio(engine *webrtc.MediaEngine) error {
	const opus = 111
	for _, codec := range []struct {
		mimeType, fmtp string
		payloadType    webrtc.PayloadType
	}{
		{webrtc.MimeTypeOpus, "minptime=10;useinbandfec=1", opus},
		{mimeTypeRED, fmt.Sprintf("%d/%d", opus, opus), 63},
	} {
		err := engine.RegisterCodec(webrtc.RTPCodecParameters{
			RTPCodecCapability: webrtc.RTPCodecCapability{
				MimeType: codec.mimeType, ClockRate: 48000, Channels: 2, SDPFmtpLine: codec.fmtp,
				RTCPFeedback: []webrtc.RTCPFeedback{{Type: "transport-cc"}},
			},
			PayloadType: codec.payloadType,
		}, webrtc.RTPCodecTypeAudio)
		if err != nil {
			return fmt.Errorf("register %s: %w", codec.mimeType, err)
		}
	}
	return nil
}

// registerVideo registers a codec and its retransmission format (RFC 4588).
func registerVideo(engine *webrtc.MediaEngine, codec videoCodec) error {
	media := webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: codec.mimeType, ClockRate: 90000, SDPFmtpLine: codec.fmtp,
			RTCPFeedback: []webrtc.RTCPFeedback{
				{Type: "transport-cc"}, {Type: "goog-remb"}, {Type: "ccm", Parameter: "fir"}, {Type: "nack"},
				{Type: "nack", Parameter: "pli"},
			},
		},
		PayloadType: codec.payloadType,
	}
	rtx := webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: fmt.Sprintf("apt=%d", codec.payloadType),
		},
		PayloadType: codec.payloadType + 1,
	}
	if err := engine.RegisterCodec(media, webrtc.RTPCodecTypeVideo); err != nil {
		return err
	}
	return engine.RegisterCodec(rtx, webrtc.RTPCodecTypeVideo)
}

func registerExtensions(engine *webrtc.MediaEngine, dependencies bool) error {
	both := []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo}
	video := both[1:]
	extensions := map[string][]webrtc.RTPCodecType{
		sdp.SDESMidURI:               both,
		sdp.SDESRTPStreamIDURI:       video,
		sdp.SDESRepairRTPStreamIDURI: video,
		sdp.TransportCCURI:           both,
		sdp.AudioLevelURI:            both[:1],
	}
	if dependencies {
		extensions[dependencyURI] = video
	}
	for uri, kinds := range extensions {
		for _, kind := range kinds {
			extension := webrtc.RTPHeaderExtensionCapability{URI: uri}
			if err := engine.RegisterHeaderExtension(extension, kind); err != nil {
				return fmt.Errorf("register %s: %w", uri, err)
			}
		}
	}
	return nil
}

// kindOf is the codec as far as its packets are looked into.
func kindOf(capability webrtc.RTPCodecCapability) codec.Kind {
	return codec.KindOf(capability.MimeType)
}

// sameCodec reports whether a receiver that negotiated one can decode the other: the same name and, where a format
// parameter changes the bitstream, the same value of it.
func sameCodec(a, b webrtc.RTPCodecCapability) bool {
	if !strings.EqualFold(a.MimeType, b.MimeType) {
		return false
	}
	switch {
	case strings.EqualFold(a.MimeType, webrtc.MimeTypeH264):
		return h264Profile(a) == h264Profile(b) &&
			formatParameter(a, "packetization-mode", "0") == formatParameter(b, "packetization-mode", "0")
	case strings.EqualFold(a.MimeType, webrtc.MimeTypeVP9):
		return formatParameter(a, "profile-id", "0") == formatParameter(b, "profile-id", "0")
	case strings.EqualFold(a.MimeType, webrtc.MimeTypeAV1):
		return formatParameter(a, "profile", "0") == formatParameter(b, "profile", "0")
	}
	return true
}

// h264Profile is the profile_idc of a profile-level-id (RFC 6184, 8.1). Constraint bits and level are left out: a
// decoder of the profile copes.
func h264Profile(codec webrtc.RTPCodecCapability) string {
	id := strings.ToLower(formatParameter(codec, "profile-level-id", "420010"))
	return id[:min(2, len(id))]
}

// formatParameter returns the value of key in an fmtp line such as "a=1;b=2".
func formatParameter(codec webrtc.RTPCodecCapability, key, absent string) string {
	for part := range strings.SplitSeq(codec.SDPFmtpLine, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if strings.EqualFold(name, key) {
			return value
		}
	}
	return absent
}
