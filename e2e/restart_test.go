package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/report"

	"parley/signaling/client"
	"parley/signaling/protocol"
)

// roomSize is how many people are in a room of these tests, at most.
const roomSize = 25

// attendee comes back by itself, and knows for how long no media came.
type attendee struct {
	*client.Client
	room   string
	others int // in the room

	came    atomic.Int64 // when the latest packet did, Unix nanoseconds; 0 before the first
	longest atomic.Int64 // between two packets, nanoseconds
}

// NewInterceptor implements interceptor.Factory.
func (a *attendee) NewInterceptor(string) (interceptor.Interceptor, error) { return &clock{of: a}, nil }

// clock looks when packets come on one connection.
type clock struct {
	interceptor.NoOp
	of *attendee
}

// BindRemoteStream implements interceptor.Interceptor.
func (c *clock) BindRemoteStream(_ *interceptor.StreamInfo, reader interceptor.RTPReader) interceptor.RTPReader {
	return interceptor.RTPReaderFunc(func(b []byte, a interceptor.Attributes) (int, interceptor.Attributes, error) {
		n, a, err := reader.Read(b, a)
		if err == nil {
			c.of.hear()
		}
		return n, a, err
	})
}

func (a *attendee) hear() {
	now := time.Now().UnixNano()
	before := a.came.Swap(now)
	for gap := now - before; before > 0; {
		longest := a.longest.Load()
		if gap <= longest || a.longest.CompareAndSwap(longest, gap) {
			return
		}
	}
}

func (a *attendee) interceptors() (*interceptor.Registry, error) {
	reports, err := report.NewReceiverInterceptor()
	if err != nil {
		return nil, err
	}
	registry := new(interceptor.Registry)
	registry.Add(reports)
	registry.Add(a)
	return registry, nil
}

// attendees have people enter rooms: all have a microphone, and two of each room a camera.
func (s *server) attendees(n int) []*attendee {
	all := make([]*attendee, n)
	for i := range all {
		a := &attendee{room: fmt.Sprint("room", i/roomSize), others: min(roomSize, n-i/roomSize*roomSize) - 1}
		a.Client = s.guest(fmt.Sprint("guest", i), client.Options{
			Audio: true, Video: i%roomSize < 2, Small: true, Slots: 3, ComesBack: true, Interceptors: a.interceptors,
		})
		all[i] = a
	}
	s.eachOf(all, func(a *attendee) { join(s.t, a.Client, a.room) })
	s.awaitAll(all, 0)
	return all
}

func (s *server) eachOf(all []*attendee, f func(a *attendee)) {
	clients := make([]*client.Client, len(all))
	for i, a := range all {
		clients[i] = a.Client
	}
	each(clients, func(i int, _ *client.Client) { f(all[i]) })
}

// awaitAll waits until everybody has come back so often, sees all others, and is sent media.
func (s *server) awaitAll(all []*attendee, renewed int) {
	s.t.Helper()
	s.eachOf(all, func(a *attendee) {
		await(s.t, a.Client, "back", func(seen client.Snapshot) bool {
			return seen.Renewed == renewed && seen.Connection == "connected" && len(seen.People) == a.others
		})
		since := time.Now().UnixNano()
		await(s.t, a.Client, "media", func(client.Snapshot) bool { return a.came.Load() > since })
	})
}

// stillness is what a restart cost, by person, the least first.
type stillness struct {
	all  time.Duration // until everybody was back
	gaps []time.Duration
}

func (s stillness) share(of int) time.Duration { return s.gaps[min(len(s.gaps)-1, len(s.gaps)*of/100)] }

