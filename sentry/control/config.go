package control

import (
	"encoding/json"
	"errors"
	"fmt"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// ConfigFD is the descriptor on which the sentry finds its Config: a sealed memfd, offset 0.
const ConfigFD = 3

// ConfigVersion changes when an old sentry could misread a new Config.
const ConfigVersion = 1

// Config is what the sentry needs at start and cannot find out once it is sealed.
type Config struct {
	Version  int
	ID       string // container id, unique in the state root
	Platform string // one of Platforms
	Network  string // "none", "sandbox", "host"
	NoPatch  bool   // the platform changes no code of applications
	VCPUs    int    // platform kvm has no more than these; 0: no limit
	NoRaw    bool   // no raw and packet sockets, whatever capabilities say
	NetRate  uint64 // bits a second each way by each interface to the outside; 0: any
	Rootless bool   // the sentry is root of a user namespace with one id, not of the host

	Log  Log
	Pcap Pcap
	FD   Descriptors
	Host Host

	// Spec is the bundle's config.json as runsc validated it. Fields that runsc has worked
	// out (Root, Mounts, Seccomp) are to be taken from here, not from the Spec.
	Spec *specs.Spec

	Root   Root
	Mounts []Mount // in the order in which they are to be mounted
	Cgroup Cgroup

	// Seccomp is linux.seccomp of the bundle compiled to classic BPF: 8 bytes an
	// instruction, struct sock_filter in host byte order. Empty: no filter.
	Seccomp []byte
}

// Log says what to write where. A descriptor of -1 is: nowhere.
type Log struct {
	Debug     bool     // debug messages as well as warnings
	Strace    bool     // decoded system calls of every task
	Calls     []string // if not empty, strace only these calls
	MessageFD int      // warnings, debug messages, strace
	JSON      bool     // one JSON object a line instead of text
	PanicFD   int      // where a crash of the sentry may write; usually the same file
}

// Pcap says where packets of the container's interfaces are written down.
type Pcap struct {
	FD      int // a file; -1: nowhere
	Snaplen int // of each packet
	Limit   int64
}

// Descriptors are the numbers of the inherited descriptors. -1 is: not given.
type Descriptors struct {
	Memory  int // memfd of size 0: the memory file
	Control int // listening unix stream socket
	Gofer   int // connected socket to this container's gofer

	// Report is a pipe on which the sentry writes one Report (JSON, then it closes the
	// descriptor) once the container is created or has failed to be.
	Report int

	// Gate is a pipe: the sentry reads one byte from it before it touches the container's
	// root, because until then runsc has not written down that it exists, and hooks of the
	// bundle are still running. End of file means that runsc has failed or is gone, and the
	// sentry should exit.
	Gate int

	// Stdio become descriptors 0, 1, 2 of the first process, and so on for the extra ones
	// that --preserve-fds handed down: index i becomes descriptor i. -1 leaves a hole.
	Stdio []int
}

// Report is what the sentry writes to Descriptors.Report. Error empty means created.
type Report struct {
	Error string `json:",omitempty"`
	Code  int    `json:",omitempty"` // exit code that fits the error: 126, 127, else 1
}

// Root is the root file system.
type Root struct {
	Attach   int // index of the gofer's attach point
	Readonly bool
	Overlay  bool // changes go to memory, the host sees none
	// Exclusive says that nobody else changes the tree while the container runs.
	Exclusive bool
}

// NoAttach is Mount.Attach of a mount that needs no gofer.
const NoAttach = -1

// Mount is one mount below the root, its options already taken apart.
type Mount struct {
	Destination string // absolute and clean
	Type        string // "gofer", or the sentry's file system: "tmpfs", "proc", "sysfs", …
	Attach      int    // "gofer": index of the attach point; else NoAttach
	File        bool   // "gofer": the attach point is not a directory
	Exclusive   bool   // as in Root

	// Flags are MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NOATIME … of mount(2);
	// Propagation is MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE with MS_REC, or 0.
	Flags       uint64
	Propagation uint64
	Data        string // file-system options that are left, comma-separated ("mode=755,size=64k")
}

// Cgroup tells what the host's cgroup of the container allows, for what the sentry enforces
// or shows itself. Zero is: no limit.
type Cgroup struct {
	Path   string // as in linux.cgroupsPath or made up by runsc
	Memory uint64 // bytes
	Swap   uint64 // bytes, memory included as in the bundle; 0 unlimited
	Pids   int64  // tasks in the container
	CPUs   int    // whole processors that quota and cpuset leave, rounded up
	Shares uint64 // cpu.shares
}

// Host holds facts of the host that are files there.
type Host struct {
	NumCPU    int    // that the sandbox may run on
	CPUs      []int  // their numbers
	MemTotal  uint64 // bytes
	BootTime  int64  // seconds since the epoch, btime of /proc/stat
	Hostname  string // of the host; the container's is in Spec
	CPUInfo   string // the first processor's paragraph of /proc/cpuinfo
	HugePages string // shmem setting, /sys/kernel/mm/transparent_hugepage/shmem_enabled
}

// Marshal returns c as it goes into the memfd.
func (c *Config) Marshal() ([]byte, error) {
	c.Version = ConfigVersion
	return json.Marshal(c)
}

// ParseConfig decodes and checks what Marshal wrote.
func ParseConfig(b []byte) (*Config, error) {
	c := new(Config)
	if err := json.Unmarshal(b, c); err != nil {
		return nil, fmt.Errorf("sandbox configuration: %w", err)
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("sandbox configuration: %w", err)
	}
	return c, nil
}

func (c *Config) check() error {
	switch {
	case c.Version != ConfigVersion:
		return fmt.Errorf("version %d, this sentry speaks %d: runsc and runsc-sentry are of different builds", c.Version, ConfigVersion)
	case c.ID == "":
		return errors.New("no container id")
	case c.Spec == nil || c.Spec.Process == nil:
		return errors.New("no process to run")
	case len(c.Seccomp)%8 != 0:
		return errors.New("seccomp program is cut off")
	case len(c.FD.Stdio) < 3:
		return errors.New("standard descriptors missing")
	case c.FD.Memory < 0 || c.FD.Control < 0 || c.FD.Gofer < 0 || c.FD.Report < 0:
		return errors.New("a required descriptor is missing")
	}
	for i := range c.Mounts {
		if m := &c.Mounts[i]; (m.Type == "gofer") != (m.Attach != NoAttach) {
			return fmt.Errorf("mount %s: type %q with attach point %d", m.Destination, m.Type, m.Attach)
		}
	}
	return nil
}
