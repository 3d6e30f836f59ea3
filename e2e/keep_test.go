package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"parley/signaling/protocol"
)

// again ends the server with that signal, and starts it again as it was: same ports, same data directory.
func (s *server) again(how syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(how); err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil && how != syscall.SIGKILL {
		s.t.Errorf("the server ended with %v", err)
	}
	next := exec.Command(s.cmd.Path, s.cmd.Args[1:]...)
	next.Env, next.Stdout, next.Stderr = s.cmd.Env, s.out, s.out
	if err := next.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.cmd = next
	s.awaitAnswer()
}

// onDisk reports whether that is to be read in the store.
func (s *server) onDisk(text string) bool {
	s.t.Helper()
	dir := s.cmd.Args[slices.Index(s.cmd.Args, "--data-dir")+1]
	blocks, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", "*", "msgs", "*.blk"))
	if err != nil || len(blocks) == 0 {
		s.t.Fatalf("no store in %s: %v", dir, err)
	}
	return slices.ContainsFunc(blocks, func(block string) bool {
		content, err := os.ReadFile(block)
		return err == nil && bytes.Contains(content, []byte(text))
	})
}

func (s *server) awaitOnDisk(text string) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); !s.onDisk(text); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("%q is never written", text)
		}
	}
}

// says writes to the room, and waits until it is told.
func (k *talker) says(text string) {
	k.t.Helper()
	k.Send(protocol.KeyChat, protocol.ClientChat{Type: protocol.TypeSay, Text: text})
	for told := ""; told != text; {
		_, m, _ := k.shown(protocol.TypeMessage)
		told = m.Text
	}
}

// finds returns what a newcomer is told was written before.
func (k *talker) finds() (texts []string) {
	k.t.Helper()
	_, _, history := k.shown(protocol.TypeHistory)
	for _, m := range history.Messages {
		texts = append(texts, m.Text)
	}
	return texts
}

// TestRoomsOutliveTheServer kills the server, and then stops it in order. Those who were in a room come back to it with
// the cookies that they have: who was host is, who was muted is, the lock holds but for them, and the chat is there.
func TestRoomsOutliveTheServer(t *testing.T) {
	s := start(t)
	anns, bobs, cids, eves := s.account("ann"), s.account("bob"), s.account("cid"), s.account("eve")
	red := protocol.Join{Room: "red"}
	ann, bob, cid, eve := s.talker(anns), s.talker(bobs), s.talker(cids), s.talker(eves)
	for _, k := range []*talker{ann, bob, cid, eve} {
		k.enter(red)
	}
	about := func(kind string, whom *talker) {
		ann.Send(protocol.KeyFloor, protocol.ClientFloor{Type: kind, ChannelName: name(whom.Client), On: ptr(true)})
	}
	about(protocol.TypeMute, bob)
	about(protocol.TypeRemove, eve)
	ann.Send(protocol.KeyFloor, protocol.ClientFloor{Type: protocol.TypeLock, On: ptr(true)})
	to := name(bob.Client)
	ann.Send(protocol.KeyChat, protocol.ClientChat{Type: protocol.TypeSay, Text: "for bob alone", To: &to})
	want := []string{"what <ann> says", "what bob says"}
	ann.says(want[0])
	bob.says(want[1])
	s.awaitOnDisk(want[1])
	if s.onDisk("for bob alone") {
		t.Error("a private message is on the disk")
	}

	for _, how := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		s.again(how)
		s.talker(s.account("dan")).refused(red, protocol.ErrorLocked)
		s.talker(eves).refused(red, protocol.ErrorRemoved)
		bob, cid = s.talker(bobs), s.talker(cids)
		for k, muted := range map[*talker]bool{bob: true, cid: false} { // before the host
			k.Send(protocol.KeyJoin, red)
			if state := k.until(protocol.KeyFloor, protocol.TypeState); len(state.Hosts) > 0 {
				t.Errorf("%v: hosts are %q", how, state.Hosts)
			}
			if you := k.until(protocol.KeyFloor, protocol.TypeYou); you.Muted != muted || !you.OnStage {
				t.Errorf("%v: somebody is %+v", how, you)
			}
			if got := k.finds(); !slices.Equal(got, want) {
				t.Errorf("%v: %q are there of %q", how, got, want)
			}
		}
		ann = s.talker(anns)
		ann.Send(protocol.KeyJoin, red)
		state := ann.until(protocol.KeyFloor, protocol.TypeState)
		if !slices.Equal(state.Hosts, []string{name(ann.Client)}) {
			t.Errorf("%v: hosts are %q", how, state.Hosts)
		}
		if about := ann.until(protocol.KeyFloor, protocol.TypeRestricted); about.ChannelName != name(bob.Client) {
			t.Errorf("%v: restricted is %+v", how, about)
		}
		if got := ann.finds(); !slices.Equal(got, want) {
			t.Errorf("%v: %q are there of %q", how, got, want)
		}
		want = append(want, "just before the end")
		cid.says("just before the end")
	}
}
