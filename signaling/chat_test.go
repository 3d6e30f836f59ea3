package signaling

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/signaling/chat"
	"parley/signaling/floor"
	"parley/signaling/protocol"
)

func (fakeRenderer) ChatLine(m protocol.ChatMessage) string {
	return fmt.Sprintf(`<li id="chat-%s">%s: %s</li>`, m.ID, m.UserName, m.Text)
}
func (fakeRenderer) ChatAppended(line string) string { return "+" + line }
func (fakeRenderer) ChatReplaced(lines []string) string {
	return "=" + strings.Join(lines, "")
}

// newChatScene is a scene whose people can chat; what they were told of it so far has been taken.
func newChatScene(t *testing.T) (s *scene, stop func()) {
	f, stop := newBubble(t, Config{})
	f.hub.Register(NewChat(fakeRenderer{}))
	return sceneIn(f), stop
}

// heard is a frame of the chat.
type heard struct {
	HTML string
	Chat struct {
		protocol.ChatMessage
		Emoji    string
		Messages []protocol.ChatMessage
		Yours    []string
	}
	Error *protocol.Error
}

// hears returns all of the chat, and the errors, that somebody was told until now.
func (c *testClient) hears() (all []heard) {
	c.t.Helper()
	for _, frame := range c.told() {
		if !strings.Contains(frame, `"chat":{`) && !strings.HasPrefix(frame, `{"error":`) {
			continue
		}
		var h heard
		if err := json.Unmarshal([]byte(frame), &h); err != nil {
			c.t.Fatalf("%s: %v", frame, err)
		}
		if h.HTML != "" && !strings.HasPrefix(frame, `{"html":`) {
			c.t.Errorf("html is not first in %s", frame)
		}
		all = append(all, h)
	}
	return all
}

// hears1 expects one frame of the chat.
func (c *testClient) hears1() heard {
	c.t.Helper()
	all := c.hears()
	if len(all) != 1 {
		c.t.Fatalf("told %+v, want one frame", all)
	}
	return all[0]
}

// errors expects so many frames, all errors of that type.
func (c *testClient) errors(want string, count int) {
	c.t.Helper()
	all := c.hears()
	for _, h := range all {
		if h.Error == nil || h.Error.Type != want || h.Error.Detail == "" {
			c.t.Errorf("told %+v, want %s", h, want)
		}
	}
	if len(all) != count {
		c.t.Errorf("told %d frames, want %d of %s", len(all), count, want)
	}
}

func (c *testClient) says(text string) {
	c.t.Helper()
	c.send(fmt.Sprintf(`{"chat":{"type":"say","text":%q}}`, text))
}

func (c *testClient) whispers(to *testClient, text string) {
	c.t.Helper()
	c.send(fmt.Sprintf(`{"chat":{"type":"say","to":%q,"text":%q}}`, to.id(), text))
}

func texts(messages []protocol.ChatMessage) (all []string) {
	for _, m := range messages {
		all = append(all, m.Text)
	}
	return all
}

func TestMessageToTheRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stop := newChatScene(t)
		defer stop()
		outside := s.f.open("out")
		outside.join("blue")
		outside.told()
		for name, c := range s.all { // a viewer too
			c.says("  hello\n<b>all</b> ")
			c.told()
			got := make(map[string]heard)
			for other, k := range s.all {
				if other != name {
					got[other] = k.hears1()
				}
			}
			for other, h := range got {
				m := h.Chat.ChatMessage
				if m.ID == "" || h.HTML != "+"+(fakeRenderer{}).ChatLine(m) {
					t.Errorf("%s is shown %q of %+v", other, h.HTML, m)
				}
				want := protocol.ChatMessage{
					Type: protocol.TypeMessage, ID: m.ID, ChannelName: c.id(), UserName: name, Text: "hello\n<b>all</b>",
					Time: time.Now().UnixMilli(),
				}
				if m != want {
					t.Errorf("%s is told %+v, want %+v", other, m, want)
				}
			}
		}
		s.all["ann"].says("own")
		if own := s.all["ann"].hears1(); own.Chat.Text != "own" || own.HTML == "" {
			t.Errorf("who wrote it is told %+v", own)
		}
		if all := outside.hears(); len(all) > 0 {
			t.Errorf("another room is told %+v", all)
		}
	})
}

