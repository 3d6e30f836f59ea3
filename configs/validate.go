package configs

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"parley/auth"
	"parley/signaling/protocol"
)

const (
	minCPU    = 0.1
	minEgress = 1_000_000 // bits/s; who writes less has forgotten the suffix

	minUserBandwidth = 100_000 // bits/s: sound and its overhead; likewise
)

// Validate returns an [*Error] for the first value that cannot be used.
func (c Config) Validate() error {
	for _, section := range []func() *Error{
		c.HTTP.validate, c.Access.validate, c.Limits.validate, c.Store.validate, c.Media.validate, c.TURN.validate,
		c.Log.validate,
	} {
		if err := section(); err != nil {
			return withoutSecret(err)
		}
	}
	if c.TURN.Port == c.Media.Port {
		return &Error{Key: "turn_port", Value: format(c.TURN.Port), Expected: "another port than media_port"}
	}
	return nil
}

func (h HTTP) validate() *Error {
	switch {
	case !isAddress(h.Listen, 0):
		return &Error{Key: "listen", Value: h.Listen, Expected: "HOST:PORT, such as 127.0.0.1:8000 or :8000"}
	case h.PublicHost != "" && !isHost(h.PublicHost):
		return &Error{
			Key: "public_host", Value: h.PublicHost, Expected: "a host name or an IP address, without scheme and port",
		}
	case h.TLSCertFile != "" && h.TLSKeyFile == "":
		return &Error{Key: "tls_key_file", Expected: "a file, since tls_cert_file is set"}
	case h.TLSKeyFile != "" && h.TLSCertFile == "":
		return &Error{Key: "tls_cert_file", Expected: "a file, since tls_key_file is set"}
	case h.PublicPort < 0 || h.PublicPort > 65535:
		return &Error{
			Key: "public_port", Value: format(h.PublicPort), Expected: "a port from 1 to 65535, or 0 for that of listen",
		}
	case h.SessionLifetime < time.Minute:
		return &Error{
			Key: "session_lifetime", Value: format(h.SessionLifetime), Expected: "a duration of at least 1m",
		}
	case h.DrainLimit < 0:
		return &Error{Key: "drain_limit", Value: format(h.DrainLimit), Expected: "a duration, or 0 to stop at once"}
	case h.MetricsListen != "" && !isAddress(h.MetricsListen, 0):
		return &Error{
			Key: "metrics_listen", Value: h.MetricsListen, Expected: "HOST:PORT, such as 127.0.0.1:9090, or nothing",
		}
	}
	return h.validateACME()
}

func (h HTTP) validateACME() *Error {
	directory, err := url.Parse(h.ACMEDirectory)
	switch {
	case err != nil || directory.Scheme != "https" || directory.Host == "":
		return &Error{Key: "acme_directory", Value: h.ACMEDirectory, Expected: "an https:// URL"}
	case h.ACME && h.TLSCertFile != "":
		return &Error{Key: "acme", Value: "true", Expected: "false, since tls_cert_file is set"}
	case h.ACME && !isDomain(h.PublicHost):
		return &Error{Key: "public_host", Value: h.PublicHost, Expected: "a domain name, since acme is true"}
	}
	return nil
}

// isDomain tells whether text is a name that an authority gives certificates for: one with a dot that is no address.
func isDomain(text string) bool {
	_, err := netip.ParseAddr(text)
	return err != nil && strings.Contains(strings.Trim(text, "."), ".") && isHost(text)
}

func (a Access) validate() *Error {
	if err := validateAccess("access", a.Server, "access_password", a.Password); err != nil {
		return err
	}
	if err := validateAccess("room_access", a.Room, "room_password", a.RoomPassword); err != nil {
		return err
	}
	if a.InviteLifetime < time.Minute {
		return &Error{Key: "invite_lifetime", Value: format(a.InviteLifetime), Expected: "a duration of at least 1m"}
	}
	if a.AdminToken != "" && len(strings.TrimSpace(a.AdminToken)) < auth.MinOperatorToken {
		return &Error{
			Key:      "admin_token",
			Expected: fmt.Sprintf("at least %d characters, or nothing to have one made", auth.MinOperatorToken),
		}
	}
	return nil
}

