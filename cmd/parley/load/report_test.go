package load

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// someReport has something in every part.
func someReport() *Report {
	r := &Report{
		Time: time.Unix(1, 0), URL: "http://<b>.example", Window: 2,
		Rooms: 1, Publishers: 1, Subscribers: 2, People: 3, Joined: 3,
		Sent: Traffic{650, 650_000}, Received: Traffic{1300, 1_300_000}, Latency: Latency{0.5, 0.9, 1.25, 2, 1300},
		Join: Join{20, 30, 40, 3}, Joins: []float64{10, 20, 40}, LoadCPU: 0.5, Begin: 1,
		Server: &Server{CPU: 0.4, RSS: 50 << 20, IdleRSS: 40 << 20, CPUPerPacket: 307.69, RSSPerPerson: 3.3 * (1 << 20)},
		Limit: &Limit{People: 3, Reason: "with 4: p99 latency 120 ms", Steps: []Step{
			{People: 3, P99: 1.25, Passed: true}, {People: 4, P99: 120, Loss: 0.5, Reason: "p99 latency 120 ms"},
		}},
	}
	for i := range 1000 {
		r.Timeline = append(r.Timeline, Point{At: float64(i), PacketsOut: uint64(i), P99: float64(i % 7), ServerCPU: 0.2})
	}
	return r
}

func TestText(t *testing.T) {
	var b bytes.Buffer
	if err := someReport().WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"people        3 in 1 room\n", "in            325 packets/s, 2.6 Mbit/s\n",
		"out           650 packets/s, 5.2 Mbit/s\n",
		"latency       p50 0.50  p90 0.90  p99 1.25  max 2.00 ms\n", "first packet  p50 20  p90 30  max 40 ms",
		"server CPU    20 % of a core, 307.69 us", "server memory 50.0 MiB, 40.0 before, 3.30 a person\n",
		"load tool     25 % of a core\n",
		"\nThis box carries 3 people of this kind (with 4: p99 latency 120 ms).\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, &b)
		}
	}
	if err := someReport().WriteText(broken{}); err == nil {
		t.Error("no error")
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestJSON looks for the fields that other programs rely on.
func TestJSON(t *testing.T) {
	var b bytes.Buffer
	if err := (&Report{}).WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(b.Bytes(), &fields); err != nil {
		t.Fatal(err)
	}
	for _, path := range strings.Fields("window_s rooms publishers subscribers people joined join_failures sent.packets " +
		"sent.bytes received.packets received.bytes lost loss duplicated reordered corrupted recovered latency_ms.p50 " +
		"latency_ms.p90 latency_ms.p99 latency_ms.max latency_ms.samples join_ms.p50 join_ms.p90 join_ms.max server " +
		"load_cpu_s timeline limit") {
		value := any(fields)
		for name := range strings.SplitSeq(path, ".") {
			object, _ := value.(map[string]any)
			var ok bool
			if value, ok = object[name]; !ok {
				t.Errorf("no %s", path)
			}
		}
	}
	if fields["server"] != nil || fields["limit"] != nil {
		t.Errorf("server %v, limit %v", fields["server"], fields["limit"])
	}
}

var coordinates = regexp.MustCompile(`[ML]([-0-9.]+|NaN|[+-]Inf) ([-0-9.]+|NaN|[+-]Inf)`)

// TestPage wants every line of every chart within its frame, whatever was measured.
func TestPage(t *testing.T) {
	odd := someReport()
	odd.Timeline = []Point{{P99: 1e9}, {At: 0}}
	odd.Limit.Steps = odd.Limit.Steps[:1]
	for name, r := range map[string]*Report{"full": someReport(), "empty": {}, "odd": odd} {
		var b bytes.Buffer
		if err := r.WriteHTML(&b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if strings.Contains(b.String(), "<b>.example") || strings.Contains(b.String(), "NaN") {
			t.Errorf("%s: %s", name, &b)
		}
		points := coordinates.FindAllStringSubmatch(b.String(), -1)
		if name == "full" && (len(points) < 1000 || len(points) > 20*maxPoints) {
			t.Errorf("%s: %d points", name, len(points))
		}
		for _, point := range points {
			x, _ := strconv.ParseFloat(point[1], 64)
			y, _ := strconv.ParseFloat(point[2], 64)
			if x < chartLeft-0.1 || x > chartRight+0.1 || y < chartTop-0.1 || y > chartBottom+0.1 {
				t.Fatalf("%s: a line goes to %v, %v", name, x, y)
			}
		}
	}
}

func TestNiceStep(t *testing.T) {
	for _, test := range []struct{ length, count, want float64 }{
		{100, 4, 50}, {10, 5, 2}, {7, 5, 2}, {0.3, 4, 0.1}, {1e6, 4, 500000}, {0, 4, 1}, {math.NaN(), 4, 1},
		{math.Inf(1), 4, 1},
	} {
		if got := niceStep(test.length, test.count); math.Abs(got-test.want) > 1e-9 {
			t.Errorf("%v in %v: %v", test.length, test.count, got)
		}
	}
}
