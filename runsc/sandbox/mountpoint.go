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

// makePath makes path below root unless it exists. Links of the image are resolved as they
// will be in the container: never out of root (openat2(2), RESOLVE_IN_ROOT).
func makePath(root int, path string, file bool) error {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	fd, err := unix.Openat2(root, path, &how)
	if err == nil {
		return unix.Close(fd)
	}
	if err != unix.ENOENT || path == "/" || path == "." {
		return err
	}
	if err := makePath(root, filepath.Dir(path), false); err != nil {
		return err
	}
	how.Flags |= unix.O_DIRECTORY
	parent, err := unix.Openat2(root, filepath.Dir(path), &how)
	if err != nil {
		return err
	}
	defer unix.Close(parent)
	if !file {
		err := unix.Mkdirat(parent, filepath.Base(path), 0o755)
		if err == unix.EEXIST {
			return nil
		}
		return err
	}
	fd, err = unix.Openat(parent, filepath.Base(path), unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_WRONLY|unix.O_CLOEXEC, 0o644)
	if err == unix.EEXIST {
		return nil
	}
	if err != nil {
		return err
	}
	return unix.Close(fd)
}
