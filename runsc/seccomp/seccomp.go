// Package seccomp compiles linux.seccomp of a bundle to classic BPF, which the sentry runs for
// every system call of the container. It is the only package that links C.
package seccomp

import (
	"errors"
	"fmt"
	"io"
	"os"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	libseccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"
)

var actions = map[specs.LinuxSeccompAction]libseccomp.ScmpAction{
	specs.ActKill: libseccomp.ActKillThread, specs.ActKillThread: libseccomp.ActKillThread,
	specs.ActKillProcess: libseccomp.ActKillProcess, specs.ActTrap: libseccomp.ActTrap, specs.ActErrno: libseccomp.ActErrno,
	specs.ActTrace: libseccomp.ActTrace, specs.ActAllow: libseccomp.ActAllow, specs.ActLog: libseccomp.ActLog,
}

var operators = map[specs.LinuxSeccompOperator]libseccomp.ScmpCompareOp{
	specs.OpNotEqual: libseccomp.CompareNotEqual, specs.OpLessThan: libseccomp.CompareLess,
	specs.OpLessEqual: libseccomp.CompareLessOrEqual, specs.OpEqualTo: libseccomp.CompareEqual,
	specs.OpGreaterEqual: libseccomp.CompareGreaterEqual, specs.OpGreaterThan: libseccomp.CompareGreater,
	specs.OpMaskedEqual: libseccomp.CompareMaskedEqual,
}

// Compile returns the program for s, 8 bytes an instruction (struct sock_filter). No policy
// gives no program.
func Compile(s *specs.LinuxSeccomp) ([]byte, error) {
	if s == nil {
		return nil, nil
	}
	def, err := action(s.DefaultAction, s.DefaultErrnoRet)
	if err != nil {
		return nil, fmt.Errorf("linux.seccomp.defaultAction: %w", err)
	}
	filter, err := libseccomp.NewFilter(def)
	if err != nil {
		return nil, fmt.Errorf("linux.seccomp: %w", err)
	}
	defer filter.Release()
	if err := addArchitectures(filter, s.Architectures); err != nil {
		return nil, err
	}
	if err := filter.SetNoNewPrivsBit(false); err != nil {
		return nil, fmt.Errorf("linux.seccomp: %w", err)
	}
	for i := range s.Syscalls {
		if err := addRule(filter, &s.Syscalls[i], def); err != nil {
			return nil, fmt.Errorf("linux.seccomp.syscalls[%d]: %w", i, err)
		}
	}
	return export(filter)
}

func action(a specs.LinuxSeccompAction, errnoRet *uint) (libseccomp.ScmpAction, error) {
	if a == specs.ActNotify {
		return 0, errors.New("SCMP_ACT_NOTIFY is not supported: no process of the host may answer the sandbox's system calls")
	}
	out, ok := actions[a]
	if !ok {
		return 0, fmt.Errorf("unknown action %q", a)
	}
	if out == libseccomp.ActErrno || out == libseccomp.ActTrace {
		code := int16(unix.EPERM)
		if errnoRet != nil {
			code = int16(*errnoRet)
		}
		out = out.SetReturnCode(code)
	} else if errnoRet != nil {
		return 0, fmt.Errorf("errnoRet does not go with %s", a)
	}
	return out, nil
}

// addArchitectures adds those of the x86 family. Others could never make a call here.
func addArchitectures(filter *libseccomp.ScmpFilter, list []specs.Arch) error {
	known := map[specs.Arch]libseccomp.ScmpArch{specs.ArchX86_64: libseccomp.ArchAMD64, specs.ArchX86: libseccomp.ArchX86, specs.ArchX32: libseccomp.ArchX32}
	for _, a := range list {
		if arch, ok := known[a]; ok {
			if err := filter.AddArch(arch); err != nil {
				return fmt.Errorf("linux.seccomp.architectures: %s: %w", a, err)
			}
		}
	}
	return nil
}

// addRule adds one entry of the policy. Names that libseccomp does not know are left out, as
// runc does: policies list calls of kernels newer than the library.
func addRule(filter *libseccomp.ScmpFilter, rule *specs.LinuxSyscall, def libseccomp.ScmpAction) error {
	act, err := action(rule.Action, rule.ErrnoRet)
	if err != nil {
		return err
	}
	if act == def {
		return nil // libseccomp refuses rules that change nothing
	}
	conds := make([]libseccomp.ScmpCondition, 0, len(rule.Args))
	uses := map[uint]int{}
	for _, arg := range rule.Args {
		op, ok := operators[arg.Op]
		if !ok {
			return fmt.Errorf("unknown operator %q", arg.Op)
		}
		cond, err := libseccomp.MakeCondition(arg.Index, op, values(arg)...)
		if err != nil {
			return fmt.Errorf("argument %d: %w", arg.Index, err)
		}
		conds = append(conds, cond)
		uses[arg.Index]++
	}
	alternatives := len(uses) < len(conds) // the same argument twice: runc reads it as "or"
	for _, name := range rule.Names {
		nr, err := libseccomp.GetSyscallFromName(name)
		if err != nil {
			continue
		}
		if err := addCall(filter, nr, act, conds, alternatives); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func values(arg specs.LinuxSeccompArg) []uint64 {
	if arg.Op == specs.OpMaskedEqual {
		return []uint64{arg.Value, arg.ValueTwo}
	}
	return []uint64{arg.Value}
}

func addCall(filter *libseccomp.ScmpFilter, nr libseccomp.ScmpSyscall, act libseccomp.ScmpAction, conds []libseccomp.ScmpCondition, alternatives bool) error {
	switch {
	case len(conds) == 0:
		return filter.AddRule(nr, act)
	case !alternatives:
		return filter.AddRuleConditional(nr, act, conds)
	}
	for _, c := range conds {
		if err := filter.AddRuleConditional(nr, act, []libseccomp.ScmpCondition{c}); err != nil {
			return err
		}
	}
	return nil
}

// export has libseccomp write the program into a memfd: exporting into memory is newer than
// the library of Debian 12.
func export(filter *libseccomp.ScmpFilter) ([]byte, error) {
	fd, err := unix.MemfdCreate("seccomp", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("linux.seccomp: memfd_create: %w", err)
	}
	f := os.NewFile(uintptr(fd), "seccomp")
	defer f.Close()
	if err := filter.ExportBPF(f); err != nil {
		return nil, fmt.Errorf("linux.seccomp: compiling: %w", err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return io.ReadAll(f)
}
