package auth

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestTURN(t *testing.T) {
	turn := NewTURN([]byte("north"), time.Hour)
	now := time.Unix(1_700_000_000, 987)
	got := turn.Issue("abc-1", now)
	// printf '1700003600:abc-1' | openssl dgst -sha1 -hmac north -binary | base64
	want := TURNCredentials{
		Username: "1700003600:abc-1", Password: "kWH0R1xNee+rS01JbUJ3TgDaJ/4=", Expires: time.Unix(1_700_003_600, 0),
	}
	if got.Username != want.Username || got.Password != want.Password || !got.Expires.Equal(want.Expires) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	id, password, expires, err := turn.Verify(got.Username)
	if err != nil || id != "abc-1" || password != got.Password || !expires.Equal(got.Expires) {
		t.Errorf("got %q, %q, %v, %v", id, password, expires, err)
	}
	if _, password, _, _ := NewTURN([]byte("south"), time.Hour).Verify(got.Username); password == got.Password {
		t.Error("another secret gives the same password")
	}
}

func TestNewTURNKeepsItsSecret(t *testing.T) {
	secret := []byte("north")
	turn := NewTURN(secret, time.Hour)
	before := turn.Issue("abc", time.Unix(0, 0))
	secret[0] = 'N'
	if after := turn.Issue("abc", time.Unix(0, 0)); after != before {
		t.Error("the caller's slice is the secret")
	}
}

func TestVerifyUsername(t *testing.T) {
	turn := NewTURN([]byte("north"), time.Hour)
	for username, ok := range map[string]bool{
		"1700003600:abc":                true,
		"1700003600:a:b":                true,
		"1:x":                           true,
		"999999999999:x":                true,
		"1700003600:":                   false,
		":abc":                          false,
		"":                              false,
		"abc":                           false,
		"1700003600":                    false,
		"01700003600:abc":               false,
		"0:abc":                         false,
		"-1:abc":                        false,
		"+1:abc":                        false,
		" 1:abc":                        false,
		"1e9:abc":                       false,
		"1_000:abc":                     false,
		"1000000000000:abc":             false,
		"9223372036854775808:abc":       false,
		"1:" + strings.Repeat("x", 506): true,
		"1:" + strings.Repeat("x", 507): false,
	} {
		id, password, expires, err := turn.Verify(username)
		if ok != (err == nil) {
			t.Errorf("%q: %v", username, err)
		}
		if !ok && (!errors.Is(err, ErrCredential) || id != "" || password != "" || !expires.IsZero()) {
			t.Errorf("%q: got %q, %q, %v, %v", username, id, password, expires, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	turn := NewTURN([]byte("north"), time.Hour)
	f.Add("1700003600:abc")
	f.Add("::")
	f.Add("99999999999999999999:abc")
	f.Add("1:\x00")
	f.Fuzz(func(t *testing.T, username string) {
		id, password, expires, err := turn.Verify(username)
		if err != nil {
			return
		}
		issued := turn.Issue(id, expires.Add(-time.Hour))
		if issued.Username != username || issued.Password != password || !issued.Expires.Equal(expires) {
			t.Errorf("%q was verified, but %q is what is issued", username, issued.Username)
		}
	})
}
