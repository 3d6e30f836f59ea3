package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/selfsign"
	dtlsnet "github.com/pion/dtls/v3/pkg/net"
	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"

	"parley/signaling/protocol"
)

const (
	callerUfrag = "callercaller"
	callerPwd   = "callercallercallercallercaller"
)

// caller goes into a call one step after the other, and may stop after any. It has no more of a client than that takes,
// and all its calls have one certificate and one offer.
type caller struct {
	url         string // of the pages
	jar         http.CookieJar
	certificate tls.Certificate
	offer       string
}

func newCaller(t *testing.T, s *server) *caller {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := browser.PostForm(s.url+"/login/", url.Values{"screen_name": {"caller"}, "name": {"The real caller"}})
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	c := &caller{url: s.url, jar: jar}
	if c.certificate, err = selfsign.GenerateSelfSigned(); err != nil {
		t.Fatal(err)
	}
	if c.offer, err = makeOffer(c.certificate); err != nil {
		t.Fatal(err)
	}
	return c
}

// makeOffer describes somebody who sends sound and a picture. The server waits for their DTLS.
func makeOffer(certificate tls.Certificate) (string, error) {
	leaf, err := x509.ParseCertificate(certificate.Certificate[0])
	if err != nil {
		return "", err
	}
	var settings webrtc.SettingEngine
	settings.SetICECredentials(callerUfrag, callerPwd)
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{
		Certificates: []webrtc.Certificate{webrtc.CertificateFromX509(certificate.PrivateKey, leaf)},
	})
	if err != nil {
		return "", err
	}
	defer func() { _ = pc.Close() }()
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
		sending := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}
		if _, err := pc.AddTransceiverFromKind(kind, sending); err != nil {
			return "", err
		}
	}
	offer, err := pc.CreateOffer(nil)
	return strings.ReplaceAll(offer.SDP, "a=setup:actpass", "a=setup:active"), err
}

// attempt is one call, as far as it came.
type attempt struct {
	*caller
	socket *websocket.Conn
	agent  *ice.Agent
	path   *ice.Conn
	dtls   *dtls.Conn
	answer struct {
		ufrag, pwd string
		candidate  ice.Candidate
	}
}

// abort ends all without a word.
func (a *attempt) abort() {
	if a.socket != nil {
		if conn, ok := a.socket.NetConn().(*net.TCPConn); ok {
			_ = conn.SetLinger(0)
		}
		_ = a.socket.Close()
	}
	if a.agent != nil {
		_ = a.agent.Close()
	}
	if a.dtls != nil {
		_ = a.dtls.Close() // nothing is left that it could say so on
	}
}

// open upgrades to a websocket. The query is "" or "?resume".
func (a *attempt) open(ctx context.Context, query string) error {
	dialer := websocket.Dialer{Jar: a.jar}
	socket, resp, err := dialer.DialContext(ctx, "ws"+strings.TrimPrefix(a.url, "http")+"/ws/lobby/"+query, nil)
	if resp != nil {
		_ = resp.Body.Close()
	}
	if err != nil {
		return fmt.Errorf("websocket: %w", err)
	}
	a.socket = socket
	_, err = a.read(protocol.TypeConnect)
	return err
}

// join asks until the server is not too busy.
func (a *attempt) join(room string) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(busyWait / 10) {
		if err := a.socket.WriteJSON(map[string]any{protocol.KeyJoin: room}); err != nil {
			return err
		}
		_, err := a.read(protocol.TypeOthers)
		var refused refusal
		if !errors.As(err, &refused) || !busy(protocol.Error(refused)) || time.Now().After(deadline) {
			return err
		}
	}
}

// refusal is an error that the server told.
type refusal protocol.Error

func (r refusal) Error() string { return r.Type + ": " + r.Detail }

// read returns the next message of a type of the app rtc.
func (a *attempt) read(wanted string) (json.RawMessage, error) {
	for {
		_ = a.socket.SetReadDeadline(time.Now().Add(patience))
		_, data, err := a.socket.ReadMessage()
		if err != nil {
			return nil, fmt.Errorf("wait for %s: %w", wanted, err)
		}
		var frame struct {
			RTC   json.RawMessage
			Error *protocol.Error
		}
		var m struct{ Type string }
		if err := json.Unmarshal(data, &frame); err != nil {
			return nil, err
		}
		_ = json.Unmarshal(frame.RTC, &m)
		switch {
		case frame.Error != nil:
			return nil, fmt.Errorf("wait for %s: %w", wanted, refusal(*frame.Error))
		case m.Type == wanted:
			return frame.RTC, nil
		}
	}
}

