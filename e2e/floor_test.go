package e2e

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"parley/signaling/client"
	"parley/signaling/protocol"
)

// talker is somebody's socket without media, and what it is told.
type talker struct {
	*client.Client
	t      *testing.T
	frames chan client.Frame
}

// account logs somebody in, in a session of its own.
func (s *server) account(name string) *client.Account {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	account, err := client.LogIn(ctx, s.url, name, "The real "+name)
	if err != nil {
		s.t.Fatal(err)
	}
	return account
}

// dial opens a socket that is closed when the test ends.
func (s *server) dial(account *client.Account, options client.Options) *client.Client {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := account.Dial(ctx, "lobby", options)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	return c
}

func (s *server) talker(account *client.Account) *talker {
	s.t.Helper()
	frames := make(chan client.Frame, 10000)
	return &talker{t: s.t, frames: frames, Client: s.dial(account, client.Options{OnEvent: func(event client.Event) {
		if frame, ok := event.(client.Frame); ok {
			frames <- frame
		}
	}})}
}

// message is what these tests read of whatever is told.
type message struct {
	Type        string
	ChannelName string `json:"channel_name"`
	Detail      string
	Hosts       []string
	Muted       bool
	OnStage     bool `json:"on_stage"`
}

// until waits for a message of that type under that key.
func (k *talker) until(key, kind string) message {
	k.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case frame := <-k.frames:
			var m message
			if frame.Key == key && json.Unmarshal(frame.Value, &m) == nil && m.Type == kind {
				return m
			}
		case <-deadline:
			k.t.Fatalf("never told %s of %s", kind, key)
		}
	}
}

// told returns all that was told until now, headers excepted.
func (k *talker) told() (frames []string) {
	k.t.Helper()
	k.Send(protocol.KeyRTC, protocol.Signal{Type: protocol.TypeSignal, Recipient: "nobody"})
	deadline := time.After(patience)
	for {
		select {
		case frame := <-k.frames:
			var m message
			if frame.Key == protocol.KeyError && json.Unmarshal(frame.Value, &m) == nil &&
				m.Type == protocol.ErrorBadRecipient {
				return frames
			}
			if frame.Key != protocol.KeyHTML {
				frames = append(frames, frame.Key+" "+string(frame.Value))
			}
		case <-deadline:
			k.t.Fatal("no answer")
		}
	}
}

// enter joins and takes what a newcomer is told.
func (k *talker) enter(join protocol.Join) {
	k.t.Helper()
	k.Send(protocol.KeyJoin, join)
	k.until(protocol.KeyRTC, protocol.TypeOthers)
	k.until(protocol.KeyFloor, protocol.TypeYou)
	k.told()
}

// refused joins and expects that error.
func (k *talker) refused(join protocol.Join, kind string) {
	k.t.Helper()
	k.Send(protocol.KeyJoin, join)
	k.until(protocol.KeyError, kind)
	if frames := k.told(); len(frames) > 0 {
		k.t.Errorf("let in all the same: %q", frames)
	}
}

func ptr(b bool) *bool { return &b }

