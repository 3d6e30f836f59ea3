package signaling

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/signaling/protocol"
)

// overviewOf is what the overview tells, in a line per room.
func overviewOf(h *Hub) (lines []string) {
	for _, r := range h.Overview() {
		line := fmt.Sprintf("%s %s %v", r.Name, time.Since(r.Opened).Truncate(time.Second), r.Locked)
		for _, m := range r.Members {
			line += " " + m.UserName
			for mark, set := range map[string]bool{"*": m.Host, "()": m.Viewer} {
				if set {
					line += mark
				}
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// happened is what the hub remembers, oldest first, but for when.
func happened(h *Hub) (all []string) {
	for _, e := range slices.Backward(h.Recent()) {
		all = append(all, strings.TrimRight(fmt.Sprintf("%s %s %s %s", e.Room, e.What, e.Who, e.Why), " "))
	}
	return all
}

func sameLines(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%s\nwant:\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestOverview(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stop := newScene(t)
		defer stop()
		hub := s.f.hub
		eve := s.f.open("eve")
		eve.send(`{"join":"` + protocol.CheckPrefix + strings.Repeat("x", 22) + `"}`)
		s.all["bob"].send(`{"join":"blue"}`)
		s.all["bob"].send(`{"floor":{"type":"lock","on":true}}`)
		time.Sleep(8 * time.Second)
		sameLines(t, "rooms", overviewOf(hub), []string{"blue 8s true bob*", "red 10s false ann* vic()"})
		member := hub.Overview()[1].Members[0]
		if member.ChannelName != s.all["ann"].id() || time.Since(member.Since) != 10*time.Second || member.Away {
			t.Errorf("%+v", member)
		}
		sameLines(t, "events", happened(hub), []string{
			"red entered ann", "red entered bob", "red entered vic", "red left bob", "blue entered bob",
		})
		if at := hub.Recent()[0].At; time.Since(at) != 8*time.Second {
			t.Errorf("the latest was at %s", at)
		}
	})
}

func TestKick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stop := newScene(t)
		defer stop()
		hub, ann := s.f.hub, s.all["ann"]
		if hub.Kick("red", "nobody") || hub.Kick("blue", ann.id()) {
			t.Error("removed who is not there")
		}
		if !hub.Kick("red", ann.id()) {
			t.Fatal("ann is not there")
		}
		told := s.settle()
		if !slices.Contains(told["ann"], `{"floor":{"type":"removed"}}`) {
			t.Errorf("ann was told %q", told["ann"])
		}
		gone := `{"rtc":{"type":"disconnected","channel_name":"` + ann.id() + `"}}`
		if !slices.Contains(told["bob"], gone) || !slices.Contains(told["vic"], gone) {
			t.Errorf("bob was told %q, vic %q", told["bob"], told["vic"])
		}
		if calls := s.bars("ann"); !strings.HasSuffix(calls, "close") {
			t.Errorf("her peer: %s", calls)
		}
		sameLines(t, "rooms", overviewOf(hub), []string{"red 4s false bob* vic()"})
		ann.send(`{"join":"red"}`)
		if told := s.settle()["ann"]; len(told) != 1 || !strings.Contains(told[0], `{"error":{"type":"removed"`) {
			t.Errorf("she came back: %q", told)
		}
		for _, name := range []string{"bob", "vic"} {
			if !hub.Kick("red", s.all[name].id()) {
				t.Errorf("%s is not there", name)
			}
			s.settle()
		}
		sameLines(t, "rooms", overviewOf(hub), nil)
		sameLines(t, "events", happened(hub)[3:], []string{
			"red removed ann", "red left ann", "red refused ann removed",
			"red removed bob", "red left bob", "red removed vic", "red left vic",
		})
	})
}

func TestCloseRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stop := newScene(t)
		defer stop()
		hub := s.f.hub
		if hub.CloseRoom("blue") {
			t.Error("closed what is not open")
		}
		if !hub.CloseRoom("red") || hub.CloseRoom("red") {
			t.Error("red was not closed once")
		}
		told := s.settle()
		for name := range s.all {
			if !slices.Contains(told[name], `{"floor":{"type":"removed","closed":true}}`) {
				t.Errorf("%s was told %q", name, told[name])
			}
			if calls := s.bars(name); !strings.HasSuffix(calls, "close") {
				t.Errorf("peer of %s: %s", name, calls)
			}
		}
		sameLines(t, "rooms", overviewOf(hub), nil)
		s.all["vic"].send(`{"join":"red"}`)
		s.settle()
		sameLines(t, "rooms", overviewOf(hub), []string{"red 2s false vic*"})
	})
}

// TestEventsAreBounded also has failures among them.
func TestEventsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := newBubble(t, Config{})
		defer stop()
		ann := f.open("ann")
		for range recentEvents {
			ann.send(`{"join":"red"}`)
			ann.send(`{"hangup":true}`)
			time.Sleep(100 * time.Millisecond)
		}
		ann.told()
		f.media.fail(fmt.Errorf("no media"))
		ann.send(`{"join":"red"}`)
		synctest.Wait()
		got := happened(f.hub)
		if len(got) != recentEvents {
			t.Errorf("%d events", len(got))
		}
		sameLines(t, "the latest", got[len(got)-3:], []string{
			"red entered ann", "red failed ann internal", "red left ann",
		})
		ann.drop()
	})
}
