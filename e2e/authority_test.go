package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The authority of the tests: its certificate is where the environment says, which is read before the first use of TLS
// and is for the servers that are started as well, and its key beside it.
const (
	authorityVariable = "SSL_CERT_FILE"
	authorityKey      = ".key"
)

// makeAuthority makes the authority and has this process believe it.
func makeAuthority(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Authority of the tests"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "authority.pem")
	return errors.Join(writePEM(file, "CERTIFICATE", der), writeKey(file+authorityKey, key),
		os.Setenv(authorityVariable, file))
}

// certify writes a certificate for the host, and for 127.0.0.1 and ::1, with its key, and returns the files.
func certify(t *testing.T, host string, expires time.Time) (certFile, keyFile string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "server.pem")
	if err := certifyTo(file, host, expires); err != nil {
		t.Fatal(err)
	}
	return file, file + authorityKey
}

func certifyTo(file, host string, expires time.Time) error {
	authority, authorityKey, err := readAuthority()
	if err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		NotBefore:   time.Now().Add(-2 * time.Hour), NotAfter: expires,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, authority, key.Public(), authorityKey)
	if err != nil {
		return err
	}
	return errors.Join(writeKey(file+".key", key), writePEM(file, "CERTIFICATE", der))
}

func readAuthority() (*x509.Certificate, any, error) {
	file := os.Getenv(authorityVariable)
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	block, _ := pem.Decode(text)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, nil, err
	}
	if text, err = os.ReadFile(file + authorityKey); err != nil {
		return nil, nil, err
	}
	block, _ = pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	return certificate, key, err
}

func writeKey(file string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	return writePEM(file, "PRIVATE KEY", der)
}

func writePEM(file, kind string, der []byte) error {
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
