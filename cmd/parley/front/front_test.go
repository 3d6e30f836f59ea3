package front

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

const wait = 10 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// message is a STUN message of 20 bytes.
func message() []byte {
	b := make([]byte, 20)
	b[1] = 3
	binary.BigEndian.PutUint32(b[4:], cookie)
	return b
}

func framed(b []byte) []byte { return append([]byte{0, byte(len(b))}, b...) }

func TestSort(t *testing.T) {
	for name, test := range map[string]struct {
		head  string
		kind  kind
		known bool
	}{
		"nothing":      {"", kindUnknown, false},
		"TLS":          {"\x16\x03\x01", kindTLS, true},
		"HTTP":         {"G", kindHTTP, true},
		"HTTP/2":       {"PRI * HTTP/2.0\r\n", kindHTTP, true},
		"TURN, begun":  {string(message()[:9]), kindUnknown, false},
		"TURN":         {string(message()[:10]), kindTURN, true},
		"ICE, begun":   {string(framed(message())[:9]), kindUnknown, false},
		"ICE":          {string(framed(message())[:10]), kindICE, true},
		"neither":      {strings.Repeat("\x00", 10), kindUnknown, true},
		"channel data": {"\x40\x00\x00\x10abcdefg", kindUnknown, true},
		"SSH":          {"SSH-2.0-x", kindHTTP, true}, // which HTTP will refuse
	} {
		if kind, known := sort([]byte(test.head)); kind != test.kind || known != test.known {
			t.Errorf("%s: %d, %v", name, kind, known)
		}
	}
}

// port is a front with what takes connections of each kind.
type port struct {
	*Front
	addr      string
	turn, ice chan net.Conn
}

func start(t *testing.T, secure bool) *port {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &port{addr: l.Addr().String(), turn: make(chan net.Conn, 10), ice: make(chan net.Conn, 10)}
	cfg := Config{
		TURN: func(c net.Conn) { p.turn <- c },
		ICE:  func(c net.Conn) { p.ice <- c },
	}
	if secure {
		cfg.TLS = &tls.Config{
			Certificates: []tls.Certificate{certificate(t)}, MinVersion: tls.VersionTLS12,
			NextProtos: []string{"h2", "http/1.1", "acme-tls/1"},
		}
	}
	p.Front = New(l, cfg, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		if err := p.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
	return p
}

func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"a.example"}, NotAfter: time.Now().Add(wait),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (p *port) dial(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(wait))
	return c
}

// dialTLS dials with those protocols.
func (p *port) dialTLS(t *testing.T, protocols ...string) *tls.Conn {
	t.Helper()
	c := tls.Client(p.dial(t), &tls.Config{InsecureSkipVerify: true, NextProtos: protocols})
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	return c
}

// arrives checks that what was sent comes out of the channel, whole and in both directions.
func arrives(t *testing.T, client net.Conn, from <-chan net.Conn, sent []byte) {
	t.Helper()
	// The beginning comes in pieces.
	for _, piece := range [][]byte{sent[:1], sent[1:7], sent[7:]} {
		if _, err := client.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	var server net.Conn
	select {
	case server = <-from:
	case <-time.After(wait):
		t.Fatal("nobody got the connection")
	}
	t.Cleanup(func() { _ = server.Close() })
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(server, got); err != nil || string(got) != string(sent) {
		t.Fatalf("%q, %v", got, err)
	}
	if _, err := server.Write(sent); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(client, got); err != nil || string(got) != string(sent) {
		t.Fatalf("back: %q, %v", got, err)
	}
}

func TestEverythingAtOnePort(t *testing.T) {
	for _, secure := range []bool{false, true} {
		p := start(t, secure)
		arrives(t, p.dial(t), p.turn, append(message(), message()...))
		arrives(t, p.dial(t), p.ice, framed(message()))
	}
	p := start(t, true)
	arrives(t, p.dialTLS(t), p.turn, message())
}

func TestPagesInTheClear(t *testing.T) { pages(t, start(t, false), "http", 1) }
func TestPagesOverTLS(t *testing.T)    { pages(t, start(t, true), "https", 2) }

// pages serves HTTP and gets a page.
func pages(t *testing.T, p *port, scheme string, major int) {
	t.Helper()
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if (r.TLS != nil) != (scheme == "https") {
				t.Errorf("TLS is %v", r.TLS)
			}
			_, _ = io.WriteString(w, r.Proto)
		}),
		ReadHeaderTimeout: wait,
	}
	served := make(chan error)
	go func() { served <- server.Serve(p) }()
	browser := &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		ForceAttemptHTTP2: true, DisableKeepAlives: true,
	}}
	resp, err := browser.Get(scheme + "://" + p.addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.ProtoMajor != major {
		t.Errorf("%s, not HTTP/%d", resp.Proto, major)
	}
	if err := server.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}

