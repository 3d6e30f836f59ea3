package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"parley/auth"
)

// awaitWritten waits until the disk has that state of a room, "" for none.
func awaitWritten(ctx context.Context, store *Store, room, want string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	watch, err := store.memory.bucket.Watch(ctx, encode(room))
	if err != nil {
		return err
	}
	defer func() { _ = watch.Stop() }()
	got := ""
	for begun := false; !begun || got != want; {
		select {
		case entry := <-watch.Updates():
			var value memoryValue
			switch {
			case entry == nil:
				begun = true
			case entry.Operation() != jetstream.KeyValuePut:
				got = ""
			case json.Unmarshal(entry.Value(), &value) == nil:
				got = string(value.State)
			}
		case <-ctx.Done():
			return fmt.Errorf("%s is %q on the disk, want %q", room, got, want)
		}
	}
	return nil
}

func (s *Store) recalls(t testing.TB, room, want string) {
	t.Helper()
	if state, ok := s.Recall(room); string(state) != want || ok != (want != "") {
		t.Errorf("%s is %q, %t, want %q", room, state, ok, want)
	}
}

func reopen(t testing.TB, store *Store, dir string) *Store {
	t.Helper()
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, Config{Dir: dir})
}

// TestRoomsAreKept has what was last kept of rooms be there after a start, whatever they are called.
func TestRoomsAreKept(t *testing.T) {
	dir := t.TempDir()
	store := open(t, Config{Dir: dir})
	const name = "Bücher & <Häuser>.*"
	store.recalls(t, name, "")
	store.Keep(name, []byte(`{"html":"<b>1</b>"}`))
	store.Keep(name, []byte(`{"html":"<b>2</b>"}`))
	store.Keep("left", []byte(`{}`))
	store.Forget("left", 0)
	store.Forget("never opened", 0)
	store.recalls(t, name, `{"html":"<b>2</b>"}`)
	store.recalls(t, "left", "")
	for range 2 { // nobody comes back the first time
		store = reopen(t, store, dir) // which writes what is queued
		store.recalls(t, name, `{"html":"<b>2</b>"}`)
		store.recalls(t, "left", "")
	}
	store.Forget(name, 0)
	store.recalls(t, name, "")
	reopen(t, store, dir).recalls(t, name, "")
}

// TestNothingIsLeftOnTheDisk forgets all rooms, of which NATS would else leave what it has not overwritten.
func TestNothingIsLeftOnTheDisk(t *testing.T) {
	dir := t.TempDir()
	store := open(t, Config{Dir: dir})
	const secret = `"what was said"`
	for _, room := range []string{"red", "blue"} {
		store.Keep(room, []byte(secret))
		if err := awaitWritten(t.Context(), store, room, secret); err != nil {
			t.Fatal(err)
		}
	}
	store.Forget("red", 0)
	if err := awaitWritten(t.Context(), store, "red", ""); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(messages(t, dir), secret) {
		t.Fatal("the test does not look where it is")
	}
	store.Forget("blue", 0)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(messages(t, dir), secret) {
		t.Error("what was said is still on the disk")
	}
	store = open(t, Config{Dir: dir})
	store.recalls(t, "blue", "")
	store.Keep("red", []byte(`{}`))
	reopen(t, store, dir).recalls(t, "red", "{}")
}

// TestRoomsAreForgotten has the time pass after which nobody comes back.
func TestRoomsAreForgotten(t *testing.T) {
	dir := t.TempDir()
	store := open(t, Config{Dir: dir})
	for _, room := range []string{"red", "blue", "green"} {
		store.Keep(room, []byte(`{}`))
	}
	store.memory.sweep(time.Now().Add(365 * 24 * time.Hour)) // they are in use
	store = reopen(t, store, dir)
	start := time.Now()
	store.Keep("red", []byte(`{}`)) // somebody is back, though nothing has changed
	store.Keep("green", []byte(`{}`))
	store.Forget("green", 20*time.Minute)
	for _, step := range []struct {
		after            time.Duration
		red, blue, green string
	}{
		{unclaimed - time.Second, "{}", "{}", "{}"},
		{unclaimed + time.Second, "{}", "", "{}"},
		{21 * time.Minute, "{}", "", ""},
	} {
		store.memory.sweep(start.Add(step.after))
		store.recalls(t, "red", step.red)
		store.recalls(t, "blue", step.blue)
		store.recalls(t, "green", step.green)
	}
	store = reopen(t, store, dir)
	store.recalls(t, "red", "{}")
	store.recalls(t, "blue", "")
	store.recalls(t, "green", "")
}

