//go:build unix

package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The test binary stands for all programs that the runner starts, when this is in the environment: how they behave.
const fakeVariable = "BENCH_FAKE"

func TestMain(m *testing.M) {
	if behaviour := os.Getenv(fakeVariable); behaviour != "" {
		if err := fake(behaviour, os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func fake(behaviour string, args []string) error {
	switch {
	case len(args) == 0:
		return fakeServer("stock", "127.0.0.1:0", "")
	case args[0] == "serve" && behaviour == "no server":
		return fmt.Errorf("no port today")
	case args[0] == "serve":
		flags := flag.NewFlagSet("serve", flag.ContinueOnError)
		listen, metrics := flags.String("listen", "", ""), flags.String("metrics-listen", "", "")
		for _, name := range []string{"media-port", "turn-port", "announce", "data-dir", "log-level", "congestion-control"} {
			flags.String(name, "", "")
		}
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		return fakeServer("parley", *listen, *metrics)
	case args[0] == "load":
		return fakeLoad(behaviour, args[1:])
	default:
		return fakeFloor(args)
	}
}

// fakeServer says at its URL what it is, and counts messages of 3.5 packets.
func fakeServer(kind, listen, metrics string) error {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	socket, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	if metrics != "" {
		socket, err := net.Listen("tcp", metrics)
		if err != nil {
			return err
		}
		var messages atomic.Int64
		go func() {
			_ = http.Serve(socket, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				n := messages.Add(1000)
				fmt.Fprintf(w, "# HELP parley_egress_packets_total Packets.\n"+
					"parley_egress_packets_total{shard=\"0\"} %d\nparley_egress_packets_total{shard=\"1 }\"} %d\n"+
					"parley_egress_messages_total %d\n", 3*n, n/2, n)
			}))
		}()
	}
	go func() {
		_ = http.Serve(socket, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, kind)
		}))
	}()
	fmt.Printf("%s serving on http://%s/ pid %d\n", kind, socket.Addr(), os.Getpid())
	<-ctx.Done()
	return nil
}

// fakeLoad reports 3 us per packet of ours, and 10 of stock unless it behaves otherwise.
func fakeLoad(behaviour string, args []string) error {
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	url, file := flags.String("url", "", ""), flags.String("json", "", "")
	rooms, publishers := flags.Int("rooms", 0, ""), flags.Int("publishers", 0, "")
	subscribers, pid := flags.Int("subscribers", 0, ""), flags.Int("watch-pid", 0, "")
	audio, video := flags.Bool("audio", false, ""), flags.Bool("video", false, "")
	bitrate, limit := flags.Int("video-bitrate", 1, ""), flags.Bool("find-limit", false, "")
	flags.Bool("simulcast", false, "")
	flags.Int("max-people", 0, "")
	flags.Float64("ramp", 0, "")
	flags.Duration("warmup", 0, "")
	duration := flags.Duration("duration", 0, "")
	flags.Int("cpus", 0, "")
	for _, name := range []string{"slots", "talking", "fps", "join-ramp"} {
		flags.Int(name, 0, "")
	}
	viewers, later, shown := flags.Int("viewers", 0, ""), flags.Int("join-later", 0, ""), flags.Int("shown", 0, "")
	flags.Duration("page-every", 0, "")
	flags.String("tile-size", "", "")
	flags.String("video-size", "", "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if behaviour == "no load" || !*audio && !*video || *bitrate <= 0 || syscall.Kill(*pid, 0) != nil {
		return fmt.Errorf("the load has no use for %q", args)
	}
	response, err := http.Get(*url)
	if err != nil {
		return err
	}
	kind, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		return err
	}
	cost, people := 3.0, *rooms*(*publishers+*subscribers+*viewers+*later)
	if string(kind) == "stock" && behaviour != "cheap stock" {
		cost = 10
	}
	packets := 1000 * float64(people)
	report := map[string]any{
		"window_s": duration.Seconds(), "people": people, "joined": people,
		"sent":       map[string]any{"packets": packets / 5, "bytes": packets * 200},
		"received":   map[string]any{"packets": packets, "bytes": packets * 1000},
		"latency_ms": map[string]any{"p50": 0.5, "p99": 1.5, "max": 3}, "join_ms": map[string]any{"p50": 12},
		"server": map[string]any{"cpu_s": cost * packets / 1e6, "cpu_us_per_packet": cost,
			"rss_bytes": 2e7 + 1e5*float64(people), "rss_per_person": 1e6},
		"load_cpu_s": duration.Seconds() / 2, "time": time.Unix(1e9, 0),
		"person": map[string]any{
			"cpu": 0.004 + 0.001*float64(people), "bytes_in": 2500, "bytes_out": 12500, "packets_out": 75,
		},
	}
	if *shown > 0 {
		report["pictures"] = map[string]any{
			"join_ms": map[string]any{"p99": 250, "count": 900}, "gap_ms": map[string]any{"max": 240, "count": 900},
			"source_gap_ms": map[string]any{"max": 101}, "paused": 0,
		}
	}
	if *later > 0 {
		report["later"] = map[string]any{"cpu_ms_per_join": 4.5, "bytes_per_join": 60_000, "offers_present_max": 3}
	}
	if *limit {
		report["limit"] = map[string]any{"people": int(3000 / cost), "reason": "p99 over 100 ms"}
	}
	if behaviour == "no pictures" {
		report["pictures"] = map[string]any{}
	}
	if behaviour == "half join" {
		report["joined"], report["join_failure"] = people/2, "the door is shut"
	}
	data, err := json.Marshal(report)
	if err != nil {
		return err
	}
	return os.WriteFile(*file, data, 0o600)
}

// fakeFloor costs 2.5 us per packet.
func fakeFloor(args []string) error {
	flags := flag.NewFlagSet("floor", flag.ContinueOnError)
	report := FloorReport{PerPacket: 2.5}
	flags.IntVar(&report.Destinations, "destinations", 0, "")
	flags.IntVar(&report.Size, "size", 0, "")
	flags.Float64Var(&report.Packing, "packing", 0, "")
	flags.Float64("rate", 0, "")
	flags.Duration("warmup", 0, "")
	flags.Duration("duration", 0, "")
	flags.Int("cpu", 0, "")
	flags.Int("sink-cpu", 0, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(report)
}

// quickly is a quick run of fakes.
func quickly(t *testing.T, behaviour string, scenarios ...string) Options {
	t.Helper()
	t.Setenv(fakeVariable, behaviour)
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/performance.md", []byte("# P\n\n"+figuresBegin+"\nold\n"+figuresEnd+"\n\n"+
		largeBegin+"\n"+largeEnd+"\n\nEnd.\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	return Options{
		Scenarios: scenarios, Runs: 2, Quick: true, Warmup: time.Millisecond, Duration: 10 * time.Millisecond,
		ServerCPU: -1, LoadCPU: -1, Packing: 4, Parley: self, Stock: self, Floor: self, JSON: dir + "/out/bench.json",
		Plots: true, Docs: dir, Also: []Watched{{"self " + strconv.Itoa(os.Getpid()), os.Getpid()}},
	}
}
