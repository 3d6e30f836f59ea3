package codec

import "strings"

// Kind is a codec as far as an SFU tells them apart.
type Kind uint8

// The codecs whose payloads are read. Of KindOther nothing is known: every packet is a beginning.
const (
	KindOther Kind = iota
	KindOpus       // and all other audio
	KindVP8
	KindVP9
	KindH264
	KindAV1
)

// KindOf finds the codec with that MIME type, upper or lower case.
func KindOf(mimeType string) Kind {
	switch lower := strings.ToLower(mimeType); lower {
	case "video/vp8":
		return KindVP8
	case "video/vp9":
		return KindVP9
	case "video/h264":
		return KindH264
	case "video/av1":
		return KindAV1
	default:
		if strings.HasPrefix(lower, "audio/") {
			return KindOpus
		}
		return KindOther
	}
}

// Frame is what one packet tells about the frame it is of, in terms common to all codecs. It holds no reference to the
// payload.
type Frame struct {
	Keyframe      bool // a receiver can start with this packet
	First, Last   bool // it begins or ends a frame of its spatial layer
	SwitchUp      bool // see the selector: a receiver may take higher temporal layers from here on
	ParameterSet  bool // H264: only what a keyframe that follows needs
	Spatial       uint8
	Temporal      uint8
	Width, Height uint16 // pixels, of a keyframe (of H264: of the parameter set), 0 if not told

	VP8        VP8
	VP9        VP9
	Dependency Dependency
}

// Parser reads the packets of one encoding, in the order in which they come. Audio and KindOther need none.
type Parser struct {
	Kind Kind
}

// Parse reads a payload that is not empty. dependency is the dependency descriptor (AV1 RTP, appendix A), nil if there
// was none; marker is the RTP header's.
//
// After an error the packet is of no use to anybody, as its place in the stream is not known.
func (p *Parser) Parse(payload, dependency []byte, marker bool) (Frame, error) {
	var f Frame
	if len(payload) == 0 {
		return f, ErrShort
	}
	switch p.Kind {
	case KindVP8:
		return parseVP8Frame(payload, marker)
	case KindH264:
		f.Keyframe = h264StartsKeyframe(payload)
		f.ParameterSet = !f.Keyframe && isParameterSet(payload)
		f.First, f.Last = f.Keyframe, marker
	case KindVP9:
		f.Keyframe = vp9StartsKeyframe(payload)
		f.First, f.Last = f.Keyframe, marker
	case KindAV1:
		f.Keyframe = payload[0]&0x08 != 0
		f.First, f.Last = f.Keyframe, marker
	default:
		f.Keyframe, f.First, f.Last = true, true, true
	}
	return f, nil
}

func parseVP8Frame(payload []byte, marker bool) (Frame, error) {
	d, err := ParseVP8(payload)
	if err != nil {
		return Frame{}, err
	}
	return Frame{
		Keyframe: d.Keyframe, First: d.Start, Last: marker, SwitchUp: d.Keyframe || d.Sync,
		Temporal: d.TID, Width: d.Width, Height: d.Height, VP8: d,
	}, nil
}

// VP9 is a VP9 payload descriptor (RFC 9628, 4.2).
type VP9 struct{}

// Dependency is a dependency descriptor (AV1 RTP, appendix A).
type Dependency struct{}
