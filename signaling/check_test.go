package signaling

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/signaling/protocol"
)

const checkRoom = protocol.CheckPrefix + "0123456789abcdef0123456789abcdef"

func TestIsCheck(t *testing.T) {
	for name, want := range map[string]bool{
		checkRoom:               true,
		"_check-standup":        false,
		"check-" + checkRoom:    false,
		protocol.CheckPrefix:    false,
		"standup":               false,
		checkRoom[:7+22]:        true,
		checkRoom[:7+21]:        false,
		"x" + checkRoom:         false,
		strings.ToUpper("red_"): false,
	} {
		if got := protocol.IsCheck(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// It opens whatever rooms ask for, is told to no lobby, and takes nobody else and no third socket.
func TestRoomForACheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := newBubble(t, Config{RoomAccess: protocol.AccessInvite})
		defer stop()
		one, two, three, bob := f.open("ann"), f.open("ann"), f.open("ann"), f.open("bob")
		if got := one.join(checkRoom); len(got) != 0 {
			t.Fatalf("others %v", got)
		}
		if got := two.join(checkRoom); len(got) != 1 || got[0].ChannelName != one.id() {
			t.Fatalf("others %v", got)
		}
		if log := f.presence.changes(); len(log) != 0 {
			t.Errorf("presence: %v", log)
		}
		for _, late := range []*testClient{three, bob} {
			late.told()
			late.refused(`"`+checkRoom+`"`, protocol.ErrorLocked, "")
		}
		two.told()
		two.send(`{"join":"` + checkRoom + `"}`) // again is no third one
		if frames := strings.Join(two.told(), ""); strings.Contains(frames, `"error"`) {
			t.Errorf("again: %s", frames)
		}
		one.send(`{"hangup":true}`)
		synctest.Wait()
		three.send(`{"join":"` + checkRoom + `"}`)
		if frames := strings.Join(three.told(), ""); strings.Contains(frames, `"error"`) {
			t.Errorf("in place of the first: %s", frames)
		}
		if log := f.presence.changes(); len(log) != 0 {
			t.Errorf("presence: %v", log)
		}
	})
}

func TestEcho(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := newBubble(t, Config{})
		defer stop()
		f.hub.Register(NewEcho())
		ann := f.open("ann")
		ann.told()
		ann.send(`{"echo":{"type":"pong", "n":7}}`)
		if got := strings.Join(ann.told(), "|"); got != `{"echo":{"type":"pong","n":7}}` {
			t.Errorf("told %s", got)
		}
		for _, bad := range []string{`"x"`, `7`, `[]`, `null`, `{"n":"` + strings.Repeat("x", protocol.MaxEcho) + `"}`} {
			ann.send(`{"echo":` + bad + `}`)
			if kind := ann.errorType(); kind != protocol.ErrorBadMessage {
				t.Errorf("%s: %s", bad, kind)
			}
		}
		for range 19 {
			ann.send(`{"echo":{}}`)
		}
		if got := len(ann.told()); got != 19 {
			t.Errorf("%d echoes", got)
		}
		ann.send(`{"echo":{}}`)
		if kind := ann.errorType(); kind != protocol.ErrorTooFast {
			t.Errorf("one too many: %s", kind)
		}
		time.Sleep(2 * time.Second)
		ann.send(`{"echo":{}}`)
		if got := strings.Join(ann.told(), "|"); got != `{"echo":{}}` {
			t.Errorf("after two seconds: %s", got)
		}
	})
}
