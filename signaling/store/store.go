// Package store keeps what outlives a request: users, revoked sessions, what rooms are, and who is in which. It is a
// set of NATS JetStream key-value buckets, held by a NATS server inside this process that opens no port.
//
//	bucket     key                        value           kept
//	users      name64                     auth.User       on disk, for good
//	revoked    session64                  empty           on disk, as long as a session may live
//	rooms      room64                     {room, state}   on disk, until left for good or not come back to
//	presence   room64.<channel name>      {room, node}    in memory, until left or swept
//	nodes      <node id>                  label           in memory, for one lease
//
// name64 is the base64url of a name in NFC: NATS allows neither spaces nor umlauts in keys. The clear name is in the
// value.
//
// Presence is leased. Each node (a running process) renews its key in nodes every third of a lease. Presence of a node
// without that key counts for nothing, at once, and is deleted soon after by whoever notices. A node that finds its
// lease lost (a suspended machine) takes a new one and writes its presence again.
//
// Reading never waits for NATS: [Store.Rooms] and [Store.Revoked] answer from memory, which watches keep current, and
// [Store.Recall] from what was read at the start. [Store.Enter], [Store.Leave], [Store.Keep] and [Store.Forget] only
// note what is wanted; one goroutine for the former and one for the latter two write it (queue.go).
package store

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/text/unicode/norm"
)

// Defaults of [Config].
const (
	DefaultLease           = 15 * time.Second
	DefaultSessionLifetime = 30 * 24 * time.Hour
)

// Config says where the store lives. Only Dir is required.
type Config struct {
	Dir             string        // data directory, created if missing, then locked
	Node            string        // label of this node, for people; random if empty
	Lease           time.Duration // how long presence outlives its node; at least 1 s in production
	SessionLifetime time.Duration // how long a revoked session is remembered
}

func (c *Config) applyDefaults() {
	if c.Node == "" {
		c.Node = rand.Text()[:8]
	}
	if c.Lease == 0 {
		c.Lease = DefaultLease
	}
	if c.SessionLifetime == 0 {
		c.SessionLifetime = DefaultSessionLifetime
	}
}

// Store implements auth.Users and auth.Revocations, and keeps presence and rooms. Its methods may be called from any
// goroutine.
type Store struct {
	// Static after construction.
	log      *slog.Logger
	engine   *engine // nil when the NATS server is not ours to stop
	conn     *nats.Conn
	users    jetstream.KeyValue
	revoked  *revocations
	presence *presence
	rooms    *rooms
	lease    *lease
	memory   *memory

	live  context.Context // ends when Close begins
	end   context.CancelFunc
	tasks sync.WaitGroup // writers: they need the connection
	views sync.WaitGroup // watches: they end with their subscription

	closing sync.Once
	watches []jetstream.KeyWatcher // owned by Open, then by Close
}

// Open locks cfg.Dir, starts the NATS server on it and loads what it holds. The error wraps [ErrLocked] when another
// process has the directory, and [ErrUnusable] when NATS cannot read what is in it. ctx bounds the opening only.
func Open(ctx context.Context, cfg Config, log *slog.Logger) (*Store, error) {
	cfg.applyDefaults()
	engine, err := startEngine(cfg.Dir, log)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	store, err := join(ctx, engine, cfg, log)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open store: %w", err), engine.stop())
	}
	store.engine = engine
	engine.reportLoss(log)
	return store, nil
}

// join makes a node of the store on a server that runs already.
func join(ctx context.Context, engine *engine, cfg Config, log *slog.Logger) (*Store, error) {
	conn, err := engine.connect()
	if err != nil {
		return nil, err
	}
	live, end := context.WithCancel(context.Background())
	s := &Store{log: log, conn: conn, live: live, end: end}
	if err := s.load(ctx, engine, cfg); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.tasks.Go(func() { s.presence.run(live) })
	s.tasks.Go(func() { s.lease.run(live) })
	s.tasks.Go(func() { s.memory.run(live) })
	s.tasks.Go(func() { s.memory.sweeps(live) })
	return s, nil
}

