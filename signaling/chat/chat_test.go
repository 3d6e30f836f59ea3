package chat

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/signaling/protocol"
)

func line(id int, text string) *Line {
	return &Line{Message: protocol.ChatMessage{ID: fmt.Sprint(id), Text: text}}
}

func ids(lines []*Line) []string {
	all := make([]string, len(lines))
	for i, line := range lines {
		all[i] = line.Message.ID
	}
	return all
}

func TestHistoryIsBounded(t *testing.T) {
	c := New()
	for i := range maxLines + 50 {
		c.Add(line(i, "short"))
	}
	if got := ids(c.History("ann")); len(got) != maxLines || got[0] != "50" || got[maxLines-1] != "249" {
		t.Errorf("%d lines kept: %v", len(got), got)
	}
	large := line(1000, strings.Repeat("x", maxBytes/2))
	c.Add(large)
	if got := ids(c.History("ann")); len(got) < 2 || got[len(got)-1] != "1000" || c.bytes > maxBytes {
		t.Errorf("%d lines of %d bytes kept", len(got), c.bytes)
	}
	markup := &Line{Message: protocol.ChatMessage{ID: "1001"}, HTML: large.Message.Text}
	c.Add(markup)
	if got := ids(c.History("ann")); !slices.Equal(got, []string{"1001"}) || c.bytes != markup.size() {
		t.Errorf("%v kept, of %d bytes", got, c.bytes)
	}
}

func TestPrivateLinesAreForTheTwo(t *testing.T) {
	c := New()
	c.Add(line(1, "to all"))
	private := line(2, "to one")
	private.Message.To, private.From, private.To = "bob's channel", "ann", "bob"
	c.Add(private)
	c.Add(line(3, "to all"))
	for session, want := range map[string][]string{
		"ann": {"1", "2", "3"}, "bob": {"1", "2", "3"}, "cid": {"1", "3"}, "": {"1", "3"},
	} {
		if got := ids(c.History(session)); !slices.Equal(got, want) {
			t.Errorf("%q reads %v, want %v", session, got, want)
		}
	}
}

func TestMessagesInTenSeconds(t *testing.T) {
	c, now := New(), time.Unix(1000, 0)
	for i := range saidBy {
		if err := c.Say("ann", now.Add(time.Duration(i)*time.Second/10)); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
	}
	for _, after := range []time.Duration{time.Second, 5 * time.Second, saidSpan - 1} { // and refusals do not count
		if err := c.Say("ann", now.Add(after)); !errors.Is(err, ErrMessages) {
			t.Errorf("one more after %v: %v", after, err)
		}
	}
	if err := c.Say("bob", now.Add(time.Second)); err != nil {
		t.Errorf("another one: %v", err)
	}
	if err := c.Say("ann", now.Add(saidSpan)); err != nil {
		t.Errorf("later: %v", err)
	}
	if err := c.Say("ann", now.Add(saidSpan)); !errors.Is(err, ErrMessages) {
		t.Errorf("two when one had been long ago: %v", err)
	}
}

func TestMessagesOfTheRoom(t *testing.T) {
	c, now := New(), time.Unix(1000, 0)
	for i := range saidByAll {
		if err := c.Say(fmt.Sprint("person ", i), now); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
	}
	if err := c.Say("ann", now.Add(saidSpan-1)); !errors.Is(err, ErrRoom) {
		t.Errorf("one more: %v", err)
	}
	for range saidBy { // what the room could not take does not count as said
		if err := c.Say("ann", now.Add(saidSpan)); err != nil {
			t.Errorf("later: %v", err)
		}
	}
}

func TestReactions(t *testing.T) {
	c, now := New(), time.Unix(1000, 0)
	for i := range reactedBy {
		if shown, err := c.React("ann", now); !shown || err != nil {
			t.Fatalf("reaction %d: %v, %v", i, shown, err)
		}
	}
	if shown, err := c.React("ann", now.Add(reactedSpan-1)); shown || !errors.Is(err, ErrReactions) {
		t.Errorf("one more: %v, %v", shown, err)
	}
	if shown, err := c.React("ann", now.Add(reactedSpan)); !shown || err != nil {
		t.Errorf("later: %v, %v", shown, err)
	}
	now = now.Add(time.Minute)
	count := 0
	for i := range 300 {
		shown, err := c.React(fmt.Sprint("person ", i), now)
		if err != nil {
			t.Fatalf("one of many is refused: %v", err)
		}
		if shown {
			count++
		}
	}
	if count != reactedByAll {
		t.Errorf("%d of 300 are shown, want %d", count, reactedByAll)
	}
	if shown, err := c.React("ann", now.Add(allSpan)); !shown || err != nil {
		t.Errorf("a second later: %v, %v", shown, err)
	}
}

func TestWhoIsQuietIsForgotten(t *testing.T) {
	c, now := New(), time.Unix(1000, 0)
	for i := range 10_000 {
		now = now.Add(time.Second)
		_ = c.Say(fmt.Sprint("person ", i), now)
		_, _ = c.React(fmt.Sprint("person ", i), now)
	}
	if len(c.people) > 2*tidyFrom {
		t.Errorf("%d people are remembered", len(c.people))
	}
	for range saidBy - 1 {
		_ = c.Say("person 9999", now)
	}
	now = now.Add(reactedSpan)    // only what they said still counts
	for i := range 3 * tidyFrom { // somebody else's coming forgets nobody who writes
		_ = c.Say(fmt.Sprint("newcomer ", i), now)
	}
	if err := c.Say("person 9999", now); !errors.Is(err, ErrMessages) {
		t.Errorf("who wrote just now was forgotten: %v", err)
	}
}

func TestClean(t *testing.T) {
	for typed, want := range map[string]string{
		"hello":                                      "hello",
		" \t\n hello \u00a0\u3000\r\n":               "hello",
		"two\r\nlines\rand\u2028more":                "two\nlines\nand\nmore",
		"a\tb\x00c\x1b[31m\u0085d":                   "a\tbc[31md",
		"👩\u200d💻":                                   "👩\u200d💻",
		"🏴\U000e0067\U000e007f":                      "🏴\U000e0067\U000e007f",
		strings.Repeat("ä", protocol.MaxText) + "  ": strings.Repeat("ä", protocol.MaxText),
		"":                                      "",
		" \n ":                                  "",
		"\u200b":                                "",
		"\x00":                                  "",
		"\u202e \u2066":                         "",
		"\u0301":                                "",
		"half \xff":                             "half \ufffd", // never comes: frames are UTF-8
		"\ufffd":                                "\ufffd",
		strings.Repeat("ä", protocol.MaxText+1): "",
	} {
		if got, ok := Clean(typed); got != want || ok != (want != "") {
			t.Errorf("%.40q is %.40q, %v, want %.40q", typed, got, ok, want)
		}
	}
}

func TestIsReaction(t *testing.T) {
	for _, emoji := range []string{"👍", "❤️", "😂", "😮", "👏", "🎉"} {
		if !IsReaction(emoji) {
			t.Errorf("%s is none", emoji)
		}
	}
	for _, other := range []string{"", "❤", "👍🏽", "👍👍", "x", "<b>"} {
		if IsReaction(other) {
			t.Errorf("%q is one", other)
		}
	}
}
