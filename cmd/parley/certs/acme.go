package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// The pause after a failure to get the first certificate doubles from one to the other: authorities count failures.
const (
	firstPause = 70 * time.Second // autocert remembers a failure for a minute
	lastPause  = time.Hour
)

// ChallengeProtocol has to be among the protocols of a tls.Config that serves the challenge.
const ChallengeProtocol = acme.ALPNProto

var errNotYet = errors.New("there is no certificate yet")

// ACMEConfig says whose certificate to get, and from where.
type ACMEConfig struct {
	Host      string // the name
	Email     string // may be empty
	Directory string // URL of the authority
	CAFile    string // PEM file with whom to trust as the authority's server; empty for the system's
	Dir       string // where account, keys and certificates are kept
}

// ACME is a certificate of an authority. The challenge is TLS-ALPN-01 (RFC 8737), so the port that serves this has to
// be reachable as 443.
type ACME struct {
	// Static after construction.
	host    string
	manager *autocert.Manager
	log     *slog.Logger
	ended   context.Context //nolint:containedctx // it ends what autocert does with contexts of its own
	end     context.CancelFunc
	running sync.WaitGroup

	there atomic.Bool // the first certificate is: from then on autocert renews by itself
}

// NewACME prepares to get a certificate; Start does it.
func NewACME(cfg ACMEConfig, log *slog.Logger) (*ACME, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if cfg.CAFile != "" {
		pem, err := os.ReadFile(cfg.CAFile)
		if err != nil {
			return nil, fmt.Errorf("acme_ca_file: %w", err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("acme_ca_file: no certificate in %s", cfg.CAFile)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	ended, end := context.WithCancel(context.Background())
	return &ACME{
		host: cfg.Host, log: log, ended: ended, end: end,
		manager: &autocert.Manager{
			Prompt:     autocert.AcceptTOS,
			Cache:      autocert.DirCache(cfg.Dir),
			HostPolicy: autocert.HostWhitelist(cfg.Host),
			Email:      cfg.Email,
			Client: &acme.Client{
				DirectoryURL: cfg.Directory, UserAgent: "parley",
				HTTPClient: &http.Client{Transport: tied{transport, ended}, Timeout: 30 * time.Second},
			},
		},
	}, nil
}

// Start gets the certificate, and tries again until it has one. The port must be served by then.
func (a *ACME) Start() {
	a.running.Go(func() {
		for pause := firstPause; ; pause = min(2*pause, lastPause) {
			certificate, err := a.get()
			if err == nil {
				a.there.Store(true)
				a.log.Info("certificate", "host", a.host, "expires", certificate.Leaf.NotAfter)
				return
			}
			if a.ended.Err() != nil {
				return
			}
			a.log.Error("no certificate; is port 443 of this name reachable from outside?",
				"host", a.host, "error", err, "again_in", pause)
			select {
			case <-a.ended.Done():
				return
			case <-time.After(pause):
			}
		}
	})
}

// Close ends requests to the authority and waits for Start.
func (a *ACME) Close() {
	a.end()
	a.running.Wait()
}

// GetCertificate is for a tls.Config that has ChallengeProtocol among its protocols. Until there is a certificate it
// fails at once: only Start asks the authority for one.
func (a *ACME) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	switch {
	case slices.Equal(hello.SupportedProtos, []string{acme.ALPNProto}):
		return a.manager.GetCertificate(hello)
	case !a.there.Load():
		return nil, errNotYet
	default:
		return a.get()
	}
}

// get returns the certificate whatever the client asks for: there is one name, and all that have WebRTC know ECDSA.
func (a *ACME) get() (*tls.Certificate, error) {
	return a.manager.GetCertificate(&tls.ClientHelloInfo{
		ServerName:       a.host,
		SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256},
		SupportedCurves:  []tls.CurveID{tls.CurveP256},
		CipherSuites:     []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
	})
}

// tied has requests end with a context.
type tied struct {
	base http.RoundTripper
	ctx  context.Context //nolint:containedctx // the other one, which is not the request's
}

func (t tied) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(request.Context())
	release := context.AfterFunc(t.ctx, cancel)
	response, err := t.base.RoundTrip(request.WithContext(ctx))
	done := func() {
		release()
		cancel()
	}
	if err != nil {
		done()
		return nil, err
	}
	response.Body = body{response.Body, done}
	return response, nil
}

// body calls done when it is closed.
type body struct {
	io.ReadCloser
	done func()
}

func (b body) Close() error {
	defer b.done()
	return b.ReadCloser.Close()
}
