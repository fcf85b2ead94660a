// Package container is the life of a container on the host: its state directory, the
// operations of the OCI runtime specification on it, and what is left to clean up when any
// of the processes involved was killed.
//
// A container has a directory <root>/<id> with
//
//	state.json    State; written whole and renamed into place
//	config.json   the bundle's, as it was when the container was created
//	control.sock  the sentry's control socket
//	crash.log     what sentry and gofer printed when they died unforeseen
//	lock          flock(2) of whoever changes the container
//
// It is made before anything else and removed after everything else, and it names every
// process and cgroup before they can matter, so `delete --force` always finds them: a cgroup is
// written down before it is made, the two processes before the gate is opened that holds the
// sentry back (package sandbox).
package container

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/runsc/cgroup"
	"github.com/seed-7423c386/runsc/runsc/log"
	"github.com/seed-7423c386/runsc/runsc/spec"
)

// Paused is a status that the specification leaves to runtimes.
const Paused specs.ContainerState = "paused"

// Config is what holds for every container of this invocation: the global flags.
type Config struct {
	Root          string // directory of the state directories
	Platform      string
	NoPatch       bool // --systrap-patch=false
	VCPUs         int  // --kvm-vcpus
	Network       string
	NetRaw        bool
	NetRate       uint64 // bits a second each way, 0: any
	Pcap          string
	PcapSnaplen   int
	PcapLimit     int64 // bytes, 0: any
	Overlay       string
	Shared        bool // --file-access=shared
	Rootless      bool
	SystemdCgroup bool
	Debug         bool
	Strace        bool
	Calls         []string
	DebugLog      string
	LogJSON       bool
	Log           *log.Logger
}

// State is state.json.
type State struct {
	Version     string // of the specification the bundle follows
	ID          string
	Bundle      string
	Rootfs      string
	Created     time.Time
	Owner       int               // uid
	Annotations map[string]string `json:",omitempty"`
	Terminal    bool
	Hooks       *specs.Hooks         `json:",omitempty"`
	Status      specs.ContainerState // as last written; see Container.Status
	Sentry      Process
	Gofer       Process
	Cgroup      *cgroup.Group
}

// Process is a process of the host, with its start time so that a reused pid is not taken for it.
type Process struct {
	PID   int
	Start uint64 // clock ticks after boot, /proc/pid/stat
}

// Container is a container that exists, at least its directory.
type Container struct {
	State
	cfg  *Config
	dir  string
	lock *os.File
}

// ErrNotExist says that there is no such container.
var ErrNotExist = errors.New("container does not exist")

var idPattern = regexp.MustCompile(`^[\w+.-]+$`)

// checkID keeps ids what runc takes for one, and out of other directories.
func checkID(id string) error {
	if !idPattern.MatchString(id) || id == "." || id == ".." || len(id) > 1024 {
		return fmt.Errorf("invalid container ID %q: it may have letters, digits, and _ + - .", id)
	}
	return nil
}

// Load finds a container. It must exist, but may be in any state.
func Load(cfg *Config, id string) (*Container, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	c := &Container{cfg: cfg, dir: filepath.Join(cfg.Root, id)}
	return c, c.read()
}

// Open is Load followed by Lock.
func Open(cfg *Config, id string) (*Container, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	c := &Container{cfg: cfg, dir: filepath.Join(cfg.Root, id)}
	c.ID = id
	if err := c.takeLock(); err != nil {
		return nil, err
	}
	if err := c.read(); err != nil {
		c.Unlock()
		return nil, err
	}
	return c, nil
}

// List returns all containers, sorted by id. Directories without a readable state are left out.
func List(cfg *Config) ([]*Container, error) {
	entries, err := os.ReadDir(cfg.Root)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("state root: %w", err)
	}
	var out []*Container
	for _, e := range entries {
		if c, err := Load(cfg, e.Name()); err == nil {
			out = append(out, c)
		}
	}
	return out, nil
}

// lockWait is how long an operation waits for another one on the same container.
const lockWait = 30 * time.Second

// takeLock takes the container's lock, waiting for other operations.
func (c *Container) takeLock() error {
	path := filepath.Join(c.dir, "lock")
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(c.dir); err == nil {
			// A runsc was killed between making the directory and the lock.
			f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		}
		if f == nil {
			return fmt.Errorf("%w: %s", ErrNotExist, c.ID)
		}
	} else if err != nil {
		return fmt.Errorf("container %s: %w", c.ID, err)
	}
	for deadline := time.Now().Add(lockWait); ; time.Sleep(5 * time.Millisecond) {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			c.lock = f
			return nil
		}
		if err != unix.EWOULDBLOCK && err != unix.EINTR || time.Now().After(deadline) {
			f.Close()
			return fmt.Errorf("container %s: another runsc is busy with it", c.ID)
		}
	}
}

