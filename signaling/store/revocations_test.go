package store

import (
	"testing"
	"time"
)

func TestRevocations(t *testing.T) {
	dir := t.TempDir()
	store := open(t, Config{Dir: dir})
	for _, id := range []string{"plain", "with . and *", "日本"} {
		if store.Revoked(id) {
			t.Errorf("%q is revoked before", id)
		}
		if err := store.Revoke(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if !store.Revoked(id) {
			t.Errorf("%q is not revoked", id)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	store = open(t, Config{Dir: dir})
	if !store.Revoked("plain") || store.Revoked("other") {
		t.Error("after a restart the revocations are not the same")
	}
}

func TestRevocationReachesOtherNodes(t *testing.T) {
	store := open(t, Config{Dir: t.TempDir()})
	other := second(t, store, Config{})
	if err := store.Revoke(t.Context(), "session"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other node knows", func() bool { return other.Revoked("session") })
}

func TestRevocationIsForgottenWithTheSession(t *testing.T) {
	store := open(t, Config{Dir: t.TempDir(), SessionLifetime: 500 * time.Millisecond})
	if err := store.Revoke(t.Context(), "session"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the revocation is gone", func() bool { return !store.Revoked("session") })
}

// eventually polls, for conditions that nothing announces.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
