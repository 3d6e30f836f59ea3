package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// pebble is a certificate authority for tests, which `make test-go` has built.
const pebble = "../.tools/pebble-2.10.3"

const (
	acmeName = "call.parley.test"
	// lifetime of a certificate: it is renewed after two thirds.
	lifetime = 15 * time.Second
)

// A server with a name and nothing else gets its certificate, and renews it, for pages and TURN, while it runs.
func TestCertificateFromAnAuthority(t *testing.T) {
	if _, err := os.Stat(pebble); err != nil {
		t.Fatalf("%v (run make %s)", err, strings.TrimPrefix(pebble, "../"))
	}
	pages, turn := freePort(t), freePort(t)
	directory, management := startAuthority(t, pages)
	data := t.TempDir()
	flags := []string{
		"serve", "--listen", fmt.Sprintf("127.0.0.1:%d", pages), "--data-dir", data, "--announce", "127.0.0.1",
		"--media-port", fmt.Sprint(freePort(t)), "--turn-port", fmt.Sprint(turn), "--public-host", acmeName,
		"--acme", "--acme-directory", directory, "--acme-ca-file", os.Getenv(authorityVariable),
	}
	roots := rootsOf(t, management)
	run := func() *server {
		s := &server{t: t, cmd: exec.Command(program(), flags...), out: new(output)}
		s.cmd.Stdout, s.cmd.Stderr = s.out, s.out
		if err := s.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := run()
	first := certificateAt(t, s, pages, roots, nil)
	if first.DNSNames[0] != acmeName {
		t.Errorf("for %v", first.DNSNames)
	}
	second := certificateAt(t, s, pages, roots, first)
	if second.NotBefore.Before(first.NotBefore) {
		t.Errorf("from %v to %v", first.NotBefore, second.NotBefore)
	}
	s.stop()

	// It is kept: the next start needs no authority.
	s = run()
	defer s.stop()
	certificateAt(t, s, pages, roots, nil)
}

// certificateAt waits until the port has a valid certificate that is another one than former.
func certificateAt(t *testing.T, s *server, port int, roots *x509.CertPool, former *x509.Certificate) *x509.Certificate {
	t.Helper()
	// TURN comes without ALPN, the pages with it.
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		conn, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port), &tls.Config{RootCAs: roots, ServerName: acmeName})
		if err == nil {
			certificate := conn.ConnectionState().PeerCertificates[0]
			_ = conn.Close()
			if former == nil || !certificate.Equal(former) {
				return certificate
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("no such certificate: %v\n%s", err, s.out)
		}
	}
}

// startAuthority starts pebble, which looks for the challenge at port, until the test ends. It returns the URL of its
// directory and that of its management.
func startAuthority(t *testing.T, port int) (directory, management string) {
	t.Helper()
	certFile, keyFile := certify(t, "localhost", time.Now().Add(time.Hour))
	acme, manage := fmt.Sprintf("127.0.0.1:%d", freePort(t)), fmt.Sprintf("127.0.0.1:%d", freePort(t))
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": acme, "managementListenAddress": manage, "certificate": certFile, "privateKey": keyFile,
		"httpPort": freePort(t), "tlsPort": port, "retryAfter": map[string]int{"authz": 1, "order": 1},
		"profiles": map[string]any{"default": map[string]any{"validityPeriod": lifetime / time.Second}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "pebble.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	authority, out := exec.Command(pebble, "-config", file, "-dnsserver", startDNS(t)), new(output)
	authority.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1")
	authority.Stdout, authority.Stderr = out, out
	if err := authority.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = authority.Process.Kill()
		_ = authority.Wait()
		if t.Failed() {
			t.Logf("the authority wrote:\n%s", out)
		}
	})
	return "https://" + acme + "/dir", "https://" + manage
}

// rootsOf waits for pebble and asks for what signs its certificates.
func rootsOf(t *testing.T, management string) *x509.CertPool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	defer http.DefaultClient.CloseIdleConnections()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, management+"/roots/0", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if ctx.Err() != nil {
			t.Fatal(err)
		}
		if err != nil {
			time.Sleep(20 * time.Millisecond)
			continue
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		roots := x509.NewCertPool()
		if err != nil || !roots.AppendCertsFromPEM(text) {
			t.Fatalf("no root: %v", err)
		}
		return roots
	}
}

// startDNS answers over TCP, as pebble asks, that every name is this machine, until the test ends.
func startDNS(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var answering sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		answering.Wait()
	})
	answering.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			answering.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(time.Second))
				for answerDNS(conn) == nil {
				}
			})
		}
	})
	return l.Addr().String()
}

// answerDNS answers one query (RFC 1035, section 4.2.2 has the length in front).
func answerDNS(conn net.Conn) error {
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return err
	}
	query := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, query); err != nil {
		return err
	}
	var message dnsmessage.Message
	if err := message.Unpack(query); err != nil {
		return err
	}
	message.Response, message.Additionals = true, nil
	for _, question := range message.Questions {
		if question.Type == dnsmessage.TypeA {
			message.Answers = append(message.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: question.Name, Class: question.Class, TTL: 1},
				Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
			})
		}
	}
	answer, err := message.Pack()
	if err != nil {
		return err
	}
	_, err = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
	return err
}
