package docker

import (
	"os"
	"strings"
	"testing"
)

// debugLog runs containers of a runtime that is registered with a directory for its messages.
func debugLog(t *testing.T, d *daemon) {
	for range 2 {
		out, code := d.docker("run", "--rm", "--runtime=runsc-log", "--network", "none", image, "echo", "said")
		must(t, "run with --debug-log DIR/", out, code, "said", 0)
	}
	out, code := d.docker("run", "-d", "--name", "logged", "--runtime=runsc-log", "--network", "none", image, "sleep", "1000")
	must(t, "run -d", out, code, "", 0)
	out, code = d.docker("exec", "logged", "echo", "inside")
	must(t, "exec", out, code, "inside", 0)
	out, code = d.docker("restart", "-t", "0", "logged")
	must(t, "restart", out, code, "logged", 0)
	out, code = d.docker("rm", "-f", "logged")
	must(t, "rm", out, code, "logged", 0)
	files, err := os.ReadDir(d.dir + "/logs")
	if err != nil || len(files) != 3 {
		t.Fatalf("%v: %v", err, files)
	}
	for _, f := range files {
		text, err := os.ReadFile(d.dir + "/logs/" + f.Name())
		if err != nil || !strings.HasSuffix(f.Name(), ".log") || len(text) == 0 {
			t.Errorf("%s: %v, %d bytes", f.Name(), err, len(text))
		}
	}
}
