package client

import (
	"bytes"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pion/webrtc/v4/pkg/media/ivfreader"
)

// The media: two seconds of VP8 at 15 frames a second in three sizes, the first frame the only keyframe, and a second
// of a 440 Hz tone in Opus frames of 20 ms. Both are sent in a loop.
//
//	ffmpeg -f lavfi -i color=c=0x203040:s=640x360:r=15:d=2 -f lavfi -i color=c=0xf0a030:s=160x180:r=15:d=2
//	  -filter_complex "[0][1]overlay=x='mod(n*640/30,640)':y=90:eval=frame" -c:v libvpx -b:v 200k -g 300
//	  -auto-alt-ref 0 -lag-in-frames 0 -error-resilient 1 f.ivf       (likewise h at 320x180, q at 160x90)
//	ffmpeg -f lavfi -i sine=frequency=440:sample_rate=48000:duration=1 -c:a libopus -b:a 24k -ac 1
//	  -frame_duration 20 -page_duration 20000 tone.ogg
//
//go:embed media
var mediaFiles embed.FS

const (
	framesPerSecond = 15
	smallFrameRate  = 10 // of the small picture: the same frames, more slowly
	audioLevel      = 21 // of the tone, -dBov
)

// clips are the encoded frames of what a client publishes. They are read only.
type clips struct {
	video map[string][][]byte // by rid
	audio [][]byte
}

func loadClips() (clips, error) {
	c := clips{video: make(map[string][][]byte)}
	for _, rid := range rids() {
		frames, err := readIVF("media/" + rid + ".ivf")
		if err != nil {
			return c, fmt.Errorf("read clip %s: %w", rid, err)
		}
		c.video[rid] = frames
	}
	var err error
	if c.audio, err = readOgg("media/tone.ogg"); err != nil {
		return c, fmt.Errorf("read tone: %w", err)
	}
	return c, nil
}

// rids are the simulcast encodings, smallest first; the last is what is sent without simulcast.
func rids() []string { return []string{"q", "h", "f"} }

func readIVF(name string) ([][]byte, error) {
	data, err := fs.ReadFile(mediaFiles, name)
	if err != nil {
		return nil, err
	}
	reader, _, err := ivfreader.NewWith(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	var frames [][]byte
	for {
		frame, _, err := reader.ParseNextFrame()
		if err != nil {
			break // the end: the file is part of this program
		}
		frames = append(frames, frame)
	}
	return frames, nil
}

var errOgg = errors.New("not an Ogg page")

// readOgg returns the packets of an Ogg file (RFC 3533, 6), the two headers of Opus (RFC 7845, 5) left out.
func readOgg(name string) ([][]byte, error) {
	data, err := fs.ReadFile(mediaFiles, name)
	if err != nil {
		return nil, err
	}
	const headerSize = 27
	var packets [][]byte
	var packet []byte
	for len(data) > 0 {
		if len(data) < headerSize || binary.BigEndian.Uint32(data) != 0x4f676753 { // "OggS"
			return nil, errOgg
		}
		segments := int(data[26])
		if len(data) < headerSize+segments {
			return nil, errOgg
		}
		lacing, body := data[headerSize:headerSize+segments], data[headerSize+segments:]
		for _, length := range lacing {
			if len(body) < int(length) {
				return nil, errOgg
			}
			packet = append(packet, body[:length]...)
			body = body[length:]
			if length < 255 {
				packets = append(packets, packet)
				packet = nil
			}
		}
		data = body
	}
	if len(packets) < 3 {
		return nil, errOgg
	}
	return packets[2:], nil
}