func TestMutedPeopleMayChat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stop := newChatScene(t)
		defer stop()
		ann, bob := s.all["ann"], s.all["bob"]
		ann.send(s.names.Replace(`{"floor":{"type":"mute","channel_name":"$bob","on":true}}`))
		ann.told()
		bob.says("still here")
		bob.told()
		if h := ann.hears1(); h.Chat.Text != "still here" {
			t.Errorf("told %+v", h)
		}
	})
}

func TestPrivateMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stop := newChatScene(t)
		defer stop()
		ann, bob, vic := s.all["ann"], s.all["bob"], s.all["vic"]
		bob.whispers(vic, "secret") // to a viewer
		for _, c := range []*testClient{bob, vic} {
			m := c.hears1()
			if m.Chat.Text != "secret" || m.Chat.To != vic.id() || m.Chat.ToName != "vic" || m.Chat.ChannelName != bob.id() {
				t.Errorf("told %+v", m)
			}
		}
		vic.whispers(bob, "answer")
		vic.told()
		bob.told()
		ann.says("public")
		bob.told()
		vic.told()
		if all := ann.hears(); len(all) != 1 || all[0].Chat.Text != "public" {
			t.Errorf("somebody else is told %+v", all)
		}
		// In the history it is for the two login sessions, whatever socket they come on.
		for session, want := range map[string][]string{
			"bob": {"secret", "answer", "public"}, "vic": {"secret", "answer", "public"}, "bob#2": {"public"},
			"ann": {"public"}, "cid": {"public"},
		} {
			c := s.f.open(session)
			c.join("red")
			h := c.hears1()
			if got := texts(h.Chat.Messages); h.Chat.Type != protocol.TypeHistory || !slices.Equal(got, want) {
				t.Errorf("%s finds %q, want %q", session, got, want)
			}
			if strings.Contains(h.HTML, "secret") != (len(want) == 3) {
				t.Errorf("%s is shown %s", session, h.HTML)
			}
			own := map[string]string{"bob": "secret", "vic": "answer", "ann": "public"}[session]
			for _, m := range h.Chat.Messages {
				if slices.Contains(h.Chat.Yours, m.ID) != (m.Text == own) {
					t.Errorf("%s finds as their own %q of %+v", session, h.Chat.Yours, h.Chat.Messages)
				}
			}
			c.leave(1000)
		}
	})
}

func TestMessageToNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stop := newChatScene(t)
		defer stop()
		ann, bob := s.all["ann"], s.all["bob"]
		bob.send(`{"hangup":true}`)
		bob.told()
		elsewhere := s.f.open("out")
		elsewhere.join("blue")
		elsewhere.told()
		ann.told()
		for _, to := range []*testClient{bob, elsewhere} {
			ann.whispers(to, "are you there?")
			ann.errors(protocol.ErrorGone, 1)
		}
		ann.whispers(ann, "note to self")
		ann.errors(protocol.ErrorBadMessage, 1)
		bob.says("nobody hears me")
		bob.send(`{"chat":{"type":"react","emoji":"👍"}}`)
		bob.errors(protocol.ErrorForbidden, 2)
		if all := append(ann.hears(), elsewhere.hears()...); len(all) > 0 {
			t.Errorf("told %+v", all)
		}
	})
}

// A message goes to nobody when one of the two has left after it was counted, and nothing of it is kept.
func TestLeavingWhileWriting(t *testing.T) {
	h := newHub(t, Config{}).hub
	r := newRoom(h, "red")
	told := 0
	join := func(name string) *member {
		m := &member{
			who: protocol.Participant{ChannelName: name}, person: &floor.Person{ID: name, Session: name, User: name},
			tell: func(n news) {
				if len(n.frames) == 1 && string(n.frames[0]) == "frame" {
					told++
				}
			},
		}
		if _, ok, err := r.enter(m, nil, floor.Ticket{}); !ok || err != nil {
			t.Fatalf("enter: %v, %v", ok, err)
		}
		return m
	}
	ann, bob := join("ann"), join("bob")
	toBob := &chat.Line{Message: protocol.ChatMessage{To: "bob"}, From: "ann"}
	r.leave(bob)
	if err := r.say(ann, toBob, []byte("frame")); wireError(err).Type != protocol.ErrorGone {
		t.Errorf("to who has left: %v", err)
	}
	again := join("bob")
	r.leave(ann)
	for _, err := range []error{
		r.say(ann, toBob, []byte("frame")), r.react(ann, []byte("frame")), second(r.maySay(ann, "")),
	} {
		if wireError(err).Type != protocol.ErrorForbidden {
			t.Errorf("by who has left: %v", err)
		}
	}
	if kept := r.chat.History("ann"); told > 0 || len(kept) > 0 {
		t.Errorf("%d told, %d lines kept", told, len(kept))
	}
	r.leave(again)
	r.ticking.Wait()
}

