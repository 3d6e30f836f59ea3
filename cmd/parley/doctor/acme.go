package doctor

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"parley/configs"
)

// examineACME looks at the certificate that an authority gave, in dir, and at whether it can give one.
func examineACME(cfg configs.HTTP, dir string, now time.Time) []Finding {
	found := judgeChallenge(cfg)
	content, err := os.ReadFile(filepath.Join(dir, cfg.PublicHost))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return append(found, ok(aboutCertificate, "none yet: Parley gets one from %s when it starts", cfg.ACMEDirectory))
	case err != nil:
		return append(found, warning(aboutCertificate, "run this as the user that Parley runs as", "%v", err))
	}
	chain, err := parseChain(content)
	if err != nil {
		return append(found, failed(aboutCertificate, "delete the file, and restart Parley", "%s/%s: %v", dir,
			cfg.PublicHost, err))
	}
	return append(found, judgeChain(chain, cfg.PublicHost, nil, now)...)
}

// judgeChallenge tells whether the authority finds Parley where it looks: at port 443 (RFC 8737, section 3).
func judgeChallenge(cfg configs.HTTP) []Finding {
	port := strconv.Itoa(cfg.PublicPort)
	if cfg.PublicPort == 0 {
		_, port, _ = net.SplitHostPort(cfg.Listen)
	}
	if port == "443" {
		return nil
	}
	return []Finding{failed(aboutCertificate, "listen at :443; or forward 443/tcp to it, and set public_port to 443",
		"the authority of acme looks at 443/tcp of %s, but guests come by %s/tcp", cfg.PublicHost, port)}
}

// selfSigned gives the configuration a certificate of its own, in dir, in place of one of an authority.
func selfSigned(cfg *configs.HTTP, dir string, now time.Time) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{cfg.PublicHost},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(2 * renewBefore),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	cfg.ACME = false
	cfg.TLSCertFile, cfg.TLSKeyFile = filepath.Join(dir, "certificate.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{
		cfg.TLSCertFile: {Type: "CERTIFICATE", Bytes: certificate},
		cfg.TLSKeyFile:  {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			return err
		}
	}
	return nil
}
