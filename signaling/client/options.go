package client

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"

	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v4"
)

// Options say how a client behaves. The zero value joins to receive only.
type Options struct {
	Audio     bool // publish a tone
	Video     bool // publish a moving picture, VP8
	Simulcast bool // the picture in three encodings, rids q, h and f
	Small     bool // the picture 320x180, 10 frames/s, instead of 640x360 and 15, or in q of 160x90 and h of that

	Screen bool // publish a screen too, a small moving picture, of which nothing is sent until [Client.Share]

	// Quiet is what is sent of the audio until [Client.Talk], and after it; by default the tone never ends.
	Quiet Quiet
	// Slots asks in each stay, before the first offer, for the voices of others in so many tracks, if not 0.
	Slots int
	// Only asks in each stay, before the first offer, for no pictures but those that [Client.View] names.
	Only bool

	// Features is what the others are told of this participant, e.g. {"video": true}. Nil tells them nothing.
	Features map[string]any

	// Media sends and receives in place of all that, if not nil.
	Media Media
	// Unlisted keeps no account of who is in the room, who speaks, what they say of themselves, and of rights. OnEvent is
	// not told of frames that are about nothing else.
	Unlisted bool

	// RelayOnly uses no path but the TURN servers of the configuration that the server hands out.
	RelayOnly bool
	// ICEServer picks the servers to use by their URL, all if nil.
	ICEServer func(url string) bool
	// Candidate picks the candidates of the server to use, and may change them; all are used as they are if nil.
	Candidate func(candidate *webrtc.ICECandidateInit) bool
	// Settings adapts ICE and the network, if not nil.
	Settings func(*webrtc.SettingEngine)
	// Codecs registers what the client can receive and send instead of Opus and VP8 with RTX, if not nil.
	Codecs func(*webrtc.MediaEngine) error
	// Interceptors makes pion's interceptors instead of those that do what a browser does, if not nil.
	Interceptors func() (*interceptor.Registry, error)
	// Certificates identify the client's connections; each makes its own if there are none, which takes time.
	Certificates []webrtc.Certificate
	// NetDial opens the websocket's connection, if not nil; else the one of the [Login] does.
	NetDial func(ctx context.Context, network, addr string) (net.Conn, error)

	// ComesBack has the client open another socket when one is lost, until it is closed: it resumes its session there, or,
	// where the server has none any more, begins another and joins again what it was in.
	ComesBack bool

	// OnEvent is told what happens, on the client's one loop, if not nil. It may call the client's methods other than
	// Close and Await; what it has them send when others comes after a join, is sent before the first offer.
	OnEvent func(Event)
	// Log is quiet if nil.
	Log *slog.Logger
}

// Event is what a client tells [Options.OnEvent].
type Event interface{ event() }

type (
	// Frame is one key of a frame of the server, told before the client acts on it.
	Frame struct {
		Key   string
		Value json.RawMessage
	}
	// Features is what another participant says of itself.
	Features struct {
		ChannelName string
		Features    json.RawMessage
	}
	// Closed is the last event: the socket has ended, by whomever.
	Closed struct{ Err error }
)

func (Frame) event()    {}
func (Features) event() {}
func (Closed) event()   {}
