package e2e

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/signaling/client"
	"parley/signaling/protocol"
)

// proxy is a reverse proxy with TLS in front of a server, by the sample in configs.
type proxy struct {
	t     *testing.T
	url   string // https
	plain string // http, which leads there
	roots *x509.CertPool
}

// proxies start one of each kind.
func proxies() map[string]func(t *testing.T, s *server) *proxy {
	return map[string]func(t *testing.T, s *server) *proxy{"nginx": startNginx, "Caddy": startCaddy}
}

// sample is a file of configs with other words in place of some that it must have.
func sample(t *testing.T, name string, replace ...string) string {
	t.Helper()
	content, err := os.ReadFile("../configs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(text, replace[i]) {
			t.Fatalf("configs/%s has no %q", name, replace[i])
		}
		text = strings.ReplaceAll(text, replace[i], replace[i+1])
	}
	return text
}

func write(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func startNginx(t *testing.T, s *server) *proxy {
	t.Helper()
	dir, plain, secure := t.TempDir(), freePort(t), freePort(t)
	p := &proxy{t: t, roots: x509.NewCertPool(),
		url: fmt.Sprintf("https://localhost:%d", secure), plain: fmt.Sprintf("http://localhost:%d", plain)}
	certificate, key := selfSigned(t, p.roots)
	const live = "/etc/letsencrypt/live/call.example.org/"
	site := sample(t, "nginx.conf",
		live+"fullchain.pem", write(t, filepath.Join(dir, "cert.pem"), certificate),
		live+"privkey.pem", write(t, filepath.Join(dir, "key.pem"), key),
		"listen 80;", fmt.Sprintf("listen 127.0.0.1:%d;", plain), "listen [::]:80;", "",
		"listen 443 ", fmt.Sprintf("listen 127.0.0.1:%d ", secure), "listen [::]:443 ssl http2;", "",
		"127.0.0.1:8000", strings.TrimPrefix(s.url, "http://"), "server_name call.example.org", "server_name localhost",
	)
	user := ""
	if os.Getuid() == 0 { // nobody else can enter the test's directory
		user = "user root;"
	}
	file := write(t, filepath.Join(dir, "nginx.conf"), fmt.Sprintf(`%s
daemon off; pid %[2]s/pid; error_log stderr;
events {}
http {
	access_log off;
	client_body_temp_path %[2]s/body; proxy_temp_path %[2]s/proxy; fastcgi_temp_path %[2]s/fastcgi;
	uwsgi_temp_path %[2]s/uwsgi; scgi_temp_path %[2]s/scgi;
	%s
}`, user, dir, site))
	daemon(t, fmt.Sprintf("127.0.0.1:%d", secure), nil, sbin("nginx"), "-p", dir, "-e", "stderr", "-c", file)
	return p
}

// sbin is a program that may be in the directory that on Debian only root looks into.
func sbin(name string) string {
	if path := "/usr/sbin/" + name; exists(path) {
		return path
	}
	return name
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func startCaddy(t *testing.T, s *server) *proxy {
	t.Helper()
	dir, plain, secure := t.TempDir(), freePort(t), freePort(t)
	p := &proxy{t: t, roots: x509.NewCertPool(),
		url: fmt.Sprintf("https://localhost:%d", secure), plain: fmt.Sprintf("http://localhost:%d", plain)}
	site := sample(t, "Caddyfile",
		"call.example.org {", "localhost {\n\ttls internal", "127.0.0.1:8000", strings.TrimPrefix(s.url, "http://"))
	file := write(t, filepath.Join(dir, "Caddyfile"), fmt.Sprintf(`{
	admin off
	skip_install_trust
	default_bind 127.0.0.1
	http_port %d
	https_port %d
}
%s`, plain, secure, site))
	daemon(t, fmt.Sprintf("127.0.0.1:%d", secure), []string{"XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir},
		"caddy", "run", "--adapter", "caddyfile", "--config", file)
	root, err := os.ReadFile(filepath.Join(dir, "caddy/pki/authorities/local/root.crt"))
	if err != nil || !p.roots.AppendCertsFromPEM(root) {
		t.Fatalf("Caddy's root certificate: %v", err)
	}
	// Its certificate comes a moment after its port is open.
	config := &tls.Config{RootCAs: p.roots, ServerName: "localhost", MinVersion: tls.VersionTLS12}
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		conn, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", secure), config)
		if err == nil {
			_ = conn.Close()
			return p
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// selfSigned makes a certificate for localhost and its key, in PEM, and has roots trust it.
func selfSigned(t *testing.T, roots *x509.CertPool) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certificate = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	roots.AppendCertsFromPEM([]byte(certificate))
	return certificate, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

// dialFrom opens connections from an address of the loopback network, to localhost over IPv4.
func dialFrom(address string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	return func(ctx context.Context, _, addr string) (net.Conn, error) {
		return dialer.DialContext(ctx, "tcp4", addr)
	}
}

// browser is an HTTP client at that address, which follows no redirects.
func (p *proxy) browser(address string) *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	transport := &http.Transport{
		DialContext: dialFrom(address), ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{RootCAs: p.roots, MinVersion: tls.VersionTLS12},
	}
	p.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Jar: jar, Transport: transport, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// logIn posts the form, with a lie about where it comes from.
func (p *proxy) logIn(browser *http.Client, password string) *http.Response {
	p.t.Helper()
	form := url.Values{"screen_name": {"Ann"}, "name": {"Ann Smith"}, "password": {password}}
	r, err := http.NewRequest(http.MethodPost, p.url+"/login/", strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", p.url)
	r.Header.Set("X-Forwarded-For", fmt.Sprintf("203.0.113.%d", time.Now().UnixNano()%250))
	resp, err := browser.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp
}

// guest is somebody behind the proxy who comes from that address.
func (p *proxy) guest(name, address string) *client.Client {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	account, err := client.Login{
		URL: p.url, ScreenName: name, Name: "The real " + name,
		NetDial: dialFrom(address), TLS: &tls.Config{RootCAs: p.roots, MinVersion: tls.VersionTLS12},
	}.Do(ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	c, err := account.Dial(ctx, "lobby", everything())
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = c.Close() })
	return c
}

// enter tries to come into a room and returns the kind of the refusal, if it was refused.
func (p *proxy) enter(c *client.Client, join protocol.Join) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	err := c.EnterAndWait(ctx, join)
	if err != nil && !errors.Is(err, client.ErrRefused) {
		p.t.Fatal(err)
	}
	if err != nil {
		return err.Error()[strings.LastIndexByte(err.Error(), ' ')+1:]
	}
	return ""
}

func TestCallBehindProxy(t *testing.T) {
	for name, front := range proxies() {
		t.Run(name, func(t *testing.T) {
			s := start(t, "--trusted-proxies", "127.0.0.1", "--room-access", "password", "--room-password", "sesame")
			s.t = t
			p := front(t, s)
			browser := p.browser("127.0.0.1")
			resp := p.logIn(browser, "")
			cookies := resp.Cookies()
			if len(cookies) != 1 || cookies[0].Name != "__Host-parley_session" || !cookies[0].Secure {
				t.Errorf("%s, cookies %v", resp.Status, cookies)
			}
			if resp.Header.Get("Strict-Transport-Security") == "" {
				t.Error("browsers may come without TLS")
			}
			resp, err := browser.Get(p.plain + "/login/")
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if to := resp.Header.Get("Location"); !strings.HasPrefix(to, "https://localhost") {
				t.Errorf("http leads to %q", to)
			}
			rooms := p.follow(browser)
			if list := <-rooms; strings.Contains(list, "standup") {
				t.Fatalf("somebody is there before: %s", list)
			}
			clients := []*client.Client{p.guest("Ada", "127.0.0.1"), p.guest("Bea", "127.0.0.1")}
			for _, c := range clients {
				if why := p.enter(c, protocol.Join{Room: "standup", Password: "sesame"}); why != "" {
					t.Fatal(why)
				}
			}
			select { // a comment after 20 s might push it out of a buffer
			case list := <-rooms:
				if !strings.Contains(list, "standup") {
					t.Errorf("got %s", list)
				}
			case <-time.After(10 * time.Second):
				t.Error("no event")
			}
			allFlow(t, clients, "audio", "video")
		})
	}
}

// follow reads the lobby's events.
func (p *proxy) follow(browser *http.Client) <-chan string {
	p.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/rooms/", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	resp, err := browser.Do(r)
	if err != nil || resp.StatusCode != http.StatusOK {
		p.t.Fatalf("%v, %v", resp, err)
	}
	events, ended := make(chan string, 100), make(chan struct{})
	go func() {
		defer close(ended)
		var event strings.Builder
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			if event.WriteString(lines.Text() + "\n"); lines.Text() == "" {
				events <- event.String()
				event.Reset()
			}
		}
	}()
	p.t.Cleanup(func() {
		cancel()
		<-ended
		_ = resp.Body.Close()
	})
	return events
}

// Wrong passwords count for the address that they come from, not for the proxy's, whatever the client says it is.
func TestGuessesBehindProxy(t *testing.T) {
	for name, front := range proxies() {
		t.Run(name, func(t *testing.T) {
			s := start(t, "--trusted-proxies", "127.0.0.1", "--access", "password", "--access-password", "sesame")
			s.t = t
			p := front(t, s)
			guesser, other := p.browser("127.0.0.2"), p.browser("127.0.0.3")
			for range 10 {
				p.logIn(guesser, "barley")
			}
			if resp := p.logIn(guesser, "sesame"); len(resp.Cookies()) != 0 {
				t.Error("nobody counted")
			}
			if resp := p.logIn(other, "sesame"); len(resp.Cookies()) != 1 {
				t.Errorf("somebody else is shut out: %s", resp.Status)
			}
		})
		t.Run(name+" in a room", func(t *testing.T) {
			s := start(t, "--trusted-proxies", "127.0.0.1", "--room-access", "password", "--room-password", "sesame")
			s.t = t
			p := front(t, s)
			guesser, other := p.guest("Ada", "127.0.0.2"), p.guest("Bea", "127.0.0.3")
			for range 10 {
				if why := p.enter(guesser, protocol.Join{Room: "red", Password: "barley"}); why != protocol.ErrorPassword {
					t.Fatal(why)
				}
			}
			if why := p.enter(guesser, protocol.Join{Room: "red", Password: "sesame"}); why == "" {
				t.Error("nobody counted")
			}
			if why := p.enter(other, protocol.Join{Room: "red", Password: "sesame"}); why != "" {
				t.Errorf("somebody else is shut out: %s", why)
			}
		})
	}
}
