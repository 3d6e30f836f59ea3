package e2e

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"testing"

	"parley/signaling/client"
)

// metrics reads counters and gauges of the server, by name with labels.
func metrics(t *testing.T, url string) map[string]float64 {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]float64)
	for _, line := range regexp.MustCompile(`(?m)^(parley_\S+) (\S+)$`).FindAllStringSubmatch(string(text), -1) {
		if values[line[1]], err = strconv.ParseFloat(line[2], 64); err != nil {
			t.Errorf("%s: %v", line[0], err)
		}
	}
	return values
}

// TestWaysOfSending has a call of four in each way that the media port may send, on one socket and on several.
func TestWaysOfSending(t *testing.T) {
	for _, way := range []struct {
		method  string
		sockets int
	}{{"gso", 1}, {"gso", 3}, {"sendmmsg", 1}, {"sendto", 2}} {
		t.Run(fmt.Sprintf("%s over %d sockets", way.method, way.sockets), func(t *testing.T) {
			listen := fmt.Sprintf("127.0.0.1:%d", freePort(t))
			s := start(t, "--media-batching", way.method, "--media-sockets", strconv.Itoa(way.sockets),
				"--metrics-listen", listen)
			clients := s.guests(4)
			each(clients, func(_ int, c *client.Client) { join(t, c, "red") })
			allFlow(t, clients, "audio", "video")
			seen := metrics(t, "http://"+listen+"/metrics")
			if seen[fmt.Sprintf("parley_egress_method{method=%q}", way.method)] != 1 {
				t.Errorf("media is not sent by %s: %v", way.method, seen)
			}
			packets, messages := seen["parley_egress_packets_total"], seen["parley_egress_messages_total"]
			sends := seen["parley_egress_sends_total"]
			if packets == 0 || messages == 0 || sends == 0 || seen["parley_ingress_packets_total"] == 0 {
				t.Errorf("nothing was counted: %v", seen)
			}
			if packed := packets > messages; packed != (way.method == "gso") {
				t.Errorf("%v packets in %v messages", packets, messages)
			}
			if batched := messages > sends; batched != (way.method != "sendto") {
				t.Errorf("%v messages in %v calls", messages, sends)
			}
			if seen["parley_participants"] != 4 || seen["parley_tracks_down"] != 24 {
				t.Errorf("%v people, %v tracks down", seen["parley_participants"], seen["parley_tracks_down"])
			}
		})
	}
}
