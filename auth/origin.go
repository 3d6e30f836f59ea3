package auth

import (
	"net/http"
	"net/url"
	"strings"
)

// OriginAllowed tells whether r comes from a page of this host, or from no page at all: a request without an Origin
// header does not come from a browser's script (RFC 6455, section 10.2). Schemes are not compared, since a proxy may
// end TLS; the proxy has to pass the Host header on.
func OriginAllowed(r *http.Request) bool {
	origins := r.Header["Origin"]
	if len(origins) == 0 {
		return true
	}
	if len(origins) > 1 {
		return false
	}
	origin, err := url.Parse(origins[0])
	if err != nil || origin.Hostname() == "" || origin.User != nil || origin.Path != "" || origin.RawQuery != "" {
		return false
	}
	switch origin.Scheme {
	case "http":
		return sameHost(origin.Host, r.Host, ":80")
	case "https":
		return sameHost(origin.Host, r.Host, ":443")
	}
	return false
}

func sameHost(a, b, defaultPort string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, defaultPort), strings.TrimSuffix(b, defaultPort))
}
