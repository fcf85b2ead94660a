package lifecycle

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// grant gives the container's program a capability.
func (e *env) grant(name string) {
	c := e.spec.Process.Capabilities
	for _, set := range []*[]string{&c.Bounding, &c.Effective, &c.Permitted} {
		if !slices.Contains(*set, name) {
			*set = append(*set, name)
		}
	}
}

// TestPcap reads with tcpdump what the container's interfaces saw.
func TestPcap(t *testing.T) {
	each(t, func(e *env) {
		e.grant("CAP_NET_RAW")
		e.shell("busybox ping -c 2 -i 0.1 127.0.0.1 >/dev/null; busybox nc 127.0.0.1 7; echo done")
		dir := filepath.Join(e.bundle, "packets") + "/"
		flags := e.flags
		e.flags = append(slices.Clone(flags), "--network=none", "--pcap="+dir)
		if r := e.run(); r.code != 0 || !strings.HasSuffix(r.out, "done\n") {
			t.Fatal(r)
		}
		out, err := exec.Command("tcpdump", "-nr", filepath.Join(dir, e.id+".pcapng")).CombinedOutput()
		if err != nil {
			t.Fatalf("tcpdump: %v\n%s", err, out)
		}
		for text, want := range map[string]int{"ICMP echo request": 2, "ICMP echo reply": 2, "> 127.0.0.1.7: Flags [S]": 1, "Flags [R.]": 1} {
			if n := strings.Count(string(out), text); n != want {
				t.Errorf("%q %d times, want %d:\n%s", text, n, want, out)
			}
		}
		file := filepath.Join(e.bundle, "small")
		e.flags = append(slices.Clone(flags), "--network=none", "--pcap="+file, "--pcap-limit=400", "--pcap-snaplen=64")
		if r := e.run(); r.code != 0 {
			t.Fatal(r)
		}
		if out, err := exec.Command("tcpdump", "-nr", file).CombinedOutput(); err != nil || !strings.Contains(string(out), "ICMP echo reply") {
			t.Errorf("with a limit: %v\n%s", err, out)
		}
		if st, err := os.Stat(file); err != nil || st.Size() > 400 || st.Mode().Perm() != 0o600 {
			t.Errorf("with a limit: %v %v", st, err)
		}
		e.flags = append(slices.Clone(flags), "--network=host", "--pcap="+file)
		e.oneLine(e.run(), "--pcap", "tcpdump")
	}, "real")
}

// TestNetRaw: the capability is worth nothing without the flag, in namespaces of one's own too.
func TestNetRaw(t *testing.T) {
	each(t, func(e *env) {
		e.grant("CAP_NET_RAW")
		e.shell("busybox ping -c 1 127.0.0.1 >/dev/null 2>&1; echo $?; busybox unshare -rn busybox arping -c 1 -I lo 127.0.0.1 2>&1 | head -1; busybox grep CapBnd /proc/self/status")
		e.flags = append(e.flags, "--network=none")
		if r := e.run(); !strings.HasPrefix(r.out, "0\n") || !strings.Contains(r.out, "lo") {
			t.Error(r)
		}
		e.flags = append(e.flags, "--net-raw=false")
		r := e.run()
		lines := strings.Split(r.out, "\n")
		if lines[0] == "0" || !strings.Contains(r.out, "Operation not permitted") {
			t.Error(r)
		}
		if bits := strings.TrimSpace(r.out[strings.Index(r.out, "CapBnd:")+7:]); !strings.ContainsRune("014589cd", rune(bits[len(bits)-4])) {
			t.Errorf("CAP_NET_RAW is in %s", bits)
		}
	}, "real")
}

// TestNetRate sends and receives with the limit that an annotation sets.
func TestNetRate(t *testing.T) {
	each(t, func(e *env) {
		near, far := e.id+"n", e.id+"f"
		ip := func(line string) {
			t.Helper()
			if out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput(); err != nil {
				t.Fatalf("ip %s: %v\n%s", line, err, out)
			}
		}
		for _, ns := range []string{near, far} {
			ip("netns add " + ns)
			t.Cleanup(func() { exec.Command("ip", "netns", "del", ns).Run() })
		}
		ip("-n " + near + " link add eth0 type veth peer name eth0 netns " + far)
		for i, ns := range []string{near, far} {
			ip("-n " + ns + " addr add 10.9.8." + string(rune('1'+i)) + "/24 dev eth0")
			ip("-n " + ns + " link set eth0 up")
		}
		for i, n := range e.spec.Linux.Namespaces {
			if n.Type == specs.NetworkNamespace {
				e.spec.Linux.Namespaces[i].Path = "/run/netns/" + near
			}
		}
		const size = "1500000" // at 8 Mbit/s: 1.5 s, less the burst
		dir := t.TempDir()
		peer := exec.Command("ip", "netns", "exec", far, "sh", "-c", "cd "+dir+"; until busybox wget -qO f http://10.9.8.1/f; do busybox usleep 20000; done; exec busybox httpd -f -p 80")
		if err := peer.Start(); err != nil {
			t.Fatal(err)
		}
		defer peer.Wait()
		defer peer.Process.Kill()
		e.spec.Annotations = map[string]string{"dev.runsc.net-rate": "8M"}
		e.flags = append(e.flags, "--net-rate=1G")
		e.shell("cd /tmp; head -c " + size + " /dev/zero > f; busybox httpd -p 80; until busybox wget -qO x http://10.9.8.2/f; do busybox usleep 20000; done 2>/dev/null; wc -c < x")
		begin := time.Now()
		r := e.run()
		if took := time.Since(begin); r.out != size+"\n" || took < 2500*time.Millisecond || took > 12*time.Second {
			t.Errorf("it took %v: %v", took, r)
		} else {
			t.Log(took)
		}
		e.spec.Annotations["dev.runsc.net-rate"] = "much"
		e.save()
		e.oneLine(e.run(), "dev.runsc.net-rate", "20M")
	}, "real")
}

// TestTunDevice: the node of a bundle's devices is there.
func TestTunDevice(t *testing.T) {
	each(t, func(e *env) {
		e.grant("CAP_NET_ADMIN")
		mode := os.FileMode(0o660)
		gid := uint32(5)
		e.spec.Linux.Devices = append(e.spec.Linux.Devices, specs.LinuxDevice{Path: "/dev/net/tun", Type: "c", Major: 10, Minor: 200, FileMode: &mode, GID: &gid})
		e.shell("ls -ln /dev/net/tun | busybox cut -c1-50; busybox tunctl -t t0 >/dev/null && busybox ip link set t0 up && cat /sys/class/net/t0/operstate")
		e.flags = append(e.flags, "--network=none")
		if r := e.run(); !strings.HasPrefix(r.out, "crw-rw----    1 0        5          10, 200") || !strings.HasSuffix(r.out, "\ndown\n") {
			t.Error(r)
		}
	}, "real")
}
