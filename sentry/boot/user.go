package boot

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// maxAccounts bounds what is read of a container's password or group file.
const maxAccounts = 1 << 20

// accounts are the lines of a container's passwd(5) or group(5) with at least n fields, taken
// apart; none if there is no such file.
func accounts(at vfs.At, name string, n int) (lines [][]string) {
	ctx := vfs.KernelCtx{}
	f, errno := vfs.Open(ctx, at, name, vfs.OpenHow{})
	if errno != 0 {
		return nil
	}
	defer f.Put()
	b := make([]byte, maxAccounts)
	done := 0
	for done < len(b) {
		buf := usermem.Bytes(b[done:])
		n, errno := f.Read(ctx, &buf)
		if n == 0 || errno != 0 {
			break
		}
		done += n
	}
	for line := range strings.Lines(string(b[:done])) {
		if w := strings.Split(strings.TrimRight(line, "\n"), ":"); len(w) >= n {
			lines = append(lines, w)
		}
	}
	return lines
}

// homeOf is the home directory of a user: / if the container does not know it.
func homeOf(at vfs.At, uid uint32) string {
	for _, w := range accounts(at, "/etc/passwd", 6) {
		if w[2] == strconv.FormatUint(uint64(uid), 10) {
			return w[5]
		}
	}
	return "/"
}

// resolveUser replaces the name of a user, name[:gid], by the numbers that the container's files
// give it: its own, its group's unless one is given, and those of the groups it is a member of.
func resolveUser(at vfs.At, u *specs.User) error {
	if u.Username == "" {
		return nil
	}
	name, _, hasGroup := strings.Cut(u.Username, ":")
	lines := accounts(at, "/etc/passwd", 4)
	i := slices.IndexFunc(lines, func(w []string) bool { return w[0] == name })
	if i < 0 {
		return fmt.Errorf("user %q is not in the container's /etc/passwd", name)
	}
	uid, err := strconv.ParseUint(lines[i][2], 10, 32)
	gid, err2 := strconv.ParseUint(lines[i][3], 10, 32)
	if err != nil || err2 != nil {
		return fmt.Errorf("user %q: the container's /etc/passwd gives no number for it", name)
	}
	u.UID = uint32(uid)
	if !hasGroup {
		u.GID = uint32(gid)
	}
	for _, w := range accounts(at, "/etc/group", 4) {
		if n, err := strconv.ParseUint(w[2], 10, 32); err == nil && slices.Contains(strings.Split(w[3], ","), name) {
			u.AdditionalGids = append(u.AdditionalGids, uint32(n))
		}
	}
	return nil
}