func (s stillness) String() string {
	ms := func(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
	return fmt.Sprintf("all are back after %v; no media for %v (median), %v (95%%), %v (worst)",
		ms(s.all), ms(s.share(50)), ms(s.share(95)), ms(s.share(100)))
}

// through measures what it costs people that the server is restarted.
func (s *server) through(all []*attendee, renewed int, restart func()) stillness {
	s.t.Helper()
	for _, a := range all {
		a.longest.Store(0)
	}
	began := time.Now()
	restart()
	s.awaitAll(all, renewed)
	result := stillness{all: time.Since(began)}
	for _, a := range all {
		result.gaps = append(result.gaps, time.Duration(a.longest.Load()))
	}
	slices.Sort(result.gaps)
	return result
}

// launchKept runs a server whose data outlives it.
func launchKept(t *testing.T, flags ...string) *server {
	t.Helper()
	return launchAs(t, exec.Command(program()), append([]string{"--data-dir", t.TempDir(), "--announce", "127.0.0.1",
		"--media-port", fmt.Sprint(freePort(t)), "--turn-port", fmt.Sprint(freePort(t))}, flags...)...)
}

// next starts the server once more.
func (s *server) next(flags ...string) {
	s.t.Helper()
	cmd := exec.Command(program(), append(slices.Clone(s.cmd.Args[1:]), flags...)...)
	cmd.Stdout, cmd.Stderr, cmd.Env = s.out, s.out, s.cmd.Env
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.cmd = cmd
}

// ends waits for a process of the server, which must have meant to end.
func (s *server) ends(cmd *exec.Cmd) {
	s.t.Helper()
	if err := cmd.Wait(); err != nil {
		s.t.Errorf("process %d ended with %v", cmd.Process.Pid, err)
	}
}

// restarts tries every way, with so many people.
func restarts(t *testing.T, people int) map[string]stillness {
	s := launchKept(t, "--drain-limit", "0s")
	all := s.attendees(people)
	costs := make(map[string]stillness)
	for i, way := range []struct {
		name    string
		restart func()
	}{
		{"SIGTERM and start", func() {
			_ = s.cmd.Process.Signal(syscall.SIGTERM)
			s.ends(s.cmd)
			s.next()
		}},
		{"SIGKILL and start", func() {
			_ = s.cmd.Process.Kill()
			_ = s.cmd.Wait()
			s.next()
		}},
		{"serve --replace", func() {
			before := s.cmd
			s.next("--replace")
			s.ends(before)
		}},
	} {
		costs[way.name] = s.through(all, i+1, way.restart)
		t.Logf("%-18s %v", way.name+":", costs[way.name])
	}
	return costs
}

// TestRestarts has everybody come back by themselves, whatever ends the server.
func TestRestarts(t *testing.T) { restarts(t, 12) }

// TestRestartsOfMany measures it with as many people as RESTART says.
func TestRestartsOfMany(t *testing.T) {
	people, err := strconv.Atoi(os.Getenv("RESTART"))
	if err != nil {
		t.Skip("RESTART is no number: make restart")
	}
	if gap := restarts(t, people)["serve --replace"].share(50); gap > 2*time.Second {
		t.Errorf("an upgrade leaves the median person without media for %v", gap)
	}
}

// TestDrain lets calls come to an end by the command, and then by a signal.
func TestDrain(t *testing.T) {
	s := launchKept(t, "--drain-limit", "1m")
	told := make(chan string, 10)
	listening := client.Options{OnEvent: func(e client.Event) {
		if frame, ok := e.(client.Frame); ok && frame.Key == protocol.KeyServer {
			told <- string(frame.Value)
		}
	}}
	inside, outside := s.guest("inside", listening), s.guest("outside", client.Options{})
	join(t, inside, "red")
	s.drain("not safe to restart: 1 person in 1 room\n", 1, "--status")
	s.drain("not safe to restart: 1 person in 1 room; no new call can begin\n", 0)
	if news := <-told; news != `{"type":"draining","until":0}` {
		t.Errorf("told %s", news)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := outside.JoinAndWait(ctx, "blue"); !errors.Is(err, client.ErrRefused) ||
		!strings.HasSuffix(err.Error(), protocol.ErrorDraining) {
		t.Errorf("another room: %v", err)
	}
	s.drain("not safe to restart: 1 person in 1 room\n", 0, "--undo")
	if news := <-told; news != `{"type":"draining","until":null}` {
		t.Errorf("told %s", news)
	}
	join(t, outside, "blue")
	outside.Hangup()

	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-told // it drains
	inside.Hangup()
	s.ends(s.cmd)
	if log := s.out.String(); strings.Contains(log, "the time for calls to end is over") {
		t.Error("it did not wait")
	}
	s.next()
	s.awaitAnswer()
	s.drain("safe to restart: nobody is in a call, and none can begin\n", 0, "--wait")
}

// drain runs the command, which has to write that and to end with that code.
func (s *server) drain(want string, code int, flags ...string) {
	s.t.Helper()
	dir := s.cmd.Args[slices.Index(s.cmd.Args, "--data-dir")+1]
	cmd := exec.Command(program(), append([]string{"drain", "--data-dir", dir}, flags...)...)
	out, _ := cmd.Output() // the code says how it ended
	if string(out) != want || cmd.ProcessState.ExitCode() != code {
		s.t.Errorf("drain %v wrote %q with code %d, want %q with %d", flags, out, cmd.ProcessState.ExitCode(), want, code)
	}
}
