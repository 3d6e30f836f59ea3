// Package configs is the configuration of the whole program: one struct of a section per concern, its defaults, and
// how it is read.
//
// Each setting has one flat key, which is the same in all places: data_dir in the file, PARLEY_DATA_DIR in the
// environment, --data-dir on the command line. Later ones win. parley.yaml lists all keys.
package configs

import (
	"net/netip"
	"time"
)

// Config is everything that can be set. Each field has its key, the name of its value in the help, and the help.
type Config struct {
	HTTP   HTTP   `koanf:",squash"`
	Access Access `koanf:",squash"`
	Limits Limits `koanf:",squash"`
	Store  Store  `koanf:",squash"`
	Media  Media  `koanf:",squash"`
	TURN   TURN   `koanf:",squash"`
	Log    Log    `koanf:",squash"`
}

// HTTP is about pages, the websocket and sessions.
type HTTP struct {
	Listen          string        `koanf:"listen" arg:"ADDR" help:"address of pages and websocket"`
	PublicHost      string        `koanf:"public_host" arg:"HOST" help:"name by which browsers reach this server"`
	PublicPort      int           `koanf:"public_port" arg:"N" help:"port by which browsers reach it; 0: as listen"`
	TLSCertFile     string        `koanf:"tls_cert_file" arg:"FILE" help:"certificate chain, PEM; makes it HTTPS"`
	TLSKeyFile      string        `koanf:"tls_key_file" arg:"FILE" help:"private key of the certificate, PEM"`
	ACME            bool          `koanf:"acme" arg:"true|false" help:"get a certificate for public_host; makes it HTTPS"`
	ACMEEmail       string        `koanf:"acme_email" arg:"EMAIL" help:"where the authority can write to"`
	ACMEDirectory   string        `koanf:"acme_directory" arg:"URL" help:"of the certificate authority"`
	ACMECAFile      string        `koanf:"acme_ca_file" arg:"FILE" help:"whom to trust as that authority's server, PEM"`
	SessionLifetime time.Duration `koanf:"session_lifetime" arg:"DURATION" help:"how long a login lasts"`
	DrainLimit      time.Duration `koanf:"drain_limit" arg:"DURATION" help:"how long calls may go on after SIGTERM"`
	MetricsListen   string        `koanf:"metrics_listen" arg:"ADDR" help:"address of /metrics; off if empty"`

	// TrustedProxies are the reverse proxies whose X-Forwarded-For, -Proto and -Host are believed.
	TrustedProxies []netip.Prefix `koanf:"trusted_proxies" arg:"IP|PREFIX..." help:"reverse proxies that are believed"`
}

// Secure tells whether TLS ends in this process.
func (h HTTP) Secure() bool { return h.TLSCertFile != "" || h.ACME }

// Access is about who is let in.
type Access struct {
	Server         string        `koanf:"access" arg:"open|password|invite" help:"who may log in"`
	Password       string        `koanf:"access_password" arg:"PASSWORD" help:"password of this server"`
	Room           string        `koanf:"room_access" arg:"open|password|invite" help:"who is let into a new room"`
	RoomPassword   string        `koanf:"room_password" arg:"PASSWORD" help:"password of new rooms"`
	InviteLifetime time.Duration `koanf:"invite_lifetime" arg:"DURATION" help:"how long an invitation is good for"`
	AdminToken     string        `koanf:"admin_token" arg:"TOKEN" help:"what opens /admin/; made if empty"`
}

// Limits is about how many are let in.
type Limits struct {
	// MaxPeople and MaxRoomPeople are 0 for no limit.
	MaxPeople     int `koanf:"max_people" arg:"N" help:"most people in all rooms; 0: as many as the machine carries"`
	MaxRoomPeople int `koanf:"max_room_people" arg:"N" help:"most people in one room; 0: no such limit"`

	// Egress is 0 for no limit.
	Egress Bitrate `koanf:"egress_limit" arg:"BITS/S" help:"most that is sent, such as 500M; 0: no such limit"`
	CPU    float64 `koanf:"cpu_limit" arg:"SHARE" help:"share of all CPUs that may be used, 0.1 to 1"`
}

