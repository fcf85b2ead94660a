package boot

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/bpf"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// capabilities are the numbers of their names without CAP_.
var capabilities = func() map[string]int {
	m := map[string]int{}
	for i, n := range strings.Fields(`CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
		NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN
		SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG
		WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE`) {
		m[n] = i
	}
	return m
}()

// capSet is the set of the named capabilities; names that Linux 6.12 does not know are left out,
// as runc does.
func capSet(names []string) (s auth.CapSet) {
	for _, n := range names {
		if i, ok := capabilities[strings.TrimPrefix(strings.ToUpper(n), "CAP_")]; ok {
			s |= 1 << i
		}
	}
	return s
}

// credOf are the credentials of a process of the bundle.
func (s *sandbox) credOf(p *specs.Process) *auth.Cred {
	c := auth.Root(s.kernel.UserNS).Clone()
	uid, gid := auth.UID(p.User.UID), auth.GID(p.User.GID)
	c.Ruid, c.Euid, c.Suid, c.Fsuid = uid, uid, uid, uid
	c.Rgid, c.Egid, c.Sgid, c.Fsgid = gid, gid, gid, gid
	c.Groups = nil
	for _, g := range p.User.AdditionalGids {
		c.Groups = append(c.Groups, auth.GID(g))
	}
	slices.Sort(c.Groups)
	c.Permitted, c.Effective, c.Inheritable, c.Bounding, c.Ambient = 0, 0, 0, 0, 0
	if k := p.Capabilities; k != nil {
		c.Bounding, c.Permitted, c.Inheritable = capSet(k.Bounding), capSet(k.Permitted), capSet(k.Inheritable)
		c.Effective, c.Ambient = capSet(k.Effective)&c.Permitted, capSet(k.Ambient)&c.Permitted&c.Inheritable
	}
	if s.cfg.NoRaw {
		const raw = 1 << linux.CAP_NET_RAW
		for _, set := range []*auth.CapSet{&c.Bounding, &c.Permitted, &c.Inheritable, &c.Effective, &c.Ambient} {
			*set &^= raw
		}
	}
	c.NoNewPrivs = p.NoNewPrivileges
	return c
}

// resources are the numbers of rlimit names.
var resources = map[string]int{
	"RLIMIT_CPU": linux.RLIMIT_CPU, "RLIMIT_FSIZE": linux.RLIMIT_FSIZE, "RLIMIT_DATA": linux.RLIMIT_DATA, "RLIMIT_STACK": linux.RLIMIT_STACK,
	"RLIMIT_CORE": linux.RLIMIT_CORE, "RLIMIT_RSS": linux.RLIMIT_RSS, "RLIMIT_NPROC": linux.RLIMIT_NPROC, "RLIMIT_NOFILE": linux.RLIMIT_NOFILE,
	"RLIMIT_MEMLOCK": linux.RLIMIT_MEMLOCK, "RLIMIT_AS": linux.RLIMIT_AS, "RLIMIT_LOCKS": linux.RLIMIT_LOCKS, "RLIMIT_SIGPENDING": linux.RLIMIT_SIGPENDING,
	"RLIMIT_MSGQUEUE": linux.RLIMIT_MSGQUEUE, "RLIMIT_NICE": linux.RLIMIT_NICE, "RLIMIT_RTPRIO": linux.RLIMIT_RTPRIO, "RLIMIT_RTTIME": linux.RLIMIT_RTTIME,
}

func limitsOf(p *specs.Process) (map[int]linux.Rlimit, error) {
	out := map[int]linux.Rlimit{}
	for _, r := range p.Rlimits {
		n, ok := resources[r.Type]
		if !ok {
			return nil, fmt.Errorf("process.rlimits: %q is not known; known are: %s", r.Type, strings.Join(slices.Sorted(maps.Keys(resources)), " "))
		}
		out[n] = linux.Rlimit{Cur: r.Soft, Max: r.Hard}
	}
	return out, nil
}

// env finds a variable in a list of assignments.
func env(list []string, name string) (string, bool) {
	for i := len(list) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(list[i], name+"="); ok {
			return v, true
		}
	}
	return "", false
}

