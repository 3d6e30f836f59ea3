package client

import (
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// pionLogs passes pion's warnings and errors on at debug level: for a synthetic participant they are detail.
type pionLogs struct{ log *slog.Logger }

func (p pionLogs) NewLogger(scope string) logging.LeveledLogger {
	return pionLog{p.log.With("pion", scope)}
}

type pionLog struct{ log *slog.Logger }

func (pionLog) Trace(string)          {}
func (pionLog) Tracef(string, ...any) {}
func (pionLog) Debug(string)          {}
func (pionLog) Debugf(string, ...any) {}
func (pionLog) Info(string)           {}
func (pionLog) Infof(string, ...any)  {}

func (l pionLog) Warn(msg string)                   { l.log.Debug(msg) }
func (l pionLog) Warnf(format string, args ...any)  { l.log.Debug(fmt.Sprintf(format, args...)) }
func (l pionLog) Error(msg string)                  { l.log.Debug(msg) }
func (l pionLog) Errorf(format string, args ...any) { l.log.Debug(fmt.Sprintf(format, args...)) }
