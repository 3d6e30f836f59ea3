package codec

import "strings"

// StartsKeyframe reports whether the payload is the first of a keyframe of the codec with that MIME type. For codecs it
// does not know, and for audio, every packet is one: a receiver can start anywhere.
func StartsKeyframe(mimeType string, payload []byte) bool {
	switch strings.ToLower(mimeType) {
	case "video/vp8":
		d, err := ParseVP8(payload)
		return err == nil && d.Keyframe
	case "video/vp9":
		return vp9StartsKeyframe(payload)
	case "video/h264":
		return h264StartsKeyframe(payload)
	case "video/av1":
		// N: the first packet of a coded video sequence (AV1 RTP, 4.4).
		return len(payload) > 0 && payload[0]&0x08 != 0
	default:
		return true
	}
}

// vp9StartsKeyframe reads a VP9 payload descriptor (RFC 9628, 4.2): not inter-picture predicted, the beginning of a
// frame, and of the lowest spatial layer.
func vp9StartsKeyframe(payload []byte) bool {
	if len(payload) < 1 {
		return false
	}
	first, at := payload[0], 1
	if first&0x40 != 0 || first&0x08 == 0 { // P, B
		return false
	}
	if first&0x80 != 0 { // I
		if len(payload) <= at {
			return false
		}
		if payload[at]&0x80 != 0 { // M: 15 bits
			at++
		}
		at++
	}
	if first&0x20 != 0 { // L
		return len(payload) > at && payload[at]>>1&0x07 == 0 // SID
	}
	return true
}

// Types of NAL unit (RFC 6184, 5.2 and H.264 table 7-1).
const (
	nalIDR   = 5
	nalSPS   = 7
	nalPPS   = 8
	nalSTAPA = 24
	nalFUA   = 28
)

// h264StartsKeyframe finds an IDR slice: alone, within an aggregation, or at the start of a fragmentation. Parameter
// sets alone are none.
func h264StartsKeyframe(payload []byte) bool {
	if len(payload) < 1 {
		return false
	}
	switch payload[0] & 0x1f {
	case nalIDR:
		return true
	case nalSTAPA:
		for rest := payload[1:]; len(rest) > 2; {
			size := int(rest[0])<<8 | int(rest[1])
			if rest[2]&0x1f == nalIDR {
				return true
			}
			if size+2 > len(rest) {
				return false
			}
			rest = rest[size+2:]
		}
	case nalFUA:
		return len(payload) > 1 && payload[1]&0x80 != 0 && payload[1]&0x1f == nalIDR
	}
	return false
}

// IsParameterSet reports whether the payload carries only what a keyframe that follows needs: H264's sequence and
// picture parameter sets, which stand in packets of their own before the IDR slice.
func IsParameterSet(mimeType string, payload []byte) bool {
	return strings.EqualFold(mimeType, "video/h264") && len(payload) > 0 && isParameterSet(payload)
}

func isParameterSet(payload []byte) bool {
	isSet := func(nal byte) bool { return nal&0x1f == nalSPS || nal&0x1f == nalPPS }
	if payload[0]&0x1f == nalSTAPA {
		return len(payload) > 3 && isSet(payload[3])
	}
	return isSet(payload[0])
}
