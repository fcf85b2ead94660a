package tools

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// A layout says which C type a Go struct mirrors. A field's C name is the prefix and the Go
// name in lower case with underscores, unless names says otherwise ("" for a field that the
// compiler's headers do not have).
type layout struct {
	value  any
	c      string
	prefix string
	names  map[string]string
}

// layouts has a row for every type of abi/linux that implements Fixed.
var layouts = []layout{
	{linux.CloneArgs{}, "struct clone_args", "", nil},
	{linux.SchedAttr{}, "struct sched_attr", "sched_", map[string]string{"Size": "size"}},
	{linux.Rlimit{}, "struct rlimit64", "rlim_", nil},
	{linux.Rusage{}, "struct rusage", "ru_", nil},
	{linux.Utsname{}, "struct new_utsname", "", nil},
	{linux.Sysinfo{}, "struct sysinfo", "", map[string]string{"Unit": "mem_unit"}},
	{linux.Stat{}, "struct stat", "st_", map[string]string{"Atim": "st_atime", "Mtim": "st_mtime", "Ctim": "st_ctime"}},
	{linux.StatxTimestamp{}, "struct statx_timestamp", "tv_", nil},
	{linux.Statx{}, "struct statx", "stx_", map[string]string{"Subvol": ""}},
	{linux.Statfs{}, "struct statfs", "f_", nil},
	{linux.OpenHow{}, "struct open_how", "", nil},
	{linux.Flock{}, "struct flock", "l_", nil},
	{linux.FOwnerEx{}, "struct f_owner_ex", "", nil},
	{linux.Iovec{}, "struct iovec", "iov_", nil},
	{linux.Pollfd{}, "struct pollfd", "", nil},
	{linux.Msghdr{}, "struct user_msghdr", "msg_", nil},
	{linux.Mmsghdr{}, "struct user_mmsghdr", "msg_", nil},
	{linux.Cmsghdr{}, "struct user_cmsghdr", "cmsg_", nil},
	{linux.Ucred{}, "struct user_ucred", "", nil},
	{linux.Linger{}, "struct user_linger", "l_", nil},
	{linux.Nlmsghdr{}, "struct nlmsghdr", "nlmsg_", nil},
	{linux.SockaddrNl{}, "struct sockaddr_nl", "nl_", nil},
	{linux.Ifinfomsg{}, "struct ifinfomsg", "ifi_", nil},
	{linux.Ifaddrmsg{}, "struct ifaddrmsg", "ifa_", nil},
	{linux.Rtmsg{}, "struct rtmsg", "rtm_", nil},
	{linux.Ndmsg{}, "struct ndmsg", "ndm_", nil},
	{linux.SockExtendedErr{}, "struct sock_extended_err", "ee_", nil},
	{linux.Timespec{}, "struct timespec", "tv_", nil},
	{linux.Timeval{}, "struct timeval", "tv_", nil},
	{linux.Itimerspec{}, "struct itimerspec", "it_", nil},
	{linux.Itimerval{}, "struct itimerval", "it_", nil},
	{linux.Tms{}, "struct tms", "tms_", nil},
	{linux.Timezone{}, "struct timezone", "tz_", nil},
	{linux.Timex{}, "struct timex", "", nil},
	{linux.RobustListHead{}, "struct robust_list_head", "", map[string]string{"Next": "list", "Offset": "futex_offset", "OpPending": "list_op_pending"}},
	{linux.FutexWaitv{}, "struct futex_waitv", "", map[string]string{"Addr": "uaddr", "Reserved": "__reserved"}},
	{linux.Sigaction{}, "struct kernel_sigaction", "", nil},
	{linux.Sigaltstack{}, "stack_t", "ss_", nil},
	{linux.Siginfo{}, "siginfo_t", "si_", map[string]string{"Fields": "_sifields"}},
	{linux.Sigevent{}, "struct sigevent", "sigev_", map[string]string{"TID": "_sigev_un._tid"}},
	{linux.SignalfdSiginfo{}, "struct signalfd_siginfo", "ssi_", map[string]string{"Call": "ssi_call_addr"}},
	{linux.SeccompNotif{}, "struct seccomp_notif", "", map[string]string{"Nr": "data.nr", "Arch": "data.arch", "IP": "data.instruction_pointer", "Args": "data.args"}},
	{linux.SeccompNotifResp{}, "struct seccomp_notif_resp", "", nil},
	{linux.SeccompNotifAddfd{}, "struct seccomp_notif_addfd", "", nil},
	{linux.Sigcontext{}, "struct sigcontext", "", nil},
	{linux.Ucontext{}, "struct ucontext", "uc_", nil},
	{linux.Sembuf{}, "struct sembuf", "sem_", nil},
	{linux.IPCPerm{}, "struct ipc64_perm", "", nil},
	{linux.SemidDS{}, "struct semid64_ds", "sem_", nil},
	{linux.Seminfo{}, "struct seminfo", "sem", nil},
	{linux.MsqidDS{}, "struct msqid64_ds", "msg_", nil},
	{linux.Msginfo{}, "struct msginfo", "msg", nil},
	{linux.ShmidDS{}, "struct shmid64_ds", "shm_", nil},
	{linux.ShmInfo{}, "struct shm_info", "shm_", map[string]string{"UsedIDs": "used_ids", "SwapAttempts": "swap_attempts", "SwapSuccesses": "swap_successes"}},
	{linux.Shminfo{}, "struct shminfo64", "shm", nil},
	{linux.MqAttr{}, "struct mq_attr", "mq_", nil},
	{linux.MountAttr{}, "struct mount_attr", "", map[string]string{"Set": "attr_set", "Clear": "attr_clr", "UsernsFD": "userns_fd"}},
	{linux.MntIDReq{}, "struct kernel_mnt_id_req", "", map[string]string{"MntNSID": "mnt_ns_id"}},
	{linux.Statmount{}, "struct kernel_statmount", "", map[string]string{"MntIDOld": "mnt_id_old", "MntParentIDOld": "mnt_parent_id_old", "MntNSID": "mnt_ns_id"}},
}

