// Package loader turns an executable file into a new address space: scripts (#!), ELF images
// and their interpreters, the first stack with arguments, environment and auxiliary vector,
// the vDSO. It mirrors fs/binfmt_script.c, fs/binfmt_elf.c and the parts of fs/exec.c that
// lay out the stack.
//
// An exec has two steps, because the credentials of the new program depend on which file is
// run in the end: Resolve follows scripts to the ELF file; Load maps it. Both read untrusted
// bytes: each format is parsed by one function that returns a checked value (script.go,
// elf.go) and nothing else looks at the raw form.
package loader
