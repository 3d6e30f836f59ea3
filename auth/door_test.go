package auth

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/text/unicode/norm"
)

const home = "192.0.2.1:5000"

// refusal is what the door says at the field of the password, "" if it opens.
func refusal(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var field *FieldError
	if !errors.As(err, &field) || field.Field != "password" {
		t.Fatalf("got %v", err)
	}
	return field.Message
}

func TestOpenDoor(t *testing.T) {
	var door Door
	if err := door.CheckPassword("", home); err != nil || door.WantsPassword() || !door.Invited("", "") {
		t.Errorf("got %v, %t, %t", err, door.WantsPassword(), door.Invited("", ""))
	}
}

func TestPasswordDoor(t *testing.T) {
	door := NewPasswordDoor("Grüße und Küsse")
	if !door.WantsPassword() || !door.Invited("", "standup") {
		t.Error("it asks for something else")
	}
	for password, want := range map[string]string{
		"Grüße und Küsse":                  "",
		norm.NFD.String("Grüße und Küsse"): "",
		"":                                 "Please enter the password of this server",
		"Grüße und Küss":                   "This is not the password of this server",
		"Grüße und Küsse ":                 "This is not the password of this server",
		"grüße und küsse":                  "This is not the password of this server",
		"\xff":                             "This is not the password of this server",
	} {
		if got := refusal(t, door.CheckPassword(password, home)); got != want {
			t.Errorf("%q: got %q, want %q", password, got, want)
		}
	}
}

func TestInviteDoor(t *testing.T) {
	invites := newTestInvites(t, time.Hour)
	token, _ := invites.Make("standup")
	door := NewInviteDoor(invites)
	if err := door.CheckPassword("", home); err != nil || door.WantsPassword() {
		t.Errorf("it asks for a password: %v", err)
	}
	if !door.Invited(token, "standup") {
		t.Error("it stays closed")
	}
	for _, shown := range [][2]string{{}, {"", "standup"}, {token, ""}, {token, "other"}} {
		if door.Invited(shown[0], shown[1]) {
			t.Errorf("%q opens it", shown)
		}
	}
}

// Guessing from one place is slow, hinders nobody elsewhere, and ends by itself.
func TestGuessesFromOneAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		door := NewPasswordDoor("right")
		check := func(password, remote, want string) {
			t.Helper()
			if got := refusal(t, door.CheckPassword(password, remote)); got != want {
				t.Errorf("%q from %s: got %q, want %q", password, remote, got, want)
			}
		}
		for range guessesAtOnce {
			check("right", home, "") // does not count
			check("wrong", home, messageWrongPassword)
		}
		check("wrong", home, messageGuesses)
		check("right", home, messageGuesses)
		check("right", "[::ffff:192.0.2.1]:99", messageGuesses)
		check("", home, messageNoPassword)
		for _, elsewhere := range []string{"192.0.2.2:5000", "[2001:db8::1]:5000", "@"} {
			check("right", elsewhere, "")
		}
		time.Sleep(guessEvery)
		check("right", home, "")
		check("wrong", home, messageWrongPassword)
		check("wrong", home, messageGuesses)
	})
}

// Guessing from everywhere is slow too, and costs no memory for long.
func TestGuessesFromEverywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		door := NewPasswordDoor("right")
		answered, most := 0, 0
		const hour = 3600
		for i := range hour {
			for j := range 3 {
				remote := fmt.Sprintf("[2001:db8:%x:%x::1]:1", i, j)
				if refusal(t, door.CheckPassword("wrong", remote)) == messageWrongPassword {
					answered++
				}
			}
			most = max(most, len(door.guesses.byHost))
			time.Sleep(time.Second)
		}
		if limit := allGuessesAtOnce + hour; answered > limit || answered < hour-1 {
			t.Errorf("%d guesses were answered, with a limit of %d", answered, limit)
		}
		if most > allGuessesAtOnce+60 {
			t.Errorf("%d addresses were kept", most)
		}
	})
}

func TestSiteOf(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.1:5000":              "192.0.2.1",
		"[::ffff:192.0.2.1]:5000":     "192.0.2.1",
		"[2001:db8:1:2:3:4:5:6]:5000": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:5000":         "fe80::/64",
		"@":                           "@",
		"":                            "",
	} {
		if got, _ := siteOf(remote); got != want {
			t.Errorf("%q: got %q, want %q", remote, got, want)
		}
	}
}
