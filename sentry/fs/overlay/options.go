package overlay

import (
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
)

// redirectMode is what becomes of directories with lower ones that are renamed.
type redirectMode int

const (
	redirectFollow   redirectMode = iota // existing redirects count, none is made: the default
	redirectOn                           // and renames make them
	redirectNofollow                     // they do not count
)

var redirectNames = map[string]redirectMode{"on": redirectOn, "off": redirectFollow, "follow": redirectFollow, "nofollow": redirectNofollow}

// config is what the options say (struct ovl_config).
type config struct {
	lower       []string // paths, the top one first
	data        []string // of layers for contents only
	upper, work string
	lowerText   string // as /proc/mounts shows it
	redirect    redirectMode
	index       bool
	nfsExport   bool
	metacopy    bool
	userXattr   bool
	volatile    bool
	permissions bool
	uuid, xino  string
	verity      string
	set         map[string]bool // options that were given
}

// Param judges one option for fsconfig(2); paths are looked up when the file system is made.
func Param(key, value string, flag bool) (known bool, errno linux.Errno) {
	c := config{set: map[string]bool{}}
	return c.option(key, value, flag)
}

// parseConfig reads the options of mount(2). A backslash keeps commas and colons from ending a path.
func parseConfig(data string) (*config, linux.Errno) {
	c := &config{set: map[string]bool{}}
	for _, word := range splitEscaped(data, ',') {
		if word == "" {
			continue
		}
		key, value, has := strings.Cut(word, "=")
		if known, errno := c.option(key, value, !has); !known || errno != 0 {
			return nil, linux.EINVAL
		}
	}
	return c, 0
}

// splitEscaped splits at sep where no backslash is before it; the backslashes stay.
func splitEscaped(s string, sep byte) (parts []string) {
	from := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case sep:
			parts = append(parts, s[from:i])
			from = i + 1
		}
	}
	return append(parts, s[from:])
}

func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// maxLayers is OVL_MAX_STACK.
const maxLayers = 500

// option takes one option.
func (c *config) option(key, value string, flag bool) (known bool, errno linux.Errno) {
	ok := !flag
	onOff := func(to *bool) {
		*to = value == "on"
		ok = ok && (value == "on" || value == "off")
	}
	oneOf := func(to *string, words ...string) {
		*to, ok = value, false
		for _, w := range words {
			ok = ok || w == value && !flag
		}
	}
	switch key {
	case "lowerdir":
		ok = ok && c.setLower(value)
	case "lowerdir+", "datadir+":
		ok = ok && value != "" && len(c.lower)+len(c.data) < maxLayers
		if key == "lowerdir+" {
			c.lower = append(c.lower, value)
			ok = ok && len(c.data) == 0
		} else {
			c.data = append(c.data, value)
		}
		c.lowerText = strings.TrimPrefix(c.lowerText+","+key+"="+escaped.Replace(value), ",")
	case "upperdir":
		c.upper, ok = unescape(value), ok && value != ""
	case "workdir":
		c.work, ok = unescape(value), ok && value != ""
	case "redirect_dir":
		c.redirect, ok = redirectNames[value]
	case "index":
		onOff(&c.index)
	case "nfs_export":
		onOff(&c.nfsExport)
	case "metacopy":
		onOff(&c.metacopy)
	case "xino":
		oneOf(&c.xino, "on", "off", "auto")
	case "uuid":
		oneOf(&c.uuid, "on", "off", "null", "auto")
	case "verity":
		oneOf(&c.verity, "on", "off", "require")
	case "userxattr":
		c.userXattr, ok = true, flag
	case "volatile":
		c.volatile, ok = true, flag
	case "default_permissions":
		c.permissions, ok = true, flag
	default:
		return false, 0
	}
	c.set[key] = true
	if !ok {
		return true, linux.EINVAL
	}
	return true, 0
}

