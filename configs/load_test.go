package configs

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// load reads a configuration from the text of a file, variables and command line arguments.
func load(t *testing.T, content string, environ []string, args ...string) (Config, error) {
	t.Helper()
	path := ""
	if content != "" {
		path = filepath.Join(t.TempDir(), "parley.yaml")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	flags.String("config", "", "a flag that is no setting")
	AddFlags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return Load(path, environ, flags)
}

func TestSampleIsTheDefault(t *testing.T) {
	cfg, err := load(t, Sample(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(cfg, Default()) {
		t.Errorf("got %+v, want %+v", cfg, Default())
	}
}

// TestSampleHasEveryKey also wants a comment above each key, or above the one before.
func TestSampleHasEveryKey(t *testing.T) {
	lines := strings.Split(Sample(), "\n")
	for _, setting := range settings(Default()) {
		found := 0
		for i, line := range lines {
			if !strings.HasPrefix(line, setting.key+":") {
				continue
			}
			found++
			for i > 0 && lines[i-1] != "" && !strings.HasPrefix(lines[i-1], "#") {
				i--
			}
			if i == 0 || lines[i-1] == "" {
				t.Errorf("%s has no comment", setting.key)
			}
		}
		if found != 1 {
			t.Errorf("%s is there %d times", setting.key, found)
		}
	}
}

func TestNothingSetIsTheDefault(t *testing.T) {
	cfg, err := load(t, "", []string{"PATH=/bin", "PARLEY=1"})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(cfg, Default()) {
		t.Errorf("got %+v, want %+v", cfg, Default())
	}
}

func TestPrecedence(t *testing.T) {
	const file = "media_port: 1\nlisten: ':1'\nturn_port: 1\ncodecs: [vp9]\n"
	environ := []string{"PARLEY_LISTEN=:2", "PARLEY_TURN_PORT=2", "PARLEY_CODECS="}
	cfg, err := load(t, file, environ, "--turn-port", "3", "--codecs=av1", "--log-level=debug")
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Media.Port = 1
	want.HTTP.Listen = ":2"
	want.TURN.Port = 3
	want.Media.Codecs = []string{"av1"}
	want.Log.Level = "debug"
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("got %+v, want %+v", cfg, want)
	}
}

// TestEverySettingFromEverywhere gives each key a value of its own in the file, the environment and as a flag.
func TestEverySettingFromEverywhere(t *testing.T) {
	values := map[string]string{
		"listen": ":80", "public_host": "example.org", "public_port": "443", "tls_cert_file": "c", "tls_key_file": "k",
		"acme": "false", "acme_email": "op@example.org", "acme_directory": "https://ca.example.org/", "acme_ca_file": "r",
		"session_lifetime": "36h30m", "metrics_listen": "localhost:9090", "trusted_proxies": "::1, 10.0.0.0/8",
		"data_dir":   "/var/lib/parley",
		"media_port": "7001", "media_listen": "::1", "announce": "192.0.2.1, 2001:db8::1,[2001:db8::2]:7002",
		"stun_discover": "stun.example.org:3478", "codecs": "opus,h264 , av1", "turn_port": "0",
		"turn_credential_lifetime": "5s", "ice_servers": "stun:a,stuns:b:5349",
		"turn_external_urls": "turn:a?transport=tcp", "turn_external_secret": "s,t", "ice_transport_policy": "relay",
		"log_level": "warn", "log_format": "json", "media_batching": "sendto", "media_sockets": "3",
		"congestion_control": "false", "access": "password", "access_password": "a, b", "room_access": "password",
		"room_password": "123", "invite_lifetime": "48h", "max_people": "300", "max_room_people": "100",
		"admin_token": "0123456789abcdef", "drain_limit": "30s",
		"egress_limit": "2.5G", "cpu_limit": "0.75", "turn_user_bandwidth": "1.5M", "pprof_listen": "[::1]:6060",
		"max_rooms": "50", "max_address_sockets": "60", "max_address_logins": "70",
	}
	want := Config{
		HTTP: HTTP{
			Listen: ":80", PublicHost: "example.org", PublicPort: 443, TLSCertFile: "c", TLSKeyFile: "k",
			ACMEEmail: "op@example.org", ACMEDirectory: "https://ca.example.org/", ACMECAFile: "r",
			SessionLifetime: 36*time.Hour + 30*time.Minute, DrainLimit: 30 * time.Second, MetricsListen: "localhost:9090",
			PprofListen:    "[::1]:6060",
			TrustedProxies: []netip.Prefix{netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("10.0.0.0/8")},
		},
		Access: Access{
			Server: "password", Password: "a, b", Room: "password", RoomPassword: "123", InviteLifetime: 48 * time.Hour,
			AdminToken: "0123456789abcdef",
		},
		Limits: Limits{
			MaxPeople: 300, MaxRoomPeople: 100, MaxRooms: 50, MaxAddressSockets: 60, MaxAddressLogins: 70,
			Egress: 2_500_000_000, CPU: 0.75,
		},
		Store: Store{DataDir: "/var/lib/parley"},
		Media: Media{
			Port: 7001, Listen: "::1", STUNDiscover: "stun.example.org:3478", Codecs: []string{"opus", "h264", "av1"},
			Announce: []netip.AddrPort{
				netip.MustParseAddrPort("192.0.2.1:0"),
				netip.MustParseAddrPort("[2001:db8::1]:0"),
				netip.MustParseAddrPort("[2001:db8::2]:7002"),
			},
			Batching: "sendto", Sockets: 3,
		},
		TURN: TURN{
			CredentialLifetime: 5 * time.Second, UserBandwidth: 1_500_000, ICEServers: []string{"stun:a", "stuns:b:5349"},
			ExternalURLs: []string{"turn:a?transport=tcp"}, ExternalSecret: "s,t", ICETransportPolicy: "relay",
		},
		Log: Log{Level: "warn", Format: "json"},
	}
	var file strings.Builder
	var environ, args []string
	for _, setting := range settings(Default()) {
		value, ok := values[setting.key]
		if !ok {
			t.Fatalf("no value for %s", setting.key)
		}
		quote := `"`
		if strings.HasSuffix(setting.key, "_port") {
			quote = ""
		}
		file.WriteString(setting.key + ": " + quote + value + quote + "\n")
		environ = append(environ, setting.env()+"="+value)
		args = append(args, "--"+setting.flag()+"="+value)
	}
	for name, from := range map[string]func() (Config, error){
		"file":        func() (Config, error) { return load(t, file.String(), nil) },
		"environment": func() (Config, error) { return load(t, "", environ) },
		"flags":       func() (Config, error) { return load(t, "", nil, args...) },
	} {
		if cfg, err := from(); err != nil || !reflect.DeepEqual(cfg, want) {
			t.Errorf("%s: got %+v, %v", name, cfg, err)
		}
	}
}

func TestFileFromTheEnvironment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "parley.yaml")
	if err := os.WriteFile(path, []byte("media_port: 7777"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := load(t, "", []string{"PARLEY_CONFIG=" + path})
	if err != nil || cfg.Media.Port != 7777 {
		t.Errorf("got %d, %v", cfg.Media.Port, err)
	}
	cfg, err = load(t, "media_port: 7778", []string{"PARLEY_CONFIG=" + path})
	if err != nil || cfg.Media.Port != 7778 {
		t.Errorf("with a flag: got %d, %v", cfg.Media.Port, err)
	}
}

func TestRefused(t *testing.T) {
	const file, variable, flag = "file ", "environment variable", "flag --"
	tests := []struct {
		name        string
		content     string
		environ     string
		arg         string
		key, source string
		expected    string
	}{
		{"unknown key", "lisen: :80", "", "", "lisen", file, "a known name, one of access, access_password, acme, "},
		{"nested key", "http: {listen: ':80'}", "", "", "http.listen", file, "one of "},
		{"unknown variable", "", "PARLEY_LISEN=:80", "", "PARLEY_LISEN", variable, "one of PARLEY_ACCESS, "},
		{"variable in the wrong case", "", "PARLEY_listen=:80", "", "PARLEY_listen", variable, "one of "},
		{"no value", "listen:", "", "", "listen", file, "a value"},
		{"number for text", "public_host: 12", "", "", "public_host", file, "text"},
		{"text for number", "media_port: many", "", "", "media_port", file, "a whole number"},
		{"truth for number", "media_port: true", "", "", "media_port", file, "a whole number"},
		{"fraction", "media_port: 7000.5", "", "", "media_port", file, "a whole number"},
		{"whole fraction", "media_port: 7000.0", "", "", "media_port", file, "a whole number"},
		{"huge number", "media_port: 99999999999999999999", "", "", "media_port", file, "a whole number"},
		{"list for number", "media_port: [1]", "", "", "media_port", file, "a whole number"},
		{"list for text", "listen: [':80']", "", "", "listen", file, "text"},
		{"empty number", "", "PARLEY_MEDIA_PORT=", "", "media_port", variable + " PARLEY_MEDIA_PORT", "a whole number"},
		{"number for duration", "session_lifetime: 5", "", "", "session_lifetime", file, "a duration"},
		{"bad duration", "", "", "--session-lifetime=5d", "session_lifetime", flag + "session-lifetime", "a duration"},
		{"number for list", "codecs: 5", "", "", "codecs", file, "a list"},
		{"number in list", "codecs: [opus, 5]", "", "", "codecs", file, "a list"},
		{"null in list", "codecs: [opus, ~]", "", "", "codecs", file, "a list"},
		{"empty item", "", "", "--codecs=opus,,vp8", "codecs", flag + "codecs", "a list"},
		{"bad address", "announce: [example.org]", "", "", "announce", file, "IP or IP:PORT"},
		{"bad address in a variable", "", "PARLEY_ANNOUNCE=1.2.3.4,0.0.0.0", "", "announce", variable, "IP or IP:PORT"},

		{"no port", "", "", "--listen=localhost", "listen", flag + "listen", "HOST:PORT"},
		{"port out of range", "listen: ':65536'", "", "", "listen", file, "HOST:PORT"},
		{"named port", "listen: ':http'", "", "", "listen", file, "HOST:PORT"},
		{"host with scheme", "public_host: https://example.org", "", "", "public_host", file, "a host name"},
		{"host with port", "public_host: example.org:80", "", "", "public_host", file, "a host name"},
		{"certificate alone", "tls_cert_file: c", "", "", "tls_key_file", "", "since tls_cert_file is set"},
		{"key alone", "tls_key_file: k", "", "", "tls_cert_file", "", "since tls_key_file is set"},
		{"public port out of range", "public_port: 65536", "", "", "public_port", file, "a port"},
		{"ACME for no name", "acme: true", "", "", "public_host", "", "a domain name"},
		{"ACME for an address", "acme: true", "", "--public-host=192.0.2.1", "public_host", flag + "public-host", "a domain"},
		{
			"ACME besides files", "acme: true\npublic_host: a.example.org\ntls_cert_file: c\ntls_key_file: k", "", "",
			"acme", file, "false, since tls_cert_file is set",
		},
		{"ACME in the clear", "acme_directory: http://ca.example.org/", "", "", "acme_directory", file, "https://"},
		{"short session", "session_lifetime: 59s", "", "", "session_lifetime", file, "at least 1m"},
		{"bad metrics address", "metrics_listen: '9090'", "", "", "metrics_listen", file, "HOST:PORT"},
		{"named proxy", "trusted_proxies: [localhost]", "", "", "trusted_proxies", file, "IP or PREFIX"},
		{"proxy everybody", "", "", "--trusted-proxies=::1,0.0.0.0/0", "trusted_proxies", flag + "trusted-proxies", "IP or"},
		{"unknown access", "access: closed", "", "", "access", file, "open, password or invite"},
		{"unknown room access", "", "", "--room-access=locked", "room_access", flag + "room-access", "open, password or"},
		{"password without one", "access: password", "", "", "access_password", "", "a password, since access is"},
		{"room without a password", "room_access: password", "", "", "room_password", "", "a password, since room_access"},
		{"password for nothing", "access_password: p", "", "", "access", "", "password, since access_password is set"},
		{
			"password besides invitations", "room_access: invite\nroom_password: p", "", "",
			"room_access", file, "password, since room_password is set",
		},
		{
			"long password", "", "PARLEY_ROOM_PASSWORD=" + strings.Repeat("p", 129), "--room-access=password",
			"room_password", variable, "at most 128 bytes",
		},
		{"short invitation", "invite_lifetime: 59s", "", "", "invite_lifetime", file, "at least 1m"},
		{"short token", "", "PARLEY_ADMIN_TOKEN= 0123456789abcde", "", "admin_token", variable, "at least 16 characters"},
		{"profiles for everybody", "pprof_listen: ':6060'", "", "", "pprof_listen", file, "private network"},
		{"profiles at a name", "pprof_listen: 'localhost:6060'", "", "", "pprof_listen", file, "private network"},
		{"profiles in public", "pprof_listen: '203.0.113.5:6060'", "", "", "pprof_listen", file, "private network"},
		{"negative sockets", "max_address_sockets: -1", "", "", "max_address_sockets", file, "or 0 for no limit"},
		{"negative people", "max_people: -1", "", "", "max_people", file, "or 0 for no limit"},
		{"negative room", "", "", "--max-room-people=-1", "max_room_people", flag + "max-room-people", "or 0 for no limit"},
		{"bad bitrate", "egress_limit: 500 Mbit", "", "", "egress_limit", file, "such as 800k, 500M or 2.5G"},
		{"negative bitrate", "egress_limit: -1", "", "", "egress_limit", file, "such as 800k, 500M or 2.5G"},
		{"forgotten suffix", "egress_limit: 500", "", "", "egress_limit", file, "at least 1M"},
		{"forgotten suffix", "turn_user_bandwidth: 20", "", "", "turn_user_bandwidth", file, "at least 100k"},
		{"text for share", "cpu_limit: most", "", "", "cpu_limit", file, "a number"},
		{"percent", "cpu_limit: 90", "", "", "cpu_limit", file, "from 0.1 to 1"},
		{"no CPU", "cpu_limit: 0", "", "", "cpu_limit", file, "from 0.1 to 1"},
		{"no number", "", "", "--cpu-limit=nan", "cpu_limit", flag + "cpu-limit", "from 0.1 to 1"},

		{"no directory", "data_dir: ''", "", "", "data_dir", file, "a directory"},
		{"media port 0", "", "", "--media-port=0", "media_port", flag + "media-port", "a port from 1 to 65535"},
		{"media port out of range", "", "", "--media-port=65536", "media_port", flag + "media-port", "a port from 1"},
		{"bad batching", "media_batching: fast", "", "", "media_batching", file, "gso, sendmmsg or sendto"},
		{"neither on nor off", "congestion_control: maybe", "", "", "congestion_control", file, "true or false"},
		{"no sockets", "", "", "--media-sockets=-1", "media_sockets", flag + "media-sockets", "a number from 1 to 64"},
		{"bad bind address", "media_listen: localhost", "", "", "media_listen", file, "an IP address"},
		{"no host to discover by", "stun_discover: ':3478'", "", "", "stun_discover", file, "HOST:PORT"},
		{"unknown codec", "codecs: [opus, vp7]", "", "", "codecs", file, "some of opus"},
		{"codec twice", "codecs: [vp8, vp8]", "", "", "codecs", file, "some of opus"},
		{"no codec", "codecs: []", "", "", "codecs", file, "some of opus"},
		{"negative port", "turn_port: -1", "", "", "turn_port", file, "or 0 for no TURN"},
		{"two on one port", "turn_port: 7000", "", "", "turn_port", file, "another port than media_port"},
		{"short credentials", "turn_credential_lifetime: 999ms", "", "", "turn_credential_lifetime", file, "at least 1s"},
		{"TURN without a secret", "ice_servers: ['turn:a']", "", "", "ice_servers", file, "stun: or stuns:"},
		{"STUN without a host", "ice_servers: ['stun:']", "", "", "ice_servers", file, "stun: or stuns:"},
		{"STUN with a query", "ice_servers: ['stun:a?transport=udp']", "", "", "ice_servers", file, "stun: or stuns:"},
		{"STUN as TURN", "turn_external_urls: ['stun:a']", "", "", "turn_external_urls", file, "turn: or turns:"},
		{"bad transport", "turn_external_urls: ['turn:a?transport=sctp']", "", "", "turn_external_urls", file, "turn: or"},
		{"URLs alone", "turn_external_urls: ['turn:a']", "", "", "turn_external_secret", "", "a secret, since"},
		{"secret alone", "turn_external_secret: s", "", "", "turn_external_urls", "", "URLs, since"},
		{"unknown policy", "ice_transport_policy: none", "", "", "ice_transport_policy", file, "all or relay"},
		{
			"relay without TURN", "ice_transport_policy: relay\nturn_port: 0", "", "",
			"ice_transport_policy", file, "since turn_port is 0",
		},
		{"unknown level", "", "", "--log-level=loud", "log_level", flag + "log-level", "debug, info, warn or error"},
		{"unknown format", "", "PARLEY_LOG_FORMAT=xml", "", "log_format", variable, "text or json"},
		{"bad, though the flag is good", "media_port: x", "", "--media-port=1", "media_port", file, "a whole number"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var environ, args []string
			if test.environ != "" {
				environ = []string{test.environ}
			}
			if test.arg != "" {
				args = []string{test.arg}
			}
			_, err := load(t, test.content, environ, args...)
			var got *Error
			if !errors.As(err, &got) {
				t.Fatalf("got %v", err)
			}
			if got.Key != test.key || !strings.HasPrefix(got.Source, test.source) || test.source == "" && got.Source != "" {
				t.Errorf("key %q from %q, want %q from %q", got.Key, got.Source, test.key, test.source)
			}
			if !strings.Contains(got.Expected, test.expected) {
				t.Errorf("expected %q, want %q", got.Expected, test.expected)
			}
			if line := err.Error(); strings.ContainsAny(line, "\n") || !strings.Contains(line, test.key) {
				t.Errorf("not one line with the key: %s", line)
			}
		})
	}
}

func TestUnreadableFile(t *testing.T) {
	for name, content := range map[string]string{
		"syntax": "listen: [", "no map": "just text", "list": "- listen", "twice": "listen: :1\nlisten: :2",
		"two documents": "listen: :1\n---\nlisten: :2", "tab": "listen:\n\t:80",
	} {
		_, err := load(t, content, nil)
		if err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: not one line: %v", name, err)
		}
	}
	if _, err := Load("/does/not/exist", nil, pflag.NewFlagSet("", pflag.ContinueOnError)); err == nil {
		t.Error("a missing file was read")
	}
}

