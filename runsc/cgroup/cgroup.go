// Package cgroup puts the processes of a sandbox into host cgroups of both versions
// (cgroups(7)), sets the limits of the bundle and removes the cgroups again.
//
// A sandbox's limits hold for the sentry, the gofer and the stub processes together. The
// number of tasks is counted by the sentry, exactly; the host's pids controller only gets a
// bound that a sandbox with that many tasks cannot exceed (see pidsLimit).
package cgroup

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Group is the place of one sandbox in the host's hierarchies. It goes into the state file.
type Group struct {
	Path string // as in linux.cgroupsPath, or made of the container's id
	// Dirs are the directories of this group: by controller name for version 1, where one
	// directory may serve several controllers, or "" for version 2.
	Dirs map[string]string
	// Made are the directories that Create makes, parents before children; Remove removes
	// those and no others. Plan fills it in, so that it can be written down before the first
	// of them exists: a caller that is killed while it makes them leaves none unknown.
	Made []string
	// Optional: the bundle asked for no cgroup, so it is no error if there can be none.
	Optional bool
}

// Plan says where the sandbox goes: path is linux.cgroupsPath, relative ones (and the default,
// the id) being below the cgroup of the caller.
func Plan(path, id string, systemd bool) (*Group, error) {
	g := &Group{Path: path, Optional: path == ""}
	if systemd || isSystemdPath(path) {
		var err error
		if g.Path, err = systemdPath(path, id); err != nil {
			return nil, err
		}
	}
	if g.Path == "" {
		g.Path = id
	}
	if slices.Contains(strings.Split(g.Path, "/"), "..") {
		return nil, fmt.Errorf("linux.cgroupsPath %q must not contain \"..\"", path)
	}
	h, err := hierarchies()
	if err != nil {
		return nil, err
	}
	g.Dirs = make(map[string]string, len(h))
	for name, m := range h {
		if filepath.IsAbs(g.Path) {
			g.Dirs[name] = filepath.Join(m.point, g.Path)
		} else {
			g.Dirs[name] = filepath.Join(m.point, m.own, g.Path)
		}
	}
	g.Made = g.missing()
	return g, nil
}

// isSystemdPath recognises "slice:prefix:name".
func isSystemdPath(path string) bool {
	return strings.Count(path, ":") == 2 && !strings.Contains(path, "/")
}

// systemdPath maps "slice:prefix:name" to the directory where systemd would have put the
// scope: user-1000.slice lies in user.slice. Without a running systemd nobody else manages
// that tree and runsc makes the directories itself; with one, it must be asked, and runsc
// does not speak its bus.
func systemdPath(path, id string) (string, error) {
	if _, err := os.Stat("/run/systemd/system"); err == nil {
		return "", errors.New("--systemd-cgroup: runsc cannot ask the running systemd for a scope: use the cgroupfs driver (Docker: native.cgroupdriver=cgroupfs)")
	}
	slice, prefix, name := "system.slice", "runsc", id
	if path != "" {
		parts := strings.Split(path, ":")
		if len(parts) != 3 {
			return "", fmt.Errorf("linux.cgroupsPath %q: with --systemd-cgroup it must be \"slice:prefix:name\"", path)
		}
		if parts[0] != "" {
			slice = parts[0]
		}
		prefix, name = parts[1], parts[2]
	}
	if !strings.HasSuffix(name, ".slice") {
		if prefix != "" {
			name = prefix + "-" + name
		}
		name += ".scope"
	}
	if slice == "-.slice" {
		return "/" + name, nil
	}
	if !strings.HasSuffix(slice, ".slice") || strings.Contains(slice, "/") {
		return "", fmt.Errorf("linux.cgroupsPath %q: %q is not a slice", path, slice)
	}
	dir, prefixed := "", ""
	for part := range strings.SplitSeq(strings.TrimSuffix(slice, ".slice"), "-") {
		if part == "" {
			return "", fmt.Errorf("linux.cgroupsPath %q: %q is not a slice", path, slice)
		}
		prefixed += part
		dir += "/" + prefixed + ".slice"
		prefixed += "-"
	}
	return dir + "/" + name, nil
}

// V2 says whether the group is in the unified hierarchy.
func (g *Group) V2() bool { return g.Dirs[""] != "" }

