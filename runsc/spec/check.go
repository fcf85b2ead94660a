package spec

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// check holds what the specification demands and what no sandbox can give. What would merely
// have no effect becomes a warning.
func (b *Bundle) check() error {
	s := b.Spec
	if !strings.HasPrefix(s.Version, "1.") {
		return fmt.Errorf("ociVersion is %q: only 1.x is supported", s.Version)
	}
	if s.Root == nil || s.Root.Path == "" {
		return errors.New("root.path is missing")
	}
	if s.Process == nil {
		return errors.New("process is missing: there is nothing to run")
	}
	warn, err := CheckProcess(s.Process)
	if err != nil {
		return err
	}
	b.Warnings = append(b.Warnings, warn...)
	if err := b.checkMounts(); err != nil {
		return err
	}
	if err := checkHooks(s.Hooks); err != nil {
		return err
	}
	if s.Linux == nil {
		s.Linux = &specs.Linux{}
	}
	return b.checkLinux(s.Linux)
}

// CheckProcess checks the description of a process, the bundle's or one to exec.
func CheckProcess(p *specs.Process) (warnings []string, err error) {
	if len(p.Args) == 0 || p.Args[0] == "" {
		return nil, errors.New("process.args must not be empty")
	}
	if p.Cwd == "" {
		return nil, errors.New("process.cwd must not be empty")
	}
	if !filepath.IsAbs(p.Cwd) {
		return nil, fmt.Errorf("process.cwd %q must be an absolute path", p.Cwd)
	}
	for _, str := range slices.Concat(p.Args, p.Env, []string{p.Cwd}) {
		if strings.IndexByte(str, 0) >= 0 {
			return nil, fmt.Errorf("process: %q contains a zero byte", str)
		}
	}
	seen := map[string]bool{}
	for _, r := range p.Rlimits {
		switch {
		case !slices.Contains(rlimits, r.Type):
			return nil, fmt.Errorf("process.rlimits: unknown type %q", r.Type)
		case seen[r.Type]:
			return nil, fmt.Errorf("process.rlimits: %s is given twice", r.Type)
		case r.Soft > r.Hard:
			return nil, fmt.Errorf("process.rlimits: %s: soft limit %d is above the hard limit %d", r.Type, r.Soft, r.Hard)
		}
		seen[r.Type] = true
	}
	if c := p.Capabilities; c != nil {
		for _, name := range slices.Concat(c.Bounding, c.Effective, c.Inheritable, c.Permitted, c.Ambient) {
			if !slices.Contains(Capabilities, name) && !seen[name] {
				seen[name] = true
				warnings = append(warnings, "ignoring unknown capability "+name)
			}
		}
	}
	return warnings, nil
}

func checkHooks(h *specs.Hooks) error {
	if h == nil {
		return nil
	}
	lists := map[string][]specs.Hook{"prestart": h.Prestart, "createRuntime": h.CreateRuntime, "createContainer": h.CreateContainer,
		"startContainer": h.StartContainer, "poststart": h.Poststart, "poststop": h.Poststop}
	for name, list := range lists {
		for i, hook := range list {
			if !filepath.IsAbs(hook.Path) {
				return fmt.Errorf("hooks.%s[%d].path %q must be an absolute path", name, i, hook.Path)
			}
			if hook.Timeout != nil && *hook.Timeout <= 0 {
				return fmt.Errorf("hooks.%s[%d].timeout must be greater than zero", name, i)
			}
		}
	}
	return nil
}

func (b *Bundle) checkLinux(l *specs.Linux) error {
	seen := map[specs.LinuxNamespaceType]bool{}
	for _, ns := range l.Namespaces {
		switch {
		case !slices.Contains(namespaces, ns.Type):
			return fmt.Errorf("linux.namespaces: unknown type %q", ns.Type)
		case seen[ns.Type]:
			return fmt.Errorf("linux.namespaces: %s is given twice", ns.Type)
		case ns.Path != "" && !filepath.IsAbs(ns.Path):
			return fmt.Errorf("linux.namespaces: path %q of %s must be absolute", ns.Path, ns.Type)
		}
		seen[ns.Type] = true
	}
	for _, p := range slices.Concat(l.MaskedPaths, l.ReadonlyPaths) {
		if !filepath.IsAbs(p) {
			return fmt.Errorf("linux.maskedPaths, readonlyPaths: %q must be an absolute path", p)
		}
	}
	if err := checkSysctls(l); err != nil {
		return err
	}
	if len(l.UIDMappings) > 0 != (len(l.GIDMappings) > 0) {
		return errors.New("linux.uidMappings and gidMappings must come together")
	}
	if p := l.Personality; p != nil && p.Domain != specs.PerLinux {
		return fmt.Errorf("linux.personality %q: only LINUX is supported", p.Domain)
	}
	if s := l.Seccomp; s != nil && s.ListenerPath != "" {
		return errors.New("linux.seccomp.listenerPath: no process of the host may answer the sandbox's system calls")
	}
	if len(l.TimeOffsets) > 0 {
		return errors.New("linux.timeOffsets: time namespaces are not supported")
	}
	if l.IntelRdt != nil {
		b.Warnings = append(b.Warnings, "linux.intelRdt has no effect")
	}
	if len(l.NetDevices) > 0 {
		b.Warnings = append(b.Warnings, "linux.netDevices has no effect")
	}
	return nil
}

var namespaces = []specs.LinuxNamespaceType{specs.PIDNamespace, specs.NetworkNamespace, specs.MountNamespace, specs.IPCNamespace,
	specs.UTSNamespace, specs.UserNamespace, specs.CgroupNamespace, specs.TimeNamespace}

var rlimits = []string{"RLIMIT_AS", "RLIMIT_CORE", "RLIMIT_CPU", "RLIMIT_DATA", "RLIMIT_FSIZE", "RLIMIT_LOCKS", "RLIMIT_MEMLOCK",
	"RLIMIT_MSGQUEUE", "RLIMIT_NICE", "RLIMIT_NOFILE", "RLIMIT_NPROC", "RLIMIT_RSS", "RLIMIT_RTPRIO", "RLIMIT_RTTIME",
	"RLIMIT_SIGPENDING", "RLIMIT_STACK"}

// Capabilities are the names of all capabilities, indexed by number (capability.h).
var Capabilities = []string{"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
	"CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST",
	"CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF",
	"CAP_CHECKPOINT_RESTORE"}