// signal sends a description, and waits for the one that answers it.
func (a *attempt) signal(kind, sdp string) (answer string, err error) {
	if err := a.socket.WriteJSON(map[string]any{protocol.KeyRTC: protocol.Signal{
		Type: protocol.TypeSignal, Recipient: protocol.SFU,
		Signal: protocol.SignalBody{Description: &protocol.Description{Type: kind, SDP: sdp}},
	}}); err != nil {
		return "", err
	}
	for {
		value, err := a.read(protocol.TypeSignal)
		if err != nil {
			return "", err
		}
		var m protocol.Signal
		if err := json.Unmarshal(value, &m); err != nil {
			return "", err
		}
		switch {
		case m.Signal.Description != nil:
			return m.Signal.Description.SDP, nil
		case m.Signal.Candidate != nil:
			a.candidate(m.Signal.Candidate.Candidate)
		}
	}
}

func (a *attempt) candidate(line string) {
	candidate, err := ice.UnmarshalCandidate(strings.TrimPrefix(line, "candidate:"))
	if err == nil && candidate.NetworkType() == ice.NetworkTypeUDP4 {
		a.answer.candidate = candidate
	}
}

var errNoCandidate = errors.New("no candidate")

// describe sends the offer, without candidates, and takes the answer and what candidates come.
func (a *attempt) describe() error {
	sdp, err := a.signal("offer", a.offer)
	if err != nil {
		return err
	}
	for _, line := range strings.Split(sdp, "\r\n") {
		key, value, _ := strings.Cut(line, ":")
		switch key {
		case "a=ice-ufrag":
			a.answer.ufrag = value
		case "a=ice-pwd":
			a.answer.pwd = value
		case "a=candidate":
			a.candidate(value)
		}
	}
	for a.answer.candidate == nil {
		value, err := a.read(protocol.TypeSignal)
		if err != nil {
			return err
		}
		var m protocol.Signal
		if err := json.Unmarshal(value, &m); err != nil {
			return err
		}
		if m.Signal.Candidate == nil {
			return errNoCandidate
		}
		a.candidate(m.Signal.Candidate.Candidate)
	}
	return nil
}

// connect finds the path.
func (a *attempt) connect(ctx context.Context) (err error) {
	a.agent, err = ice.NewAgentWithOptions(ice.WithLocalCredentials(callerUfrag, callerPwd), ice.WithIncludeLoopback(),
		ice.WithNetworkTypes([]ice.NetworkType{ice.NetworkTypeUDP4}), ice.WithMulticastDNSMode(ice.MulticastDNSModeDisabled),
		ice.WithInterfaceFilter(func(name string) bool { return name == "lo" }),
		ice.WithCandidateTypes([]ice.CandidateType{ice.CandidateTypeHost}))
	if err != nil {
		return err
	}
	if err := a.agent.OnCandidate(func(ice.Candidate) {}); err != nil {
		return err
	}
	if err := a.agent.GatherCandidates(); err != nil {
		return err
	}
	if err := a.agent.AddRemoteCandidate(a.answer.candidate); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	a.path, err = a.agent.Dial(ctx, a.answer.ufrag, a.answer.pwd)
	return err
}

// deaf is a path on which nothing comes back.
type deaf struct{ net.Conn }

func (d deaf) Read(p []byte) (int, error) {
	for {
		if _, err := d.Conn.Read(p); err != nil {
			return 0, err
		}
	}
}

// secure shakes hands on the path, or half so where it hears nothing.
func (a *attempt) secure(ctx context.Context, hears bool) (err error) {
	var path net.Conn = a.path
	if !hears {
		path = deaf{a.path}
	}
	a.dtls, err = dtls.ClientWithOptions(dtlsnet.PacketConnFromConn(path), a.path.RemoteAddr(),
		dtls.WithCertificates(a.certificate), dtls.WithInsecureSkipVerify(true),
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80))
	if err != nil {
		return err
	}
	if !hears {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
	}
	err = a.dtls.HandshakeContext(ctx)
	if !hears && errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// half sends the beginning of something on a connection of TCP, and resets it when the server may have read that.
func half(address string, beginning []byte) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	_, err = conn.Write(beginning)
	return errors.Join(err, conn.(*net.TCPConn).SetLinger(0), conn.Close())
}

// helloTLS is the first message of a handshake.
func helloTLS(t *testing.T) []byte {
	t.Helper()
	ours, theirs := net.Pipe()
	hello := make(chan []byte, 1)
	go func() {
		p := make([]byte, 4096)
		n, _ := theirs.Read(p)
		_ = theirs.Close()
		hello <- bytes.Clone(p[:n])
	}()
	_ = tls.Client(ours, &tls.Config{ServerName: "localhost", MinVersion: tls.VersionTLS12}).Handshake() // it is cut short
	_ = ours.Close()
	return <-hello
}