// prelude has the kernel's headers, and what they do not export, after net/socket.c and
// include/linux/signal_types.h.
const prelude = `
#include <stddef.h>
#include <stdio.h>
#include <asm/fcntl.h>
#include <asm/poll.h>
#include <asm/posix_types.h>
#include <asm/sigcontext.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <asm/stat.h>
#include <asm/statfs.h>
#include <asm/ucontext.h>
#include <linux/errqueue.h>
#include <linux/futex.h>
#include <linux/mount.h>
#include <linux/mqueue.h>
#include <linux/msg.h>
#include <linux/openat2.h>
#include <linux/resource.h>
#include <linux/rtnetlink.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <linux/seccomp.h>
#include <linux/sem.h>
#include <linux/shm.h>
#include <linux/signalfd.h>
#include <linux/stat.h>
#include <linux/sysinfo.h>
#include <linux/time.h>
#include <linux/times.h>
#include <linux/timex.h>
#include <linux/uio.h>
#include <linux/utsname.h>
struct user_msghdr { void *msg_name; int msg_namelen; struct iovec *msg_iov; size_t msg_iovlen; void *msg_control; size_t msg_controllen; unsigned msg_flags; };
struct user_mmsghdr { struct user_msghdr msg_hdr; unsigned msg_len; };
struct user_cmsghdr { size_t cmsg_len; int cmsg_level, cmsg_type; };
struct user_ucred { unsigned pid, uid, gid; };
struct user_linger { int l_onoff, l_linger; };
struct kernel_mnt_id_req { unsigned size, spare; unsigned long long mnt_id, param, mnt_ns_id; };
struct kernel_statmount {
	unsigned size, mnt_opts; unsigned long long mask; unsigned sb_dev_major, sb_dev_minor; unsigned long long sb_magic;
	unsigned sb_flags, fs_type; unsigned long long mnt_id, mnt_parent_id; unsigned mnt_id_old, mnt_parent_id_old;
	unsigned long long mnt_attr, mnt_propagation, mnt_peer_group, mnt_master, propagate_from; unsigned mnt_root, mnt_point;
	unsigned long long mnt_ns_id; unsigned fs_subtype, sb_source, opt_num, opt_array, opt_sec_num, opt_sec_array;
	unsigned long long spare2[46];
};
struct kernel_sigaction { void *handler; unsigned long flags; void *restorer; unsigned long mask; };
`

