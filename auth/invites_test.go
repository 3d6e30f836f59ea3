package auth

import (
	"bytes"
	"encoding/base64"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func newTestInvites(t testing.TB, lifetime time.Duration) *Invites {
	t.Helper()
	invites, err := NewInvites(filepath.Join(t.TempDir(), "invite.key"), lifetime)
	if err != nil {
		t.Fatal(err)
	}
	return invites
}

func TestInvite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "invite.key")
	invites, err := NewInvites(file, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	token, expires := invites.Make("Jürgen")
	if len(token) > 40 || strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		t.Errorf("not for URLs: %q", token)
	}
	if left := expires.Sub(began); left < time.Hour-time.Second || left > time.Hour+time.Second {
		t.Errorf("good for %s", left)
	}
	if !invites.Valid(token, "Jürgen") || !invites.Valid(token, "Ju\u0308rgen") {
		t.Error("refused in its room")
	}
	if decomposed, _ := invites.Make("Ju\u0308rgen"); !invites.Valid(decomposed, "Jürgen") {
		t.Error("refused, made for the same room written otherwise")
	}
	again, err := NewInvites(file, time.Minute)
	if err != nil || !again.Valid(token, "Jürgen") {
		t.Errorf("refused after a restart: %v", err)
	}
	if newTestInvites(t, time.Hour).Valid(token, "Jürgen") {
		t.Error("good with another key")
	}
}

func TestInviteRefused(t *testing.T) {
	invites := newTestInvites(t, time.Hour)
	token, _ := invites.Make("standup")
	content, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	for about, test := range map[string]struct{ token, room string }{
		"none":            {"", "standup"},
		"another room":    {token, "Standup"},
		"no room":         {token, ""},
		"cut":             {token[:len(token)-1], "standup"},
		"longer":          {token + "A", "standup"},
		"padded":          {token + "=", "standup"},
		"with a space":    {" " + token, "standup"},
		"garbage":         {"not a token at all, really..", "standup"},
		"too long":        {strings.Repeat("A", 1<<20), "standup"},
		"a line break":    {token[:4] + "\n" + token[5:], "standup"},
		"another base64":  {strings.Repeat("+/", len(token)/2), "standup"},
		"zeros":           {strings.Repeat("A", len(token)), "standup"},
		"end of all time": {base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, inviteSize)), "standup"},
	} {
		if invites.Valid(test.token, test.room) {
			t.Errorf("%s: it lets in", about)
		}
	}
	for bit := range len(content) * 8 {
		tampered := bytes.Clone(content)
		tampered[bit/8] ^= 1 << (bit % 8)
		if invites.Valid(base64.RawURLEncoding.EncodeToString(tampered), "standup") {
			t.Errorf("bit %d is not signed", bit)
		}
	}
}

func TestInviteExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		invites := newTestInvites(t, time.Hour)
		token, expires := invites.Make("standup")
		time.Sleep(time.Until(expires) - time.Nanosecond)
		if !invites.Valid(token, "standup") {
			t.Error("refused before its end")
		}
		time.Sleep(time.Nanosecond)
		if invites.Valid(token, "standup") {
			t.Error("good after its end")
		}
	})
}

func TestNewInvitesRefuses(t *testing.T) {
	if _, err := NewInvites(filepath.Join(t.TempDir(), "invite.key"), time.Millisecond); !errors.Is(err, ErrInviteConfig) {
		t.Errorf("got %v", err)
	}
	if _, err := NewInvites(filepath.Join(t.TempDir(), "missing", "invite.key"), time.Hour); err == nil {
		t.Error("a key without a directory")
	}
}

// A token that can be read is written in one way, and only its own room takes it.
func FuzzInvite(f *testing.F) {
	invites := newTestInvites(f, time.Hour)
	token, _ := invites.Make("standup")
	f.Add(token, "standup")
	f.Add(token, "Ju\u0308rgen")
	f.Add(token[1:], "")
	f.Add(token[:5]+"\r\n"+token[7:], "\xff")
	f.Add("", "standup")
	f.Fuzz(func(t *testing.T, text, room string) {
		if expiry, tag, ok := parseInvite(text); ok {
			if again := base64.RawURLEncoding.EncodeToString(append(expiry, tag...)); again != text {
				t.Errorf("%q is also %q", text, again)
			}
		}
		if invites.Valid(text, room) && (text != token || room != "standup") {
			t.Errorf("%q lets into %q", text, room)
		}
		if made, _ := invites.Make(room); !invites.Valid(made, room) {
			t.Errorf("%q is not good for %q", made, room)
		}
	})
}
