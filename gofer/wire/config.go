package wire

import (
	"encoding/json"
	"errors"
	"fmt"
)

// ConfigFD is the descriptor on which the gofer finds its Config: a sealed memfd, offset 0.
const ConfigFD = 3

// Config is what the gofer is told at its start, as JSON.
type Config struct {
	Conn   int // descriptor of the socket to the sentry
	Attach []Attach
	UIDs   []IDMap `json:",omitempty"` // none: ids are the same inside and outside
	GIDs   []IDMap `json:",omitempty"`
	LogFD  int     // where messages go; -1: nowhere
	Debug  bool
}

// Attach is a file or directory of the host that the container gets to see.
type Attach struct {
	FD        int // of Path, O_PATH
	Path      string
	Readonly  bool
	Recursive bool // mounts below Path are seen, too
}

// IDMap maps Count ids, from Inside on in the container, from Outside on in the host.
type IDMap struct{ Inside, Outside, Count uint32 }

// ParseConfig decodes and checks what runsc wrote.
func ParseConfig(b []byte) (*Config, error) {
	c := new(Config)
	if err := json.Unmarshal(b, c); err != nil {
		return nil, fmt.Errorf("gofer configuration: %w", err)
	}
	if c.Conn <= ConfigFD {
		return nil, errors.New("gofer configuration: no connection")
	}
	for i, a := range c.Attach {
		if a.FD <= ConfigFD || a.FD == c.Conn || a.Path == "" {
			return nil, fmt.Errorf("gofer configuration: attach point %d is not complete", i)
		}
	}
	return c, nil
}
