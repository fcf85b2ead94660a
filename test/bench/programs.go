package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
)

// program is a whole program: a shell command, what comes before it untimed, and the tools
// that it needs.
type program struct {
	id, name         string
	prepare, command string
	tools            []string
}

// sources makes fifty small C files and their Makefile in build/.
const sources = `rm -rf build; mkdir build; cd build
for i in $(seq 50); do printf '#include <stdio.h>\nint f%d(int x) { printf("%%%%d", x); return x * %d; }\n' $i $i > f$i.c; done
printf 'all: %s\n' "$(for i in $(seq 50); do printf 'f%d.o ' $i; done)" > Makefile`

var programs = []program{
	{"make", "make -j2, 50 C files", sources, "make -C build -s -j2", []string{"make", "gcc"}},
	{"git", "git init, add, commit", "rm -rf repo; mkdir repo; cd repo; for i in $(seq 50); do echo $i > $i; done",
		"cd repo; git init -q . && git add . && git -c user.name=a -c user.email=a@b commit -qm one", []string{"git"}},
	{"cp", "cp -r of 60 MB", "rm -rf copy", "cp -r /usr/share/perl /usr/share/doc copy 2>/dev/null || { mkdir -p copy; cp -r /usr/share/doc copy; }", nil},
	{"find", "find /usr", "true", "find /usr -xdev > /dev/null", nil},
	{"true", "100 × /bin/true", "true", "for i in $(seq 100); do /bin/true; done", nil},
	{"python", "python3 -c import", "true", `/usr/bin/python3 -c "import json,os,sys,re"`, []string{"/usr/bin/python3"}},
	{"sqlite", "sqlite3, 60 inserts", "rm -f db; sqlite3 db 'create table t(a,b)'; for i in $(seq 60); do echo \"insert into t values($i,'row $i');\"; done > sql",
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
	for _, s := range b.systems() {
		b.progress("whole programs: %s", s.name)
		out, err := s.output(b.dir, append([]string{filepath.Join(b.dir, "calls"), "-run", fmt.Sprint(b.rounds)}, args...)...)
		b.results.addAll(s.name, parse(out))
		if err != nil {
			return err
		}
	}
	return nil
}

func programRows() (rows []row) {
	for _, p := range programs {
		rows = append(rows, row{id: p.id, name: p.name, unit: milliseconds})
	}
	return rows
}
