package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/signaling/client"
	"parley/signaling/protocol"
)

// shown waits for a message of the chat of that type, and returns it with the markup that came before it.
func (k *talker) shown(kind string) (html string, m protocol.ChatMessage, history protocol.ChatHistory) {
	k.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case frame := <-k.frames:
			switch frame.Key {
			case protocol.KeyHTML:
				_ = json.Unmarshal(frame.Value, &html)
			case protocol.KeyChat:
				if json.Unmarshal(frame.Value, &m) == nil && m.Type == kind {
					_ = json.Unmarshal(frame.Value, &history)
					return html, m, history
				}
			}
		case <-deadline:
			k.t.Fatalf("never told %s", kind)
		}
	}
}

func TestChatOfTwo(t *testing.T) {
	s := start(t)
	anns := s.account("ann")
	ann, bob := s.talker(anns), s.talker(s.account("bob"))
	for _, k := range []*talker{ann, bob} {
		k.Send(protocol.KeyJoin, protocol.Join{Room: "red"})
		if html, _, history := k.shown(protocol.TypeHistory); len(history.Messages) > 0 ||
			html != `<ol id="chat-lines" hx-swap-oob="innerHTML"></ol>` {
			t.Errorf("found %+v, shown %s", history, html)
		}
	}
	bob.Send(protocol.KeyChat, protocol.ClientChat{Type: protocol.TypeSay, Text: " <b>see</b> https://a.de/x. "})
	for _, k := range []*talker{ann, bob} {
		html, m, _ := k.shown(protocol.TypeMessage)
		if m.Text != "<b>see</b> https://a.de/x." || m.UserName != "bob" || m.ChannelName != name(bob.Client) {
			t.Errorf("told %+v", m)
		}
		for _, part := range []string{
			`<div hx-swap-oob="beforeend:#chat-lines"><li id="chat-` + m.ID + `"`,
			`&lt;b&gt;see&lt;/b&gt; <a href="https://a.de/x"`,
		} {
			if !strings.Contains(html, part) {
				t.Errorf("no %q in %s", part, html)
			}
		}
	}
	to := name(ann.Client)
	bob.Send(protocol.KeyChat, protocol.ClientChat{Type: protocol.TypeSay, Text: "secret", To: &to})
	if html, m, _ := ann.shown(protocol.TypeMessage); m.ToName != "ann" || !strings.Contains(html, "data-private") {
		t.Errorf("told %+v, shown %s", m, html)
	}
	bob.Send(protocol.KeyChat, protocol.ClientChat{Type: protocol.TypeReact, Emoji: "🎉"})
	ann.shown(protocol.TypeReaction)

	// Ann reloads her page, and somebody else comes.
	_ = ann.Close()
	bob.until(protocol.KeyRTC, protocol.TypeDisconnected)
	for account, want := range map[*client.Account]int{anns: 2, s.account("cid"): 1} {
		k := s.talker(account)
		k.Send(protocol.KeyJoin, protocol.Join{Room: "red", As: protocol.AsViewer})
		html, _, history := k.shown(protocol.TypeHistory)
		private := slices.ContainsFunc(history.Messages, func(m protocol.ChatMessage) bool { return m.Text == "secret" })
		if len(history.Messages) != want || private != (want == 2) || strings.Contains(html, "secret") != private {
			t.Errorf("found %+v, shown %s", history, html)
		}
	}
	bob.Send(protocol.KeyChat, protocol.ClientChat{Type: protocol.TypeSay, Text: "are you there?", To: &to})
	bob.until(protocol.KeyError, protocol.ErrorGone)
}
