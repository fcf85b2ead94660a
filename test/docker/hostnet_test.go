package docker

import (
	"fmt"
	"io"
	"net"
	"testing"
	"time"
)

// hostNetwork: a server in a container with the host's network is reached at the host's loopback, and
// a client in one reaches the host.
func hostNetwork(t *testing.T, d *daemon) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, "from the host\n")
			c.Close()
		}
	}()
	host := []string{"run", "--rm", "--runtime=runsc-host", "--network=host"}
	port := l.Addr().(*net.TCPAddr).Port
	out, code := d.docker(append(host, image, "nc", "127.0.0.1", fmt.Sprint(port))...)
	must(t, "a client", out, code, "from the host", 0)

	free, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port = free.Addr().(*net.TCPAddr).Port
	free.Close()
	const name = "hostnet"
	out, code = d.docker("run", "-d", "--name", name, "--runtime=runsc-host", "--network=host", image,
		"sh", "-c", fmt.Sprintf("while :; do echo from inside | nc -l -p %d; done", port))
	if code != 0 {
		t.Fatalf("docker run: %d: %s", code, out)
	}
	defer d.docker("rm", "-f", name)
	var said []byte
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && len(said) == 0; time.Sleep(50 * time.Millisecond) {
		c, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		said, _ = io.ReadAll(c)
		c.Close()
	}
	must(t, "a server", string(said), 0, "from inside", 0)
}
