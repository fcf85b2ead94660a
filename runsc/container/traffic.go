package container

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// RateAnnotation is the annotation by which a container has a limit of its own; --net-rate stays the highest.
const RateAnnotation = "dev.runsc.net-rate"

// ParseRate reads bits a second: a number with k, M, G or T for powers of 1000.
func ParseRate(s string) (uint64, error) {
	n, unit := strings.TrimSuffix(s, "bit"), 1.0
	for i, u := range []string{"k", "M", "G", "T"} {
		if t, ok := strings.CutSuffix(n, u); ok {
			n, unit = t, []float64{1e3, 1e6, 1e9, 1e12}[i]
			break
		}
	}
	v, err := strconv.ParseFloat(n, 64)
	if err != nil || !(v*unit >= 8000) || v*unit > 1e15 {
		return 0, errors.New("it is bits a second as in 500k, 20M, 1.5G, 8k at least")
	}
	return uint64(v * unit), nil
}

// netRate is the limit of the container: the lower of the flag's and the annotation's.
func (c *Container) netRate(s *specs.Spec) (uint64, error) {
	text, ok := s.Annotations[RateAnnotation]
	if !ok {
		return c.cfg.NetRate, nil
	}
	rate, err := ParseRate(text)
	if err == nil && c.cfg.Network == "host" {
		err = errors.New("not with --network=host")
	}
	if err != nil {
		return 0, fmt.Errorf("annotation %s %q: %w", RateAnnotation, text, err)
	}
	if c.cfg.NetRate != 0 {
		rate = min(rate, c.cfg.NetRate)
	}
	return rate, nil
}

// openPcap makes the file of --pcap: a directory (path ends in "/") has one for each container.
func (c *Container) openPcap() (*os.File, error) {
	path := c.cfg.Pcap
	if path == "" {
		return nil, nil
	}
	if strings.HasSuffix(path, "/") {
		if err := os.MkdirAll(path, 0o755); err != nil {
			return nil, fmt.Errorf("--pcap: %w", err)
		}
		path = filepath.Join(path, c.ID+".pcapng")
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("--pcap: %w", err)
	}
	return f, nil
}
