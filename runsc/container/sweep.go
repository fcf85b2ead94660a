package container

import (
	"os"
	"regexp"
	"time"
)

// TransientID begins the ids of containers that end with the runsc that made them (runsc do).
const TransientID = "do-"

var transient = regexp.MustCompile(`^` + TransientID + `[0-9a-f]{12}$`)

// cutOff is how old a directory without a process must be for its runsc to have been killed.
const cutOff = time.Minute

// Sweep deletes what runsc leaves of transient containers when it is killed, once their processes are
// gone. What cannot be deleted stays for the next time.
func Sweep(cfg *Config) {
	entries, err := os.ReadDir(cfg.Root)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !transient.MatchString(e.Name()) {
			continue
		}
		if c, err := Load(cfg, e.Name()); err == nil && c.abandoned() {
			if c, err = Open(cfg, e.Name()); err == nil {
				if c.abandoned() {
					err = c.destroy()
				}
				c.Unlock()
			}
			if err != nil {
				cfg.Log.Debugf("sweeping container %s: %v", e.Name(), err)
			}
		}
	}
}

// abandoned reports whether nobody has to do with the container any more.
func (c *Container) abandoned() bool {
	if c.Sentry.Alive() || c.Gofer.Alive() || c.lockedByOther() {
		return false
	}
	if c.Sentry.PID != 0 {
		return true
	}
	st, err := os.Stat(c.dir) // made, and perhaps about to be locked
	return err == nil && time.Since(st.ModTime()) > cutOff
}
