package spec

import (
	"fmt"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// ipcSysctls are those of an IPC namespace beside fs.mqueue.*.
var ipcSysctls = []string{"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"}

// checkSysctls refuses what does not belong to a namespace of the container's own, as runc does. Whether
// the sandbox has it, and takes the value, is found out when it is set.
func checkSysctls(l *specs.Linux) error {
	own := func(typ specs.LinuxNamespaceType) bool {
		return slices.ContainsFunc(l.Namespaces, func(ns specs.LinuxNamespace) bool { return ns.Type == typ })
	}
	for name := range l.Sysctl {
		needs := specs.LinuxNamespaceType("")
		switch dotted := SysctlName(name); {
		case slices.Contains(ipcSysctls, dotted), strings.HasPrefix(dotted, "fs.mqueue."):
			needs = specs.IPCNamespace
		case strings.HasPrefix(dotted, "net."):
			needs = specs.NetworkNamespace
		case dotted == "kernel.domainname":
			needs = specs.UTSNamespace
		case dotted == "kernel.hostname":
			return fmt.Errorf("linux.sysctl: %q conflicts with the field hostname: use that", name)
		default:
			return fmt.Errorf("linux.sysctl: %q is not in a separate kernel namespace", name)
		}
		if !own(needs) {
			return fmt.Errorf("linux.sysctl: %q needs a namespace of the container's own of type %s in linux.namespaces", name, needs)
		}
	}
	return nil
}

// SysctlName is the name with dots; where the first separator is a slash, dots are parts of names and
// the other way round (sysctl.d(5)).
func SysctlName(name string) string {
	at := strings.IndexAny(name, "./")
	if at < 0 || name[at] == '.' {
		return name
	}
	return strings.Map(func(r rune) rune {
		switch r {
		case '.':
			return '/'
		case '/':
			return '.'
		}
		return r
	}, name)
}
