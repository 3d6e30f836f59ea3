package e2e

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"parley/signaling/client"
)

// way is how a guest's media gets to the server and back.
type way struct {
	name  string
	relay string // what the URL of the only ICE server begins with, if media is relayed
	query string // and ends with
	tcp   string // a path of ICE over TCP, at this port: "media" or "pages"
}

var ways = []way{
	{name: "UDP"},
	{name: "ICE over TCP at the media port", tcp: "media"},
	{name: "ICE over TCP at the pages' port", tcp: "pages"},
	{name: "TURN over UDP", relay: "turn:", query: "?transport=udp"},
	{name: "TURN over TCP", relay: "turn:", query: "?transport=tcp"},
	{name: "TURN over TLS at the pages' port", relay: "turns:", query: "?transport=tcp"},
}

// Every way in carries a call of two, and the one that each has is the only one it has.
func TestEveryWayIn(t *testing.T) {
	certFile, keyFile := certify(t, "localhost", time.Now().Add(time.Hour))
	media := fmt.Sprint(freePort(t))
	s := launch(t, "--public-host", "localhost", "--announce", "127.0.0.1", "--media-port", media,
		"--turn-port", fmt.Sprint(freePort(t)), "--tls-cert-file", certFile, "--tls-key-file", keyFile)
	ports := map[string]string{"media": media, "pages": s.url[strings.LastIndexByte(s.url, ':')+1:]}
	for i, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			s.t = t
			room := fmt.Sprintf("way-%d", i)
			options := way.options(ports)
			guests := []*client.Client{s.guest("Ada", options), s.guest("Bea", options)}
			each(guests, func(_ int, c *client.Client) { join(t, c, room) })
			allFlow(t, guests, "audio", "video")
			for _, guest := range guests {
				seen := guest.Snapshot()
				if seen.Resets != 0 || len(seen.Errors) != 0 ||
					way.tcp != "" && seen.RemoteAddress != "127.0.0.1:"+ports[way.tcp] {
					t.Error(describe(seen), seen.RemoteAddress)
				}
			}
		})
	}
}

func (w way) options(ports map[string]string) client.Options {
	options := everything()
	options.RelayOnly = w.relay != ""
	options.ICEServer = func(url string) bool {
		return w.relay != "" && strings.HasPrefix(url, w.relay) && strings.HasSuffix(url, w.query)
	}
	options.Candidate = func(init *webrtc.ICECandidateInit) bool {
		return w.tcp == "" || strings.Contains(init.Candidate, " "+ports[w.tcp]+" typ host tcptype passive")
	}
	options.Settings = func(settings *webrtc.SettingEngine) {
		network := webrtc.NetworkTypeUDP4
		if w.tcp != "" {
			network = webrtc.NetworkTypeTCP4
		}
		settings.SetNetworkTypes([]webrtc.NetworkType{network})
	}
	return options
}

// Who comes with HTTP where HTTPS is expected is sent there, and the pages come by HTTP/2.
func TestPagesOverTLS(t *testing.T) {
	certFile, keyFile := certify(t, "localhost", time.Now().Add(time.Hour))
	s := launch(t, "--announce", "127.0.0.1", "--media-port", fmt.Sprint(freePort(t)), "--turn-port", "0",
		"--tls-cert-file", certFile, "--tls-key-file", keyFile)
	browser := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, DisableKeepAlives: true}}
	resp, err := browser.Get("http" + strings.TrimPrefix(s.url, "https") + "/login/?next=/r/red/")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.ProtoMajor != 2 || resp.TLS.Version != tls.VersionTLS13 {
		t.Errorf("%s, %s, TLS %x", resp.Status, resp.Proto, resp.TLS.Version)
	}
	if at := resp.Request.URL.String(); at != s.url+"/login/?next=/r/red/" {
		t.Errorf("led to %s", at)
	}
}