// validateAccess looks at one kind of access and the password that goes with it.
func validateAccess(key, access, passwordKey, password string) *Error {
	switch {
	case !slices.Contains([]string{protocol.AccessOpen, protocol.AccessPassword, protocol.AccessInvite}, access):
		return &Error{Key: key, Value: access, Expected: "open, password or invite"}
	case access == protocol.AccessPassword && password == "":
		return &Error{Key: passwordKey, Expected: "a password, since " + key + " is password"}
	case access != protocol.AccessPassword && password != "":
		return &Error{Key: key, Value: access, Expected: "password, since " + passwordKey + " is set"}
	case len(password) > protocol.MaxPassword || !utf8.ValidString(password):
		return &Error{Key: passwordKey, Expected: fmt.Sprintf("text of at most %d bytes", protocol.MaxPassword)}
	}
	return nil
}

func (l Limits) validate() *Error {
	switch {
	case l.MaxPeople < 0:
		return &Error{Key: "max_people", Value: format(l.MaxPeople), Expected: "a number of people, or 0 for no limit"}
	case l.MaxRoomPeople < 0:
		return &Error{
			Key: "max_room_people", Value: format(l.MaxRoomPeople), Expected: "a number of people, or 0 for no limit",
		}
	case !(l.CPU >= minCPU && l.CPU <= 1): // which refuses NaN too
		return &Error{Key: "cpu_limit", Value: format(l.CPU), Expected: "a share of all CPUs from 0.1 to 1"}
	case l.Egress != 0 && l.Egress < minEgress:
		return &Error{Key: "egress_limit", Value: format(l.Egress), Expected: "at least 1M bits per second, or 0 for none"}
	}
	return nil
}

func (s Store) validate() *Error {
	if strings.TrimSpace(s.DataDir) == "" {
		return &Error{Key: "data_dir", Expected: "a directory"}
	}
	return nil
}

func (m Media) validate() *Error {
	if m.Port < 1 || m.Port > 65535 {
		return &Error{Key: "media_port", Value: format(m.Port), Expected: "a port from 1 to 65535"}
	}
	if _, err := netip.ParseAddr(m.Listen); m.Listen != "" && err != nil {
		return &Error{Key: "media_listen", Value: m.Listen, Expected: "an IP address, or nothing for all"}
	}
	if m.STUNDiscover != "" && !isAddress(m.STUNDiscover, 1) {
		return &Error{
			Key: "stun_discover", Value: m.STUNDiscover, Expected: "HOST:PORT, such as stun.example.org:3478, or nothing",
		}
	}
	if !slices.Contains([]string{"gso", "sendmmsg", "sendto"}, m.Batching) {
		return &Error{Key: "media_batching", Value: m.Batching, Expected: "gso, sendmmsg or sendto"}
	}
	if m.Sockets < 0 || m.Sockets > 64 {
		return &Error{Key: "media_sockets", Value: format(m.Sockets), Expected: "a number from 1 to 64, or 0 to choose"}
	}
	known := []string{"opus", "vp8", "vp9", "h264", "av1"}
	expected := "some of " + strings.Join(known, ", ") + ", each once"
	if len(m.Codecs) == 0 {
		return &Error{Key: "codecs", Expected: expected}
	}
	for i, codec := range m.Codecs {
		if !slices.Contains(known, codec) || slices.Contains(m.Codecs[:i], codec) {
			return &Error{Key: "codecs", Value: codec, Expected: expected}
		}
	}
	return nil
}

