// Package pages allocates the memory file: one sparse memfd that backs all private and
// shared anonymous memory of the applications and the contents of files without a host
// descriptor. It also keeps the kernel's own mappings of host files.
//
// The memory file is mapped once, whole, in the sentry. It is cut into chunks of 2 MiB, and
// each page of a chunk has a reference count: an area of an address space and a page cache
// may share pages, and after fork two address spaces do.
//
//	File   the memory file; hands out whole chunks
//	Pool   what one container uses: its chunks with room, its usage
//	Arena  an allocator of one address space or file: owns one chunk at a time, so that what it
//	       allocates in a row lies in a row, and allocators do not meet on a lock
//	Object a sparse file's contents: offset to page
//
// Freed pages stay with the host for a second or two, since a page that exists costs a third
// of a new one; then they are given back (reclaim.go). Pages of chunks that are used as a whole
// come from the host as one huge page, at a tenth of the price (chunk.go).
//
// Locks, outermost first: Object, chunk, Pool, File. All are leaves to everybody else.
//
// It mirrors mm/page_alloc.c and the page cache side of mm/shmem.c in what they do, not how.
package pages
