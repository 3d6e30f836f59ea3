package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/configs"
	"parley/signaling/protocol"
)

// examine runs parley doctor and returns its findings, a line each, with what to do.
func examine(t *testing.T, args ...string) (lines []string, err error) {
	t.Helper()
	var out bytes.Buffer
	root := newRoot(run)
	root.SetOut(&out)
	root.SetArgs(append([]string{"doctor", "--json", "--ntp", "127.0.0.1:1"}, args...))
	err = root.ExecuteContext(t.Context())
	var report struct {
		Findings []struct{ Name, Level, Seen, Do string }
	}
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatalf("%v in %s", err, &out)
	}
	for _, f := range report.Findings {
		lines = append(lines, strings.TrimSpace(f.Level+" "+f.Name+": "+f.Seen+" "+f.Do))
	}
	return lines, err
}

// says wants a finding that begins and goes on like that.
func says(t *testing.T, lines []string, beginning string, words ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.HasPrefix(line, beginning) {
			continue
		}
		missing := false
		for _, word := range words {
			missing = missing || !strings.Contains(line, word)
		}
		if !missing {
			return
		}
	}
	t.Errorf("no %q with %q in\n%s", beginning, words, strings.Join(lines, "\n"))
}

// allWays wants a call by every path.
func allWays(t *testing.T, lines []string) {
	t.Helper()
	for _, way := range []string{"UDP", "ICE-TCP", "TURN/UDP", "TURN/TCP", "TURN/TLS"} {
		says(t, lines, "ok call by "+way+": sound and picture both ways")
	}
}

// settings are those of a server on loopback that does not run yet, as flags and as what startServer changes.
type settings struct {
	listen         string
	media, turn    int
	dir, cert, key string
	access, secret string
	announce       string
}

func newSettings(t *testing.T, expires time.Time) settings {
	s := settings{
		listen: fmt.Sprintf("127.0.0.1:%d", freePort(t)), media: freePort(t), turn: freePort(t), announce: "127.0.0.1",
		dir: filepath.Join(t.TempDir(), "data"), access: protocol.AccessOpen,
	}
	s.cert, s.key = certify(t, expires)
	return s
}

func (s settings) flags(more ...string) []string {
	flags := []string{
		"--listen", s.listen, "--media-port", fmt.Sprint(s.media), "--turn-port", fmt.Sprint(s.turn), "--data-dir", s.dir,
		"--announce", s.announce, "--public-host", "localhost", "--access", s.access, "--room-access", s.access,
	}
	if s.cert != "" {
		flags = append(flags, "--tls-cert-file", s.cert, "--tls-key-file", s.key)
	}
	if s.secret != "" {
		flags = append(flags, "--access-password", s.secret, "--room-password", s.secret)
	}
	return append(flags, more...)
}

func (s settings) start(t *testing.T) string {
	return startServer(t, func(cfg *configs.Config) {
		cfg.HTTP.Listen, cfg.HTTP.PublicHost, cfg.HTTP.TLSCertFile, cfg.HTTP.TLSKeyFile = s.listen, "localhost", s.cert, s.key
		cfg.Media.Port, cfg.TURN.Port, cfg.Store.DataDir = s.media, s.turn, s.dir
		cfg.Media.Announce = []netip.AddrPort{netip.AddrPortFrom(netip.MustParseAddr(s.announce), 0)}
		cfg.Access.Server, cfg.Access.Password = s.access, s.secret
		cfg.Access.Room, cfg.Access.RoomPassword = s.access, s.secret
	})
}

