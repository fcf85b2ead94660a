package boot

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/seed-7423c386/runsc/sentry/control"
)

// Log writes the sentry's messages, one line each, to an inherited descriptor. What the
// application can provoke goes through Limited, so that it cannot fill the host's disk.
type Log struct {
	cfg   control.Log
	id    string
	write func(fd int, b []byte)

	mu      sync.Mutex
	limit   *rate.Limiter
	dropped int
}

// NewLog returns a log that writes as cfg says with write.
func NewLog(cfg control.Log, id string, write func(fd int, b []byte)) *Log {
	return &Log{cfg: cfg, id: id, write: write, limit: rate.NewLimiter(rate.Every(time.Second), 20)}
}

// Warn reports what somebody should look at.
func (l *Log) Warn(format string, args ...any) { l.line("warning", fmt.Sprintf(format, args...)) }

// Debug reports what helps to find a fault; it costs nothing unless --debug is given.
func (l *Log) Debug(format string, args ...any) {
	if l.cfg.Debug {
		l.line("debug", fmt.Sprintf(format, args...))
	}
}

// Limited is Warn for what the application causes: one a second after a burst of twenty.
func (l *Log) Limited(format string, args ...any) {
	l.mu.Lock()
	ok := l.limit.Allow()
	dropped := l.dropped
	if ok {
		l.dropped = 0
	} else {
		l.dropped++
	}
	l.mu.Unlock()
	if !ok {
		return
	}
	if dropped > 0 {
		l.Warn("%d similar messages left out", dropped)
	}
	l.Warn(format, args...)
}

// Strace writes a line of the system call trace.
func (l *Log) Strace(s string) { l.line("strace", s) }

func (l *Log) line(level, msg string) {
	if l.cfg.MessageFD < 0 {
		return
	}
	now := time.Now().UTC().Format("2006-01-02T15:04:05.000000Z")
	var b []byte
	if l.cfg.JSON {
		b, _ = json.Marshal(map[string]string{"level": level, "msg": msg, "time": now, "id": l.id})
	} else {
		b = []byte(now + " " + level + ": " + msg)
	}
	l.write(l.cfg.MessageFD, append(b, '\n'))
}