// processOf turns a process of the bundle into one for the kernel, in the container c.
func (s *sandbox) processOf(c *container, p *specs.Process) (*kernel.Process, error) {
	limits, err := limitsOf(p)
	if err != nil {
		return nil, err
	}
	root := c.ns.Mount.Root()
	at := vfs.At{Root: root, Start: root}
	if err := resolveUser(at, &p.User); err != nil {
		root.Put()
		return nil, err
	}
	cred := s.credOf(p)
	ctx := &startCtx{cred: cred}
	cwd, err := s.workDir(at, p.Cwd)
	if err != nil {
		root.Put()
		return nil, err
	}
	umask := uint32(0o022)
	if p.User.Umask != nil {
		umask = *p.User.Umask
	}
	out := &kernel.Process{
		FS: vfs.NewFS(root, cwd, umask), Files: kernel.NewFDTable(), Cred: cred, Limits: limits, Argv: p.Args, Envv: s.environ(at, p),
	}
	ns := *c.ns
	ns.Hold()
	out.NS = &ns
	if p.OOMScoreAdj != nil {
		out.OOMScore = int32(*p.OOMScoreAdj)
	}
	if out.Path, err = lookPath(ctx, vfs.At{Root: root, Start: cwd}, p.Args[0], out.Envv); err != nil {
		out.FS.Put()
		ns.Drop()
		return nil, err
	}
	return out, nil
}

// workDir finds the working directory, and makes it if it is not there, as runc does.
func (s *sandbox) workDir(at vfs.At, name string) (vfs.Path, error) {
	ctx := vfs.KernelCtx{}
	p, errno := vfs.Walk(ctx, at, name, vfs.Follow|vfs.WantDir)
	if errno == linux.ENOENT {
		made := ""
		for _, part := range strings.Split(strings.Trim(path.Clean(name), "/"), "/") {
			made += "/" + part
			vfs.Mkdir(ctx, at, made, 0o755)
		}
		p, errno = vfs.Walk(ctx, at, name, vfs.Follow|vfs.WantDir)
	}
	if errno != 0 {
		return p, fmt.Errorf("working directory %s: %w", name, errno)
	}
	return p, nil
}

// environ is the environment: HOME comes from the password file if the bundle has none.
func (s *sandbox) environ(at vfs.At, p *specs.Process) []string {
	if _, ok := env(p.Env, "HOME"); ok {
		return p.Env
	}
	return append(slices.Clone(p.Env), "HOME="+homeOf(at, p.User.UID))
}

// startCtx looks a program up with the rights of the process to be.
type startCtx struct {
	vfs.KernelCtx
	cred *auth.Cred
}

func (c *startCtx) Cred() *auth.Cred { return c.cred }

// lookPath finds the program as execvp(3) does: a name without a slash along PATH.
func lookPath(ctx vfs.Ctx, at vfs.At, name string, envv []string) (string, error) {
	if strings.Contains(name, "/") {
		if errno := runnable(ctx, at, name); errno != 0 {
			return "", execFailed(name, errno)
		}
		return name, nil
	}
	search, ok := env(envv, "PATH")
	if !ok {
		search = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	}
	denied := linux.Errno(0)
	for _, dir := range strings.Split(search, ":") {
		if dir == "" {
			dir = "."
		}
		full := path.Join(dir, name)
		switch errno := runnable(ctx, at, full); errno {
		case 0:
			return full, nil
		case linux.EACCES, linux.EPERM:
			denied = errno
		}
	}
	if denied != 0 {
		return "", execFailed(name, denied)
	}
	return "", &failure{fmt.Errorf("exec: %q: executable file not found in $PATH (%s)", name, search), 127}
}

// runnable tells whether name can be executed.
func runnable(ctx vfs.Ctx, at vfs.At, name string) linux.Errno {
	f, errno := vfs.OpenExec(ctx, at, name, vfs.Follow)
	if errno == 0 {
		f.Put()
	}
	return errno
}

// execFailed says that a program cannot be executed.
func execFailed(name string, errno linux.Errno) error {
	return &failure{fmt.Errorf("exec %q: %w", name, errno), exitCode(errno)}
}

// exitCode is a shell's for a program that cannot be executed.
func exitCode(errno linux.Errno) int {
	if errno == linux.ENOENT || errno == linux.ENOTDIR {
		return 127
	}
	return 126
}

// filterOf decodes a compiled seccomp program.
func filterOf(b []byte) (bpf.Program, error) {
	if len(b) == 0 {
		return nil, nil
	}
	prog, errno := bpf.Parse(b)
	if errno != 0 {
		return nil, fmt.Errorf("linux.seccomp: the compiled program is not valid: %w", errno)
	}
	return prog, nil
}
