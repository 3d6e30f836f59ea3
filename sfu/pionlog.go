package sfu

import (
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// pionLogs passes pion's logs on to slog. What pion calls an error is mostly a client's fault or a closed connection,
// so nothing of it is above debug; the faults that matter are reported by us, with room and peer.
type pionLogs struct{ log *slog.Logger }

// NewLogger makes the logger of one part of pion.
func (p pionLogs) NewLogger(scope string) logging.LeveledLogger {
	return pionLog{p.log.With("scope", "pion/"+scope)}
}

type pionLog struct{ log *slog.Logger }

func (pionLog) Trace(string)          {}
func (pionLog) Tracef(string, ...any) {}
func (pionLog) Debug(string)          {}
func (pionLog) Debugf(string, ...any) {}
func (pionLog) Info(string)           {}
func (pionLog) Infof(string, ...any)  {}

func (l pionLog) Warn(msg string)                  { l.log.Debug(msg) }
func (l pionLog) Warnf(format string, args ...any) { l.log.Debug(fmt.Sprintf(format, args...)) }
func (l pionLog) Error(msg string)                 { l.log.Debug(msg, "severity", "error") }
func (l pionLog) Errorf(format string, args ...any) {
	l.log.Debug(fmt.Sprintf(format, args...), "severity", "error")
}
