// Package vdso is the sandbox's vDSO (vdso(7)) and its clock: an ELF image that lets the
// application read the time without a trap, the page of parameters it reads, and the same
// computation for the kernel itself.
//
// The image is mapped read-only and executable, the page read-only right below it. Both are
// the same pages in every process.
package vdso

import _ "embed"

//go:generate ./build.sh

// Image is the ELF shared object; AT_SYSINFO_EHDR points at its first byte.
//
//go:embed vdso.so
var Image []byte