func TestHostRightsTriedByGuests(t *testing.T) {
	s := start(t)
	ann, bob, vic := s.talker(s.account("ann")), s.talker(s.account("bob")), s.talker(s.account("vic"))
	ann.enter(protocol.Join{Room: "red"})
	bob.enter(protocol.Join{Room: "red"})
	vic.enter(protocol.Join{Room: "red", As: protocol.AsViewer})
	ann.until(protocol.KeyRTC, protocol.TypeOther)
	vic.Send(protocol.KeyFloor, protocol.ClientFloor{Type: protocol.TypeHand, Up: ptr(true)})
	for _, k := range []*talker{ann, bob, vic} {
		k.until(protocol.KeyFloor, protocol.TypeHands)
		k.told()
	}
	for by, others := range map[*talker][]*talker{bob: {ann, vic}, vic: {ann, bob}} {
		for _, request := range hostRights(others) {
			by.Send(protocol.KeyFloor, request)
			by.until(protocol.KeyError, protocol.ErrorForbidden)
			for _, k := range []*talker{ann, bob, vic} {
				if frames := k.told(); len(frames) > 0 {
					t.Errorf("%+v has consequences: %q", request, frames)
				}
			}
		}
	}
	// Nothing has changed for who comes now, and the host can do all of it still.
	cid := s.talker(s.account("cid"))
	cid.Send(protocol.KeyJoin, protocol.Join{Room: "red"})
	if state := cid.until(protocol.KeyFloor, protocol.TypeState); !slices.Equal(state.Hosts, []string{name(ann.Client)}) {
		t.Errorf("hosts are %q", state.Hosts)
	}
	if you := cid.until(protocol.KeyFloor, protocol.TypeYou); !you.OnStage || you.Muted {
		t.Errorf("a newcomer is %+v", you)
	}
	ann.Send(protocol.KeyFloor, protocol.ClientFloor{
		Type: protocol.TypeMute, ChannelName: name(bob.Client), On: ptr(true),
	})
	if r := cid.until(protocol.KeyFloor, protocol.TypeRestricted); !r.Muted || r.ChannelName != name(bob.Client) {
		t.Errorf("restricted: %+v", r)
	}
}

// hostRights is all that a host may ask about others.
func hostRights(others []*talker) []protocol.ClientFloor {
	requests := []protocol.ClientFloor{
		{Type: protocol.TypeLock, On: ptr(true)},
		{Type: protocol.TypeAccess, Access: protocol.AccessInvite},
		{Type: protocol.TypeAccess, Access: protocol.AccessPassword, Password: "sesame"},
		{Type: protocol.TypeByInvitation, On: ptr(true)},
	}
	for _, other := range others {
		whom := name(other.Client)
		requests = append(requests,
			protocol.ClientFloor{Type: protocol.TypeHand, ChannelName: whom, Up: ptr(false)},
			protocol.ClientFloor{Type: protocol.TypeStage, ChannelName: whom, On: ptr(true)},
			protocol.ClientFloor{Type: protocol.TypeStage, ChannelName: whom, On: ptr(false)},
			protocol.ClientFloor{Type: protocol.TypeMute, ChannelName: whom, On: ptr(true)},
			protocol.ClientFloor{Type: protocol.TypeCamera, ChannelName: whom, Off: ptr(true)},
			protocol.ClientFloor{Type: protocol.TypeStopScreen, ChannelName: whom, Off: ptr(true)},
			protocol.ClientFloor{Type: protocol.TypeRemove, ChannelName: whom},
			protocol.ClientFloor{Type: protocol.TypeHost, ChannelName: whom, On: ptr(true)},
			protocol.ClientFloor{Type: protocol.TypeHost, ChannelName: whom, On: ptr(false)},
		)
	}
	return requests
}

func TestRemovedPeopleCannotComeBack(t *testing.T) {
	s := start(t)
	ann, bobs := s.talker(s.account("ann")), s.account("bob")
	bob := s.talker(bobs)
	red := protocol.Join{Room: "red"}
	ann.enter(red)
	bob.enter(red)
	ann.Send(protocol.KeyFloor, protocol.ClientFloor{Type: protocol.TypeRemove, ChannelName: name(bob.Client)})
	bob.until(protocol.KeyFloor, protocol.TypeRemoved)
	if gone := ann.until(protocol.KeyRTC, protocol.TypeDisconnected); gone.ChannelName != name(bob.Client) {
		t.Errorf("gone is %+v", gone)
	}
	for what, k := range map[string]*talker{
		"the same socket":               bob,
		"a socket of the same session":  s.talker(bobs),
		"the same name, logged in anew": s.talker(s.account("bob")),
	} {
		k.refused(red, protocol.ErrorRemoved)
		k.refused(protocol.Join{Room: "red", As: protocol.AsViewer}, protocol.ErrorRemoved)
		k.enter(protocol.Join{Room: "blue"})
		t.Log(what, "is refused, and as good as before elsewhere")
	}
	if frames := ann.told(); len(frames) > 0 {
		t.Errorf("ann is told %q", frames)
	}
}