func second[A, B any](_ A, b B) B { return b }

func TestHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := newBubble(t, Config{})
		defer stop()
		f.hub.Register(NewChat(fakeRenderer{}))
		ann := f.open("ann")
		finds := func(c *testClient, want ...string) {
			t.Helper()
			h := c.hears1()
			var lines strings.Builder
			for _, m := range h.Chat.Messages {
				lines.WriteString((fakeRenderer{}).ChatLine(m))
			}
			if got := texts(h.Chat.Messages); !slices.Equal(got, want) || h.HTML != "="+lines.String() {
				t.Errorf("found %q, shown %s, want %q", got, h.HTML, want)
			}
		}
		ann.join("red")
		finds(ann) // an empty one clears the list
		ann.says("one")
		ann.says("two")
		ann.told()
		ann.join("red") // the last one comes back: the room has not closed
		finds(ann, "one", "two")
		bob := f.open("bob")
		bob.watch("red")
		finds(bob, "one", "two")
		ann.join("blue")
		finds(ann)
		bob.says("three")
		bob.told()
		ann.join("red")
		finds(ann, "one", "two", "three")
		bob.send(`{"hangup":true}`)
		bob.told()
		ann.join("blue") // which closes the room
		finds(ann)
		bob.join("red")
		finds(bob)
	})
}

// Whoever enters while others write gets each message once: in the history, or after it.
func TestNewcomersMissNothingAndGetNothingTwice(t *testing.T) {
	f := newFixture(t, Config{})
	f.hub.Register(NewChat(fakeRenderer{}))
	const writers, newcomers, each = 8, 20, 10
	var writing, all []*testClient
	for i := range writers {
		writing = append(writing, f.open(fmt.Sprint("writer", i)))
		writing[i].join("red")
	}
	for i := range newcomers {
		all = append(all, f.open(fmt.Sprint("newcomer", i)))
	}
	for i := range writers * each { // without waiting for anybody
		writing[i%writers].says("x")
		if i%(writers*each/newcomers) == 1 {
			all[i/(writers*each/newcomers)].send(`{"join":"red"}`)
		}
	}
	for _, c := range writing { // all of it has been told
		c.told()
	}
	for _, c := range all {
		seen := make(map[string]int)
		for _, h := range c.hears() {
			if h.Chat.Type == protocol.TypeMessage {
				seen[h.Chat.ID]++
			}
			for _, m := range h.Chat.Messages {
				seen[m.ID]++
			}
		}
		if len(seen) != writers*each {
			t.Errorf("%d messages, want %d", len(seen), writers*each)
		}
		for id, times := range seen {
			if times != 1 {
				t.Errorf("%s came %d times", id, times)
			}
		}
	}
}

func TestReaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stop := newChatScene(t)
		defer stop()
		s.all["vic"].send(`{"chat":{"type":"react","emoji":"🎉"}}`)
		s.all["vic"].nothingBut(`{"chat":{"type":"reaction","channel_name":"$vic","user_name":"vic","emoji":"🎉"}}`, s)
		s.all["ann"].nothingBut(`{"chat":{"type":"reaction","channel_name":"$vic","user_name":"vic","emoji":"🎉"}}`, s)
		late := s.f.open("late")
		late.join("red")
		if h := late.hears1(); len(h.Chat.Messages) > 0 {
			t.Errorf("a reaction is kept: %+v", h)
		}
	})
}

// nothingBut expects that somebody was told that frame alone.
func (c *testClient) nothingBut(frame string, s *scene) {
	c.t.Helper()
	if told := c.told(); !slices.Equal(told, []string{s.names.Replace(frame)}) {
		c.t.Errorf("told %q, want %s", told, frame)
	}
}
