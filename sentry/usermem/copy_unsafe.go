package usermem

import (
	"runtime/debug"
	"sync/atomic"
	"unsafe"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// copyFragile copies the shorter of the two where either can be the memory of a host file
// that was truncated, and returns how many bytes it copied and whether that was all.
func copyFragile(dst, src []byte) (n int, whole bool) {
	n = min(len(dst), len(src))
	dst, src = dst[:n], src[:n]
	if tryCopy(dst, src) {
		return n, true
	}
	for done := 0; done < n; {
		// Stop at the page boundaries of both sides: only one of them is fragile, but which
		// one does not matter.
		step := min(n-done, toPageEnd(&dst[done]), toPageEnd(&src[done]))
		if !tryCopy(dst[done:done+step], src[done:done+step]) {
			return done, false
		}
		done += step
	}
	return n, true
}

// CopyFile copies src, which can be the memory of a host file that was truncated, to dst, which is as long: what is no longer there is 0.
func CopyFile(dst, src []byte) {
	if n, whole := copyFragile(dst, src); !whole {
		clear(dst[n:])
	}
}

// toPageEnd is the number of bytes from p to the end of its page. The pointer is only looked
// at as a number.
func toPageEnd(p *byte) int {
	return int(PageSize - uintptr(unsafe.Pointer(p))&PageMask)
}

// tryCopy copies and tells whether no fault hit it.
func tryCopy(dst, src []byte) (ok bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer recoverFault(&ok)
	copy(dst, src)
	return true
}

// tryAtomic runs fn and tells whether no fault hit it.
func tryAtomic(w *atomic.Uint32, fn func(*atomic.Uint32)) (ok bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer recoverFault(&ok)
	fn(w)
	return true
}

// recoverFault is deferred: it turns the panic of a memory fault into *ok = false and lets
// every other panic go on.
func recoverFault(ok *bool) {
	r := recover()
	if r == nil {
		return
	}
	if _, fault := r.(interface{ Addr() uintptr }); !fault {
		panic(r)
	}
	*ok = false
}

// word returns the atomic word at b[0]. It is safe since b has at least four bytes, is
// aligned to four (the caller has checked the application's address, and pages of both sides
// are aligned alike), and lies in a mapping that Go's collector does not own.
func word(b []byte) *atomic.Uint32 {
	_ = b[3]
	return (*atomic.Uint32)(unsafe.Pointer(&b[0]))
}

// bytesOf returns v as bytes. It is safe since a linux.Fixed has neither pointers nor holes.
func bytesOf[T linux.Fixed](v *T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v))
}

// bytesOfSlice returns the elements of v as bytes, safe for the same reason.
func bytesOfSlice[T linux.Fixed](v []T) []byte {
	if len(v) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&v[0])), uintptr(len(v))*unsafe.Sizeof(v[0]))
}

// bytesOfInts returns the elements of v as bytes. Integers have no holes.
func bytesOfInts[T Int](v []T) []byte {
	if len(v) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&v[0])), uintptr(len(v))*unsafe.Sizeof(v[0]))
}

// bytesOfInt returns v as bytes.
func bytesOfInt[T Int](v *T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v))
}

// sizeOf is the size of a T.
func sizeOf[T any]() int {
	var v T
	return int(unsafe.Sizeof(v))
}
