package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

//go:embed load/load.c
var loadSource []byte

const nginxConf = `worker_processes 1;
daemon off;
user root;
pid /tmp/nginx.pid;
error_log /tmp/nginx.log;
events { worker_connections 1024; }
http {
	access_log off;
	sendfile on;
	keepalive_requests 1000000;
	client_body_temp_path /tmp/b; proxy_temp_path /tmp/p; fastcgi_temp_path /tmp/f; uwsgi_temp_path /tmp/u; scgi_temp_path /tmp/s;
	server { listen 80; root /share; }
}
`

// serveScript is what a container runs.
const serveScript = `cd /tmp
ip link set lo up 2>/dev/null
iperf3 -s >/dev/null 2>&1 &
redis-server --save '' --appendonly no --protected-mode no --bind 0.0.0.0 >/tmp/redis.log 2>&1 &
nginx -c /share/nginx.conf -e /tmp/nginx.log >/dev/null 2>&1 &
exec /share/load serve
`

// serveAlone is what it runs if its memory and its rest are to be looked at.
const serveAlone = "ip link set lo up 2>/dev/null\nexec /share/load serve\n"

// system is a runtime with its container.
type system struct {
	name   string
	argv   []string // the binary and its flags
	ip     string
	bundle string
	judged bool
	run    *exec.Cmd
	holder *exec.Cmd // keeps the network namespace
}

const containerID = "benchnet"

// start makes a container of each system.
func (b *bench) start(share string) error {
	if runc, err := exec.LookPath("runc"); err == nil && !b.plain {
		b.systems = append(b.systems, &system{name: "runc", argv: []string{runc}})
	}
	ours := &system{name: "runsc", argv: []string{b.runsc}, judged: true}
	if b.platform != "" {
		ours.name += "/" + b.platform
		ours.argv = append(ours.argv, "--platform="+b.platform)
	}
	ours.argv = append(ours.argv, strings.Fields(b.flags)...)
	b.systems = append(b.systems, ours)
	if b.peer != "" {
		b.systems = append(b.systems, &system{name: "peer", argv: []string{b.peer}})
	}
	for i, s := range b.systems {
		s.argv = append(s.argv, "--root="+filepath.Join(b.dir, fmt.Sprintf("state%d", i)))
		s.ip = fmt.Sprintf("172.30.0.%d", i+2)
		s.bundle = filepath.Join(b.dir, fmt.Sprintf("bundle%d", i))
		if err := s.start(share, i); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// start makes the namespace as Docker does, and the container in it.
func (s *system) start(share string, i int) error {
	s.holder = exec.Command("unshare", "--net", "sleep", "100000")
	if err := s.holder.Start(); err != nil {
		return err
	}
	pid := s.holder.Process.Pid
	ns := fmt.Sprintf("/proc/%d/ns/net", pid)
	own, _ := os.Readlink("/proc/self/ns/net")
	for range 200 {
		if its, err := os.Readlink(ns); err == nil && its != own {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	for _, line := range []string{
		fmt.Sprintf("ip link add veth%d type veth peer name eth0 netns %d", i, pid),
		fmt.Sprintf("ip link set veth%d master br0 up", i),
		fmt.Sprintf("nsenter -t %d -n ip addr add %s/24 dev eth0", pid, s.ip),
		fmt.Sprintf("nsenter -t %d -n ip link set eth0 up", pid),
		fmt.Sprintf("nsenter -t %d -n ip link set lo up", pid),
		fmt.Sprintf("nsenter -t %d -n ip route add default via 172.30.0.1", pid),
	} {
		if err := shell(line); err != nil {
			return err
		}
	}
	if err := s.config(share, ns); err != nil {
		return err
	}
	s.run = exec.Command(s.argv[0], s.command("run", "--bundle", s.bundle)[1:]...)
	out := &bytes.Buffer{}
	s.run.Stdout, s.run.Stderr = out, out
	if err := s.run.Start(); err != nil {
		return err
	}
	for range 150 {
		if _, err := command(2*time.Second, share+"/load", "rr", s.ip, "0.01"); err == nil {
			time.Sleep(300 * time.Millisecond) // the other servers
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("its server does not answer; it said %q", out.String())
}

// config writes the bundle: the host's programs, read-only, on an empty root.
func (s *system) config(share, ns string) error {
	type object = map[string]any
	root := filepath.Join(s.bundle, "rootfs")
	mounts := []object{
		{"destination": "/proc", "type": "proc", "source": "proc"},
		{"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
		{"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"},
	}
	for _, dir := range []string{"/usr", "/etc", "/var"} {
		mounts = append(mounts, object{"destination": dir, "type": "bind", "source": dir, "options": []string{"rbind", "ro"}})
		os.MkdirAll(root+dir, 0o755)
	}
	for _, dir := range []string{"/proc", "/dev", "/tmp"} {
		os.MkdirAll(root+dir, 0o755)
	}
	if err := os.CopyFS(root+"/share", os.DirFS(share)); err != nil { // as an image's files, not a mount
		return err
	}
	for _, dir := range []string{"bin", "sbin", "lib", "lib64"} {
		os.Symlink("usr/"+dir, filepath.Join(root, dir))
	}
	var namespaces []object
	for _, kind := range []string{"pid", "mount", "ipc", "uts"} {
		namespaces = append(namespaces, object{"type": kind})
	}
	caps := []string{"CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_NET_ADMIN", "CAP_SETUID", "CAP_SETGID", "CAP_CHOWN", "CAP_DAC_OVERRIDE"}
	const limit = 20000
	config, err := json.Marshal(object{
		"ociVersion": "1.2.0",
		"process": object{"args": []string{"/bin/sh", "/share/serve"}, "cwd": "/", "env": []string{"PATH=/bin:/sbin"}, "user": object{"uid": 0, "gid": 0},
			"capabilities": object{"bounding": caps, "effective": caps, "permitted": caps},
			"rlimits":      []object{{"type": "RLIMIT_NOFILE", "hard": limit, "soft": limit}}},
		"root":   object{"path": root},
		"mounts": mounts,
		"linux":  object{"namespaces": append(namespaces, object{"type": "network", "path": ns})},
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.bundle, "config.json"), config, 0o644)
}

// exec runs a command in the container.
func (s *system) exec(limit time.Duration, args ...string) (string, error) {
	return command(limit, append(s.command("exec"), args...)...)
}

// command is the runtime's command line for something that is done to the container.
func (s *system) command(verb string, flags ...string) []string {
	args := append(append([]string(nil), s.argv...), verb)
	return append(append(args, flags...), containerID)
}

func (s *system) stop() {
	if s.run != nil && s.run.Process != nil {
		command(10*time.Second, s.command("delete", "--force")...)
	}
	if s.holder != nil && s.holder.Process != nil {
		s.holder.Process.Kill()
	}
}

// command runs a program for a while at most, and returns what it prints.
func command(limit time.Duration, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.WaitDelay = time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return string(out), err
}

func shell(line string) error {
	_, err := command(10*time.Second, strings.Fields(line)...)
	return err
}

// descendants returns all processes below pid.
func descendants(pid int) []int {
	var all []int
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, file := range tasks {
		text, _ := os.ReadFile(file)
		for _, field := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = append(append(all, child), descendants(child)...)
			}
		}
	}
	return all
}
