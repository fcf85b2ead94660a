package docker

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// with is docker run --rm with the sandbox and a network.
func (d *daemon) with(network string, args ...string) (string, int) {
	return d.docker(append([]string{"run", "--rm", "--runtime=runsc", "--network", network}, args...)...)
}

// service starts a web server that says who it is.
func (d *daemon) service(name, network string, args ...string) {
	d.t.Helper()
	line := append([]string{"run", "-d", "--name", name, "--runtime=runsc", "--network", network}, args...)
	script := fmt.Sprintf("mkdir /www; echo this is %s > /www/index.html; exec httpd -f -p 80 -h /www", name)
	if out, code := d.docker(append(line, image, "sh", "-c", script)...); code != 0 {
		d.t.Fatalf("%s: %s", name, out)
	}
}

// fetch asks for a page from the namespace that plays the host's.
func (d *daemon) fetch(url string) (out string) {
	for range 50 {
		b, err := exec.Command("nsenter", "-t", fmt.Sprint(d.pid), "-n", "timeout", "5", "busybox", "wget", "-qO-", url).CombinedOutput()
		if out = string(b); err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	return out
}

func (d *daemon) inspect(format, name string) string {
	out, _ := d.docker("inspect", "-f", format, name)
	return strings.TrimSpace(out)
}

const addressFormat = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"

func TestNetworks(t *testing.T) {
	d := start(t, true)
	t.Run("bridge", func(t *testing.T) {
		d.service("plain", "bridge", "-p", "8080:80")
		address := d.inspect(addressFormat, "plain")
		must(t, "by address", d.fetch("http://"+address), 0, "this is plain", 0)
		must(t, "by the published port", d.fetch("http://127.0.0.1:8080"), 0, "this is plain", 0)
		out, code := d.with("bridge", image, "wget", "-qO-", "http://"+address)
		must(t, "from another container", out, code, "this is plain", 0)
		out, code = d.with("bridge", image, "ping", "-c", "2", "-W", "5", address)
		must(t, "ping", out, code, "2 packets received", 0)
		out, code = d.with("bridge", "--add-host", "other:"+address, "--dns", "192.0.2.1", image, "sh", "-c", "cat /etc/resolv.conf; wget -qO- http://other")
		must(t, "--dns", out, code, "nameserver 192.0.2.1", 0)
		must(t, "--add-host", out, code, "this is plain", 0)
	})
	t.Run("user-defined", func(t *testing.T) {
		if out, code := d.docker("network", "create", "net1"); code != 0 {
			t.Fatal(out)
		}
		d.service("web", "net1", "-p", "8081:80", "--network-alias", "alias")
		d.service("db", "net1")
		for _, name := range []string{"web", "db"} {
			out, code := d.with("net1", image, "wget", "-qO-", "http://"+name)
			must(t, "a service by name", out, code, "this is "+name, 0)
		}
		out, code := d.docker("exec", "web", "wget", "-qO-", "http://db")
		must(t, "one service from the other", out, code, "this is db", 0)
		out, code = d.docker("exec", "db", "wget", "-qO-", "http://alias")
		must(t, "by an alias", out, code, "this is web", 0)
		out, code = d.docker("exec", "db", "nslookup", "web", "127.0.0.11")
		must(t, "the resolver answers", out, code, d.inspect(addressFormat, "web"), 0)
		must(t, "published", d.fetch("http://127.0.0.1:8081"), 0, "this is web", 0)
		out, code = d.with("net1", image, "netstat", "-lun")
		if code != 0 || strings.Contains(out, ":53") {
			t.Errorf("the resolver is seen inside: %s", out)
		}
	})
	t.Run("ipv6", func(t *testing.T) {
		if out, code := d.docker("network", "create", "--ipv6", "--subnet", "fd00:77::/64", "net6"); code != 0 {
			t.Fatal(out)
		}
		d.service("six", "net6")
		address := d.inspect("{{range .NetworkSettings.Networks}}{{.GlobalIPv6Address}}{{end}}", "six")
		must(t, "from the host", d.fetch("http://["+address+"]"), 0, "this is six", 0)
		out, code := d.with("net6", image, "ping", "-6", "-c", "1", "-W", "5", address)
		must(t, "ping", out, code, "1 packets received", 0)
		out, code = d.with("net6", image, "wget", "-qO-", "http://["+address+"]")
		must(t, "from another container", out, code, "this is six", 0)
	})
	for _, name := range []string{"plain", "web", "db", "six"} {
		d.docker("rm", "-f", name)
	}
}
