// Package log writes what runsc has to say about itself, in the format that engines read: the
// containerd shim and Docker take the last JSON line of level "error" as the reason of a
// failure.
package log

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Logger writes lines. The zero value and nil write nothing.
type Logger struct {
	mu    sync.Mutex
	out   io.Writer
	json  bool
	debug bool
	// A loop that goes wrong (a signal that cannot be forwarded, say) must not fill a disk.
	limit   *rate.Limiter
	dropped int
}

// New returns a logger that writes to the file at path, appending, or to standard error if
// path is empty.
func New(path, format string, debug bool) (*Logger, error) {
	l := &Logger{out: os.Stderr, debug: debug, limit: rate.NewLimiter(rate.Every(time.Second), 100)}
	switch format {
	case "json":
		l.json = true
	case "text", "":
	default:
		return nil, fmt.Errorf("--log-format %q: it is text or json", format)
	}
	if path != "" {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		if err != nil {
			return nil, fmt.Errorf("--log: %w", err)
		}
		l.out = f
	}
	return l, nil
}

// ToFile says whether lines go anywhere but standard error.
func (l *Logger) ToFile() bool { return l != nil && l.out != os.Stderr && l.out != nil }

// Errorf writes a line that is never dropped.
func (l *Logger) Errorf(format string, args ...any) { l.write("error", fmt.Sprintf(format, args...)) }

// Warnf writes a warning, unless there were too many of them.
func (l *Logger) Warnf(format string, args ...any) {
	if l == nil || l.limit == nil {
		return
	}
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
		l.write("warning", fmt.Sprintf("%d warnings were dropped", dropped))
	}
	l.write("warning", fmt.Sprintf(format, args...))
}

// Debugf writes a line if --debug was given.
func (l *Logger) Debugf(format string, args ...any) {
	if l != nil && l.debug {
		l.write("debug", fmt.Sprintf(format, args...))
	}
}

func (l *Logger) write(level, msg string) {
	if l == nil || l.out == nil {
		return
	}
	now := time.Now().Format(time.RFC3339Nano)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.out == os.Stderr && !l.json { // a person reads this
		if level != "error" {
			msg = level + ": " + msg
		}
		fmt.Fprintf(l.out, "runsc: %s\n", msg)
		return
	}
	if !l.json {
		fmt.Fprintf(l.out, "time=%q level=%s msg=%s\n", now, level, strconv.Quote(msg))
		return
	}
	line, _ := json.Marshal(struct {
		Level string `json:"level"`
		Msg   string `json:"msg"`
		Time  string `json:"time"`
	}{level, msg, now})
	l.out.Write(append(line, '\n'))
}