func TestSecretIsNotShown(t *testing.T) {
	for _, key := range []string{"turn_external_secret", "access_password", "room_password", "admin_token"} {
		_, err := load(t, key+": 31415926", nil)
		if err == nil || strings.Contains(err.Error(), "31415926") {
			t.Errorf("got %v", err)
		}
	}
	_, err := load(t, "access: password\naccess_password: '"+strings.Repeat("31415926", 20)+"'", nil)
	if err == nil || strings.Contains(err.Error(), "31415926") {
		t.Errorf("got %v", err)
	}
}

func TestSomeFlags(t *testing.T) {
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	AddFlags(flags, "data_dir", "invite_lifetime")
	if err := flags.Parse([]string{"--data-dir=here"}); err != nil {
		t.Fatal(err)
	}
	if flags.Lookup("listen") != nil || flags.Lookup("invite-lifetime") == nil {
		t.Errorf("got %s", flags.FlagUsages())
	}
	want := Default()
	want.Store.DataDir = "here"
	if cfg, err := Load("", nil, flags); err != nil || !reflect.DeepEqual(cfg, want) {
		t.Errorf("got %+v, %v", cfg, err)
	}
}

func TestFlagsShowTheDefaults(t *testing.T) {
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	AddFlags(flags)
	usage := flags.FlagUsages()
	for _, want := range []string{
		"--listen ADDR", "(default 127.0.0.1:8000)", "--announce IP[:PORT]...", "(default 720h)", "--codecs NAME...",
		"--media-port N", "--turn-port N", "--data-dir DIR", "--metrics-listen ADDR", "--log-level debug|info|warn|error",
	} {
		if !strings.Contains(usage, want) {
			t.Errorf("%q is missing in\n%s", want, usage)
		}
	}
}