func TestClosedRooms(t *testing.T) {
	s := start(t)
	ann := s.talker(s.account("ann"))
	ann.enter(protocol.Join{Room: "red"})
	bobs := s.account("bob")
	bob := s.talker(bobs)
	ann.Send(protocol.KeyFloor, protocol.ClientFloor{
		Type: protocol.TypeAccess, Access: protocol.AccessPassword, Password: "sesame",
	})
	ann.told()
	bob.refused(protocol.Join{Room: "red"}, protocol.ErrorPassword)
	bob.refused(protocol.Join{Room: "red", Password: "simsim"}, protocol.ErrorPassword)
	bob.enter(protocol.Join{Room: "red", Password: "sesame"})
	ann.Send(protocol.KeyFloor, protocol.ClientFloor{Type: protocol.TypeLock, On: ptr(true)})
	ann.told()
	s.talker(s.account("cid")).refused(protocol.Join{Room: "red", Password: "sesame"}, protocol.ErrorLocked)
	bob.Abandon()
	s.talker(bobs).enter(protocol.Join{Room: "red"}) // who has lost the socket comes back
}

// TestMuteIsEnforced mutes somebody who goes on sending, whatever their page was told.
func TestMuteIsEnforced(t *testing.T) {
	s := start(t)
	bobs := s.account("bob")
	ann, bob, cid := s.guest("ann", everything()), s.dial(bobs, everything()), s.guest("cid", everything())
	all := []*client.Client{ann, bob, cid}
	for _, c := range all {
		join(t, c, "red")
	}
	allFlow(t, all, "audio", "video")
	mute := func(on bool) {
		ann.Send(protocol.KeyFloor, protocol.ClientFloor{Type: protocol.TypeMute, ChannelName: name(bob), On: &on})
	}
	sends := func() {
		t.Helper()
		before := bob.Snapshot().Sent[client.Encoding{Kind: "audio"}].Packets
		await(t, bob, "bob goes on sending", func(seen client.Snapshot) bool {
			return seen.Sent[client.Encoding{Kind: "audio"}].Packets > before+10
		})
	}
	mute(true)
	silent(t, []*client.Client{ann, cid}, bob)
	sends()
	silent(t, []*client.Client{ann, cid}, bob)
	allFlow(t, all, "video")

	join(t, bob, "red") // again: a page that reloads stays muted
	allFlow(t, all, "video")
	sends()
	silent(t, []*client.Client{ann, cid}, bob)

	mute(false)
	allFlow(t, all, "audio", "video")
}

// TestViewersAreNotForwarded has a viewer send, which nobody gets until they are let on stage.
func TestViewersAreNotForwarded(t *testing.T) {
	s := start(t)
	ann, vic := s.guest("ann", everything()), s.guest("vic", everything())
	join(t, ann, "red")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := vic.EnterAndWait(ctx, protocol.Join{Room: "red", As: protocol.AsViewer}); err != nil {
		t.Fatal(err)
	}
	await(t, vic, "the viewer sees", func(seen client.Snapshot) bool {
		return seen.Received[from(ann, "video")].Packets > 20 && seen.Sent[client.Encoding{Kind: "audio"}].Packets > 20
	})
	stage := func(on bool) {
		ann.Send(protocol.KeyFloor, protocol.ClientFloor{Type: protocol.TypeStage, ChannelName: name(vic), On: &on})
	}
	if seen := ann.Snapshot(); len(seen.People) != 0 || seen.Received[from(vic, "audio")].Packets != 0 {
		t.Errorf("a viewer is seen: %s", describe(seen))
	}
	for range 2 {
		resets := vic.Snapshot().Resets
		stage(true)
		allFlow(t, []*client.Client{ann, vic}, "audio", "video")
		stage(false)
		await(t, ann, "off the stage", func(seen client.Snapshot) bool { return len(seen.People) == 0 })
		silent(t, []*client.Client{ann}, vic)
		if seen := vic.Snapshot(); seen.Resets != resets || seen.Room != "red" {
			t.Errorf("the call did not go on: %s", describe(seen))
		}
	}
}
