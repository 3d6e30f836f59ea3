package auth

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Headers by which a proxy tells what it was asked, and by whom.
const (
	forwardedFor   = "X-Forwarded-For"
	forwardedProto = "X-Forwarded-Proto"
	forwardedHost  = "X-Forwarded-Host"
)

// maxHost is the longest host name (RFC 1035, section 2.3.4) and a port.
const maxHost = 255 + len(":65535")

// Proxies are the networks of the reverse proxies that are believed. What anybody else says of whom a request comes
// from is ignored.
type Proxies []netip.Prefix

// secureKey is the key in a request's context of whether it came over TLS.
type secureKey struct{}

// Secure tells whether a browser sent r over TLS, which a trusted proxy may have ended.
func Secure(r *http.Request) bool {
	if secure, known := r.Context().Value(secureKey{}).(bool); known {
		return secure
	}
	return r.TLS != nil
}

// Behind makes next see requests as they reached the outermost trusted proxy: with the client's RemoteAddr, with the
// Host that it asked for, and with what [Secure] tells. Tls says that all requests that reach this server itself are
// secure.
func (p Proxies) Behind(tls bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure, remote, host := tls || r.TLS != nil, r.RemoteAddr, r.Host
		if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil && p.trust(peer.Addr()) {
			remote = p.client(peer, r.Header.Values(forwardedFor)).String()
			switch strings.ToLower(nearest(r.Header.Values(forwardedProto))) {
			case "https", "wss":
				secure = true
			case "http", "ws":
				secure = false
			}
			if asked := nearest(r.Header.Values(forwardedHost)); canBeHost(asked) {
				host = asked
			}
		}
		r = r.WithContext(context.WithValue(r.Context(), secureKey{}, secure))
		r.RemoteAddr, r.Host = remote, host
		next.ServeHTTP(w, r)
	})
}

func (p Proxies) trust(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	return slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(address) })
}

// client is the right-most address of the chain that is no proxy's of ours: each proxy appends who it was asked by, so
// what is left of that was written by we do not know whom. Without such an address it is the left-most that is known.
func (p Proxies) client(peer netip.AddrPort, chain []string) netip.AddrPort {
	client := peer
	for _, hop := range slices.Backward(strings.Split(strings.Join(chain, ","), ",")) {
		address, ok := parseHop(strings.TrimSpace(hop))
		if !ok {
			break
		}
		client = address
		if !p.trust(address.Addr()) {
			break
		}
	}
	return client
}

// parseHop reads one address of a chain, which has a port with some proxies.
func parseHop(text string) (netip.AddrPort, bool) {
	address, err := netip.ParseAddrPort(text)
	if err != nil {
		var ip netip.Addr
		if inner, bracketed := strings.CutPrefix(text, "["); bracketed {
			text = strings.TrimSuffix(inner, "]")
		}
		if ip, err = netip.ParseAddr(text); err != nil {
			return netip.AddrPort{}, false
		}
		address = netip.AddrPortFrom(ip, 0)
	}
	return netip.AddrPortFrom(address.Addr().Unmap().WithZone(""), address.Port()), true
}

// nearest is what the proxy wrote that we talk to, when several have written.
func nearest(values []string) string {
	if len(values) == 0 {
		return ""
	}
	last := values[len(values)-1]
	return strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
}

// canBeHost tells whether text can be a Host header.
func canBeHost(text string) bool {
	return text != "" && len(text) <= maxHost && !strings.ContainsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(".-_:[]", r)
	})
}
