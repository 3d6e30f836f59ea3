package signaling

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"parley/signaling/chat"
	"parley/signaling/protocol"
)

func TestWhoWritesTooFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stop := newChatScene(t)
		defer stop()
		ann, bob, vic := s.all["ann"], s.all["bob"], s.all["vic"]
		for range 10 {
			ann.says("spam")
		}
		ann.told()
		ann.says("spam")
		ann.whispers(bob, "spam")
		ann.errors(protocol.ErrorTooFast, 2)
		again := s.f.open("ann") // another socket helps nobody
		again.watch("red")
		again.told()
		again.says("spam")
		again.errors(protocol.ErrorTooFast, 1)
		if got := len(bob.hears()); got != 10 {
			t.Errorf("%d messages arrived", got)
		}
		for range 5 {
			vic.send(`{"chat":{"type":"react","emoji":"👏"}}`)
		}
		bob.told()
		vic.told()
		vic.send(`{"chat":{"type":"react","emoji":"👏"}}`)
		vic.errors(protocol.ErrorTooFast, 1)
		time.Sleep(2 * time.Second)
		vic.send(`{"chat":{"type":"react","emoji":"👏"}}`)
		if h := vic.hears1(); h.Chat.Emoji != "👏" {
			t.Errorf("after two seconds: %+v", h)
		}
		time.Sleep(8 * time.Second)
		ann.told()
		ann.says("later")
		if h := ann.hears1(); h.Chat.Text != "later" {
			t.Errorf("after ten seconds: %+v", h)
		}
	})
}

func TestRefusedChat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stop := newChatScene(t)
		defer stop()
		ann := s.all["ann"]
		for _, value := range []string{
			`7`, `null`, `"hello"`, `{}`, `{"type":7}`, `{"type":"say"}`, `{"type":"say","text":7}`,
			`{"type":"say","text":" \n "}`, `{"type":"say","text":"` + strings.Repeat("x", protocol.MaxText+1) + `"}`,
			`{"type":"say","text":"x","to":""}`, `{"type":"say","text":"x","to":7}`,
			`{"type":"say","text":"x","to":"` + strings.Repeat("x", protocol.MaxChannelName+1) + `"}`,
			`{"type":"react"}`, `{"type":"react","emoji":"<b>"}`, `{"type":"react","emoji":"👍👍"}`,
		} {
			ann.send(`{"chat":` + value + `}`)
			ann.errors(protocol.ErrorBadMessage, 1)
		}
		ann.send(`{"chat":{"type":"later"}}`)
		if all := ann.hears(); len(all) > 0 {
			t.Errorf("an unknown type is answered with %+v", all)
		}
		ann.send(`{"chat":{"type":"say","text":"\ud800","to":null}}`) // half a character
		if h := ann.hears1(); h.Chat.Text != "\ufffd" || h.Chat.To != "" {
			t.Errorf("told %+v", h)
		}
	})
}

func FuzzParseChat(f *testing.F) {
	for _, seed := range []string{
		`{"type":"say","text":" hello\r\n "}`, `{"type":"say","text":"x","to":"abc"}`, `{"type":"say","text":"\ud800\u0000"}`,
		`{"type":"react","emoji":"👍"}`, `{"type":"react","emoji":"\u2764\ufe0f"}`, `null`, `7`, `{"type":"later","to":7}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		m, err := parseChat(message)
		if err != nil {
			if wire := wireError(err); wire.Type != protocol.ErrorBadMessage || m != (protocol.ClientChat{}) {
				t.Fatalf("%q: %+v, told %+v", message, m, wire)
			}
			return
		}
		switch m.Type {
		case protocol.TypeSay:
			n := utf8.RuneCountInString(m.Text)
			again, ok := chat.Clean(m.Text)
			if !ok || again != m.Text || n < 1 || n > protocol.MaxText || !utf8.ValidString(m.Text) {
				t.Fatalf("%q: text %q", message, m.Text)
			}
			if m.To != nil && (*m.To == "" || len(*m.To) > protocol.MaxChannelName) {
				t.Fatalf("%q: to %q", message, *m.To)
			}
		case protocol.TypeReact:
			if !chat.IsReaction(m.Emoji) {
				t.Fatalf("%q: emoji %q", message, m.Emoji)
			}
		case "":
			t.Fatalf("%q has no type", message)
		}
	})
}