func TestTooLargeStateIsNotKept(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	store, err := Open(t.Context(), Config{Dir: dir}, slog.New(slog.NewTextHandler(&out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	large := `"` + strings.Repeat("<", MaxState-2) + `"`
	if !store.Keep("large", []byte(large)) || store.Keep("too large", []byte(large+" ")) {
		t.Error("the limit is another one")
	}
	store.Keep("no JSON", []byte("{"))
	if err := awaitWritten(t.Context(), store, "large", large); err != nil {
		t.Error("the largest state is not written")
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out.String(), "not kept"); got != 1 {
		t.Errorf("logged %s", out.String())
	}
	store = open(t, Config{Dir: dir})
	if n := len(store.memory.rooms); n != 1 {
		t.Errorf("%d rooms kept", n)
	}
}

// TestUnreadableRoomsAreForgotten has values in the bucket that make no sense.
func TestUnreadableRoomsAreForgotten(t *testing.T) {
	dir := t.TempDir()
	store := open(t, Config{Dir: dir})
	store.Keep("red", []byte(`{}`))
	for key, value := range map[string]string{
		encode("half"): `{"room":"half","sta`, encode("empty"): "", encode("none"): `{"room":"none"}`,
		encode("other"): `{"room":"red","state":{}}`, "no-base64": `{"room":"","state":{}}`,
	} {
		if _, err := store.memory.bucket.PutString(t.Context(), key, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	store, err := Open(t.Context(), Config{Dir: dir}, slog.New(slog.NewTextHandler(&out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "a room is forgotten"); n != 5 || len(store.memory.rooms) != 1 {
		t.Errorf("%d rooms, logged %s", len(store.memory.rooms), out.String())
	}
	reopen(t, store, dir).recalls(t, "red", "{}") // and nothing is logged above the level of warnings, or it would fail
}

// TestDamagedRoomsDoNotKeepTheServerFromStarting damages the files of the bucket, which unlike those of users are not
// worth a start that fails.
func TestDamagedRoomsDoNotKeepTheServerFromStarting(t *testing.T) {
	const files = "jetstream/$G/streams/KV_rooms"
	for name, damage := range map[string]func(dir string) error{
		"description overwritten": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, files, "meta.inf"), []byte("{"), 0o600)
		},
		"description gone": func(dir string) error { return os.Remove(filepath.Join(dir, files, "meta.inf")) },
		"all gone":         func(dir string) error { return os.RemoveAll(filepath.Join(dir, files)) },
		"blocks overwritten": func(dir string) error {
			blocks, err := filepath.Glob(filepath.Join(dir, files, "msgs", "*.blk"))
			for _, block := range blocks {
				err = os.WriteFile(block, []byte("nonsense"), 0o600)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			store := open(t, Config{Dir: dir})
			if err := store.Create(t.Context(), auth.User{Name: "Ada", ScreenName: "A."}); err != nil {
				t.Fatal(err)
			}
			store.Keep("red", []byte(`{}`))
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			if err := damage(dir); err != nil {
				t.Fatal(err)
			}
			store = open(t, Config{Dir: dir})
			if _, err := store.Get(t.Context(), "Ada"); err != nil {
				t.Errorf("the user: %v", err)
			}
			store.Keep("blue", []byte(`{}`))
			reopen(t, store, dir).recalls(t, "blue", "{}")
		})
	}
}

// TestStateIsWrittenAsItIsThen lets writes fail: what changes meanwhile is queued once, and costs nothing more.
func TestStateIsWrittenAsItIsThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bucket := &failingBucket{broken: 3}
		m := newMemory(bucket, nil, logger(t))
		ctx, cancel := context.WithCancel(t.Context())
		var writer sync.WaitGroup
		writer.Go(func() { m.run(ctx) })
		for i := range 1000 {
			m.keep("red", fmt.Appendf(nil, `%d`, i))
			m.keep("blue", fmt.Appendf(nil, `%d`, i))
		}
		m.forget("blue", 0)
		synctest.Wait()
		m.queue.mu.Lock()
		queued := len(m.queue.keys)
		m.queue.mu.Unlock()
		if queued > 2 {
			t.Errorf("%d writes are queued", queued)
		}
		time.Sleep(time.Second) // until the bucket works
		synctest.Wait()
		m.keep("red", []byte("999")) // as it is
		m.keep("green", []byte("1"))
		cancel()
		writer.Wait()
		slices.Sort(bucket.log)
		want := []string{"purge " + encode("blue"), "put " + encode("green"), "put " + encode("red")}
		slices.Sort(want)
		if !slices.Equal(bucket.log, want) {
			t.Errorf("written: %q, want %q", bucket.log, want)
		}
	})
}
