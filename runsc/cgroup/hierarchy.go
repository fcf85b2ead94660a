package cgroup

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// mount is one hierarchy as this process sees it.
type mount struct {
	point string // where it is mounted
	own   string // the caller's cgroup, relative to point
}

// hierarchies finds the controllers of version 1 by name ("name=systemd" included), or the
// unified hierarchy as "" if there is none of version 1.
func hierarchies() (map[string]mount, error) {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("cgroup: %w", err)
	}
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, fmt.Errorf("cgroup: %w", err)
	}
	return parseHierarchies(table, own)
}

// parseHierarchies reads mountinfo (proc_pid_mountinfo(5)) and cgroup (cgroups(7)).
func parseHierarchies(table, own []byte) (map[string]mount, error) {
	mine := map[string]string{}
	for line := range strings.Lines(string(own)) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(f) == 3 {
			for name := range strings.SplitSeq(f[1], ",") {
				mine[name] = f[2]
			}
		}
	}
	v1, v2 := map[string]mount{}, map[string]mount{}
	for line := range bytes.Lines(table) {
		if !bytes.Contains(line, []byte(" - cgroup")) {
			continue
		}
		left, right, _ := strings.Cut(strings.TrimSuffix(string(line), "\n"), " - ")
		f, r := strings.Fields(left), strings.Fields(right)
		if len(f) < 5 || len(r) < 3 {
			continue
		}
		root, point := f[3], unescape(f[4])
		if r[0] == "cgroup2" {
			if _, ok := v2[""]; !ok {
				v2[""] = mount{point, below(mine[""], root)}
			}
			continue
		}
		for opt := range strings.SplitSeq(r[2], ",") {
			path, ok := mine[opt]
			if _, dup := v1[opt]; ok && !dup {
				v1[opt] = mount{point, below(path, root)}
			}
		}
	}
	if len(v1) > 0 {
		return v1, nil
	}
	if len(v2) == 0 {
		return nil, errors.New("cgroup: no cgroup file system is mounted: mount one on /sys/fs/cgroup")
	}
	return v2, nil
}

// below is path seen from root, the part of the hierarchy that is mounted.
func below(path, root string) string {
	if rel, ok := strings.CutPrefix(path, root); ok {
		return filepath.Join("/", rel)
	}
	return "/"
}

// unescape undoes the octal escapes of mountinfo.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// inheritCpuset gives dir, and above it every cgroup that has none, the processors and memory
// nodes of its parent: version 1 lets no task into a cpuset without (cgroup-v1/cpusets.rst).
func inheritCpuset(dir string) error {
	for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
		if _, err := cpusetOf(dir, file); err != nil {
			return err
		}
	}
	return nil
}

func cpusetOf(dir, file string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return "", err
	}
	if v := strings.TrimSpace(string(b)); v != "" {
		return v, nil
	}
	parent, err := cpusetOf(filepath.Dir(dir), file)
	if err != nil {
		return "", err
	}
	return parent, write(dir, file, parent)
}

// enableControllers turns the controllers that exist on in every ancestor of dir, from the
// top. What cannot be turned on shows when a limit is set.
func enableControllers(dir string) {
	top := dir
	for {
		up := filepath.Dir(top)
		if _, err := os.Stat(filepath.Join(up, "cgroup.controllers")); err != nil {
			break
		}
		top = up
	}
	b, err := os.ReadFile(filepath.Join(top, "cgroup.controllers"))
	if err != nil {
		return
	}
	names := strings.Fields(string(b))
	rel, err := filepath.Rel(top, dir)
	if err != nil {
		return
	}
	at := top
	for part := range strings.SplitSeq(rel, "/") {
		on, _ := os.ReadFile(filepath.Join(at, "cgroup.subtree_control"))
		have := " " + strings.TrimSpace(string(on)) + " "
		for _, name := range names {
			if !strings.Contains(have, " "+name+" ") {
				write(at, "cgroup.subtree_control", "+"+name)
			}
		}
		at = filepath.Join(at, part)
	}
}
