package signaling

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseEnvelope(t *testing.T) {
	for _, tt := range []struct {
		frame string
		want  string // hangup, join, apps
		err   string // part of it
	}{
		{frame: `{}`, want: "false - []"},
		{frame: "\t{\r\n}\n", want: "false - []"},
		{frame: `{"hangup":true}`, want: "true - []"},
		{frame: `{"join":"rød"}`, want: "false rød []"},
		{frame: `{"join":""}`, want: "false  []"},
		{frame: `{"join":{"room":"red","as":"viewer"}}`, want: "false red []"},
		{frame: `{"join":{"room":"red","as":"host"}}`, err: `"join" must be the name of a room`},
		{frame: `{"join":{}}`, err: `"join" must be the name of a room`},
		{frame: `{"signal":"hb","room":"red"}`, want: "false - []"},
		{frame: `{"b":{"x":1},"join":"red","a": [1, 2]}`, want: `false red [b={"x":1} a=[1, 2]]`},
		{frame: `{"":null}`, want: "false - [=null]"},
		{frame: ``, err: "malformed JSON: unexpected EOF"},
		{frame: `{`, err: "malformed JSON: unexpected EOF"},
		{frame: `{"a`, err: "malformed JSON: unexpected EOF"},
		{frame: `{"a":`, err: "malformed JSON: unexpected EOF"},
		{frame: `{"a":1`, err: "malformed JSON: unexpected EOF"},
		{frame: `{"a":1,`, err: "malformed JSON: unexpected EOF"},
		{frame: `{"a":1,}`, err: "malformed JSON"},
		{frame: `{"a":1 "b":2}`, err: "malformed JSON"},
		{frame: `{a:1}`, err: "malformed JSON"},
		{frame: `["a"]`, err: "not a JSON object"},
		{frame: `null`, err: "not a JSON object"},
		{frame: `{}{}`, err: "data after the object"},
		{frame: `{} ,`, err: "data after the object"},
		{frame: `{"a":1,"b":2,"a":3}`, err: `key "a" twice`},
		{frame: "\xef\xbb\xbf{}", err: "malformed JSON"},
		{frame: "{\"a\xc3\":1}", err: "not UTF-8"},
		{frame: `{"join":"a","hangup":1}`, err: `"hangup" must be true`},
		{frame: `{"join":["a"]}`, err: `"join" must be the name of a room`},
		{frame: `{"signal":{}}`, err: `"signal" must be a string`},
		{frame: `{"room":null}`, err: `"room" must be a string`},
		{frame: manyKeys(maxKeys + 1), err: "too many keys"},
		{frame: strings.Repeat(`{"a":`, 20000), err: "malformed JSON"},
	} {
		env, err := parseEnvelope([]byte(tt.frame))
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%.40q: error %v, want %s", tt.frame, err, tt.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%.40q: %v", tt.frame, err)
		} else if got := describe(env); got != tt.want {
			t.Errorf("%.40q: got %s, want %s", tt.frame, got, tt.want)
		}
	}
	if env, err := parseEnvelope([]byte(manyKeys(maxKeys))); err != nil || len(env.apps) != maxKeys {
		t.Errorf("%d keys: %v", maxKeys, err)
	}
}

func manyKeys(n int) string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = `"k` + strings.Repeat("x", i) + `":1`
	}
	return "{" + strings.Join(keys, ",") + "}"
}

func describe(env envelope) string {
	join := "-"
	if env.join != nil {
		join = env.join.Room
	}
	apps := make([]string, len(env.apps))
	for i, message := range env.apps {
		apps[i] = message.key + "=" + string(message.value)
	}
	hangup := "false "
	if env.hangup {
		hangup = "true "
	}
	return hangup + join + " [" + strings.Join(apps, " ") + "]"
}

// FuzzEnvelope compares with what encoding/json makes of the frame, and feeds the apps with what comes out.
func FuzzEnvelope(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"join":"red","hangup":true,"signal":"hb","room":"x"}`, `{"a":1,"a":2}`, `[]`, "{\"\xff\":1}", `{"a":{"b":[`,
		`{"rtc":{"type":"signal","recipient":"sfu","signal":{"description":{"type":"offer","sdp":"v=0"}}}}`,
		`{"rtc":{"type":"signal","recipient":"sfu","signal":{"candidate":{"candidate":"c","sdpMLineIndex":0}}}}`,
		`{"rtc":{"type":"signal","recipient":"sfu","signal":{"candidate":null}}}`,
		`{"rtc":{"type":"screen","stream":"s"}}`, `{"chat":"\ud800"}`,
		`{"join":{"room":"red","as":"viewer","password":"p"}}`, `{"floor":{"type":"mute","channel_name":"x","on":true}}`,
		`{"floor":{"type":"access","access":"password","password":"p"}}`, `{"rtc":{"type":"slots","audio":6}}`,
		`{"\u0061":1e999}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		env, err := parseEnvelope(frame)
		var reference map[string]json.RawMessage
		if err != nil {
			if wire := wireError(err); wire.Detail == "" || len(wire.Detail) > maxDetail+4 || !utf8.ValidString(wire.Detail) {
				t.Fatalf("error told as %+v", wire)
			}
			return
		}
		if jsonErr := json.Unmarshal(frame, &reference); jsonErr != nil || reference == nil {
			t.Fatalf("accepted %q: %v", frame, jsonErr)
		}
		keys := len(env.apps)
		for _, message := range env.apps {
			if string(reference[message.key]) != string(message.value) {
				t.Fatalf("%q is %s, not %s", message.key, reference[message.key], message.value)
			}
			h := &rtcHandler{call: &call{peer: &fakePeer{}}}
			_ = h.Receive(message.value)
			_ = (&floorHandler{session: &Session{}}).Receive(message.value)
		}
		for _, own := range []string{"hangup", "join", "signal", "room"} {
			if _, ok := reference[own]; ok {
				keys++
			}
		}
		if keys != len(reference) {
			t.Fatalf("%d keys, want %d", keys, len(reference))
		}
	})
}
