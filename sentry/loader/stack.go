package loader

import (
	"encoding/binary"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Auxiliary vector types (getauxval(3)).
const (
	atNull            = 0
	atPhdr            = 3
	atPhent           = 4
	atPhnum           = 5
	atPagesz          = 6
	atBase            = 7
	atFlags           = 8
	atEntry           = 9
	atUID             = 11
	atEUID            = 12
	atGID             = 13
	atEGID            = 14
	atPlatform        = 15
	atHwcap           = 16
	atClktck          = 17
	atSecure          = 23
	atRandom          = 25
	atHwcap2          = 26
	atRseqFeatureSize = 27
	atRseqAlign       = 28
	atExecfn          = 31
	atSysinfoEhdr     = 33
	atMinsigstksz     = 51
)

// Limits of the strings of an exec (execve(2), "Limits on size of arguments and environment").
const (
	maxArgString = 32 * usermem.PageSize // MAX_ARG_STRLEN, NUL included
	minArgSpace  = 32 * usermem.PageSize // ARG_MAX, granted whatever RLIMIT_STACK says
	maxArgSpace  = 6 << 20               // three quarters of _STK_LIM
)

// CheckArgs gives E2BIG if argv and envv, with their pointers and the file's name, are more
// than a stack limited to stackLimit bytes may start with (fs/exec.c, bprm_stack_limits).
func CheckArgs(path string, argv, envv []string, stackLimit uint64) linux.Errno {
	space := max(min(stackLimit/4, maxArgSpace), minArgSpace)
	used := uint64(len(path)+1) + uint64(max(len(argv), 1)+len(envv))*8
	for _, list := range [][]string{argv, envv} {
		for _, s := range list {
			if len(s) >= maxArgString {
				return linux.E2BIG
			}
			if used += uint64(len(s) + 1); used > space {
				return linux.E2BIG
			}
		}
	}
	return 0
}

// auxEntry is one pair of the auxiliary vector.
type auxEntry struct{ kind, value uint64 }

// stackImage is the first stack of a program, complete to its top, from SP up.
type stackImage struct {
	bytes []byte
	sp    usermem.Addr
	// Where the strings are (mm_struct's arg_start and so on), for /proc/PID/cmdline.
	argStart, argEnd, envStart, envEnd usermem.Addr
	auxv                               []byte
}

// buildStack lays out the stack below top as Linux does (create_elf_tables): eight zero
// bytes, the file's name, the environment and argument strings, a random gap, the platform's
// name, 16 random bytes, and from the stack pointer up: argc, argv, envv, the auxiliary
// vector. The entries of aux that point into the stack come with any value; gap is below
// 8 KiB.
func buildStack(top usermem.Addr, path string, argv, envv []string, aux []auxEntry, random [16]byte, gap uint64) stackImage {
	var strs []byte // from the first argument to the top
	argAt, argLen := offsets(&strs, argv)
	envAt, envLen := offsets(&strs, envv)
	pathAt := len(strs)
	strs = append(append(strs, path...), 0)
	strs = append(strs, make([]byte, 8)...)

	base := uint64(top) - uint64(len(strs)) // of strs
	p := (base - gap) &^ 15
	platform := p - uint64(len(platformName))
	randomAt := platform - 16
	for i := range aux {
		switch aux[i].kind {
		case atRandom:
			aux[i].value = randomAt
		case atExecfn:
			aux[i].value = base + uint64(pathAt)
		case atPlatform:
			aux[i].value = platform
		}
	}

	words := 1 + len(argv) + 1 + len(envv) + 1 + 2*len(aux)
	sp := (randomAt - uint64(words)*8) &^ 15

	b := make([]byte, uint64(top)-sp)
	put := b
	word := func(v uint64) {
		binary.LittleEndian.PutUint64(put, v)
		put = put[8:]
	}
	word(uint64(len(argv)))
	for _, o := range argAt {
		word(base + uint64(o))
	}
	word(0)
	for _, o := range envAt {
		word(base + uint64(o))
	}
	word(0)
	auxStart := len(b) - len(put)
	for _, a := range aux {
		word(a.kind)
		word(a.value)
	}
	auxv := append([]byte(nil), b[auxStart:len(b)-len(put)]...)
	copy(b[randomAt-sp:], random[:])
	copy(b[platform-sp:], platformName)
	copy(b[base-sp:], strs)

	at := func(o int) usermem.Addr { return usermem.Addr(base + uint64(o)) }
	return stackImage{bytes: b, sp: usermem.Addr(sp), argStart: at(0), argEnd: at(argLen),
		envStart: at(argLen), envEnd: at(argLen + envLen), auxv: auxv}
}

// platformName is what AT_PLATFORM points at.
const platformName = "x86_64\x00"

// offsets appends the strings of list with their NULs and returns where each begins, and how
// long they are together.
func offsets(strs *[]byte, list []string) (at []int, length int) {
	start := len(*strs)
	at = make([]int, len(list))
	for i, s := range list {
		at[i] = len(*strs)
		*strs = append(append(*strs, s...), 0)
	}
	return at, len(*strs) - start
}