// TestLayouts compares sizes and offsets with the C compiler's and looks for holes and pointers,
// through which the sentry's own memory could leak.
func TestLayouts(t *testing.T) {
	var c bytes.Buffer
	c.WriteString(prelude + "int main(void) {\n")
	for _, l := range layouts {
		typ := reflect.TypeOf(l.value)
		fmt.Fprintf(&c, "\tprintf(\"%s %%zu\\n\", sizeof(%s));\n", typ.Name(), l.c)
		for i := range typ.NumField() {
			if name := l.field(typ.Field(i).Name); name != "" {
				fmt.Fprintf(&c, "\tprintf(\"%s.%s %%zu\\n\", offsetof(%s, %s));\n", typ.Name(), typ.Field(i).Name, l.c, name)
			}
		}
		holes(t, typ)
	}
	c.WriteString("\treturn 0;\n}\n")
	want := run(t, c.String())
	for _, l := range layouts {
		typ := reflect.TypeOf(l.value)
		if got := int(typ.Size()); got != want[typ.Name()] {
			t.Errorf("%s has %d bytes, %s has %d", typ.Name(), got, l.c, want[typ.Name()])
		}
		for i := range typ.NumField() {
			f := typ.Field(i)
			if name := l.field(f.Name); name != "" && int(f.Offset) != want[typ.Name()+"."+f.Name] {
				t.Errorf("%s.%s is at %d, %s.%s at %d", typ.Name(), f.Name, f.Offset, l.c, name, want[typ.Name()+"."+f.Name])
			}
		}
	}
}

// field is a field's name in C.
func (l *layout) field(name string) string {
	if c, ok := l.names[name]; ok || name == "_" {
		return c
	}
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		// An underscore before a capital that begins a word: ChildTID is child_tid.
		if i > 0 && unicode.IsUpper(r) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return l.prefix + b.String()
}

// holes looks for bytes that belong to no field, and for pointers.
func holes(t *testing.T, typ reflect.Type) {
	t.Helper()
	switch typ.Kind() {
	case reflect.Int8, reflect.Uint8, reflect.Int16, reflect.Uint16, reflect.Int32, reflect.Uint32, reflect.Int64, reflect.Uint64:
	case reflect.Array:
		holes(t, typ.Elem())
	case reflect.Struct:
		next := uintptr(0)
		for i := range typ.NumField() {
			f := typ.Field(i)
			if f.Offset != next {
				t.Errorf("%s has a hole before %s", typ, f.Name)
			}
			next = f.Offset + f.Type.Size()
			holes(t, f.Type)
		}
		if next != typ.Size() {
			t.Errorf("%s has a hole at its end", typ)
		}
	default:
		t.Errorf("%s is a %s: not of a fixed layout", typ, typ.Kind())
	}
}

// run compiles and runs a C program that prints lines of a name and a number.
func run(t *testing.T, text string) map[string]int {
	t.Helper()
	dir := t.TempDir()
	source, binary := filepath.Join(dir, "layout.c"), filepath.Join(dir, "layout")
	if err := os.WriteFile(source, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("gcc", "-Wall", "-o", binary, source).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	out, err := exec.Command(binary).Output()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]int{}
	for line := range strings.Lines(string(out)) {
		name, number, _ := strings.Cut(strings.TrimSpace(line), " ")
		if values[name], err = strconv.Atoi(number); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
	}
	return values
}

var fixedMethod = regexp.MustCompile(`(?m)^func \((\w+)\) fixed\(\)`)

// TestLayoutTable: every type that can be copied has its row.
func TestLayoutTable(t *testing.T) {
	rows := map[string]bool{}
	for _, l := range layouts {
		rows[reflect.TypeOf(l.value).Name()] = true
	}
	found := map[string]bool{}
	for _, f := range load(t) {
		if f.dir != "abi/linux" || f.test {
			continue
		}
		for _, m := range fixedMethod.FindAllStringSubmatch(f.text, -1) {
			found[m[1]] = true
			if !rows[m[1]] {
				t.Errorf("%s: %s implements Fixed and has no row in layouts (tools/layout_test.go)", f.path, m[1])
			}
		}
	}
	for name := range rows {
		if !found[name] {
			t.Errorf("%s has a row in layouts and no method fixed in abi/linux", name)
		}
	}
}
