// Command facts finds out what browsers do with media, without a server of ours: it is the other end of their
// connections. It prints its URL and works until its standard input ends; facts.js drives browsers to it.
//
//	POST /receive   {"codec", "feedback"}: an offer to a browser, which gets packets that nobody can decode
//	POST /publish   {"sdp"}: an answer to a browser that sends
//	POST /answer    {"id", "sdp"}: the browser's answer to the offer
//	GET  /seen/ID   what has come of the browser so far
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

const dependencyURI = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "facts:", err)
		os.Exit(1)
	}
}

func run(until io.Reader, out io.Writer) error {
	listener, err := net.Listen("tcp4", "127.0.0.1:0") //nolint:noctx // it does not wait
	if err != nil {
		return err
	}
	f := &facts{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><title>facts</title><video muted autoplay></video>")
	})
	handle(mux, "POST /receive", f.receive)
	handle(mux, "POST /publish", f.publish)
	handle(mux, "POST /answer", f.answer)
	mux.HandleFunc("GET /seen/{id}", func(w http.ResponseWriter, r *http.Request) {
		if e := f.end(r.PathValue("id")); e != nil {
			_ = json.NewEncoder(w).Encode(e.seen())
			return
		}
		http.NotFound(w, r)
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) }) // until it is closed
	defer func() {
		_ = server.Close()
		serving.Wait()
		f.close()
	}()
	if _, err := fmt.Fprintf(out, "http://%v/\n", listener.Addr()); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, until)
	return err
}

// request is what a page asks for.
type request struct {
	ID       string `json:"id,omitempty"`
	SDP      string `json:"sdp,omitempty"`
	Codec    string `json:"codec,omitempty"`
	Feedback string `json:"feedback,omitempty"` // "transport-cc goog-remb abs-send-time dependency", or less
}

func handle(mux *http.ServeMux, pattern string, f func(request) (request, error)) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		var asked request
		err := json.NewDecoder(r.Body).Decode(&asked)
		var answer request
		if err == nil {
			answer, err = f(asked)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_ = json.NewEncoder(w).Encode(answer)
	})
}

// facts has all connections.
type facts struct {
	mu   sync.Mutex
	ends []*end // guarded by mu
}

// end is our end of one connection.
type end struct {
	pc   *webrtc.PeerConnection
	done chan struct{}
	busy sync.WaitGroup

	mu      sync.Mutex
	reports map[string]int     // guarded by mu: RTCP by kind
	streams map[string]*stream // guarded by mu: by rid and SSRC
}

func (f *facts) end(id string) *end {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n, err := strconv.Atoi(id); err == nil && n >= 0 && n < len(f.ends) {
		return f.ends[n]
	}
	return nil
}

func (f *facts) close() {
	for _, e := range f.ends {
		close(e.done)
		_ = e.pc.GracefulClose()
		e.busy.Wait()
	}
}

// open makes our end, with the codecs of that name, all if it is "".
func (f *facts) open(codec, feedback string) (*end, string, error) {
	e := &end{done: make(chan struct{}), reports: make(map[string]int), streams: make(map[string]*stream)}
	engine := &webrtc.MediaEngine{}
	if err := register(engine, codec, feedback); err != nil {
		return nil, "", err
	}
	registry := &interceptor.Registry{}
	numbers, err1 := twcc.NewHeaderExtensionInterceptor()
	arrivals, err2 := twcc.NewSenderInterceptor()
	reports, err3 := report.NewSenderInterceptor()
	receptions, err4 := report.NewReceiverInterceptor()
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, "", err
	}
	for _, factory := range []interceptor.Factory{listener{e}, numbers, arrivals, reports, receptions} {
		registry.Add(factory)
	}
	var settings webrtc.SettingEngine
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	api := webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithInterceptorRegistry(registry),
		webrtc.WithSettingEngine(settings))
	var err error
	if e.pc, err = api.NewPeerConnection(webrtc.Configuration{}); err != nil {
		return nil, "", err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ends = append(f.ends, e)
	return e, strconv.Itoa(len(f.ends) - 1), nil
}

