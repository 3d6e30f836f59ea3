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

// Size is that of a picture in pixels, zero if it is not known.
type Size struct{ Width, Height uint16 }

// Frame is what one packet tells about the frame it is of, in terms common to all codecs. It holds no reference to the
// payload.
type Frame struct {
	Keyframe      bool // a receiver can start with this packet
	First, Last   bool // it begins or ends a frame of its spatial layer; H264: as far as markers tell
	SwitchUp      bool // VP8, VP9: higher temporal layers may be taken from here on
	ParameterSet  bool // H264: only what comes before the first slice, of which a keyframe needs some
	Spatial       uint8
	Temporal      uint8
	Width, Height uint16           // of the largest picture told here, as a keyframe or parameter set does, else 0
	Sizes         [MaxSpatial]Size // likewise, of each spatial layer

	VP8        VP8
	VP9        VP9
	Dependency Dependency
}

// Parser reads the packets of one encoding, in the order in which they come.
type Parser struct {
	Kind Kind

	dependencies descriptors
	within       bool // a frame: the last packet had no marker
}

// Parse reads a payload that is not empty. dependency is the dependency descriptor (AV1 RTP, appendix A), empty if it
// has none: where it is negotiated, Chromium sends it for every codec, and says of temporal layers nothing in VP8's
// own descriptor. That of VP9 tells more, and alone is read. marker is the RTP header's.
//
// After an error the packet is of no use to anybody, as its place in the stream is not known; after [ErrStructure] that
// lasts until there is a keyframe.
func (p *Parser) Parse(payload, dependency []byte, marker bool) (f Frame, err error) {
	if len(payload) == 0 {
		return f, ErrShort
	}
	switch p.Kind {
	case KindVP8:
		err = f.parseVP8(payload, marker)
	case KindVP9:
		err = f.parseVP9(payload)
	case KindH264:
		f.parseH264(payload, marker)
		f.First = !p.within
	case KindAV1:
		f.parseAV1(payload, marker)
		f.First = !p.within
	default:
		f.Keyframe, f.First, f.Last = true, true, true
	}
	p.within = !marker
	if len(dependency) > 0 && p.described() && err == nil {
		err = p.parseDependency(dependency, &f)
	}
	return f, err
}

// described reports whether dependency descriptors are read.
func (p *Parser) described() bool {
	return p.Kind == KindAV1 || p.Kind == KindVP8 || p.Kind == KindH264
}

func (p *Parser) parseDependency(dependency []byte, f *Frame) error {
	err := p.dependencies.parse(dependency, f)
	f.ParameterSet, f.SwitchUp = false, false // the frame begins with its first packet, whatever that is
	if d := &f.Dependency; d.Attached && d.Structure.Sizes[0].Width != 0 {
		f.tellSizes(d.Structure.Sizes)
	}
	return err
}

func (f *Frame) parseVP8(payload []byte, marker bool) error {
	d, err := ParseVP8(payload)
	if err != nil {
		return err
	}
	f.Keyframe, f.First, f.Last, f.SwitchUp = d.Keyframe, d.Start, marker, d.Sync
	f.Temporal, f.VP8 = d.TID, d
	f.tellSizes([MaxSpatial]Size{{d.Width, d.Height}})
	return nil
}

func (f *Frame) parseVP9(payload []byte) error {
	d, sizes, err := ParseVP9(payload)
	if err != nil {
		return err
	}
	f.Keyframe = d.Begin && !d.Predicted && !d.InterLayer
	f.First, f.Last, f.SwitchUp = d.Begin, d.End, d.SwitchUp
	f.Spatial, f.Temporal, f.VP9 = d.SID, d.TID, d
	f.tellSizes(sizes)
	return nil
}

func (f *Frame) tellSizes(sizes [MaxSpatial]Size) {
	f.Sizes = sizes
	for _, size := range sizes {
		if size.Width > f.Width {
			f.Width, f.Height = size.Width, size.Height
		}
	}
}
