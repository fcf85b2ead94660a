package pages

// HostFile is a host file that applications map straight from its descriptor. The inode that
// owns the descriptor makes one and releases it when the descriptor is closed; areas that map
// the file hold the inode, so the descriptor outlives them.
type HostFile struct {
	fd       int
	writable bool // the descriptor allows shared writable mappings
}

// NewHostFile returns the HostFile of fd. writable tells whether fd is open for writing.
func NewHostFile(fd int, writable bool) *HostFile {
	return &HostFile{fd: fd, writable: writable}
}

// FD is the host descriptor.
func (h *HostFile) FD() int { return h.fd }

// Writable tells whether the descriptor allows shared writable mappings.
func (h *HostFile) Writable() bool { return h.writable }

// Release takes away the kernel's own mappings of the file. No area maps it any more.
func (h *HostFile) Release() {}
