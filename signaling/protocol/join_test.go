package protocol

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestJoinOnTheWire(t *testing.T) {
	for _, tt := range []struct {
		wire string
		want Join
		back string // as it is written; "" for the same
	}{
		{wire: `"red"`, want: Join{Room: "red"}},
		{wire: `""`, want: Join{}},
		{wire: `{"room":"red"}`, want: Join{Room: "red"}, back: `"red"`},
		{wire: `{"room":""}`, want: Join{}, back: `""`},
		{wire: `{"room":"red","as":"viewer"}`, want: Join{Room: "red", As: AsViewer}},
		{wire: `{"room":"red","as":"participant"}`, want: Join{Room: "red", As: AsParticipant}},
		{
			wire: `{"room":"red","password":"p","invite":"i"}`, want: Join{Room: "red", Password: "p", Invite: "i"},
		},
		{wire: `{"room":"red","later":[1]}`, want: Join{Room: "red"}, back: `"red"`},
	} {
		var got Join
		if err := json.Unmarshal([]byte(tt.wire), &got); err != nil || got != tt.want {
			t.Errorf("%s is %+v, %v", tt.wire, got, err)
		}
		back, err := json.Marshal(got)
		if tt.back == "" {
			tt.back = tt.wire
		}
		if err != nil || string(back) != tt.back {
			t.Errorf("%s is written as %s, %v", tt.wire, back, err)
		}
	}
	for _, wire := range []string{
		`null`, `7`, `[]`, `{}`, `{"room":null}`, `{"room":7}`, `{"room":"red","as":"host"}`, `{"room":"red","as":7}`,
		`{"room":"red","password":"` + strings.Repeat("p", MaxPassword+1) + `"}`,
		`{"room":"red","invite":"` + strings.Repeat("i", MaxInvite+1) + `"}`,
	} {
		got := Join{Room: "before"}
		if err := got.UnmarshalJSON([]byte(wire)); err == nil || got != (Join{Room: "before"}) {
			t.Errorf("%s is accepted as %+v", wire, got)
		}
	}
}
