package programs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// packages is what the root file system is made of, beside what these depend on. Go is the
// host's own, bound to /usr/local/go.
const packages = `bash coreutils findutils grep sed gawk diffutils patch bc file tar gzip xz-utils bzip2 zip unzip cpio
	make gcc g++ libc6-dev python3 perl git sqlite3 nodejs openjdk-17-jdk-headless strace gdb procps psmisc lsof
	util-linux bsdextrautils acl attr passwd login hostname netbase iproute2 openssl curl rsync jq expect tmux m4
	openssh-client openssh-server libpython3.11-testsuite redis-server postgresql-15 dash ncurses-base ncurses-bin bsdutils mount
	debianutils sysvinit-utils`

// cacheDir is where root file systems are kept between runs.
func cacheDir() string {
	base := os.Getenv("XDG_CACHE_HOME")
	if base == "" {
		base = "/var/cache"
	}
	return filepath.Join(base, "runsc-test")
}

// goRoot is where the host's Go toolchain lies.
func goRoot() (dir, version string, err error) {
	out, err := exec.Command("go", "env", "GOROOT", "GOVERSION").Output()
	if err != nil {
		return "", "", fmt.Errorf("go env: %w", err)
	}
	lines := strings.Fields(string(out))
	if len(lines) != 2 {
		return "", "", fmt.Errorf("go env: %q", out)
	}
	return lines[0], lines[1], nil
}

// debianRoot returns a root file system, made now or found in the cache. The caller must not write to it.
func debianRoot() (root, goroot string, err error) {
	goroot, version, err := goRoot()
	if err != nil {
		return "", "", err
	}
	recipe, err := os.ReadFile("../../tools/debian-rootfs")
	if err != nil {
		return "", "", err
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{packages, version, warmGo, string(recipe)}, "\x00")))
	cache := cacheDir()
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", "", err
	}
	root = filepath.Join(cache, "debian-"+hex.EncodeToString(sum[:8]))
	lock, err := os.OpenFile(filepath.Join(cache, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", "", err
	}
	defer lock.Close() // which unlocks
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", "", fmt.Errorf("%s: %w", lock.Name(), err)
	}
	now := time.Now()
	if os.Chtimes(root, now, now) == nil {
		return root, goroot, nil
	}
	prune(cache)
	return root, goroot, buildRoot(root, goroot)
}

// buildRoot makes the root file system beside its place and moves it there when it is whole.
func buildRoot(root, goroot string) error {
	fmt.Printf("making a root file system of Debian packages in %s\n", root)
	begin := time.Now()
	temp := fmt.Sprintf("%s.%d", root, os.Getpid())
	recipe := exec.Command("../../tools/debian-rootfs", append([]string{temp}, strings.Fields(packages)...)...)
	recipe.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if out, err := recipe.CombinedOutput(); err != nil {
		os.RemoveAll(temp)
		return fmt.Errorf("tools/debian-rootfs: %w\n%s", err, tail(string(out), 4000))
	}
	warm := exec.Command("unshare", "--mount", "sh", "-euc", warmGo, "sh", temp, goroot)
	if out, err := warm.CombinedOutput(); err != nil {
		os.RemoveAll(temp)
		return fmt.Errorf("filling the cache of the Go toolchain: %w\n%s", err, tail(string(out), 4000))
	}
	if err := os.Rename(temp, root); err != nil {
		return err
	}
	fmt.Printf("made it in %.0f s\n", time.Since(begin).Seconds())
	return nil
}

// warmGo compiles the packages of Go's library that the scripts use, with the root's own paths.
const warmGo = `root=$1 goroot=$2
mkdir -p "$root/usr/local/go" "$root/root/warm" "$root/srv"
mount --bind "$goroot" "$root/usr/local/go"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/dev"
touch "$root/dev/null"
mount --bind /dev/null "$root/dev/null"
cat > "$root/root/warm/main.go" <<'END'
package main

import (
	_ "bufio"
	_ "fmt"
	_ "net"
	_ "os/exec"
	_ "os/signal"
	_ "path/filepath"
	_ "runtime"
	_ "sort"
	_ "strings"
	_ "sync/atomic"
	_ "testing"
	_ "time"
)

func main() {}
END
printf 'package main\nimport "testing"\nfunc TestX(*testing.T) {}\n' > "$root/root/warm/main_test.go"
printf 'module warm\ngo 1.24\n' > "$root/root/warm/go.mod"
chroot "$root" env HOME=/root PATH=/usr/local/go/bin:/usr/bin:/bin GOTOOLCHAIN=local GOFLAGS=-trimpath GOPROXY=off \
	CGO_ENABLED=0 sh -euc 'cd /root/warm; go build -o /dev/null; go test -o /dev/null; go vet'
rm -r "$root/root/warm"
`

// prune forgets root file systems that no test used for three days.
func prune(cache string) {
	entries, _ := os.ReadDir(cache)
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasPrefix(e.Name(), "debian-") && time.Since(info.ModTime()) > 72*time.Hour {
			os.RemoveAll(filepath.Join(cache, e.Name()))
		}
	}
}
