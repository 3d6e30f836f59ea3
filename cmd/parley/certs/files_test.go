package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// write puts a certificate for the name and its key into the files.
func write(t *testing.T, certFile, keyFile, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNewFilesAreTaken(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if _, err := NewFiles(certFile, keyFile, slog.New(slog.DiscardHandler)); err == nil {
		t.Fatal("no files are no error")
	}
	write(t, certFile, keyFile, "first")
	files, err := NewFiles(certFile, keyFile, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	serves := func(want string) {
		t.Helper()
		files.mu.Lock()
		files.looked = files.looked.Add(-2 * lookEvery) // a while ago
		files.mu.Unlock()
		certificate, err := files.GetCertificate(nil)
		if err != nil || certificate.Leaf.Subject.CommonName != want {
			t.Errorf("%v, %v; want %s", certificate, err, want)
		}
	}
	serves("first")
	// Who renews writes one file after the other, and may fail between.
	write(t, certFile, filepath.Join(dir, "other.pem"), "second")
	serves("first")
	write(t, certFile, keyFile, "third")
	later := time.Now().Add(time.Minute)
	if err := os.Chtimes(certFile, later, later); err != nil {
		t.Fatal(err)
	}
	serves("third")
	if err := os.Remove(keyFile); err != nil {
		t.Fatal(err)
	}
	serves("third")
}
