// Package certs has the certificates of the server: out of files, or from an authority by ACME (RFC 8555). Either way a
// new one is taken without a restart.
package certs

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// lookEvery is how often the files are looked at, when somebody connects.
const lookEvery = time.Second

// Files is a certificate in files.
type Files struct {
	// Static after construction.
	certFile, keyFile string
	log               *slog.Logger

	mu     sync.Mutex
	now    *tls.Certificate // guarded by mu
	read   [2]stamp         // of the files when they were read last, with success or without; guarded by mu
	looked time.Time        // guarded by mu
}

// stamp tells one state of a file from another.
type stamp struct {
	modified time.Time
	size     int64
}

// NewFiles reads the files.
func NewFiles(certFile, keyFile string, log *slog.Logger) (*Files, error) {
	f := &Files{certFile: certFile, keyFile: keyFile, log: log}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.read, f.looked = f.stamps(), time.Now()
	return f, f.load()
}

// GetCertificate is for a tls.Config. While new files cannot be used, what was before is.
func (f *Files) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := time.Now(); now.Sub(f.looked) >= lookEvery {
		f.looked = now
		if stamps := f.stamps(); stamps != f.read {
			f.read = stamps
			if err := f.load(); err != nil {
				f.log.Warn("the new certificate cannot be used; the former one stays", "error", err)
			} else {
				f.log.Info("new certificate", "expires", f.now.Leaf.NotAfter)
			}
		}
	}
	return f.now, nil
}

// load reads the files. The caller holds mu.
func (f *Files) load() error {
	certificate, err := tls.LoadX509KeyPair(f.certFile, f.keyFile)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	f.now = &certificate
	return nil
}

// stamps returns the state of both files, zero for one that is not there.
func (f *Files) stamps() [2]stamp {
	var stamps [2]stamp
	for i, file := range []string{f.certFile, f.keyFile} {
		if info, err := os.Stat(file); err == nil {
			stamps[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return stamps
}