// load opens the buckets, takes the lease and returns when the views have caught up.
func (s *Store) load(ctx context.Context, engine *engine, cfg Config) error {
	js, err := jetstream.New(s.conn)
	if err != nil {
		return fmt.Errorf("set up JetStream: %w", err)
	}
	open := func(config jetstream.KeyValueConfig) (bucket jetstream.KeyValue) {
		if err == nil {
			bucket, err = engine.bucket(ctx, js, config)
		}
		return bucket
	}
	s.users = open(jetstream.KeyValueConfig{Bucket: "users"})
	revoked := open(jetstream.KeyValueConfig{
		Bucket: "revoked", TTL: cfg.SessionLifetime, LimitMarkerTTL: markerTTL,
	})
	// Whoever is in a room is there by a connection to a running process: nothing of it is worth a disk.
	people := open(jetstream.KeyValueConfig{
		Bucket: "presence", Storage: jetstream.MemoryStorage, LimitMarkerTTL: markerTTL,
	})
	nodes := open(jetstream.KeyValueConfig{
		Bucket: "nodes", Storage: jetstream.MemoryStorage, TTL: cfg.Lease, LimitMarkerTTL: markerTTL,
	})
	if err != nil {
		return err
	}
	kept, err := engine.expendable(ctx, js, jetstream.KeyValueConfig{Bucket: "rooms", LimitMarkerTTL: markerTTL})
	if err != nil {
		return err
	}

	// A label may return after a crash, and must not bring the old presence back to life: the id never returns.
	node := rand.Text()
	s.revoked = newRevocations(revoked)
	s.rooms = newRooms(node, s.log)
	s.presence = newPresence(people, node, s.log)
	s.lease = &lease{
		bucket: nodes, node: node, label: cfg.Node, lifetime: cfg.Lease,
		presence: s.presence, rooms: s.rooms, log: s.log,
	}
	stream, err := js.Stream(ctx, "KV_"+kept.Bucket())
	if err != nil {
		return fmt.Errorf("open the stream of rooms: %w", err)
	}
	s.memory = newMemory(kept, func(ctx context.Context) error { return stream.Purge(ctx) }, s.log)
	if err := s.memory.load(ctx); err != nil {
		return err
	}
	if err := s.lease.take(ctx); err != nil {
		return fmt.Errorf("take the lease of this node: %w", err)
	}
	if err := s.follow(ctx, revoked, s.revoked.apply); err != nil {
		return err
	}
	if err := s.follow(ctx, nodes, s.rooms.applyNode); err != nil {
		return err
	}
	return s.follow(ctx, people, s.rooms.applyPresence)
}

// follow hands every entry of a bucket, and then every change, to apply, on a goroutine of its own that ends with
// Close. It returns when all that the bucket holds has been applied.
func (s *Store) follow(ctx context.Context, bucket jetstream.KeyValue, apply func(jetstream.KeyValueEntry)) error {
	watch, err := bucket.WatchAll(s.live)
	if err != nil {
		return fmt.Errorf("watch %s: %w", bucket.Bucket(), err)
	}
	s.watches = append(s.watches, watch)
	loaded := make(chan struct{})
	s.views.Go(func() {
		for entry := range watch.Updates() {
			if entry == nil { // NATS marks the end of the initial values so, once
				close(loaded)
				continue
			}
			apply(entry)
		}
		if s.live.Err() == nil {
			s.log.Error("store: watch ended, what is shown may be stale", "bucket", bucket.Bucket())
		}
	})
	select {
	case <-loaded:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("load %s: %w", bucket.Bucket(), context.Cause(ctx))
	}
}

// Close gives up the lease, stops the server and unlocks the directory. No goroutine of the store is left when it
// returns. Further calls do nothing.
func (s *Store) Close() error {
	var err error
	s.closing.Do(func() {
		s.end()
		s.tasks.Wait()
		if s.lease != nil {
			s.lease.release()
		}
		for _, watch := range s.watches {
			_ = watch.Stop() // fails only when the watch has ended by itself
		}
		s.conn.Close()
		s.views.Wait()
		if s.engine != nil {
			err = s.engine.stop()
		}
	})
	return err
}

// markerTTL is how long a bucket remembers that a key is gone: long enough for every watch to hear of it.
const markerTTL = time.Minute

// encode makes a key, or a token of one, of any text.
func encode(text string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(norm.NFC.String(text)))
}
