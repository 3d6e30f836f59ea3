package load

import (
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"parley/signaling/client"
)

// wire takes what a track sends. It implements webrtc.TrackLocalContext and webrtc.TrackLocalWriter as far as needed.
type wire struct {
	webrtc.TrackLocalContext
	webrtc.TrackLocalWriter
	headers []rtp.Header
}

func (w *wire) CodecParameters() []webrtc.RTPCodecParameters {
	return []webrtc.RTPCodecParameters{{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8}}}
}
func (w *wire) HeaderExtensions() []webrtc.RTPHeaderExtensionParameter { return nil }
func (w *wire) SSRC() webrtc.SSRC                                      { return 1 }
func (w *wire) WriteStream() webrtc.TrackLocalWriter                   { return w }
func (w *wire) WriteRTP(h *rtp.Header, payload []byte) (int, error) {
	w.headers = append(w.headers, *h)
	return 12 + len(payload), nil
}

// TestTimeGoesOnWhileVideoIsOff wants time to pass at the rate of what is sent.
func TestTimeGoesOnWhileVideoIsOff(t *testing.T) {
	film := &clip{frames: [][]byte{{0, 0, 0, 1}}, every: time.Second / 10, ticks: 9000}
	o := Default()
	for name, test := range map[string]struct {
		clip  *clip
		ticks uint32 // from frame to frame
	}{"made": {nil, 3600}, "of a file": {film, 9000}} {
		e := newTestEnvironment()
		e.options, e.filler = o, newFiller()
		s := &source{track: client.NewTrack(client.Encoding{Kind: "video"}, "camera", nil)}
		s.picture = newPicture(layers(o)[0])
		if test.clip != nil {
			s.clip = &clipPlayer{clip: test.clip}
		}
		out := new(wire)
		if _, err := s.track.Bind(out); err != nil {
			t.Fatal(err)
		}
		p := &sends{env: e, room: new(room), video: []*source{s}}
		p.sendVideo()
		last := out.headers[len(out.headers)-1].Timestamp
		s.off.Store(true)
		p.sendVideo()
		p.sendVideo()
		s.off.Store(false)
		p.sendVideo()
		if on := out.headers[len(out.headers)-1].Timestamp - last; on != 3*test.ticks {
			t.Errorf("%s: %d ticks in 3 frames, want %d each", name, on, test.ticks)
		}
	}
}
