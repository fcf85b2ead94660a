package kernel

import (
	"slices"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Changes of credentials (kernel/sys.c, security/commoncap.c). Each computes new ones from the
// old and publishes them; ids are the caller's, -1 for unchanged where the call knows that.

// commitIDs publishes c with what a change of user ids does to capabilities (cap_task_fix_setuid).
func (t *Task) commitIDs(old, c *auth.Cred) {
	if c.Securebits&SecureNoSetuidFixup == 0 {
		c.FixSetuid(old, t.keepCaps.Load() || c.Securebits&SecureKeepCaps != 0)
	}
	if old.Euid != c.Euid || old.Egid != c.Egid || old.Fsuid != c.Fsuid || old.Fsgid != c.Fsgid {
		t.group.mu.Lock()
		t.group.dumpable = 0
		t.group.mu.Unlock()
		t.pdeathSignal.Store(0)
	}
	t.SetCred(c)
}

// kuid maps an id of the application; ok is false if it has no mapping.
func kuid(c *auth.Cred, id uint32) (auth.UID, bool) { return c.NS.ToKernelUID(id) }

func kgid(c *auth.Cred, id uint32) (auth.GID, bool) { return c.NS.ToKernelGID(id) }

// Setuid is setuid(2).
func (t *Task) Setuid(id uint32) linux.Errno {
	old := t.Cred()
	u, ok := kuid(old, id)
	if !ok {
		return linux.EINVAL
	}
	c := old.Clone()
	switch {
	case old.Has(linux.CAP_SETUID):
		c.Ruid, c.Suid = u, u
	case u != old.Ruid && u != old.Suid:
		return linux.EPERM
	}
	c.Euid, c.Fsuid = u, u
	t.commitIDs(old, c)
	return 0
}

// Setgid is setgid(2).
func (t *Task) Setgid(id uint32) linux.Errno {
	old := t.Cred()
	g, ok := kgid(old, id)
	if !ok {
		return linux.EINVAL
	}
	c := old.Clone()
	switch {
	case old.Has(linux.CAP_SETGID):
		c.Rgid, c.Sgid = g, g
	case g != old.Rgid && g != old.Sgid:
		return linux.EPERM
	}
	c.Egid, c.Fsgid = g, g
	t.commitIDs(old, c)
	return 0
}

// Setreuid is setreuid(2).
func (t *Task) Setreuid(ruid, euid uint32) linux.Errno {
	old := t.Cred()
	r, rok := kuid(old, ruid)
	e, eok := kuid(old, euid)
	if ruid != auth.NoID && !rok || euid != auth.NoID && !eok {
		return linux.EINVAL
	}
	c, can := old.Clone(), old.Has(linux.CAP_SETUID)
	if ruid != auth.NoID {
		if r != old.Ruid && r != old.Euid && !can {
			return linux.EPERM
		}
		c.Ruid = r
	}
	if euid != auth.NoID {
		if e != old.Ruid && e != old.Euid && e != old.Suid && !can {
			return linux.EPERM
		}
		c.Euid = e
	}
	if ruid != auth.NoID || euid != auth.NoID && e != old.Ruid {
		c.Suid = c.Euid
	}
	c.Fsuid = c.Euid
	t.commitIDs(old, c)
	return 0
}

// Setregid is setregid(2).
func (t *Task) Setregid(rgid, egid uint32) linux.Errno {
	old := t.Cred()
	r, rok := kgid(old, rgid)
	e, eok := kgid(old, egid)
	if rgid != auth.NoID && !rok || egid != auth.NoID && !eok {
		return linux.EINVAL
	}
	c, can := old.Clone(), old.Has(linux.CAP_SETGID)
	if rgid != auth.NoID {
		if r != old.Rgid && r != old.Egid && !can {
			return linux.EPERM
		}
		c.Rgid = r
	}
	if egid != auth.NoID {
		if e != old.Rgid && e != old.Egid && e != old.Sgid && !can {
			return linux.EPERM
		}
		c.Egid = e
	}
	if rgid != auth.NoID || egid != auth.NoID && e != old.Rgid {
		c.Sgid = c.Egid
	}
	c.Fsgid = c.Egid
	t.commitIDs(old, c)
	return 0
}

// Setresuid is setresuid(2).
func (t *Task) Setresuid(ids [3]uint32) linux.Errno {
	old := t.Cred()
	c, can := old.Clone(), old.Has(linux.CAP_SETUID)
	for i, to := range []*auth.UID{&c.Ruid, &c.Euid, &c.Suid} {
		if ids[i] == auth.NoID {
			continue
		}
		u, ok := kuid(old, ids[i])
		switch {
		case !ok:
			return linux.EINVAL
		case !can && u != old.Ruid && u != old.Euid && u != old.Suid:
			return linux.EPERM
		}
		*to = u
	}
	c.Fsuid = c.Euid
	t.commitIDs(old, c)
	return 0
}

// Setresgid is setresgid(2).
func (t *Task) Setresgid(ids [3]uint32) linux.Errno {
	old := t.Cred()
	c, can := old.Clone(), old.Has(linux.CAP_SETGID)
	for i, to := range []*auth.GID{&c.Rgid, &c.Egid, &c.Sgid} {
		if ids[i] == auth.NoID {
			continue
		}
		g, ok := kgid(old, ids[i])
		switch {
		case !ok:
			return linux.EINVAL
		case !can && g != old.Rgid && g != old.Egid && g != old.Sgid:
			return linux.EPERM
		}
		*to = g
	}
	c.Fsgid = c.Egid
	t.commitIDs(old, c)
	return 0
}

// Setfsuid is setfsuid(2): it returns the old id whether it changes it or not.
func (t *Task) Setfsuid(id uint32) uint32 {
	old := t.Cred()
	was := old.NS.FromKernelUID(old.Fsuid)
	u, ok := kuid(old, id)
	if ok && (u == old.Ruid || u == old.Euid || u == old.Suid || u == old.Fsuid || old.Has(linux.CAP_SETUID)) && u != old.Fsuid {
		c := old.Clone()
		c.Fsuid = u
		if c.Securebits&SecureNoSetuidFixup == 0 {
			c.FixFsuid(old)
		}
		t.SetCred(c)
	}
	return was
}

// Setfsgid is setfsgid(2).
func (t *Task) Setfsgid(id uint32) uint32 {
	old := t.Cred()
	was := old.NS.FromKernelGID(old.Fsgid)
	g, ok := kgid(old, id)
	if ok && (g == old.Rgid || g == old.Egid || g == old.Sgid || g == old.Fsgid || old.Has(linux.CAP_SETGID)) && g != old.Fsgid {
		c := old.Clone()
		c.Fsgid = g
		t.SetCred(c)
	}
	return was
}

// Setgroups is setgroups(2).
func (t *Task) Setgroups(ids []uint32) linux.Errno {
	old := t.Cred()
	if !old.Has(linux.CAP_SETGID) || !old.NS.SetgroupsAllowed() {
		return linux.EPERM
	}
	c := old.Clone()
	c.Groups = make([]auth.GID, 0, len(ids))
	for _, id := range ids {
		g, ok := kgid(old, id)
		if !ok {
			return linux.EINVAL
		}
		c.Groups = append(c.Groups, g)
	}
	slices.Sort(c.Groups)
	t.SetCred(c)
	return 0
}

// Capset is capset(2) for the calling thread (cap_capset).
func (t *Task) Capset(effective, permitted, inheritable auth.CapSet) linux.Errno {
	old := t.Cred()
	effective, permitted, inheritable = effective&auth.AllCaps, permitted&auth.AllCaps, inheritable&auth.AllCaps
	switch {
	case !old.Has(linux.CAP_SETPCAP) && inheritable&^(old.Inheritable|old.Permitted) != 0,
		inheritable&^(old.Inheritable|old.Bounding) != 0,
		permitted&^old.Permitted != 0,
		effective&^permitted != 0:
		return linux.EPERM
	}
	c := old.Clone()
	c.Effective, c.Permitted, c.Inheritable = effective, permitted, inheritable
	c.Ambient &= permitted & inheritable
	t.SetCred(c)
	return 0
}

// Dumpable is prctl(2) PR_GET_DUMPABLE; SetDumpable sets it.
func (g *Group) Dumpable() int32 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.dumpable
}

