package doctor

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"parley/configs"
)

// renewBefore is how early a certificate that nobody has renewed is worth a word. ACME clients renew a month ahead.
const renewBefore = 14 * 24 * time.Hour

const (
	aboutCertificate = "certificate"
	doReadable       = "let the user that Parley runs as read that file, or name another"
)

// examineCertificate looks at the files of the configuration, at what ACME has brought so far, or says what it means
// that there is neither.
func examineCertificate(cfg configs.HTTP, acmeDir string, now time.Time) []Finding {
	if cfg.ACME {
		return examineACME(cfg, acmeDir, now)
	}
	if cfg.TLSCertFile == "" {
		return []Finding{judgePlain(cfg)}
	}
	chain, err := os.ReadFile(cfg.TLSCertFile)
	if err != nil {
		return []Finding{failed(aboutCertificate, doReadable, "%v", err)}
	}
	key, err := os.ReadFile(cfg.TLSKeyFile)
	if err != nil {
		return []Finding{failed(aboutCertificate, doReadable, "%v", err)}
	}
	certificates, err := parseChain(chain)
	if err != nil {
		return []Finding{failed(aboutCertificate, "put the certificate and those that vouch for it, in PEM, into that file",
			"%s: %v", cfg.TLSCertFile, err)}
	}
	if err := matches(certificates[0], key); err != nil {
		return []Finding{failed(aboutCertificate, "name the key file that was made together with the certificate",
			"%s does not go with %s: %v", cfg.TLSKeyFile, cfg.TLSCertFile, err)}
	}
	return judgeChain(certificates, strings.Trim(cfg.PublicHost, "[]"), nil, now)
}

// judgePlain says what it means that pages are served without TLS.
func judgePlain(cfg configs.HTTP) Finding {
	host, _, _ := net.SplitHostPort(cfg.Listen)
	ip, err := netip.ParseAddr(host)
	if host == "localhost" || err == nil && ip.IsLoopback() {
		return ok(aboutCertificate,
			"none, and none needed at %s, which this machine alone reaches; a proxy in front has its own", cfg.Listen)
	}
	return warning(aboutCertificate, "set tls_cert_file and tls_key_file, or listen at 127.0.0.1:8000 and put a proxy "+
		"with a certificate in front", "none, but pages are served at %s: browsers give the camera to https:// only",
		cfg.Listen)
}

func parseChain(content []byte) ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	for {
		var block *pem.Block
		if block, content = pem.Decode(content); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		chain = append(chain, certificate)
	}
	if len(chain) == 0 {
		return nil, errors.New("no certificate in it")
	}
	return chain, nil
}

// matches tells why the key in PEM is not that of the certificate.
func matches(certificate *x509.Certificate, key []byte) error {
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return err
	}
	if _, ok := pair.PrivateKey.(crypto.Signer); !ok {
		return errors.New("it cannot sign")
	}
	return nil
}

// judgeChain looks at what a server shows, the leaf first, as a browser would that wants host and trusts roots, or what
// the system trusts if that is nil. Without a host any name is right.
func judgeChain(chain []*x509.Certificate, host string, roots *x509.CertPool, now time.Time) []Finding {
	leaf := chain[0]
	var found []Finding
	switch {
	case now.After(leaf.NotAfter):
		found = append(found, failed(aboutCertificate, "renew it", "expired on %s", day(leaf.NotAfter)))
	case now.Before(leaf.NotBefore):
		found = append(found, failed(aboutCertificate, "set the clock of this machine, or wait", "not valid before %s",
			leaf.NotBefore.UTC().Format(time.DateTime)))
	case now.Add(renewBefore).After(leaf.NotAfter):
		found = append(found, warning(aboutCertificate, "renew it, and look why that did not happen by itself",
			"expires on %s, in %d days", day(leaf.NotAfter), int(leaf.NotAfter.Sub(now).Hours()/24)))
	}
	if err := leaf.VerifyHostname(host); host != "" && err != nil {
		found = append(found, failed(aboutCertificate, "get one for "+host+", or set public_host to the name that it has",
			"is for %s, not for %s", names(leaf), host))
	}
	found = append(found, judgeTrust(chain, roots, now)...)
	if len(found) > 0 {
		return found
	}
	return []Finding{ok(aboutCertificate, "valid for %s until %s", names(leaf), day(leaf.NotAfter))}
}

// judgeTrust tells whether somebody known vouches for the chain, now or when it was valid.
func judgeTrust(chain []*x509.Certificate, roots *x509.CertPool, now time.Time) []Finding {
	leaf, between := chain[0], x509.NewCertPool()
	for _, certificate := range chain[1:] {
		between.AddCert(certificate)
	}
	switch {
	case now.After(leaf.NotAfter):
		now = leaf.NotAfter
	case now.Before(leaf.NotBefore):
		now = leaf.NotBefore
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now})
	last := chain[len(chain)-1]
	switch {
	case err == nil:
		return nil
	case bytes.Equal(leaf.RawIssuer, leaf.RawSubject):
		return []Finding{warning(aboutCertificate, "get one that browsers trust, from Let's Encrypt for example",
			"signed by itself: browsers warn, and phones let nobody in")}
	case bytes.Equal(last.RawIssuer, last.RawSubject):
		return []Finding{warning(aboutCertificate, "have every guest's device trust that authority, or get one that "+
			"browsers trust", "from %s, whom browsers do not know", last.Subject)}
	}
	return []Finding{failed(aboutCertificate, "serve the whole chain (fullchain.pem of most ACME clients)",
		"issued by %s, and the certificate that vouches for that is missing, or not known here", last.Issuer)}
}

// names lists whom a certificate is for.
func names(leaf *x509.Certificate) string {
	all := append([]string{}, leaf.DNSNames...)
	for _, ip := range leaf.IPAddresses {
		all = append(all, ip.String())
	}
	switch {
	case len(all) == 0:
		return "nobody by name"
	case len(all) > 4:
		return fmt.Sprintf("%s and %d more names", strings.Join(all[:4], ", "), len(all)-4)
	}
	return strings.Join(all, ", ")
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