// certify writes a certificate for localhost and its key.
func certify(t *testing.T, expires time.Time) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotBefore: expires.Add(-365 * 24 * time.Hour),
		NotAfter: expires,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: certificate}, keyFile: {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// A server that does not run is started for the calls, and leaves nothing behind.
func TestDoctorStarts(t *testing.T) {
	s := newSettings(t, time.Now().Add(100*24*time.Hour))
	lines, err := examine(t, s.flags()...)
	if err != nil {
		t.Error(err)
	}
	allWays(t, lines)
	says(t, lines, "ok server: does not run")
	says(t, lines, "ok data directory: "+s.dir+" will be made")
	says(t, lines, "warning certificate: signed by itself")
	if _, err := os.Stat(s.dir); !os.IsNotExist(err) {
		t.Errorf("the data directory was made: %v", err)
	}
	s.start(t) // its ports are free again
}

// One that runs is used as it is, whatever it asks of those who come.
func TestDoctorComesIn(t *testing.T) {
	for _, access := range []string{protocol.AccessPassword, protocol.AccessInvite} {
		t.Run(access, func(t *testing.T) {
			s := newSettings(t, time.Now().Add(100*24*time.Hour))
			if s.access = access; access == protocol.AccessPassword {
				s.secret = "open sesame"
			}
			s.start(t)
			lines, err := examine(t, s.flags()...)
			if err != nil {
				t.Error(err)
			}
			allWays(t, lines)
			says(t, lines, "ok ports:", fmt.Sprintf("%d/tcp is held by Parley", s.media))
			says(t, lines, "ok server: runs")
		})
	}
}

func TestDoctorNamesFaults(t *testing.T) {
	t.Parallel()
	t.Run("configuration", func(t *testing.T) {
		lines, err := examine(t, "--media-port", "0")
		if err == nil || len(lines) != 1 {
			t.Errorf("%v, %q", err, lines)
		}
		says(t, lines, "failed configuration: media_port (flag --media-port): expected a port from 1 to 65535")
	})
	t.Run("port taken", func(t *testing.T) {
		t.Parallel()
		s := newSettings(t, time.Now().Add(100*24*time.Hour))
		taken, err := net.ListenPacket("udp", fmt.Sprintf("127.0.0.1:%d", s.media))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = taken.Close() }()
		lines, err := examine(t, s.flags()...)
		if err == nil || !strings.HasPrefix(err.Error(), "doctor: 1 of ") {
			t.Error(err)
		}
		says(t, lines, "failed ports:", fmt.Sprintf("%d/udp (media_port) is taken by", s.media),
			fmt.Sprintf("(process %d)", os.Getpid()))
		says(t, lines, "warning call: not tried")
	})
	t.Run("certificate expired, address wrong", func(t *testing.T) {
		t.Parallel()
		s := newSettings(t, time.Now().Add(-25*time.Hour))
		s.announce = "192.0.2.1"
		lines, err := examine(t, s.flags()...)
		if err == nil || !strings.HasPrefix(err.Error(), "doctor: 2 of ") {
			t.Error(err)
		}
		says(t, lines, "failed certificate: expired on "+time.Now().Add(-25*time.Hour).UTC().Format(time.DateOnly))
		says(t, lines, fmt.Sprintf("failed address: 192.0.2.1:%d is announced, but it is no address of", s.media))
		allWays(t, lines) // within the machine all is well
	})
}

// The TURN server of another Parley, whose secret is in its data directory, stands for one outside.
func TestDoctorAsksExternalTURN(t *testing.T) {
	t.Parallel()
	other, s := newSettings(t, time.Now().Add(100*24*time.Hour)), newSettings(t, time.Now().Add(100*24*time.Hour))
	other.start(t)
	secret, err := os.ReadFile(filepath.Join(other.dir, "turn.key"))
	if err != nil {
		t.Fatal(err)
	}
	at := fmt.Sprintf("turn:127.0.0.1:%d", other.turn)
	closed := fmt.Sprintf("turn:127.0.0.1:%d?transport=tcp", freePort(t))
	// The server is not started for this: who has its port keeps the test short.
	taken, err := net.Listen("tcp", s.listen)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	ask := func(secret string) []string {
		lines, err := examine(t, s.flags("--turn-external-urls", at+","+at+"?transport=tcp,"+closed,
			"--turn-external-secret", secret)...)
		if err == nil {
			t.Error("nothing failed")
		}
		return lines
	}
	lines := ask("wrong")
	says(t, lines, "failed external TURN: "+at+" refuses the credentials (401): the secret is another")
	says(t, lines, "failed external TURN: "+at+"?transport=tcp refuses the credentials (401)")
	says(t, lines, "failed external TURN: "+closed+" refuses connections")
	lines = ask(string(secret))
	says(t, lines, "ok external TURN: "+at+" gives relays")
	says(t, lines, "ok external TURN: "+at+"?transport=tcp gives relays")
}

