package e2e

import (
	"fmt"
	"testing"
	"time"

	"parley/signaling/client"
	"parley/signaling/protocol"
)

// Six who are silent until they talk, and one who hears two at once: the room is told who speaks, and a slot brings it.
func TestVoices(t *testing.T) {
	s := start(t)
	listener := s.guest("listener", client.Options{Slots: 2})
	join(t, listener, "voices")
	var talkers []*client.Client
	for i := range 6 {
		c := s.guest(fmt.Sprint("talker", i), client.Options{Audio: true, Quiet: client.Silence, Slots: 2})
		join(t, c, "voices")
		talkers = append(talkers, c)
	}
	await(t, listener, "all are there", func(v client.Snapshot) bool { return len(v.People) == 6 })
	for _, talker := range talkers {
		await(t, talker, "sending", func(v client.Snapshot) bool { return v.Connection == "connected" && sent(v) > 20 })
	}
	for _, i := range []int{3, 0, 5, 3} {
		talker := talkers[i]
		name := talker.Snapshot().ChannelName
		before := listener.Snapshot()
		begun := time.Now()
		talker.Talk(25)
		await(t, listener, "the room is told who speaks", func(v client.Snapshot) bool { return v.Speaker == name })
		told := time.Since(begun)
		await(t, listener, "a slot brings the speaker", func(v client.Snapshot) bool {
			for slot, who := range v.Slots {
				source := client.Source{ChannelName: fmt.Sprint(protocol.SlotStream, slot), Kind: "audio"}
				if who == name && v.Received[source].Packets > before.Received[source].Packets+20 {
					return true
				}
			}
			return false
		})
		t.Logf("talker %d: told after %v", i, told)
		for slot, who := range talker.Snapshot().Slots {
			if who == name {
				t.Errorf("talker %d was given its own voice in slot %d", i, slot)
			}
		}
		talker.Hush()
		await(t, listener, "the levels end", func(v client.Snapshot) bool { return len(v.Levels) == 0 })
	}
	if tracks := len(listener.Snapshot().Received); tracks > 2 {
		t.Errorf("sound comes in %d tracks", tracks)
	}
}

// sent is how many packets a client has sent.
func sent(v client.Snapshot) (packets int) {
	for _, e := range v.Sent {
		packets += int(e.Packets)
	}
	return packets
}