// Store is about what is kept on the disk.
type Store struct {
	DataDir string `koanf:"data_dir" arg:"DIR" help:"users, keys and state; one process at a time"`
}

// Media is about the SFU and its socket.
type Media struct {
	Port   int    `koanf:"media_port" arg:"N" help:"UDP port of all media"`
	Listen string `koanf:"media_listen" arg:"IP" help:"address of the media and TURN sockets; all if empty"`

	// Announce are addresses for candidates instead of the machine's own. Port 0 stands for Port.
	Announce []netip.AddrPort `koanf:"announce" arg:"IP[:PORT]..." help:"addresses put into candidates"`

	STUNDiscover string   `koanf:"stun_discover" arg:"HOST:PORT" help:"STUN server to ask for the public address"`
	Codecs       []string `koanf:"codecs" arg:"NAME..." help:"codecs offered, of opus, vp8, vp9, h264, av1"`

	Batching string `koanf:"media_batching" arg:"gso|sendmmsg|sendto" help:"best way of sending that is tried"`
	Sockets  int    `koanf:"media_sockets" arg:"N" help:"sockets at the media port; 0: one per CPU, 8 at most"`

	// CongestionControl is only off for measurements of what it costs.
	CongestionControl bool `koanf:"congestion_control" arg:"true|false" help:"send what each network carries"`
}

// TURN is about the ICE servers that browsers are told of.
type TURN struct {
	// Port is 0 if there is no embedded STUN and TURN server.
	Port               int           `koanf:"turn_port" arg:"N" help:"port of STUN and TURN, UDP and TCP; 0 is off"`
	CredentialLifetime time.Duration `koanf:"turn_credential_lifetime" arg:"DURATION" help:"life of TURN credentials"`

	// UserBandwidth is 0 for no limit.
	UserBandwidth Bitrate `koanf:"turn_user_bandwidth" arg:"BITS/S" help:"most that one person relays; 0: no such limit"`

	ICEServers         []string `koanf:"ice_servers" arg:"URL..." help:"further STUN servers"`
	ExternalURLs       []string `koanf:"turn_external_urls" arg:"URL..." help:"TURN servers besides the embedded one"`
	ExternalSecret     string   `koanf:"turn_external_secret" arg:"SECRET" help:"their shared secret (coturn REST)"`
	ICETransportPolicy string   `koanf:"ice_transport_policy" arg:"all|relay" help:"relay sends all media over TURN"`
}

// Log is about what is logged, to standard error.
type Log struct {
	Level  string `koanf:"log_level" arg:"debug|info|warn|error" help:"least level that is logged"`
	Format string `koanf:"log_format" arg:"text|json" help:"format of the log"`
}

// Default is what holds when nothing is set: everything in one process, for browsers on the same machine.
func Default() Config {
	return Config{
		HTTP: HTTP{
			Listen: "127.0.0.1:8000", SessionLifetime: 30 * 24 * time.Hour, DrainLimit: 5 * time.Second,
			TrustedProxies: []netip.Prefix{},
			ACMEDirectory:  "https://acme-v02.api.letsencrypt.org/directory",
		},
		Access: Access{Server: "open", Room: "open", InviteLifetime: 7 * 24 * time.Hour},
		Limits: Limits{CPU: 0.9},
		Store:  Store{DataDir: "data"},
		Media: Media{Port: 7000, Announce: []netip.AddrPort{}, Codecs: []string{"opus", "vp8"}, Batching: "gso",
			CongestionControl: true},
		TURN: TURN{
			Port:               3478,
			CredentialLifetime: 12 * time.Hour,
			UserBandwidth:      20_000_000,
			ICEServers:         []string{},
			ExternalURLs:       []string{},
			ICETransportPolicy: "all",
		},
		Log: Log{Level: "info", Format: "text"},
	}
}
