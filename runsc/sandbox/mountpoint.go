package sandbox

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/sentry/control"
)

// makeMountPoints makes the directories and empty files in the root on which the container's
// mounts go, as every runtime does: engines count on them being there afterwards. A mount
// below another mount is the sentry's business, and so is a root that cannot be written.
func makeMountPoints(root string, mounts []control.Mount) error {
	fd, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("rootfs %s: %w", root, err)
	}
	defer unix.Close(fd)
	for i := range mounts {
		m := &mounts[i]
		if m.Destination == "/" || insideOther(m.Destination, mounts[:i]) {
			continue
		}
		err := makePath(fd, m.Destination, m.File)
		if err != nil && !errors.Is(err, unix.EROFS) && !errors.Is(err, unix.EACCES) {
			return fmt.Errorf("making the mount point %s in %s: %w", m.Destination, root, err)
		}
	}
	return nil
}

func insideOther(path string, earlier []control.Mount) bool {
	for i := range earlier {
		if strings.HasPrefix(path, strings.TrimSuffix(earlier[i].Destination, "/")+"/") {
			return true
		}
	}
	return false
}

// makePath makes path below root unless it exists. Links of the image, dangling ones too, are
// resolved as they will be in the container: never out of root.
func makePath(root int, path string, file bool) error {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	fd, err := unix.Openat2(root, path, &how)
	if err == nil {
		return unix.Close(fd)
	}
	if err != unix.ENOENT {
		return err
	}
	var done []string // what is known to be there, without links
	links := 0
	for todo := strings.Split(path, "/"); len(todo) > 0; {
		name := todo[0]
		todo = todo[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			done = done[:max(len(done)-1, 0)]
			continue
		}
		target, err := makeName(root, done, name, file && len(todo) == 0)
		if err != nil {
			return err
		}
		if target == "" {
			done = append(done, name)
			continue
		}
		if links++; links > 40 {
			return unix.ELOOP
		}
		if filepath.IsAbs(target) {
			done = nil
		}
		todo = append(strings.Split(target, "/"), todo...)
	}
	return nil
}

// makeName makes name in the directory dir below root, or finds it there. If it is a link it
// returns where to.
func makeName(root int, dir []string, name string, file bool) (target string, err error) {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS}
	fd, err := unix.Openat2(root, "./"+strings.Join(dir, "/"), &how)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, name, buf)
	switch {
	case err == nil:
		return string(buf[:n]), nil
	case err == unix.EINVAL: // there, and no link
		return "", nil
	case err != unix.ENOENT:
		return "", err
	case !file:
		return "", unix.Mkdirat(fd, name, 0o755)
	}
	made, err := unix.Openat(fd, name, unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_WRONLY|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return "", err
	}
	return "", unix.Close(made)
}
