package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

var (
	// ErrLocked is returned by [Open] for a data directory that another process uses.
	ErrLocked = errors.New("data directory is in use")
	// ErrUnusable is returned by [Open] for a data directory whose contents NATS cannot read or write.
	ErrUnusable = errors.New("data directory cannot be used")
)

// Limits of the server. Disk is limited by the disk; presence takes about 300 bytes a person.
const (
	maxMemory = 256 << 20
	maxStore  = 1 << 50
)

// engine is the NATS server inside this process and the lock on its directory.
type engine struct {
	// Static after construction.
	dir    string
	lock   *flock.Flock
	server *server.Server
	log    *natsLog

	usersBefore int64 // bytes of users on the disk before the server touched them
}

// startEngine locks dir and starts a NATS server on it.
func startEngine(dir string, log *slog.Logger) (*engine, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	e := &engine{dir: dir, lock: lock, log: &natsLog{log: log}}
	e.usersBefore = e.stored("users")
	if err := e.start(); err != nil {
		return nil, errors.Join(err, e.stop())
	}
	return e, nil
}

func (e *engine) start() error {
	embedded, err := server.NewServer(&server.Options{
		ServerName:             "parley",
		DontListen:             true,
		NoSigs:                 true,
		NoLog:                  true,
		DisableJetStreamBanner: true,
		JetStream:              true,
		JetStreamMaxMemory:     maxMemory,
		JetStreamMaxStore:      maxStore,
		StoreDir:               e.dir,
		// NATS hands each write to the kernel before it confirms it, which is enough for a killed process. A power cut
		// may still take what the kernel holds; with SyncAlways a confirmed user, log-out or room is on the disk. Only
		// those are written to disk at all, and they are rare enough for an fsync each: rooms wait for their turn.
		SyncAlways: true,
		MaxPayload: MaxState + 64<<10, // and what is around it
	})
	if err != nil {
		return fmt.Errorf("configure NATS: %w", err)
	}
	e.server = embedded
	embedded.SetLoggerV2(e.log, false, false, false)
	embedded.Start() // returns once JetStream has recovered: there is no listener to run
	if fatal := e.log.fatalMessage(); fatal != "" {
		return fmt.Errorf("%w: %s: %s", ErrUnusable, e.dir, fatal)
	}
	return nil
}

// stop shuts the server down, waits for it and unlocks the directory.
func (e *engine) stop() error {
	if e.server != nil {
		e.server.Shutdown()
		e.server.WaitForShutdown()
	}
	if err := e.lock.Unlock(); err != nil {
		return fmt.Errorf("unlock data directory: %w", err)
	}
	return nil
}

// connect opens a connection that never leaves the process.
func (e *engine) connect() (*nats.Conn, error) {
	conn, err := nats.Connect("", nats.InProcessServer(e.server), nats.MaxReconnects(-1),
		nats.ReconnectWait(100*time.Millisecond), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			e.log.Warnf("client: %v", err)
		}))
	if err != nil {
		return nil, fmt.Errorf("connect to NATS in the process: %w", err)
	}
	return conn, nil
}

// bucket opens a bucket, or creates it. NATS leaves out a stream whose files it cannot make sense of; creating that
// one anew would lose what is in it, so the files have the last word.
func (e *engine) bucket(ctx context.Context, js jetstream.JetStream, cfg jetstream.KeyValueConfig) (
	jetstream.KeyValue, error,
) {
	_, err := js.KeyValue(ctx, cfg.Bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		if e.stored(cfg.Bucket) > 0 {
			return nil, fmt.Errorf("%w: %s is not empty, but NATS cannot read it: %s",
				ErrUnusable, e.blocks(cfg.Bucket), e.log.lastWarning())
		}
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: bucket %s: %w", ErrUnusable, e.dir, cfg.Bucket, err)
	}
	bucket, err := js.CreateOrUpdateKeyValue(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", cfg.Bucket, err)
	}
	return bucket, nil
}

// expendable is bucket for what is not worth a start that fails: where it cannot be read, it begins anew.
func (e *engine) expendable(ctx context.Context, js jetstream.JetStream, cfg jetstream.KeyValueConfig) (
	jetstream.KeyValue, error,
) {
	bucket, err := e.bucket(ctx, js, cfg)
	if err == nil || ctx.Err() != nil {
		return bucket, err
	}
	e.log.log.Warn("store: a bucket cannot be read and begins anew", "bucket", cfg.Bucket, "error", err)
	_ = js.DeleteKeyValue(ctx, cfg.Bucket) // of which NATS may know nothing
	if err := os.RemoveAll(filepath.Dir(e.blocks(cfg.Bucket))); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnusable, err)
	}
	return e.bucket(ctx, js, cfg)
}

// reportLoss tells when the start cost users: NATS cuts a file off at the first record that it cannot read, and says
// nothing. Users are never changed or removed, so their files shrink in no other way.
func (e *engine) reportLoss(log *slog.Logger) {
	if lost := e.usersBefore - e.stored("users"); lost > 0 {
		log.Error("store: damaged records of users were dropped", "bytes", lost, "dir", e.blocks("users"))
	}
}

// blocks is the directory of a bucket's messages.
func (e *engine) blocks(bucket string) string {
	account := filepath.Join(e.dir, server.JetStreamStoreDir, server.DEFAULT_GLOBAL_ACCOUNT)
	return filepath.Join(account, "streams", "KV_"+bucket, "msgs")
}

// stored returns how many bytes of messages a bucket has on the disk.
func (e *engine) stored(bucket string) int64 {
	entries, err := os.ReadDir(e.blocks(bucket))
	if err != nil {
		return 0
	}
	var total int64
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && filepath.Ext(entry.Name()) == ".blk" {
			total += info.Size()
		}
	}
	return total
}

// natsLog is what NATS logs to: the debug level, except for errors, which are about our data. It remembers what tells
// why a start failed.
type natsLog struct {
	log *slog.Logger // static after construction

	mu             sync.Mutex
	fatal, warning string // guarded by mu
}

func (l *natsLog) write(level slog.Level, format string, args []any) {
	l.log.Log(context.Background(), level, "nats: "+strings.TrimSpace(fmt.Sprintf(format, args...)))
}

func (l *natsLog) Noticef(format string, args ...any) { l.write(slog.LevelDebug, format, args) }
func (l *natsLog) Debugf(format string, args ...any)  { l.write(slog.LevelDebug, format, args) }
func (l *natsLog) Tracef(format string, args ...any)  { l.write(slog.LevelDebug, format, args) }
func (l *natsLog) Errorf(format string, args ...any)  { l.write(slog.LevelError, format, args) }

func (l *natsLog) Warnf(format string, args ...any) {
	l.write(slog.LevelDebug, format, args)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.warning = strings.TrimSpace(fmt.Sprintf(format, args...))
}

// Fatalf does not end the process, unlike the one of NATS: the server returns, and start reports it.
func (l *natsLog) Fatalf(format string, args ...any) {
	l.write(slog.LevelDebug, format, args)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fatal = strings.TrimSpace(fmt.Sprintf(format, args...))
}

func (l *natsLog) fatalMessage() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fatal
}

func (l *natsLog) lastWarning() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.warning
}
