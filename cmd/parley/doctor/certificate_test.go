package doctor

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"parley/configs"
)

// issuer signs certificates.
type issuer struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// newIssuer is signed by another one, or by itself if that is nil.
func newIssuer(t *testing.T, name string, by *issuer) *issuer {
	i := &issuer{t: t}
	i.cert, i.key = i.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotAfter: time.Now().Add(1000 * time.Hour),
	}, by)
	return i
}

func (i *issuer) sign(template *x509.Certificate, by *issuer) (*x509.Certificate, *ecdsa.PrivateKey) {
	i.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		i.t.Fatal(err)
	}
	template.SerialNumber, template.NotBefore = big.NewInt(time.Now().UnixNano()), time.Now().Add(-1000*time.Hour)
	parent, signer := template, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		i.t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		i.t.Fatal(err)
	}
	return certificate, key
}

// leaf is for call.test until then.
func (i *issuer) leaf(until time.Time) (*x509.Certificate, *ecdsa.PrivateKey) {
	return i.sign(&x509.Certificate{DNSNames: []string{"call.test"}, NotAfter: until}, i)
}

func TestChain(t *testing.T) {
	root := newIssuer(t, "root", nil)
	between := newIssuer(t, "between", root)
	known := x509.NewCertPool()
	known.AddCert(root.cert)
	now := time.Now()
	good, _ := between.leaf(now.Add(90 * 24 * time.Hour))
	soon, _ := between.leaf(now.Add(5*24*time.Hour + time.Hour))
	late, _ := between.leaf(now.Add(-time.Hour))
	self, _ := root.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: "call.test"}, DNSNames: []string{"call.test"}, NotAfter: now.Add(900 * time.Hour),
	}, nil)
	chain := func(all ...*x509.Certificate) []*x509.Certificate { return all }
	for about, test := range map[string]struct {
		chain []*x509.Certificate
		host  string
		roots *x509.CertPool
		level Level
		words string
	}{
		"good":              {chain(good, between.cert), "call.test", known, OK, "call.test until " + day(good.NotAfter)},
		"no name wanted":    {chain(good, between.cert), "", known, OK, ""},
		"expires soon":      {chain(soon, between.cert), "call.test", known, Warning, "in 5 days"},
		"expired":           {chain(late, between.cert), "call.test", known, Failed, "expired on " + day(late.NotAfter)},
		"another name":      {chain(good, between.cert), "other.test", known, Failed, "is for call.test, not for other.test"},
		"incomplete":        {chain(good), "call.test", known, Failed, "fullchain.pem"},
		"unknown authority": {chain(good, between.cert, root.cert), "call.test", x509.NewCertPool(), Warning, "CN=root"},
		"self-signed":       {chain(self), "call.test", known, Warning, "signed by itself"},
	} {
		expect(t, about, judgeChain(test.chain, test.host, test.roots, now), test.level, test.words)
	}
	expect(t, "not yet", judgeChain(chain(good, between.cert), "call.test", known, now.Add(-2000*time.Hour)), Failed,
		"not valid before")
}

func TestCertificateFiles(t *testing.T) {
	root := newIssuer(t, "root", nil)
	certificate, key := root.leaf(time.Now().Add(-time.Hour))
	_, other := root.leaf(time.Now().Add(time.Hour))
	dir := t.TempDir()
	write := func(name, kind string, content []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	private := func(name string, key *ecdsa.PrivateKey) string {
		content, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return write(name, "PRIVATE KEY", content)
	}
	cert, right, wrong := write("cert", "CERTIFICATE", certificate.Raw), private("key", key), private("other", other)
	examine := func(cert, key string) []Finding {
		return examineCertificate(configs.HTTP{TLSCertFile: cert, TLSKeyFile: key, PublicHost: "call.test"}, "", time.Now())
	}
	expect(t, "no file", examine(filepath.Join(dir, "none"), right), Failed, "no such file")
	expect(t, "another key", examine(cert, wrong), Failed, "does not go with")
	expect(t, "no certificate in it", examine(right, right), Failed, "no certificate")
	if found := examine(cert, right); len(found) != 2 || found[0].Level != Failed || found[0].Do != "renew it" {
		t.Errorf("expired, of nobody known: %+v", found)
	}
}
