package chat

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"parley/signaling/protocol"
)

func TestLinesAreRestored(t *testing.T) {
	c := New()
	all := []*Line{
		{Message: protocol.ChatMessage{
			Type: protocol.TypeMessage, ID: "1", ChannelName: "c", UserName: "ann", Text: "<b>", Time: 17,
		}, HTML: "<li>&lt;b&gt;</li>", From: "session"},
		{Message: protocol.ChatMessage{ID: "2", Text: "secret", To: "bob's channel", ToName: "bob"}, From: "ann", To: "bob"},
		{Message: protocol.ChatMessage{ID: "3", Text: "x"}, From: "bob"},
	}
	for _, line := range all {
		c.Add(line)
	}
	data, err := json.Marshal(c.Keep())
	if err != nil || strings.Contains(string(data), "secret") {
		t.Fatalf("kept %s, %v", data, err)
	}
	if n := len(c.History("bob")); n != 3 {
		t.Errorf("keeping left %d lines", n)
	}
	var kept []*Line
	if err := json.Unmarshal(data, &kept); err != nil {
		t.Fatal(err)
	}
	restored, err := Restore(kept)
	if err != nil {
		t.Fatal(err)
	}
	if got := restored.History("cid"); !reflect.DeepEqual(got, []*Line{all[0], all[2]}) {
		t.Errorf("restored %+v", got)
	}
	if want := all[0].size() + all[2].size(); restored.bytes != want {
		t.Errorf("counts %d bytes, want %d", restored.bytes, want)
	}
}

func TestNonsenseIsNotRestored(t *testing.T) {
	for name, lines := range map[string][]*Line{
		"no line":      {nil},
		"private":      {{Message: protocol.ChatMessage{ID: "1", To: "bob"}}},
		"without name": {{}},
	} {
		if c, err := Restore(lines); !errors.Is(err, errKept) {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
	many := make([]*Line, maxLines+1)
	for i := range many {
		many[i] = line(i, "x")
	}
	if c, err := Restore(many); err != nil || len(c.lines) != maxLines {
		t.Errorf("too many lines: %v, %v", len(c.lines), err)
	}
}
