package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// program is a whole program: a shell command, what comes before it untimed, and the tools
// that it needs. runc is the highest multiple of runc's time that is allowed on systrap.
type program struct {
	id, name         string
	runc             float64
	prepare, command string
	tools            []string
}

// sources makes fifty small C files and their Makefile in build/.
const sources = `rm -rf build; mkdir build; cd build
for i in $(seq 50); do printf '#include <stdio.h>\nint f%d(int x) { printf("%%%%d", x); return x * %d; }\n' $i $i > f$i.c; done
printf 'all: %s\n' "$(for i in $(seq 50); do printf 'f%d.o ' $i; done)" > Makefile`

var programs = []program{
	{"make", "make -j2, 50 C files", 1.6, sources, "make -C build -s -j2", []string{"make", "gcc"}},
	{"git", "git init, add, commit", 1.6, "rm -rf repo; mkdir repo; cd repo; for i in $(seq 50); do echo $i > $i; done",
		"cd repo; git init -q . && git add . && git -c user.name=a -c user.email=a@b commit -qm one", []string{"git"}},
	{"cp", "cp -r of 60 MB", 1.6, "rm -rf copy", "cp -r /usr/share/perl /usr/share/doc copy 2>/dev/null || { mkdir -p copy; cp -r /usr/share/doc copy; }", nil},
	{"find", "find /usr", 1.6, "true", "find /usr -xdev > /dev/null", nil},
	{"true", "100 × /bin/true", 2, "true", "for i in $(seq 100); do /bin/true; done", nil},
	{"python", "python3 -c import", 1.5, "true", `/usr/bin/python3 -c "import json,os,sys,re"`, []string{"/usr/bin/python3"}},
	{"sqlite", "sqlite3, 60 inserts", 1.2, "rm -f db; sqlite3 db 'create table t(a,b)'; for i in $(seq 60); do echo \"insert into t values($i,'row $i');\"; done > sql",
		"sqlite3 db < sql", []string{"sqlite3"}},
}

// programs measures whole programs, as far as their tools are installed.
func (b *bench) programs() error {
	if b.noPrograms {
		return nil
	}
	var args []string
	for _, p := range programs {
		if !b.only.MatchString(p.name) {
			continue
		}
		missing := false
		for _, tool := range p.tools {
			if _, err := exec.LookPath(tool); err != nil {
				b.progress("%s is not installed: no row %q", tool, p.name)
				missing = true
			}
		}
		if !missing {
			args = append(args, p.id, p.prepare, p.command)
		}
	}
	if len(args) == 0 {
		return nil
	}
	args = append([]string{filepath.Join(b.dir, "calls"), "-run", fmt.Sprint(b.rounds)}, args...)
	for _, s := range b.systems() {
		b.progress("whole programs: %s", s.name)
		out, err := s.output(b.dir, args...)
		b.results.addAll(s.name, parse(out))
		if err != nil {
			return err
		}
	}
	if s, ok := b.runc(); ok {
		return b.inRunc(s, args)
	}
	return nil
}

// inRunc measures programs in a container of runc, whose root is an overlay in memory over the host's: what
// `runsc do` gives to the others.
func (b *bench) inRunc(s system, args []string) error {
	root, upper := filepath.Join(b.dir, "merged"), filepath.Join(b.dir, "upper")
	for _, dir := range []string{root, upper} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	if err := unix.Mount("tmpfs", upper, "tmpfs", 0, ""); err != nil {
		return fmt.Errorf("mounting a tmpfs on %s: %w", upper, err)
	}
	defer unix.Unmount(upper, unix.MNT_DETACH)
	for _, dir := range []string{"upper", "work"} {
		if err := os.Mkdir(filepath.Join(upper, dir), 0o755); err != nil {
			return err
		}
	}
	if err := unix.Mount("overlay", root, "overlay", 0, fmt.Sprintf("lowerdir=/,upperdir=%[1]s/upper,workdir=%[1]s/work", upper)); err != nil {
		return fmt.Errorf("mounting an overlay over the host's root: %w", err)
	}
	defer unix.Unmount(root, unix.MNT_DETACH)
	// Whatever file system the directory is on, in the container it is in memory.
	if err := os.MkdirAll(root+b.dir, 0o755); err != nil {
		return err
	}
	program, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	if err := os.WriteFile(root+args[0], program, 0o755); err != nil {
		return err
	}
	bundle, err := b.bundle("programs", config{root: root, args: args, cwd: b.dir})
	if err != nil {
		return err
	}
	b.progress("whole programs: %s", s.name)
	out, err := system{name: s.name}.output(b.dir, append(s.argv, "run", "--bundle", bundle, fmt.Sprintf("bench-programs-%d", os.Getpid()))...)
	b.results.addAll(s.name, parse(out))
	return err
}

func programRows() (rows []row) {
	for _, p := range programs {
		rows = append(rows, row{id: p.id, name: p.name, unit: milliseconds, runc: p.runc})
	}
	return rows
}
