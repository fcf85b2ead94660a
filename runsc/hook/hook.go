// Package hook runs the hooks of a bundle (runtime-spec, config.md, POSIX-platform Hooks).
package hook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// maxOutput is how much of a failing hook's output goes into the error.
const maxOutput = 4 << 10

// Run runs the hooks one after another with the container's state on their standard input. The
// first that fails, or takes longer than its timeout, ends it; name is for the error.
func Run(name string, hooks []specs.Hook, state *specs.State) error {
	if len(hooks) == 0 {
		return nil
	}
	in, err := json.Marshal(state)
	if err != nil {
		return err
	}
	for i := range hooks {
		if err := run(&hooks[i], in); err != nil {
			return fmt.Errorf("%s hook #%d %s: %w", name, i, hooks[i].Path, err)
		}
	}
	return nil
}

func run(h *specs.Hook, in []byte) error {
	ctx := context.Background()
	if h.Timeout != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(*h.Timeout)*time.Second)
		defer cancel()
	}
	cmd := exec.CommandContext(ctx, h.Path)
	if len(h.Args) > 0 {
		cmd.Args = h.Args
	}
	// The hook gets exactly its own environment: a nil Env would be runsc's.
	cmd.Env = append([]string{}, h.Env...)
	cmd.Stdin = bytes.NewReader(in)
	var out tail
	cmd.Stdout, cmd.Stderr = &out, &out
	// A hook's descendants die with it when it takes too long.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	switch {
	case err == nil || errors.Is(err, exec.ErrWaitDelay):
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("took longer than its timeout of %d s", *h.Timeout)
	}
	if text := strings.TrimSpace(out.String()); text != "" {
		return fmt.Errorf("%w: %s", err, text)
	}
	return err
}

// tail keeps the last maxOutput bytes written to it.
type tail struct{ buf []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.buf = append(t.buf, p...)
	if extra := len(t.buf) - maxOutput; extra > 0 {
		t.buf = t.buf[:copy(t.buf, t.buf[extra:])]
	}
	return len(p), nil
}

func (t *tail) String() string { return string(t.buf) }
