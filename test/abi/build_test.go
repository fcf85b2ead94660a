package abi

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// workers is how many compilers and how many shards run at once (RUNSC_ABI_WORKERS).
var workers = 2

func init() {
	if n, err := strconv.Atoi(os.Getenv("RUNSC_ABI_WORKERS")); err == nil && n > 0 {
		workers = n
	}
}

// A root is a root file system with busybox, the driver and the programs.
type root struct {
	dir  string
	kept bool // for others
}

func (r *root) remove() {
	if !r.kept {
		os.RemoveAll(filepath.Dir(r.dir))
	}
}

// build compiles what is not in the cache and makes a root of it.
func build(list []*program) (*root, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = filepath.Join(os.TempDir(), ".cache")
	}
	cache = filepath.Join(cache, "runsc-abi")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return nil, err
	}
	driver := &program{area: "driver", name: "driver", source: "driver/driver.c"}
	all := append([]*program{driver}, list...)
	if err := compileAll(cache, all); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(cache, "root")
	if err != nil {
		return nil, err
	}
	r := &root{dir: filepath.Join(dir, "rootfs")}
	if err := r.fill(all); err != nil {
		r.remove()
		return nil, err
	}
	prune(cache)
	return r, nil
}

// compileAll compiles in parallel and reports every program that does not compile.
func compileAll(cache string, all []*program) error {
	version, err := exec.Command("gcc", "--version").Output()
	if err != nil {
		return fmt.Errorf("the programs need gcc: %w", err)
	}
	header, err := os.ReadFile("oracle.h")
	if err != nil {
		return err
	}
	queue := make(chan *program)
	var mu sync.Mutex
	var failed []string
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for p := range queue {
				if err := compile(cache, p, append(version, header...)); err != nil {
					mu.Lock()
					failed = append(failed, err.Error())
					mu.Unlock()
				}
			}
		})
	}
	for _, p := range all {
		queue <- p
	}
	close(queue)
	wg.Wait()
	if len(failed) > 0 {
		return fmt.Errorf("%s", strings.Join(failed, "\n"))
	}
	return nil
}

// compileFlags warn about all but wrong arguments, which are often the subject.
const compileFlags = `-O1 -s -pthread -Wall -Werror -Wno-nonnull -Wno-stringop-overread -Wno-stringop-overflow -Wno-array-bounds
	-Wno-unused-result -Wno-format-truncation -Wno-use-after-free -Wno-infinite-recursion -Wno-parentheses -fmax-errors=3 -fno-diagnostics-show-caret`

// Lines of a source that change how it is compiled.
var (
	dynamicLine = regexp.MustCompile(`(?m)^// dynamic$`)
	usesLine    = regexp.MustCompile(`(?m)^// uses: lib(\S+)$`)
	slowLine    = regexp.MustCompile(`(?m)^// slow: `) // may take more than a second
	flagsLine   = regexp.MustCompile(`(?m)^// flags: (.+)$`)
)

// compile sets p.binary, compiling if the same was not compiled before.
func compile(cache string, p *program, salt []byte) error {
	source, err := os.ReadFile(p.source)
	if err != nil {
		return err
	}
	args := strings.Fields(compileFlags)
	p.allowed = 3000 // on a machine with other work; alone it is a few
	if slowLine.Match(source) {
		p.allowed = 15000
	}
	if !dynamicLine.Match(source) {
		args = append(args, "-static")
	}
	if m := flagsLine.FindSubmatch(source); m != nil {
		args = append(args, strings.Fields(string(m[1]))...)
	}
	args = append(args, p.source)
	for _, m := range usesLine.FindAllSubmatch(source, -1) {
		args = append(args, "-l"+string(m[1]))
	}
	sum := sha256.Sum256(bytes.Join([][]byte{salt, source, []byte(strings.Join(args, " "))}, []byte{0}))
	p.binary = filepath.Join(cache, hex.EncodeToString(sum[:16]))
	now := time.Now()
	if os.Chtimes(p.binary, now, now) == nil {
		return nil
	}
	temp := fmt.Sprintf("%s.%d", p.binary, os.Getpid())
	if out, err := exec.Command("gcc", append(args, "-o", temp)...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", p.source, err, out)
	}
	return os.Rename(temp, p.binary)
}

// prune forgets what no test used for a day.
func prune(cache string) {
	entries, _ := os.ReadDir(cache)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > 24*time.Hour {
			os.RemoveAll(filepath.Join(cache, e.Name()))
		}
	}
}

// fill makes the tree: busybox, the libraries of dynamic programs, the programs below /abi.
func (r *root) fill(all []*program) error {
	if out, err := exec.Command("sh", "../../tools/busybox-rootfs", r.dir).CombinedOutput(); err != nil {
		return fmt.Errorf("tools/busybox-rootfs: %w\n%s", err, out)
	}
	for _, lib := range []string{"/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6"} {
		if err := install(lib, filepath.Join(r.dir, lib)); err != nil {
			return err
		}
	}
	for _, p := range all {
		if err := install(p.binary, filepath.Join(r.dir, p.path())); err != nil {
			return err
		}
	}
	return nil
}

// install links a file, or copies it.
func install(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	real, err := filepath.EvalSymlinks(from)
	if err != nil {
		return err
	}
	if strings.Contains(real, "runsc-abi") && os.Link(real, to) == nil {
		return nil
	}
	in, err := os.Open(real)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	if _, err = io.Copy(out, in); err == nil {
		err = out.Close()
	}
	return err
}