// setLower takes "a:b:c", and "::d" for contents only (ovl_parse_param_lowerdir).
func (c *config) setLower(value string) bool {
	c.lower, c.data, c.lowerText = nil, nil, "lowerdir="+escaped.Replace(value)
	parts := splitEscaped(value, ':')
	if len(parts) > maxLayers || parts[0] == "" {
		return false
	}
	data := false
	for i := 0; i < len(parts); i++ {
		switch {
		case parts[i] == "" && (i+1 == len(parts) || parts[i+1] == ""):
			return false
		case parts[i] == "":
			data = true
		case data:
			if c.data = append(c.data, unescape(parts[i])); i+1 < len(parts) && parts[i+1] != "" {
				return false
			}
		default:
			c.lower = append(c.lower, unescape(parts[i]))
		}
	}
	return true
}

// verify makes the options agree, or refuses them (ovl_fs_params_verify).
func (c *config) verify(cred *auth.Cred, trusted bool) linux.Errno {
	if len(c.data) > 0 && !c.metacopy {
		return linux.EINVAL
	}
	if c.upper == "" {
		c.work, c.index, c.volatile, c.set["index"] = "", false, false, false
		if c.redirect == redirectFollow {
			c.redirect = redirectOn
		}
	}
	verity := c.verity == "on" || c.verity == "require"
	if verity && !c.metacopy {
		if c.set["metacopy"] {
			return linux.EINVAL
		}
		c.metacopy = true
	}
	if c.metacopy && c.redirect != redirectOn {
		switch {
		case c.set["redirect_dir"] && (c.set["metacopy"] || verity):
			return linux.EINVAL
		case c.set["redirect_dir"]:
			c.metacopy = false
		default:
			c.redirect = redirectOn
		}
	}
	if errno := c.verifyExport(verity); errno != 0 {
		return errno
	}
	switch {
	case c.userXattr && (c.set["redirect_dir"] && c.redirect != redirectNofollow || c.metacopy && c.set["metacopy"] || verity):
		return linux.EINVAL
	case c.userXattr:
		c.redirect, c.metacopy = redirectNofollow, false
	case !trusted && (c.set["redirect_dir"] && c.redirect != redirectNofollow || c.metacopy && c.set["metacopy"] || verity || len(c.data) > 0):
		return linux.EPERM
	}
	return 0
}

// verifyExport is verify for nfs_export.
func (c *config) verifyExport(verity bool) linux.Errno {
	if c.nfsExport && !c.index {
		switch {
		case c.upper == "" && c.redirect != redirectNofollow:
			c.nfsExport = false
		case c.set["index"] && c.set["nfs_export"]:
			return linux.EINVAL
		case c.set["index"]:
			c.nfsExport = false
		default:
			c.index = true
		}
	}
	if c.nfsExport && c.metacopy {
		switch {
		case c.set["nfs_export"] && (c.set["metacopy"] || verity):
			return linux.EINVAL
		case c.set["metacopy"] || verity:
			c.nfsExport = false
		default:
			c.metacopy = false
		}
	}
	return 0
}

// escaped writes what would end a path as octal numbers (seq_escape).
var escaped = strings.NewReplacer("\\", "\\134", ",", "\\054", " ", "\\040", "\t", "\\011", "\n", "\\012")

// text is the options column of /proc/mounts (ovl_show_options).
func (c *config) text() string {
	words := []string{c.lowerText}
	add := func(when bool, word string) {
		if when {
			words = append(words, word)
		}
	}
	add(c.upper != "", "upperdir="+escaped.Replace(c.upper))
	add(c.upper != "", "workdir="+escaped.Replace(c.work))
	add(c.permissions, "default_permissions")
	add(c.redirect == redirectOn, "redirect_dir=on")
	add(c.redirect == redirectNofollow, "redirect_dir=nofollow")
	add(c.index, "index=on")
	add(c.uuid != "" && c.uuid != "auto", "uuid="+c.uuid)
	add(c.nfsExport, "nfs_export=on")
	add(c.xino == "on", "xino=on")
	add(c.metacopy, "metacopy=on")
	add(c.volatile, "volatile")
	add(c.userXattr, "userxattr")
	add(c.verity != "" && c.verity != "off", "verity="+c.verity)
	return strings.Join(words, ",")
}