func (t TURN) validate() *Error {
	if t.Port < 0 || t.Port > 65535 {
		return &Error{Key: "turn_port", Value: format(t.Port), Expected: "a port from 1 to 65535, or 0 for no TURN"}
	}
	if t.CredentialLifetime < time.Second {
		return &Error{
			Key: "turn_credential_lifetime", Value: format(t.CredentialLifetime), Expected: "a duration of at least 1s",
		}
	}
	if t.UserBandwidth != 0 && t.UserBandwidth < minUserBandwidth {
		return &Error{
			Key: "turn_user_bandwidth", Value: format(t.UserBandwidth),
			Expected: "at least 100k bits per second, or 0 for no limit",
		}
	}
	for _, url := range t.ICEServers {
		// A browser takes a TURN server with its credentials only (W3C webrtc, 4.4.1.6), and those need the secret.
		if !isICEURL(url, "stun", "stuns") {
			return &Error{
				Key: "ice_servers", Value: url,
				Expected: "stun: or stuns: URLs, such as stun:stun.example.org:3478 (TURN goes to turn_external_urls)",
			}
		}
	}
	for _, url := range t.ExternalURLs {
		if !isICEURL(url, "turn", "turns") {
			return &Error{
				Key: "turn_external_urls", Value: url,
				Expected: "turn: or turns: URLs, such as turn:turn.example.org:3478?transport=udp",
			}
		}
	}
	switch {
	case len(t.ExternalURLs) > 0 && t.ExternalSecret == "":
		return &Error{Key: "turn_external_secret", Expected: "a secret, since turn_external_urls is set"}
	case len(t.ExternalURLs) == 0 && t.ExternalSecret != "":
		return &Error{Key: "turn_external_urls", Expected: "URLs, since turn_external_secret is set"}
	case t.ICETransportPolicy != "all" && t.ICETransportPolicy != "relay":
		return &Error{Key: "ice_transport_policy", Value: t.ICETransportPolicy, Expected: "all or relay"}
	case t.ICETransportPolicy == "relay" && t.Port == 0 && len(t.ExternalURLs) == 0:
		return &Error{
			Key: "ice_transport_policy", Value: "relay", Expected: "all, since turn_port is 0 and turn_external_urls empty",
		}
	}
	return nil
}

func (l Log) validate() *Error {
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, l.Level) {
		return &Error{Key: "log_level", Value: l.Level, Expected: "debug, info, warn or error"}
	}
	if l.Format != "text" && l.Format != "json" {
		return &Error{Key: "log_format", Value: l.Format, Expected: "text or json"}
	}
	return nil
}

// withoutSecret removes what must not be shown.
func withoutSecret(err *Error) *Error {
	if slices.Contains([]string{"turn_external_secret", "access_password", "room_password", "admin_token"}, err.Key) {
		err.Value = ""
	}
	return err
}

// isAddress tells whether text is HOST:PORT with a port of at least least. The host may be empty if 0 is allowed.
func isAddress(text string, least int) bool {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return false
	}
	number, err := strconv.Atoi(port)
	if err != nil || number < least || number > 65535 {
		return false
	}
	return host == "" && least == 0 || isHost(host)
}

// isHost tells whether text can be a host name or an IP address.
func isHost(text string) bool {
	if _, err := netip.ParseAddr(text); err == nil {
		return true
	}
	return text != "" && !strings.ContainsAny(text, ":/@[]?#,% \t\r\n")
}

// isICEURL tells whether text looks like a STUN (RFC 7064) or TURN (RFC 7065) URI of one of the schemes.
func isICEURL(text string, schemes ...string) bool {
	scheme, rest, found := strings.Cut(text, ":")
	if !found || !slices.Contains(schemes, scheme) {
		return false
	}
	address, query, hasQuery := strings.Cut(rest, "?")
	if hasQuery && (!strings.HasPrefix(scheme, "turn") || query != "transport=udp" && query != "transport=tcp") {
		return false
	}
	return isAddress(address, 1) || isHost(strings.Trim(address, "[]"))
}