// register registers the codecs of that name, all if it is "".
func register(engine *webrtc.MediaEngine, only, feedback string) error {
	video := []webrtc.RTCPFeedback{{Type: "ccm", Parameter: "fir"}, {Type: "nack"}, {Type: "nack", Parameter: "pli"}}
	var audio []webrtc.RTCPFeedback
	for _, kind := range []string{"transport-cc", "goog-remb"} {
		if contains(feedback, kind) {
			video = append(video, webrtc.RTCPFeedback{Type: kind})
			audio = append(audio, webrtc.RTCPFeedback{Type: kind})
		}
	}
	errs := []error{engine.RegisterCodec(webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1",
			RTCPFeedback: audio,
		}, PayloadType: 111,
	}, webrtc.RTPCodecTypeAudio)}
	for i, codec := range []struct{ mime, fmtp string }{
		{webrtc.MimeTypeVP8, ""}, {webrtc.MimeTypeVP9, "profile-id=0"},
		{webrtc.MimeTypeH264, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"},
		{webrtc.MimeTypeAV1, "level-idx=5;profile=0;tier=0"},
	} {
		if only != "" && only != codec.mime {
			continue
		}
		pt := webrtc.PayloadType(96 + 2*i)
		errs = append(errs, engine.RegisterCodec(webrtc.RTPCodecParameters{
			RTPCodecCapability: webrtc.RTPCodecCapability{
				MimeType: codec.mime, ClockRate: 90000, SDPFmtpLine: codec.fmtp, RTCPFeedback: video,
			}, PayloadType: pt,
		}, webrtc.RTPCodecTypeVideo), engine.RegisterCodec(webrtc.RTPCodecParameters{
			RTPCodecCapability: webrtc.RTPCodecCapability{
				MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: fmt.Sprintf("apt=%d", pt),
			}, PayloadType: pt + 1,
		}, webrtc.RTPCodecTypeVideo))
	}
	uris := []string{sdp.SDESMidURI, sdp.SDESRTPStreamIDURI, sdp.SDESRepairRTPStreamIDURI}
	for word, uri := range map[string]string{
		"transport-cc": sdp.TransportCCURI, "dependency": dependencyURI, "abs-send-time": sdp.ABSSendTimeURI,
	} {
		if contains(feedback, word) {
			uris = append(uris, uri)
		}
	}
	for _, uri := range uris {
		extension := webrtc.RTPHeaderExtensionCapability{URI: uri}
		errs = append(errs, engine.RegisterHeaderExtension(extension, webrtc.RTPCodecTypeVideo))
		if uri == sdp.SDESMidURI || uri == sdp.TransportCCURI {
			errs = append(errs, engine.RegisterHeaderExtension(extension, webrtc.RTPCodecTypeAudio))
		}
	}
	return errors.Join(errs...)
}

// listener is an interceptor that counts the RTCP that comes.
type listener struct{ e *end }

// NewInterceptor implements interceptor.Factory.
func (l listener) NewInterceptor(string) (interceptor.Interceptor, error) {
	return &counting{e: l.e}, nil
}

type counting struct {
	interceptor.NoOp
	e *end
}

// BindRTCPReader counts what comes.
func (c *counting) BindRTCPReader(reader interceptor.RTCPReader) interceptor.RTCPReader {
	return interceptor.RTCPReaderFunc(func(b []byte, a interceptor.Attributes) (int, interceptor.Attributes, error) {
		n, attributes, err := reader.Read(b, a)
		if err == nil {
			if packets, err := rtcp.Unmarshal(b[:n]); err == nil {
				c.e.count(packets)
			}
		}
		return n, attributes, err
	})
}

func (e *end) count(packets []rtcp.Packet) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, packet := range packets {
		switch packet.(type) {
		case *rtcp.TransportLayerCC:
			e.reports["transport-wide"]++
		case *rtcp.ReceiverEstimatedMaximumBitrate:
			e.reports["REMB"]++
		case *rtcp.ReceiverReport:
			e.reports["RR"]++
		case *rtcp.SenderReport:
			e.reports["SR"]++
		case *rtcp.ExtendedReport:
			e.reports["XR"]++
		case *rtcp.TransportLayerNack:
			e.reports["NACK"]++
		case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
			e.reports["PLI"]++
		}
	}
}

// Seen is what has come.
type Seen struct {
	State   string            `json:"state"`
	Reports map[string]int    `json:"reports"`
	Streams map[string]stream `json:"streams"`
}

func (e *end) seen() Seen {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := Seen{State: e.pc.ConnectionState().String(), Reports: e.reports, Streams: make(map[string]stream)}
	for name, stream := range e.streams {
		s.Streams[name] = stream.copy()
	}
	return s
}
