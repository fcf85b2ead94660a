// Package spec reads, checks and makes OCI bundles: config.json and what it refers to.
package spec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/mohae/deepcopy"
	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// ConfigName is the name of the configuration in a bundle.
const ConfigName = "config.json"

// maxConfig bounds config.json; real ones have 10 to 50 KiB.
const maxConfig = 16 << 20

// Bundle is a checked bundle.
type Bundle struct {
	Dir      string      // absolute
	Raw      []byte      // config.json as it is in the file
	Spec     *specs.Spec // decoded and valid; root.path and bind sources are absolute
	Warnings []string    // parts of the configuration that have no effect here
}

// Load reads the bundle in dir ("" is the current directory), which must be valid as Check
// says. An error names the file and the place in it.
func Load(dir string) (*Bundle, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if st, err := os.Stat(abs); err != nil {
		return nil, fmt.Errorf("bundle %s: %w", abs, cause(err))
	} else if !st.IsDir() {
		return nil, fmt.Errorf("bundle %s is not a directory", abs)
	}
	path := filepath.Join(abs, ConfigName)
	raw, err := readBounded(path)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("JSON specification file %s not found: make one with 'runsc spec --bundle %q'", path, abs)
		}
		return nil, fmt.Errorf("reading %s: %w", path, cause(err))
	}
	parsed, err := Parse(raw, path)
	if err != nil {
		return nil, err
	}
	b, err := New(abs, parsed)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	b.Raw = raw
	return b, nil
}

// New makes a bundle of a configuration that is in no file; s itself is not changed.
func New(dir string, s *specs.Spec) (*Bundle, error) {
	b := &Bundle{Dir: dir, Spec: deepcopy.Copy(s).(*specs.Spec)}
	if err := b.check(); err != nil {
		return nil, err
	}
	b.resolve()
	if err := b.checkRoot(); err != nil {
		return nil, err
	}
	return b, nil
}

// Parse decodes a configuration; name is for the error.
func Parse(raw []byte, name string) (*specs.Spec, error) {
	s := new(specs.Spec)
	if err := Unmarshal(raw, s, name); err != nil {
		return nil, err
	}
	return s, nil
}

// Unmarshal is json.Unmarshal with an error that tells a person where to look.
func Unmarshal(raw []byte, v any, name string) error {
	err := json.Unmarshal(raw, v)
	if err == nil {
		return nil
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return fmt.Errorf("%s is empty", name)
	}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax) && syntax.Offset >= int64(len(raw)):
		line, col := position(raw, int64(len(raw)))
		return fmt.Errorf("%s:%d:%d: the file ends in the middle of a value", name, line, col)
	case errors.As(err, &syntax):
		line, col := position(raw, syntax.Offset)
		return fmt.Errorf("%s:%d:%d: not valid JSON: %v", name, line, col, syntax)
	case errors.As(err, &kind):
		line, col := position(raw, kind.Offset)
		return fmt.Errorf("%s:%d:%d: %s is a JSON %s where a %s belongs", name, line, col, kind.Field, kind.Value, kind.Type)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// position turns the count of bytes read into a line and column, both from 1.
func position(raw []byte, offset int64) (line, col int) {
	before := raw[:min(max(offset-1, 0), int64(len(raw)))]
	line = bytes.Count(before, []byte{'\n'}) + 1
	col = len(before) - bytes.LastIndexByte(before, '\n')
	return line, col
}

// resolve makes the paths of the bundle absolute.
func (b *Bundle) resolve() {
	if !filepath.IsAbs(b.Spec.Root.Path) {
		b.Spec.Root.Path = filepath.Join(b.Dir, b.Spec.Root.Path)
	}
	b.Spec.Root.Path = filepath.Clean(b.Spec.Root.Path)
	for i := range b.Spec.Mounts {
		if m := &b.Spec.Mounts[i]; IsBind(m) && m.Source != "" && !filepath.IsAbs(m.Source) {
			m.Source = filepath.Join(b.Dir, m.Source)
		}
	}
}

func (b *Bundle) checkRoot() error {
	path := b.Spec.Root.Path
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("rootfs %s does not exist: unpack the container's files there or correct root.path", path)
	case err != nil:
		return fmt.Errorf("rootfs %s: %w", path, cause(err))
	case !st.IsDir():
		return fmt.Errorf("rootfs %s is not a directory", path)
	}
	return nil
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if len(raw) > maxConfig {
		return nil, fmt.Errorf("longer than %d bytes", maxConfig)
	}
	return raw, err
}

// cause strips the operation and path from a *PathError that the message names already.
func cause(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