// dirs lists the directories without repetitions, in a fixed order.
func (g *Group) dirs() []string {
	var out []string
	for _, d := range g.Dirs {
		out = append(out, d)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Create makes the directories and sets the limits. On failure nothing is left. If the host
// lets nobody make cgroups here and the bundle did not ask for any, the group becomes empty.
func (g *Group) Create(res *specs.LinuxResources) error {
	err := g.create(res)
	if err == nil {
		return nil
	}
	g.Remove()
	if g.Optional && !limits(res) && (errors.Is(err, unix.EACCES) || errors.Is(err, unix.EROFS) || errors.Is(err, unix.EPERM)) {
		g.Dirs = nil
		return nil
	}
	return err
}

func (g *Group) create(res *specs.LinuxResources) error {
	if err := g.makeDirs(); err != nil {
		return fmt.Errorf("cgroup: %w", err)
	}
	if dir := g.Dirs["cpuset"]; dir != "" {
		if err := inheritCpuset(dir); err != nil {
			return fmt.Errorf("cgroup: %w", err)
		}
	}
	if g.V2() {
		enableControllers(g.Dirs[""])
	}
	return g.Set(res)
}

// makeDirs makes the directories. What somebody else has made since Plan, most likely a parent
// that two containers share, is theirs; what somebody else has removed since is made again.
func (g *Group) makeDirs() error {
	todo := g.Made
	g.Made = nil
	for try := 0; ; try++ {
		err := g.mkdirs(todo)
		if err != nil && (try == 10 || !errors.Is(err, os.ErrNotExist)) {
			return err
		}
		if todo = g.missing(); len(todo) == 0 {
			return nil
		}
	}
}

// mkdirs makes directories, parents before children, and appends those it made to Made.
func (g *Group) mkdirs(dirs []string) error {
	for _, dir := range dirs {
		err := os.Mkdir(dir, 0o755)
		if err == nil {
			g.Made = append(g.Made, dir)
		} else if !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}

// missing lists the directories and their parents that do not exist, parents before children.
func (g *Group) missing() []string {
	var out []string
	for _, dir := range g.dirs() {
		var up []string
		for ; !slices.Contains(out, dir); dir = filepath.Dir(dir) {
			if _, err := os.Lstat(dir); !errors.Is(err, os.ErrNotExist) {
				break
			}
			up = append(up, dir)
		}
		slices.Reverse(up)
		out = append(out, up...)
	}
	return out
}

// Enter moves the calling thread, which must be locked, into the group, so that the
// processes it starts are born there. The thread leaves the group by ending.
//
// Moving the thread that runs is cheap: the kernel need not stop the others (cgroup.c,
// cgroup_procs_write_start). In version 2 only whole processes move, so there it does nothing
// and clone3(2) is told the group.
func (g *Group) Enter() error {
	for _, dir := range g.dirs() {
		if g.V2() {
			continue
		}
		if err := write(dir, "tasks", "0"); err != nil {
			return fmt.Errorf("cgroup: %w", err)
		}
	}
	return nil
}

// Pids lists the processes in the directories that Create made, and below.
func (g *Group) Pids() []int {
	seen := map[int]bool{}
	for _, dir := range g.Made {
		if !slices.Contains(g.dirs(), dir) {
			continue // a parent, perhaps of others as well
		}
		filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
			if err != nil || !e.IsDir() {
				return nil
			}
			b, _ := os.ReadFile(filepath.Join(path, "cgroup.procs"))
			for line := range strings.Lines(string(b)) {
				if pid, err := strconv.Atoi(strings.TrimSpace(line)); err == nil && pid > 0 {
					seen[pid] = true
				}
			}
			return nil
		})
	}
	pids := make([]int, 0, len(seen))
	for pid := range seen {
		pids = append(pids, pid)
	}
	slices.Sort(pids)
	return pids
}

// TryRemove is Remove at the first attempt; it says whether nothing is left.
func (g *Group) TryRemove() bool {
	for _, dir := range slices.Backward(g.Made) {
		if err := rmdir(dir); err != nil {
			return false
		}
	}
	g.Made = nil
	return true
}

// Remove removes what Create made. Processes that are just dying still hold a cgroup, so it
// tries for a while. Directories that others put below, or that existed before, stay.
func (g *Group) Remove() error {
	for _, dir := range slices.Backward(g.Made) {
		if err := removeDir(dir); err != nil {
			return fmt.Errorf("cgroup: %w", err)
		}
	}
	g.Made = nil
	return nil
}

func removeDir(dir string) error {
	pause := 500 * time.Microsecond
	for {
		err := rmdir(dir)
		if err == nil {
			return nil
		}
		if err == unix.EBUSY && hasChildren(dir) {
			return nil // someone else's, a parent that two containers share
		}
		if err != unix.EBUSY || pause > time.Second {
			return &os.PathError{Op: "rmdir", Path: dir, Err: err}
		}
		time.Sleep(pause)
		pause *= 2
	}
}

// rmdir removes dir; that there is none is fine, also on a file system that is read-only.
func rmdir(dir string) error {
	err := unix.Rmdir(dir)
	if err == unix.ENOENT {
		return nil
	}
	if _, e := os.Lstat(dir); err != nil && errors.Is(e, os.ErrNotExist) {
		return nil
	}
	return err
}

func hasChildren(dir string) bool {
	entries, _ := os.ReadDir(dir)
	return slices.ContainsFunc(entries, os.DirEntry.IsDir)
}

// OOMKilled says whether the kernel killed something in the group for want of memory.
func (g *Group) OOMKilled() bool {
	if g.V2() {
		return number(g.Dirs[""], "memory.events", "oom_kill") > 0
	}
	return number(g.Dirs["memory"], "memory.oom_control", "oom_kill") > 0
}

// number reads "key value" lines.
func number(dir, file, key string) uint64 {
	if dir == "" {
		return 0
	}
	b, _ := os.ReadFile(filepath.Join(dir, file))
	for line := range bytes.Lines(b) {
		if f := bytes.Fields(line); len(f) == 2 && string(f[0]) == key {
			n, _ := strconv.ParseUint(string(f[1]), 10, 64)
			return n
		}
	}
	return 0
}

// write sets a cgroup file. The error names the file and the value.
func write(dir, file, value string) error {
	path := filepath.Join(dir, file)
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	if _, err := unix.Write(fd, []byte(value)); err != nil {
		return fmt.Errorf("writing %q to %s: %w", value, path, err)
	}
	return nil
}
