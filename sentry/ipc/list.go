package ipc

import (
	"fmt"
	"strings"

	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/pages"
)

// The lists of /proc/sysvipc (sysvipc_proc_show of ipc/util.c and its three users). Ids are
// shown as the reader's user namespace u has them.

// owners are the four columns of a list that say whose an object is.
func (p *Perm) owners(u *auth.UserNS) string {
	return fmt.Sprintf("%5d %5d %5d %5d", u.FromKernelUID(p.UID), u.FromKernelGID(p.GID), u.FromKernelUID(p.CUID), u.FromKernelGID(p.CGID))
}

// listed are the objects of a table in the order of their indices.
func listed[T object](ns *Namespace, t *table[T]) (out []T) {
	var none T
	ns.mu.Lock()
	defer ns.mu.Unlock()
	for _, o := range t.slots {
		if o != none {
			out = append(out, o)
		}
	}
	return out
}

// ListMsgs is /proc/sysvipc/msg.
func (ns *Namespace) ListMsgs(u *auth.UserNS) string {
	var b strings.Builder
	b.WriteString("       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime      ctime\n")
	for _, q := range listed(ns, &ns.msgs) {
		q.mu.Lock()
		fmt.Fprintf(&b, "%10d %10d  %4o  %10d %10d %5d %5d %s %10d %10d %10d\n", q.Key, q.ID, q.Mode, q.bytes, len(q.list), q.lspid, q.lrpid,
			q.owners(u), q.stime, q.rtime, q.CtimeSec)
		q.mu.Unlock()
	}
	return b.String()
}

// ListSems is /proc/sysvipc/sem.
func (ns *Namespace) ListSems(u *auth.UserNS) string {
	var b strings.Builder
	b.WriteString("       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n")
	for _, s := range listed(ns, &ns.sems) {
		s.mu.Lock()
		fmt.Fprintf(&b, "%10d %10d  %4o %10d %s %10d %10d\n", s.Key, s.ID, s.Mode, len(s.sems), s.owners(u), s.otimeSec, s.CtimeSec)
		s.mu.Unlock()
	}
	return b.String()
}

// ListShms is /proc/sysvipc/shm.
func (ns *Namespace) ListShms(u *auth.UserNS) string {
	var b strings.Builder
	b.WriteString("       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap\n")
	for _, s := range listed(ns, &ns.shms) {
		s.mu.Lock()
		fmt.Fprintf(&b, "%10d %10d  %4o %21d %5d %5d  %5d %s %10d %10d %10d %21d %21d\n", s.Key, s.ID, s.Mode, s.size, s.cpid, s.lpid, s.nattch,
			s.owners(u), s.atime, s.dtime, s.CtimeSec, s.obj.Pages()*pages.PageSize, 0)
		s.mu.Unlock()
	}
	return b.String()
}