// Unlock lets others change the container.
func (c *Container) Unlock() {
	if c.lock != nil {
		c.lock.Close()
		c.lock = nil
	}
}

func (c *Container) statePath() string { return filepath.Join(c.dir, "state.json") }

// read reads the state. A directory without one is a container whose creation was cut off.
func (c *Container) read() error {
	id := filepath.Base(c.dir)
	raw, err := os.ReadFile(c.statePath())
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(c.dir); err != nil {
			return fmt.Errorf("%w: %s", ErrNotExist, id)
		}
		c.State = State{Version: specs.Version, ID: id, Status: specs.StateCreating}
		return nil
	}
	if err != nil {
		return fmt.Errorf("container %s: %w", id, err)
	}
	if err := spec.Unmarshal(raw, &c.State, c.statePath()); err != nil {
		return err
	}
	return nil
}

// write replaces the state file.
func (c *Container) write() error {
	raw, err := json.Marshal(&c.State)
	if err != nil {
		return err
	}
	return writeFile(c.statePath(), raw)
}

// writeFile replaces a file in one step.
func writeFile(path string, b []byte) error {
	tmp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path))
	if err := os.WriteFile(tmp, b, 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// Status is the container's status now: the file's, unless the sentry has ended since.
func (c *Container) Status() specs.ContainerState {
	if c.State.Status == specs.StateStopped || c.State.Sentry.PID == 0 {
		if c.lockedByOther() {
			return specs.StateCreating
		}
		return specs.StateStopped
	}
	if !c.Sentry.Alive() {
		return specs.StateStopped
	}
	return c.State.Status
}

// lockedByOther says whether some runsc is at work on the container.
func (c *Container) lockedByOther() bool {
	if c.lock != nil {
		return false
	}
	f, err := os.OpenFile(filepath.Join(c.dir, "lock"), os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == unix.EWOULDBLOCK
}

// PID is the container's process as the host sees it, or 0 if it has ended.
func (c *Container) PID() int {
	if c.Status() == specs.StateStopped {
		return 0
	}
	return c.Sentry.PID
}

// OCI is the state that hooks and `runsc state` show.
func (c *Container) OCI() *specs.State {
	return &specs.State{Version: c.Version, ID: c.ID, Status: c.Status(), Pid: c.PID(), Bundle: c.Bundle, Annotations: c.Annotations}
}

// Spec is the configuration the container was created with.
func (c *Container) Spec() (*specs.Spec, error) {
	path := filepath.Join(c.dir, spec.ConfigName)
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("container %s: %w", c.ID, err)
	}
	return spec.Parse(raw, path)
}

// identify records a process that was just started and has not been waited for.
func identify(pid int) Process {
	_, start := stat(pid)
	return Process{pid, start}
}

// Alive says whether the process still runs; a zombie does not.
func (p Process) Alive() bool {
	if p.PID <= 0 {
		return false
	}
	state, start := stat(p.PID)
	return start == p.Start && !slices.Contains([]byte{0, 'Z', 'X', 'x'}, state)
}

// kill sends SIGKILL and waits a moment for the end. It is no error if it has ended already.
func (p Process) kill() error {
	fd, err := unix.PidfdOpen(p.PID, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	if !p.Alive() { // checked after the descriptor pinned the process
		return nil
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && err != unix.ESRCH {
		return fmt.Errorf("killing process %d: %w", p.PID, err)
	}
	for deadline := time.Now().Add(10 * time.Second); p.Alive(); {
		if time.Now().After(deadline) {
			return fmt.Errorf("process %d does not die", p.PID)
		}
		unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 100)
	}
	return nil
}

// stat reads state and start time from /proc/pid/stat (proc_pid_stat(5)); 0, 0 if there is
// no such process.
func stat(pid int) (state byte, start uint64) {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, 0
	}
	_, rest, ok := bytes.Cut(raw, []byte(") ")) // the name may contain anything, but it comes first
	if i := bytes.LastIndex(raw, []byte(") ")); ok {
		rest = raw[i+2:]
	}
	f := strings.Fields(string(rest))
	if len(f) < 20 {
		return 0, 0
	}
	start, _ = strconv.ParseUint(f[19], 10, 64)
	return f[0][0], start
}