// Clients without ALPN are told apart by what they send first.
func TestHTTPWithoutALPN(t *testing.T) {
	p := start(t, true)
	got := make(chan net.Conn, 1)
	go func() {
		if c, err := p.Accept(); err == nil {
			got <- c
		}
	}()
	arrives(t, p.dialTLS(t), got, []byte("GET / HTTP/1.1\r\n\r\n"))
}

func TestChallengeEndsWithTheHandshake(t *testing.T) {
	p := start(t, true)
	go func() {
		if c, err := p.Accept(); err == nil {
			_ = c.Close()
		}
	}()
	c := p.dialTLS(t, "acme-tls/1")
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

func TestPlainHTTPIsSentToTLS(t *testing.T) {
	p := start(t, true)
	for sent, location := range map[string]string{
		"GET /r/red/?a=b HTTP/1.1\r\nHost: call.example.org\r\n\r\n": "https://call.example.org/r/red/?a=b",
		"GET http://evil.example/ HTTP/1.1\r\nHost: a\r\n\r\n":       "",
		"GET /\r\n\r\n": "",
		"GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", maxHeader) + "\r\n\r\n": "",
	} {
		c := p.dial(t)
		_, _ = io.WriteString(c, sent)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if location == "" {
			if err == nil {
				t.Errorf("%.30q: %s", sent, resp.Status)
			}
			continue
		}
		if err != nil || resp.StatusCode != http.StatusPermanentRedirect || resp.Header.Get("Location") != location {
			t.Errorf("%.30q: %+v, %v", sent, resp, err)
		}
	}
}

// pipes is a listener of connections in the process, whose time is the bubble's.
type pipes struct {
	conns chan net.Conn
	ended chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}
func (p pipes) Close() error   { close(p.ended); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// Who says nothing, or too little, is closed after 5 s, whatever has been said.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := pipes{make(chan net.Conn), make(chan struct{})}
		f := New(l, Config{TLS: &tls.Config{MinVersion: tls.VersionTLS12}}, slog.New(slog.DiscardHandler))
		for _, sent := range [][]byte{nil, message()[:9], {0x16}, {0x16, 3, 1, 1, 0, 1, 0, 0}, []byte("GET / HT")} {
			client, server := net.Pipe()
			l.conns <- server
			if _, err := client.Write(sent); err != nil && len(sent) > 0 {
				t.Errorf("%x: %v", sent, err)
			}
			begun := time.Now()
			if _, err := client.Read(make([]byte, 1)); err == nil {
				t.Errorf("%x: answered", sent)
			}
			if after := time.Since(begun); after != patience {
				t.Errorf("%x: closed after %v", sent, after)
			}
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
}

func FuzzSort(f *testing.F) {
	f.Add(message())
	f.Add(framed(message()))
	f.Add([]byte("GET / HTTP/1.1"))
	f.Add([]byte{0x16, 3, 1})
	f.Fuzz(func(t *testing.T, head []byte) {
		kind, known := sort(head)
		if len(head) >= enough && !known {
			t.Fatal("enough is not enough")
		}
		if more, _ := sort(append(head, 0)); known && more != kind {
			t.Fatalf("%d became %d", kind, more)
		}
	})
}

// TestConnectionsAreCounted has each kind come and go, and one more than are let in.
func TestConnectionsAreCounted(t *testing.T) {
	var there atomic.Int64
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &port{addr: l.Addr().String(), turn: make(chan net.Conn, 10)}
	p.Front = New(l, Config{
		TURN: func(c net.Conn) { p.turn <- c },
		Admit: func(net.Addr) (gone func(), ok bool) {
			if there.Add(1) > 2 {
				there.Add(-1)
				return nil, false
			}
			return func() { there.Add(-1) }, true
		},
	}, slog.New(slog.DiscardHandler))
	defer func() { _ = p.Close() }()
	none := func() bool {
		for deadline := time.Now().Add(wait); there.Load() > 0 || p.open.Load() > 0; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				return false
			}
		}
		return true
	}
	for _, head := range []string{"GET / HTTP/1.1\r\n", string(message()), "\x00\x01nonsense"} {
		first, second := p.dial(t), p.dial(t)
		for _, c := range []net.Conn{first, second} {
			if _, err := c.Write([]byte(head)); err != nil {
				t.Fatal(err)
			}
			var taken net.Conn
			switch head[0] {
			case 'G':
				taken, err = p.Accept()
			case 0:
				if head[1] == 1 {
					continue // closed by the front
				}
				taken = <-p.turn
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = taken.Close() }()
			if c == second {
				third := p.dial(t)
				if n, err := third.Read(make([]byte, 1)); err == nil {
					t.Errorf("%q: a third one is let in, and told %d bytes", head[:3], n)
				}
				_ = taken.Close()
				_ = taken.Close() // counts once
			} else {
				defer func() { _ = taken.Close() }()
				first = taken
			}
		}
		_ = first.Close()
		if !none() {
			t.Fatalf("%q: %d are left", head[:3], there.Load())
		}
	}
}
