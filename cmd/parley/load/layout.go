package load

import (
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// payloadKind is what a payload type stands for.
type payloadKind uint8

const (
	kindUnknown payloadKind = iota
	kindAudio
	kindVideo
	kindRTX
)

// layout is what a description says of the packets to come. Payload types and extensions mean the same in all lines of
// a bundle (RFC 8843, 10.1.2).
type layout struct {
	kinds       [128]payloadKind
	transportID uint8 // of transport-wide numbers, 0: none
}

// readLayout takes from a description the little that is needed of it, however long it is.
func readLayout(description string) layout {
	var l layout
	kind := kindUnknown
	for line := range strings.Lines(description) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(line, "m="):
			kind = kindUnknown
			if strings.HasPrefix(line, "m=audio ") {
				kind = kindAudio
			} else if strings.HasPrefix(line, "m=video ") {
				kind = kindVideo
			}
		case strings.HasPrefix(line, "a=rtpmap:"):
			number, codec, _ := strings.Cut(line[len("a=rtpmap:"):], " ")
			payloadType, err := strconv.ParseUint(number, 10, 7)
			if err != nil {
				continue
			}
			l.kinds[payloadType] = kind
			if strings.HasPrefix(strings.ToLower(codec), "rtx/") {
				l.kinds[payloadType] = kindRTX
			}
		case strings.HasPrefix(line, "a=extmap:") && strings.Contains(line, sdp.TransportCCURI):
			number, _, _ := strings.Cut(line[len("a=extmap:"):], " ")
			if id, err := strconv.ParseUint(number, 10, 8); err == nil && id > 0 && id < 15 {
				l.transportID = uint8(id)
			}
		}
	}
	return l
}

// readPictures finds in a description what comes as which SSRC: the stream of each line of video, resends included.
func readPictures(description string) map[uint32]string {
	pictures := make(map[uint32]string)
	video, stream := false, ""
	for line := range strings.Lines(description) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(line, "m="):
			video, stream = strings.HasPrefix(line, "m=video "), ""
		case video && strings.HasPrefix(line, "a=msid:"):
			stream, _, _ = strings.Cut(line[len("a=msid:"):], " ")
		case video && stream != "" && strings.HasPrefix(line, "a=ssrc:"):
			number, _, _ := strings.Cut(line[len("a=ssrc:"):], " ")
			if ssrc, err := strconv.ParseUint(number, 10, 32); err == nil {
				pictures[uint32(ssrc)] = stream
			}
		}
	}
	return pictures
}

// transportNumber reads the transport-wide sequence number of an RTP packet (RFC 8285, 4.2: the one-byte form).
func transportNumber(packet []byte, id uint8) (uint16, bool) {
	at := 12 + 4*int(packet[0]&0x0f)
	if packet[0]&0x10 == 0 || len(packet) < at+4 || binary.BigEndian.Uint16(packet[at:]) != 0xbede {
		return 0, false
	}
	end := at + 4 + 4*int(binary.BigEndian.Uint16(packet[at+2:]))
	if end > len(packet) {
		return 0, false
	}
	for at += 4; at < end; {
		element, length := packet[at]>>4, int(packet[at]&0x0f)+1
		at++
		switch {
		case packet[at-1] == 0: // padding
			continue
		case element == 15:
			return 0, false
		case element == id && length == 2 && at+2 <= end:
			return binary.BigEndian.Uint16(packet[at:]), true
		}
		at += length
	}
	return 0, false
}
