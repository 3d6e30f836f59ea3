package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestSoakPayload lets people come and go at random for as long as SOAK says, and looks into every payload that
// arrives: none is corrupted or comes twice, and on loopback none is lost or overtaken.
func TestSoakPayload(t *testing.T) {
	duration, err := time.ParseDuration(os.Getenv("SOAK_PAYLOAD"))
	if err != nil {
		t.Skip("SOAK_PAYLOAD is no duration: make soak-payload")
	}
	s := start(t)
	load := exec.CommandContext(t.Context(), program(), "load", "--url", s.url, "--verify", "--json", "-",
		"--rooms", "2", "--publishers", "4", "--subscribers", "6", "--simulcast", "--video-bitrate", "1M",
		"--churn", "3", "--duration", duration.String())
	var out bytes.Buffer
	load.Stdout, load.Stderr = &out, os.Stderr
	if err := load.Run(); err != nil {
		t.Fatalf("load: %v\n%s", err, out.String())
	}
	var report struct {
		Received struct{ Packets int }
		Timeline []struct {
			Out int `json:"packets_out"`
		}
		JoinFailures                                   int `json:"join_failures"`
		Joined, Lost, Duplicated, Reordered, Corrupted int
	}
	if err := json.NewDecoder(&out).Decode(&report); err != nil {
		t.Fatal(err)
	}
	// A track that dies loses nothing that could be counted: what comes in the end is as much as in the beginning.
	quarter := len(report.Timeline) / 4
	first, last := 0, 0
	for i := range quarter {
		first += report.Timeline[i+quarter/2].Out // after the joins
		last += report.Timeline[len(report.Timeline)-1-i].Out
	}
	report.Timeline = nil
	t.Logf("%+v, %d packets in the second eighth and on, %d in the last quarter", report, first, last)
	if last < first*9/10 {
		t.Errorf("%d packets in the last quarter, %d before", last, first)
	}
	if report.Received.Packets < int(duration.Seconds())*1000 {
		t.Errorf("only %d packets came", report.Received.Packets)
	}
	if report.JoinFailures+report.Lost+report.Duplicated+report.Reordered+report.Corrupted > 0 {
		t.Error("something was lost, changed, repeated or overtaken")
	}
}
