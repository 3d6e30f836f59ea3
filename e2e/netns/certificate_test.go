package netns

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// certificate is a server's, which signs itself.
type certificate struct {
	file, keyFile string
	spki          string // base64 of the SHA-256 of its key, by which Chromium is told to trust it
}

// certify makes the certificate of hostname.
func certify(t *testing.T, dir string, until time.Time) certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: hostname},
		DNSNames:     []string{hostname},
		IPAddresses:  []net.IP{net.ParseIP(serverAddress), net.ParseIP(serverAddress6)},
		NotBefore:    time.Now().Add(-24 * time.Hour),
		NotAfter:     until,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(public)
	c := certificate{
		filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), base64.StdEncoding.EncodeToString(sum[:]),
	}
	write := func(file, kind string, der []byte) {
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(c.file, "CERTIFICATE", der)
	write(c.keyFile, "PRIVATE KEY", keyDER)
	return c
}

// environment is that of a Go program that trusts it.
func (c certificate) environment() []string {
	return append(os.Environ(), "SSL_CERT_FILE="+c.file, "SSL_CERT_DIR=/nonexistent")
}
