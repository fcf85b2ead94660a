package vfs

import (
	"strings"
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// FSContext is a file system that is being configured: what the descriptors of fsopen(2) and
// fspick(2) stand for (fs/fsopen.c).
type FSContext struct {
	how Maker // not of fspick(2)

	mu     sync.Mutex
	phase  contextPhase
	params []string
	source string
	ro     *bool    // "ro" or "rw" was given
	sb     *Super   // made or picked, with a user
	log    []string // messages to be read
}

// Maker is what FSContext has to know of a type of file systems.
type Maker struct {
	Type string
	// Param judges an option; nil: Make will.
	Param func(key, value string, flag bool) (known bool, errno linux.Errno)
	// Make makes the file system of the options.
	Make func(source, data string) (*Super, linux.Errno)
	// May checks the capability to make one.
	May func() bool
}

// contextPhase is what an FSContext waits for (enum fs_context_phase).
type contextPhase int

const (
	createParams contextPhase = iota // options, then FSCONFIG_CMD_CREATE
	awaitingMount
	reconfParams // options, then FSCONFIG_CMD_RECONFIGURE
	failed
)

// NewFSContext begins a new file system: fsopen(2).
func NewFSContext(ctx Ctx, how Maker) *File {
	return AnonFile(ctx, "[fscontext]", &FSContext{how: how}, linux.O_RDWR)
}

// PickFS is fspick(2) of the file system that p, a mount's root, shows.
func PickFS(ctx Ctx, p Path, how Maker) (*File, linux.Errno) {
	if p.Dentry != p.Mount.root {
		return nil, linux.EINVAL
	}
	sb := p.Mount.Super
	sb.get()
	how.Type = sb.Type
	return AnonFile(ctx, "[fscontext]", &FSContext{how: how, phase: reconfParams, sb: sb}, linux.O_RDWR), 0
}

// Read gives the oldest message, whole: ENODATA if there is none.
func (c *FSContext) Read(_ Ctx, _ *File, dst *usermem.Buf, _ int64) (int, linux.Errno) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.log) == 0 {
		return 0, linux.ENODATA
	}
	m := c.log[0]
	if len(m) > dst.Len() {
		c.log = c.log[1:]
		return 0, linux.EMSGSIZE
	}
	c.log = c.log[1:]
	return dst.CopyOut([]byte(m))
}

// Write is not possible.
func (*FSContext) Write(Ctx, *File, *usermem.Buf, int64) (int, linux.Errno) { return 0, linux.EINVAL }

// Stream is vfs.Stream's.
func (*FSContext) Stream() {}

// Release ends what was made and never mounted.
func (c *FSContext) Release(*File) {
	c.mu.Lock()
	sb := c.sb
	c.sb = nil
	c.mu.Unlock()
	if sb != nil {
		sb.put()
	}
}

// say keeps a message, of the last eight (logfc).
func (c *FSContext) say(text string) {
	if len(c.log) == 8 {
		c.log = c.log[1:]
	}
	c.log = append(c.log, "e "+c.how.Type+": "+text+"\n")
}

// Set takes an option: fsconfig(2) with FSCONFIG_SET_FLAG and FSCONFIG_SET_STRING.
func (c *FSContext) Set(key, value string, flag bool) linux.Errno {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != createParams && c.phase != reconfParams {
		return linux.EBUSY
	}
	switch key { // vfs_parse_sb_flag
	case "ro", "rw":
		ro := key == "ro"
		c.ro = &ro
		return 0
	case "sync", "async", "dirsync", "lazytime", "nolazytime", "mand", "nomand":
		return 0
	case "source":
		if flag || c.source != "" {
			return linux.EINVAL
		}
		c.source = value
		return 0
	}
	if c.how.Param != nil {
		known, errno := c.how.Param(key, value, flag)
		if !known {
			c.say("Unknown parameter '" + key + "'")
			return linux.EINVAL
		}
		if errno != 0 {
			c.say("Bad value for '" + key + "'")
			return errno
		}
	}
	if strings.Contains(key+value, ",") {
		return linux.EINVAL
	}
	if !flag {
		key += "=" + value
	}
	if len(c.params) >= 256 {
		return linux.ENOMEM
	}
	c.params = append(c.params, key)
	return 0
}

// Create makes the file system: FSCONFIG_CMD_CREATE.
func (c *FSContext) Create() linux.Errno {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != createParams {
		return linux.EBUSY
	}
	if !c.how.May() {
		return linux.EPERM
	}
	source := c.source
	if source == "" {
		source = "none"
	}
	sb, errno := c.how.Make(source, strings.Join(c.params, ","))
	if errno != 0 {
		c.phase = failed
		return errno
	}
	if c.ro != nil && *c.ro && sb.users.Load() == 0 {
		sb.ReadOnly.Store(true)
	}
	sb.get()
	c.sb, c.phase = sb, awaitingMount
	c.params, c.ro = nil, nil
	return 0
}

// Reconfigure changes the file system: FSCONFIG_CMD_RECONFIGURE.
func (c *FSContext) Reconfigure(ctx Ctx) linux.Errno {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != reconfParams {
		return linux.EBUSY
	}
	errno := c.sb.Change(ctx, strings.Join(c.params, ","), c.ro)
	if errno == linux.EPERM && !ctx.Cred().HasIn(c.sb.owner(ctx), linux.CAP_SYS_ADMIN) {
		return errno
	}
	if errno != 0 {
		c.phase = failed
	}
	c.params, c.ro = nil, nil
	return errno
}

// Mount returns a mount of what Create made, nowhere yet: fsmount(2). check, which gets the type, may
// refuse.
func (c *FSContext) Mount(flags uint64, check func(typ string) linux.Errno) (*Mount, linux.Errno) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.sb == nil:
		return nil, linux.EINVAL
	case c.phase == awaitingMount || c.phase == reconfParams:
		if errno := check(c.how.Type); errno != 0 {
			return nil, errno
		}
	}
	if c.phase != awaitingMount {
		return nil, linux.EBUSY
	}
	c.phase = reconfParams
	return NewMount(c.sb, flags), 0
}