func TestDoctorFromOutside(t *testing.T) {
	t.Parallel()
	t.Run("wrong address", func(t *testing.T) {
		t.Parallel()
		s := newSettings(t, time.Time{})
		s.cert, s.key, s.announce = "", "", "192.0.2.1"
		s.start(t)
		lines, err := examine(t, "--from-outside", "http://"+s.listen)
		if err != nil {
			t.Error(err) // there is a way
		}
		says(t, lines, "ok websocket: open")
		says(t, lines, fmt.Sprintf("warning call by UDP: %d/udp at 192.0.2.1 does not answer", s.media),
			"set announce to 127.0.0.1", fmt.Sprintf("open %d/udp in the server's firewall", s.media))
		says(t, lines, "warning call by ICE-TCP:", fmt.Sprintf("%d/tcp at 192.0.2.1", s.media))
		says(t, lines, "ok call by TURN/UDP: sound and picture both ways")
		says(t, lines, "ok call by TURN/TLS: left out")
	})
	t.Run("closed", func(t *testing.T) {
		t.Parallel()
		s := newSettings(t, time.Time{})
		s.cert, s.key, s.access = "", "", protocol.AccessInvite
		s.start(t)
		lines, err := examine(t, "--from-outside", "http://"+s.listen)
		if err == nil {
			t.Error("somebody got in")
		}
		says(t, lines, "failed login: refused: log in: refused: 403 Forbidden", "--invite")
		printed, _, err := invite(t, "standup", "--data-dir", s.dir, "--public-url", "http://"+s.listen)
		if err != nil {
			t.Fatal(err)
		}
		lines, err = examine(t, "--from-outside", "http://"+s.listen, "--invite", strings.TrimSpace(printed))
		if err != nil {
			t.Error(err)
		}
		says(t, lines, "ok call by UDP: sound and picture both ways, by 127.0.0.1:"+fmt.Sprint(s.media))
	})
	t.Run("proxy without websockets", func(t *testing.T) {
		t.Parallel()
		s := newSettings(t, time.Time{})
		s.cert, s.key = "", ""
		s.start(t)
		proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: s.listen})
			r.Out.Host = r.In.Host
			r.Out.Header.Del("Connection")
			r.Out.Header.Del("Upgrade")
		}})
		defer proxy.Close()
		lines, err := examine(t, "--from-outside", proxy.URL)
		if err == nil {
			t.Error("nothing failed")
		}
		says(t, lines, "failed websocket: answered as if it were a page", "a proxy in front does not pass websockets on")
	})
	t.Run("certificate expired", func(t *testing.T) {
		t.Parallel()
		s := newSettings(t, time.Now().Add(-time.Hour))
		s.start(t)
		_, port, _ := net.SplitHostPort(s.listen)
		lines, err := examine(t, "--from-outside", "https://localhost:"+port)
		if err == nil {
			t.Error("nothing failed")
		}
		says(t, lines, "failed certificate: expired on")
	})
	t.Run("nobody there", func(t *testing.T) {
		lines, err := examine(t, "--from-outside", fmt.Sprintf("http://127.0.0.1:%d", freePort(t)))
		if err == nil {
			t.Error("nothing failed")
		}
		says(t, lines, "failed TCP:", "refuses connections")
	})
}

func TestDoctorWritesText(t *testing.T) {
	var out bytes.Buffer
	root := newRoot(run)
	root.SetOut(&out)
	root.SetArgs([]string{"doctor", "--log-level", "loud"})
	err := root.Execute()
	want := "failed   configuration: log_level (flag --log-level): expected debug, info, warn or error, not \"loud\"\n" +
		"         do: correct it; \"parley config\" prints every key with its default\n"
	if err == nil || err.Error() != "doctor: 1 of 1 findings failed" || out.String() != want {
		t.Errorf("%v, %q", err, &out)
	}
}
