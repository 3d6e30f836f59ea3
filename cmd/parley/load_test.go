package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"parley/cmd/parley/load"
	"parley/configs"
	"parley/e2e/ports"
)

// startServer runs the real thing in this process until the test ends, configured as change wants it, and returns its
// URL.
func startServer(t *testing.T, change func(*configs.Config)) string {
	t.Helper()
	cfg := configs.Default()
	cfg.HTTP.Listen = "127.0.0.1:0"
	cfg.Store.DataDir = t.TempDir()
	cfg.Media.Announce = []netip.AddrPort{netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), 0)}
	cfg.Media.Port, cfg.TURN.Port = freePort(t), freePort(t)
	cfg.HTTP.DrainLimit = 0
	change(&cfg)
	ctx, stop := context.WithCancel(context.Background())
	urls, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- run(ctx, cfg, order{ready: func(url string) { urls <- url }}, slog.New(slog.DiscardHandler))
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the server: %v", err)
		}
	})
	select {
	case url := <-urls:
		return url
	case err := <-ended:
		ended <- nil
		t.Fatalf("the server: %v", err)
	}
	return ""
}

// freePort is free for UDP and TCP.
func freePort(t *testing.T) int {
	t.Helper()
	port, err := ports.Free()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// uncontrolled has all come that is sent, from the first packet on.
func uncontrolled(cfg *configs.Config) { cfg.Media.CongestionControl = false }

// loadRun runs parley load and returns its report.
func loadRun(t *testing.T, args ...string) (report load.Report, text string) {
	t.Helper()
	dir := t.TempDir()
	var out, progress bytes.Buffer
	root := newRoot(fakeRun("fail"))
	root.SetOut(&out)
	root.SetErr(&progress)
	jsonFile, htmlFile := filepath.Join(dir, "report.json"), filepath.Join(dir, "report.html")
	root.SetArgs(append([]string{"load", "--json", jsonFile, "--html", htmlFile}, args...))
	if err := root.Execute(); err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	data, err := os.ReadFile(jsonFile)
	if err == nil {
		err = json.Unmarshal(data, &report)
	}
	if err != nil {
		t.Fatal(err)
	}
	html, err := os.ReadFile(htmlFile)
	if err != nil || !bytes.Contains(html, []byte("<svg")) || bytes.Contains(html, []byte("ZgotmplZ")) {
		t.Errorf("page of %d bytes, %v", len(html), err)
	}
	t.Logf("%s%s", &progress, &out)
	return report, out.String()
}

// clean wants everything to have come, once, in order, as it was sent.
func clean(t *testing.T, r load.Report, people int) {
	t.Helper()
	if r.Joined != people || r.Failures != 0 || r.Gone != 0 {
		t.Errorf("%d joined, %d failed (%s), %d gone", r.Joined, r.Failures, r.Failure, r.Gone)
	}
	if r.Received.Packets == 0 || r.Sent.Packets == 0 || r.Received.Bytes < 50*r.Received.Packets {
		t.Errorf("sent %+v, received %+v", r.Sent, r.Received)
	}
	if r.Lost+r.Corrupted+r.Duplicated+r.Reordered+r.Skipped != 0 {
		t.Errorf("%d lost, %d corrupted, %d duplicated, %d reordered, %d skipped",
			r.Lost, r.Corrupted, r.Duplicated, r.Reordered, r.Skipped)
	}
	if r.Expected > 0 && (r.Received.Packets < r.Expected*9/10 || r.Received.Packets > r.Expected*11/10) {
		t.Errorf("%d packets came, expected %d", r.Received.Packets, r.Expected)
	}
	if l := r.Latency; l.Samples == 0 || l.P50 <= 0 || l.P99 < l.P50 || l.Max < l.P99 || l.P50 > 1000 {
		t.Errorf("latency %+v", l)
	}
	if j := r.Join; j.Count == 0 || j.P50 <= 0 || j.Max < j.P50 {
		t.Errorf("joins %+v", j)
	}
}

func TestLoad(t *testing.T) {
	url := startServer(t, uncontrolled)
	few := []string{"--url", url, "--ramp", "50", "--warmup", "500ms", "--duration", "2s", "--video-bitrate", "600k"}
	t.Run("verified", func(t *testing.T) {
		r, text := loadRun(t, append(few, "--publishers", "2", "--subscribers", "3", "--verify",
			"--watch-pid", fmt.Sprint(os.Getpid()))...)
		clean(t, r, 5)
		if r.Latency.Samples < r.Received.Packets*9/10 {
			t.Errorf("%d of %d packets were looked into", r.Latency.Samples, r.Received.Packets)
		}
		if r.Server == nil || r.Server.CPU <= 0 || r.Server.IdleRSS <= 0 || len(r.Timeline) == 0 {
			t.Errorf("server %+v, %d points", r.Server, len(r.Timeline))
		}
		for _, want := range []string{"people        5 in 1 room", "lost          0 packets", "latency", "first packet"} {
			if !strings.Contains(text, want) {
				t.Errorf("the report does not say %q", want)
			}
		}
	})
	t.Run("sampled", func(t *testing.T) {
		r, _ := loadRun(t, append(few, "--rooms", "2", "--publishers", "2", "--subscribers", "0")...)
		clean(t, r, 4)
		if r.Latency.Samples > r.Received.Packets/2 {
			t.Errorf("%d of %d packets were looked into", r.Latency.Samples, r.Received.Packets)
		}
	})
	t.Run("simulcast", func(t *testing.T) {
		r, _ := loadRun(t, append(few, "--subscribers", "2", "--simulcast", "--verify")...)
		clean(t, r, 3)
	})
	t.Run("relayed", func(t *testing.T) {
		r, _ := loadRun(t, append(few, "--subscribers", "2", "--relay-only", "--verify")...)
		clean(t, r, 3)
	})
	t.Run("churn", func(t *testing.T) {
		r, _ := loadRun(t, append(few, "--subscribers", "3", "--churn", "3", "--verify")...)
		if r.Failures != 0 || r.Corrupted+r.Duplicated != 0 || r.Join.Count < 6 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("pages", func(t *testing.T) {
		r, text := loadRun(t, append(few, "--publishers", "6", "--subscribers", "1", "--viewers", "2", "--shown", "2",
			"--page-every", "800ms", "--tile-size", "320x180", "--video-size", "320x180", "--fps", "10", "--slots", "2",
			"--talking", "2", "--verify")...)
		clean(t, r, 9)
		if v := r.Pictures; v == nil || v.Join.Count == 0 || v.Turn.Count < 9 || v.Gaps.Count == 0 || v.Source.Count == 0 ||
			v.Blank > 0 {
			t.Errorf("pictures %+v", v)
		}
		// Two videos at most and one voice at a time: far less than everything.
		if p := r.Person; p.PacketsOut > p.PacketsIn*6 || p.AudioOut <= 0 || p.AudioOut > 110 || p.BytesIn <= 0 {
			t.Errorf("a person %+v", p)
		}
		if s := r.Signals; s.Offers < 1 || s.MostOffers < 1 || s.BytesIn < 1000 || s.BytesOut < 1000 {
			t.Errorf("signalling %+v", s)
		}
		if !strings.Contains(text, "first frame") || !strings.Contains(text, "a person") {
			t.Errorf("not all is in\n%s", text)
		}
	})
	t.Run("later", func(t *testing.T) {
		r, text := loadRun(t, append(few, "--publishers", "2", "--subscribers", "0", "--join-later", "3", "--join-ramp", "20",
			"--shown", "2", "--slots", "2", "--watch-pid", fmt.Sprint(os.Getpid()))...)
		clean(t, r, 5)
		l := r.Later
		if l == nil || l.Joins != 3 || l.Media.Count != 3 || l.OffersNew < 1 || l.BytesNew < 1000 || l.Bytes < l.BytesNew ||
			r.Pictures == nil || r.Pictures.Join.Count == 0 {
			t.Errorf("later %+v, pictures %+v", l, r.Pictures)
		}
		if !strings.Contains(text, "joined later  3 in ") {
			t.Errorf("not all is in\n%s", text)
		}
	})
	t.Run("files", func(t *testing.T) {
		media := "../../signaling/client/media/"
		r, _ := loadRun(t, append(few, "--subscribers", "2", "--video-file", media+"q.ivf",
			"--audio-file", media+"tone.ogg")...)
		if r.Received.Packets == 0 || r.Lost != 0 || r.Corrupted != 0 || r.Latency.Samples != 0 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("limit", func(t *testing.T) {
		r, text := loadRun(t, "--url", url, "--subscribers", "2", "--find-limit", "--max-people", "5", "--video=false",
			"--ramp", "50", "--warmup", "0s", "--duration", "500ms")
		if r.Limit == nil || r.Limit.People != 5 || len(r.Limit.Steps) != 3 ||
			!strings.Contains(text, "This box carries 5 people of this kind") {
			t.Errorf("limit %+v in\n%s", r.Limit, text)
		}
	})
}

// TestLoadInterrupted wants a report of what was measured until SIGINT.
func TestLoadInterrupted(t *testing.T) {
	url := startServer(t, uncontrolled)
	child, out, stderr := start(t, "serve", "load", "--url", url, "--subscribers", "1", "--warmup", "0s",
		"--duration", "1h", "--json", "-")
	buffer := make([]byte, 1)
	if _, err := io.ReadFull(stderr, buffer); err != nil { // the first second is over
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, stderr) }()
	if err := child.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	var r load.Report
	if err := json.NewDecoder(out).Decode(&r); err != nil || r.Joined != 2 || r.Window <= 0 || r.Window > 60 {
		t.Errorf("%+v, %v", r, err)
	}
	if err := child.Wait(); err != nil {
		t.Error(err)
	}
}

// TestLoadFailures wants an exit code of 1 and one line that says why.
func TestLoadFailures(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"--url http://127.0.0.1:1", "parley: load: log in: Post \"http://127.0.0.1:1/login/\": dial tcp 127.0.0.1:1"},
		{"--url ftp://example.org", "parley: load: refused: --url: expected http://HOST:PORT, not \"ftp://example.org\"\n"},
		{"--rooms 0", "parley: load: refused: --rooms: expected 1 to 5000, not 0\n"},
		{"--publishers 0", "parley: load: refused: nobody publishes"},
		{"--publishers 1000 --rooms 1000", "parley: load: refused: 1010000 people are more than"},
		{"--audio=false --video=false", "parley: load: refused: nothing is published"},
		{"--video=false --simulcast", "parley: load: refused: --simulcast without --video\n"},
		{"--video-bitrate fast", "parley: load: --video-bitrate: expected bits per second, such as 800k"},
		{"--video-bitrate 1k", "parley: load: refused: --video-bitrate: expected 30000 to"},
		{"--ramp NaN", "parley: load: refused: --ramp: expected"},
		{"--duration 0s", "parley: load: refused: --duration: expected"},
		{"--find-limit --churn 1", "parley: load: refused: --find-limit and --churn"},
		{"--video-file none.ivf", "parley: load: --video-file: open none.ivf"},
		{"--audio-file load_test.go", "parley: load: --audio-file"},
		{"--cpus one", "parley: load: --cpus: expected numbers such as 1 or 1,3, not \"one\"\n"},
		{"--watch-pid 2147483647", "parley: load: --watch-pid 2147483647: cannot be watched"},
		{"--metrics-url http://127.0.0.1:1/metrics", "parley: load: --metrics-url: Get"},
		{"--shown 3 --video=false", "parley: load: refused: --shown without --video\n"},
		{"--page-every 3s", "parley: load: refused: --page-every without --shown\n"},
		{"--slots 33", "parley: load: refused: --slots: expected 0 to 32, not 33\n"},
		{"--talking 2", "parley: load: refused: --talking: expected 0 to 1, not 2\n"},
		{"--join-later 3 --churn 1", "parley: load: refused: --join-later goes without --find-limit and --churn\n"},
		{"--video-size 10x10", "parley: load: refused: --video-size: expected 32 to 4096, not 10\n"},
		{"--tile-size big", "parley: load: --tile-size: expected a size, such as 320x180, not \"big\"\n"},
		{"--fps 0", "parley: load: refused: --fps: expected 1 to 60, not 0\n"},
		{"--bogus", "parley: unknown flag: --bogus\n"},
		{"more", "parley: unknown command \"more\" for \"parley load\"\n"},
	} {
		child, out, stderr := start(t, "serve", append([]string{"load"}, strings.Fields(test.args)...)...)
		printed, _ := io.ReadAll(out)
		said, _ := io.ReadAll(stderr)
		_ = child.Wait()
		if code := child.ProcessState.ExitCode(); code != 1 || len(printed) > 0 {
			t.Errorf("%s: exit code %d, printed %q", test.args, code, printed)
		}
		if !strings.HasPrefix(string(said), test.want) || strings.Count(string(said), "\n") != 1 {
			t.Errorf("%s: said %q, want %q", test.args, said, test.want)
		}
	}
}
