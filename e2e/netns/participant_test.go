package netns

import (
	"bufio"
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"
)

// room is where everybody meets.
const room = "lab"

// participant is somebody in the call, in a process of their own.
type participant struct {
	*process
	t     *testing.T
	name  string
	began time.Time
	leave func() // at the end of the test at the latest

	mu   sync.Mutex
	seen []sample // oldest first
}

// sample is what somebody saw at that time.
type sample struct {
	State
	at time.Time
}

// call lets a Go client join, by no other way than via unless that is "". It leaves when the test ends.
func (l *lab) call(n *node, s *server, name, via string) *participant {
	l.t.Helper()
	cmd := n.command(program(l.t, "caller"), "-via", via, url, room, name)
	cmd.Env = s.cert.environment()
	return l.participate(cmd, name)
}

// browse lets a Chromium join.
func (l *lab) browse(n *node, s *server, name string) *participant {
	l.t.Helper()
	args := append([]string{"browser.js", url, room, name}, l.chromiumFlags(s)...)
	return l.participate(n.command("node", args...), name)
}

// chromiumFlags have a Chromium trust the server's certificate, and know its address: of TURN servers it looks up the
// name with a dot at its end, which is in no hosts file.
func (l *lab) chromiumFlags(s *server) []string {
	address := serverAddress
	if l.ipv6 {
		address = "[" + serverAddress6 + "]"
	}
	return []string{
		"--ignore-certificate-errors-spki-list=" + s.cert.spki, "--host-resolver-rules=MAP " + hostname + "* " + address,
	}
}

// participate runs somebody who prints lines of State and leaves when standard input ends.
func (l *lab) participate(cmd *exec.Cmd, name string) *participant {
	l.t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		l.t.Fatal(err)
	}
	lines, write := io.Pipe()
	cmd.Stdout = write
	p := &participant{t: l.t, name: name, began: time.Now()}
	go p.listen(lines)
	p.process = launch(l.t, cmd)
	go func() {
		<-p.ended
		_ = write.Close()
	}()
	p.leave = sync.OnceFunc(func() { p.stop(l.t, name, func() { _ = in.Close() }) })
	l.t.Cleanup(p.leave)
	return p
}

// listen takes the lines until they end.
func (p *participant) listen(lines io.Reader) {
	for scanner := bufio.NewScanner(lines); scanner.Scan(); {
		s := sample{at: time.Now()}
		if err := json.Unmarshal(scanner.Bytes(), &s.State); err != nil {
			p.t.Errorf("%s prints %q: %v", p.name, scanner.Text(), err)
		}
		p.mu.Lock()
		p.seen = append(p.seen, s)
		p.mu.Unlock()
	}
}

// awaitState waits until the participant sees what is wanted.
func (p *participant) awaitState(what string, limit time.Duration, wanted func(State) bool) State {
	p.t.Helper()
	deadline := time.After(limit)
	for {
		last, ok := p.last()
		if ok && wanted(last) {
			return last
		}
		select {
		case <-p.ended:
			p.t.Fatalf("%s: %s has gone: %v\n%s", what, p.name, p.err, p.log)
		case <-deadline:
			p.t.Fatalf("%s: not within %v; %s sees %+v", what, limit, p.name, last)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (p *participant) last() (State, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.seen) == 0 {
		return State{}, false
	}
	return p.seen[len(p.seen)-1].State, true
}

// joined is how long the participant took to be connected, the start of the program included.
func (p *participant) joined() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen[0].at.Sub(p.began).Round(100 * time.Millisecond)
}

// samples are those since then, and the one before.
func (p *participant) samples(since time.Time) []sample {
	p.mu.Lock()
	defer p.mu.Unlock()
	first := slices.IndexFunc(p.seen, func(s sample) bool { return s.at.After(since) })
	if first < 0 {
		return nil
	}
	return slices.Clone(p.seen[max(0, first-1):])
}

// gap is the longest time since then in which no more pictures of somebody arrived.
func (p *participant) gap(from string, since time.Time) time.Duration {
	var longest time.Duration
	video, at := 0.0, time.Time{}
	for _, s := range p.samples(since) {
		if now := s.From[from].Video; now > video || at.IsZero() {
			if !at.IsZero() {
				longest = max(longest, s.at.Sub(at))
			}
			video, at = now, s.at
		}
	}
	return longest
}

// flows waits until everybody gets more pictures and sound of everybody else.
func flows(what string, limit time.Duration, people ...*participant) {
	for _, p := range people {
		p.t.Helper()
		before, _ := p.last()
		p.awaitState(what, limit, func(now State) bool {
			for _, other := range people {
				then, now := before.From[other.name], now.From[other.name]
				if other != p && (now.Video < then.Video+10 || now.Audio <= then.Audio) {
					return false
				}
			}
			return true
		})
	}
}