// SetDumpable is PR_SET_DUMPABLE.
func (g *Group) SetDumpable(v int32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dumpable = v
}

// Subreaper is PR_GET_CHILD_SUBREAPER; SetSubreaper sets it.
func (g *Group) Subreaper() bool {
	g.k.tasks.RLock()
	defer g.k.tasks.RUnlock()
	return g.subreaper
}

// SetSubreaper is PR_SET_CHILD_SUBREAPER: descendants born later and earlier know of it.
func (g *Group) SetSubreaper(on bool) {
	g.k.tasks.Lock()
	defer g.k.tasks.Unlock()
	g.subreaper = on
	if on {
		g.markReaper()
	}
}

func (g *Group) markReaper() {
	for _, c := range g.children {
		if !c.hasReaper {
			c.hasReaper = true
			c.markReaper()
		}
	}
}

// OOMScore is oom_score_adj; SetOOMScore sets it.
func (g *Group) OOMScore() int32 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.oomScore
}

// SetOOMScore is writing oom_score_adj.
func (g *Group) SetOOMScore(v int32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.oomScore = v
}

// THPDisabled is PR_GET_THP_DISABLE; SetTHPDisabled sets it. Huge pages are the host's affair, so
// it is only kept.
func (g *Group) THPDisabled() bool { return g.noTHP.Load() }

// SetTHPDisabled is PR_SET_THP_DISABLE.
func (g *Group) SetTHPDisabled(on bool) { g.noTHP.Store(on) }

// ClearTID is where the thread's number is cleared at its end (PR_GET_TID_ADDRESS).
func (t *Task) ClearTID() usermem.Addr { return t.clearTID }
