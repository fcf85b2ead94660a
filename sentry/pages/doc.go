// Package pages allocates the memory file: one sparse memfd that backs all private and
// shared anonymous memory of the applications and the contents of files without a host
// descriptor. It also keeps the kernel's own mappings of host files.
package pages
