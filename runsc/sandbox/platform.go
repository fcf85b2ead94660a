package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/sentry/control"
)

// platformsFile is where measurements are kept, in the directory of the states.
const platformsFile = "platforms.json"

// measured is what platformsFile holds. It is good until the host is booted or the sentry
// installed anew.
type measured struct {
	Boot      string                `json:"boot"`
	Sentry    string                `json:"sentry"` // its time of modification
	Rootless  bool                  `json:"rootless"`
	Platforms []control.Measurement `json:"platforms"`
}

// BestPlatform returns the platform on which a system call costs least here, of those that auto takes. They are
// measured once a boot, and the figures kept in the directory root.
func BestPlatform(root string, rootless bool) (string, error) {
	path := filepath.Join(root, platformsFile)
	now, err := identity(rootless)
	if err != nil {
		return "", err
	}
	var kept measured
	raw, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(raw, &kept) != nil || kept.Boot != now.Boot || kept.Sentry != now.Sentry || kept.Rootless != rootless {
		automatic := slices.DeleteFunc(slices.Clone(control.Platforms), func(name string) bool { return name == OnRequest })
		if kept.Platforms, err = MeasurePlatforms(root, rootless, automatic); err != nil {
			return "", err
		}
	}
	return Fastest(kept.Platforms)
}

// OnRequest is a platform that auto does not take: it has not been run on enough hosts.
const OnRequest = "kvm"

// Fastest returns the usable platform with the cheapest system call, but for OnRequest. One that comes later in the list is
// taken only if its call costs less than half: on a busy machine figures are not worth more.
func Fastest(all []control.Measurement) (string, error) {
	var best *control.Measurement
	var why []string
	for i := range all {
		m := &all[i]
		switch {
		case m.Platform == OnRequest:
		case m.Error != "":
			why = append(why, m.Error)
		case best == nil || 2*m.Nanoseconds < best.Nanoseconds:
			best = m
		}
	}
	if best == nil {
		return "", fmt.Errorf("no platform can be used here: %s", strings.Join(why, "; "))
	}
	return best.Platform, nil
}

// MeasurePlatforms tries these platforms, one after the other, and keeps what was found in the directory
// root, where it can.
func MeasurePlatforms(root string, rootless bool, names []string) ([]control.Measurement, error) {
	found, err := identity(rootless)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		found.Platforms = append(found.Platforms, measure(name, rootless))
	}
	if raw, err := json.Marshal(&found); err == nil {
		keep(root, raw)
	}
	return found.Platforms, nil
}

// keep replaces the file. Without it the next sandbox measures again.
func keep(root string, raw []byte) {
	if os.MkdirAll(root, 0o711) != nil {
		return
	}
	f, err := os.CreateTemp(root, "."+platformsFile)
	if err != nil {
		return
	}
	defer f.Close()
	if _, err := f.Write(raw); err == nil {
		err = os.Rename(f.Name(), filepath.Join(root, platformsFile))
		if err == nil {
			return
		}
	}
	os.Remove(f.Name())
}

// identity is a measured without measurements.
func identity(rootless bool) (measured, error) {
	m := measured{Rootless: rootless}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return m, fmt.Errorf("the host's boot id: %w", err)
	}
	path, err := sibling("runsc-sentry")
	if err != nil {
		return m, err
	}
	st, err := os.Stat(path)
	if err != nil {
		return m, err
	}
	m.Boot, m.Sentry = strings.TrimSpace(string(boot)), st.ModTime().UTC().Format(time.RFC3339Nano)
	return m, nil
}

// measureTime is how long measuring a platform may take.
const measureTime = 10 * time.Second

// measure starts a sentry that does nothing else, in namespaces like those of a sandbox's.
func measure(name string, rootless bool) control.Measurement {
	failed := func(err error) control.Measurement { return control.Measurement{Platform: name, Error: err.Error()} }
	path, err := sibling("runsc-sentry")
	if err != nil {
		return failed(err)
	}
	out, in, err := os.Pipe()
	if err != nil {
		return failed(err)
	}
	defer out.Close()
	crashR, crashW, err := os.Pipe()
	if err != nil {
		in.Close()
		return failed(err)
	}
	defer crashR.Close()
	args := []string{"runsc-sentry", control.MeasureFlag + name}
	if rootless {
		args = append(args, control.RootlessFlag)
	}
	attr := attr([]*os.File{nil, in, crashW}, unix.CLONE_NEWNET, rootless)
	attr.Sys.Pdeathsig = syscall.SIGKILL
	p, err := os.StartProcess(path, args, attr)
	in.Close()
	crashW.Close()
	if err != nil {
		return failed(startError(path, err))
	}
	defer p.Wait()
	defer p.Kill()
	deadline := time.Now().Add(measureTime)
	out.SetReadDeadline(deadline)
	crashR.SetReadDeadline(deadline)
	var m control.Measurement
	if err := json.NewDecoder(out).Decode(&m); err != nil {
		said, _ := io.ReadAll(io.LimitReader(crashR, 4096))
		line, _, _ := bytes.Cut(said, []byte("\n"))
		return failed(fmt.Errorf("platform %s: the sentry that measured it ended without an answer: %v %s", name, err, line))
	}
	return m
}
