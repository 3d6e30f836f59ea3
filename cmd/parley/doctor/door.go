package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

const (
	aboutTCP  = "TCP"
	aboutPage = "login page"
	pageWait  = 10 * time.Second
	pageSize  = 1 << 20
)

// reach resolves the host and connects to each of its addresses. It returns those that answer.
func (g Guest) reach(ctx context.Context, report *Report, base *url.URL) (reached []netip.Addr, goOn bool) {
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: base}); err == nil && proxy != nil {
		report.Add(warning(aboutTCP, "unset https_proxy if guests have none", "pages go through the proxy %s", proxy.Host))
		return nil, true
	}
	lookup, cancel := context.WithTimeout(ctx, lookupWait)
	defer cancel()
	found, err := resolve(lookup, base.Hostname())
	if err != nil || len(found) == 0 {
		report.Add(failed(aboutDNS, doRecords, "%s has no address (%v)", base.Hostname(), err))
		return nil, false
	}
	report.Add(ok(aboutDNS, "%s is %s", base.Hostname(), list(found)))
	port := portOf(base)
	var refusals []Finding
	for _, ip := range found {
		ctx, cancel := context.WithTimeout(ctx, dialWait)
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(ip.String(), port))
		cancel()
		if err == nil {
			_ = conn.Close()
			reached = append(reached, ip)
		}
		refusals = append(refusals, judgeTCP(ip, port, err))
	}
	for _, f := range refusals {
		if len(reached) == 0 && f.Level == Warning {
			f.Level = Failed
		}
		report.Add(f)
	}
	return reached, len(reached) > 0
}

// judgeTCP is told how connecting went. As long as another address answers, it is a warning.
func judgeTCP(ip netip.Addr, port string, err error) Finding {
	switch {
	case err == nil:
		return ok(aboutTCP, "%s/tcp at %s answers", port, ip)
	case errors.Is(err, syscall.ENETUNREACH) && ip.Is6():
		return ok(aboutTCP, "%s/tcp at %s not tried: this machine has no IPv6", port, ip)
	}
	do := fmt.Sprintf("start Parley, open %s/tcp in the firewall, and forward it if there is a NAT in front; or remove "+
		"the DNS record of this address", port)
	return warning(aboutTCP, do, "%s/tcp at %s %s", port, ip, saidOf(err))
}

func portOf(base *url.URL) string {
	switch {
	case base.Port() != "":
		return base.Port()
	case base.Scheme == "https":
		return "443"
	}
	return "80"
}

// examineTLS looks at the certificate that the server shows. The calls that follow check it again.
func (g Guest) examineTLS(ctx context.Context, report *Report, base *url.URL, reached []netip.Addr) (goOn bool) {
	if base.Scheme == "http" {
		finding := warning(aboutCertificate, "serve https://", "none, since this is http://: browsers give camera and "+
			"microphone to https:// only, but for localhost")
		if ip, err := netip.ParseAddr(base.Hostname()); base.Hostname() == "localhost" || err == nil && ip.IsLoopback() {
			finding = ok(aboutCertificate, "none, and none needed on the same machine")
		}
		report.Add(finding)
		return true
	}
	if len(reached) == 0 {
		return true // there is a proxy, and the login page will tell
	}
	ctx, cancel := context.WithTimeout(ctx, pageWait)
	defer cancel()
	dialer := tls.Dialer{Config: &tls.Config{
		ServerName:         base.Hostname(),
		InsecureSkipVerify: true, //nolint:gosec // nothing is sent: the chain is judged below, in words of its own
	}}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(reached[0].String(), portOf(base)))
	if err != nil {
		report.Add(failed(aboutCertificate, "serve HTTPS there, with tls_cert_file and tls_key_file or a proxy in front",
			"no TLS at %s: %v", base.Host, err))
		return false
	}
	defer func() { _ = conn.Close() }()
	found := judgeChain(conn.(*tls.Conn).ConnectionState().PeerCertificates, base.Hostname(), nil, time.Now())
	report.Add(found...)
	for _, f := range found {
		if f.Level == Failed {
			return false // a browser goes no further either
		}
	}
	return true
}

// examinePage gets the login page.
func (g Guest) examinePage(ctx context.Context, report *Report, base *url.URL) (goOn bool) {
	ctx, cancel := context.WithTimeout(ctx, pageWait)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base.Scheme+"://"+base.Host+"/login/", nil)
	if err != nil {
		report.Add(failed(aboutPage, "see the error", "%v", err))
		return false
	}
	transport := &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		report.Add(failed(aboutPage, "see the error", "%s %s", request.URL, saidOf(err)))
		return false
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, pageSize))
	if err != nil {
		report.Add(failed(aboutPage, "see the error", "%s breaks off: %v", request.URL, err))
		return false
	}
	finding := judgePage(response.StatusCode, string(body))
	report.Add(finding)
	if date, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		report.Add(judgeClock(base.Hostname(), time.Since(date).Truncate(time.Second), nil))
	}
	return finding.Level != Failed
}

func judgePage(status int, body string) Finding {
	switch {
	case status == http.StatusOK && strings.Contains(body, `name="screen_name"`):
		return ok(aboutPage, "is there")
	case status == http.StatusForbidden && strings.Contains(body, "Parley"):
		return ok(aboutPage, "is there, for those with an invitation")
	case status == http.StatusBadGateway, status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		return failed(aboutPage, "start Parley, and have the proxy lead to its listen address",
			"answered by a proxy that does not reach Parley (%d)", status)
	}
	return failed(aboutPage, "lead the name to Parley", "answered by something else than Parley (%d)", status)
}
