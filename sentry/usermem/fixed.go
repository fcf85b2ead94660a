package usermem

import "github.com/seed-7423c386/runsc/abi/linux"

// Int is the integer types that are copied as they are.
type Int interface {
	~int8 | ~uint8 | ~int16 | ~uint16 | ~int32 | ~uint32 | ~int64 | ~uint64
}

// maxSlice bounds the bytes of a slice copied at once. Every caller has a bound of Linux's
// below it; this one keeps a forgotten check from becoming an allocation of gigabytes.
const maxSlice = 16 << 20

// CopyIn returns the struct at addr.
func CopyIn[T linux.Fixed](s *Space, addr Addr) (T, linux.Errno) {
	var v T
	_, errno := s.CopyIn(addr, bytesOf(&v))
	return v, errno
}

// CopyOut stores a struct at addr.
func CopyOut[T linux.Fixed](s *Space, addr Addr, v *T) linux.Errno {
	_, errno := s.CopyOut(addr, bytesOf(v))
	return errno
}

// View is the bytes of a struct.
func View[T linux.Fixed](v *T) []byte { return bytesOf(v) }

// CopyInSlice returns the n structs at addr. The caller has bounded n as Linux does.
func CopyInSlice[T linux.Fixed](s *Space, addr Addr, n int) ([]T, linux.Errno) {
	if n < 0 || n > maxSlice/max(1, sizeOf[T]()) {
		return nil, linux.EINVAL
	}
	v := make([]T, n)
	_, errno := s.CopyIn(addr, bytesOfSlice(v))
	return v, errno
}

// CopyInSliceTo fills v with the structs at addr.
func CopyInSliceTo[T linux.Fixed](s *Space, addr Addr, v []T) linux.Errno {
	_, errno := s.CopyIn(addr, bytesOfSlice(v))
	return errno
}

// CopyOutSlice stores the structs v at addr.
func CopyOutSlice[T linux.Fixed](s *Space, addr Addr, v []T) linux.Errno {
	_, errno := s.CopyOut(addr, bytesOfSlice(v))
	return errno
}

// CopyInInt returns the integer at addr.
func CopyInInt[T Int](s *Space, addr Addr) (T, linux.Errno) {
	var v T
	_, errno := s.CopyIn(addr, bytesOfInt(&v))
	return v, errno
}

// CopyOutInt stores an integer at addr.
func CopyOutInt[T Int](s *Space, addr Addr, v T) linux.Errno {
	_, errno := s.CopyOut(addr, bytesOfInt(&v))
	return errno
}

// CopyInInts returns the n integers at addr. The caller has bounded n as Linux does.
func CopyInInts[T Int](s *Space, addr Addr, n int) ([]T, linux.Errno) {
	if n < 0 || n > maxSlice/sizeOf[T]() {
		return nil, linux.EINVAL
	}
	v := make([]T, n)
	_, errno := s.CopyIn(addr, bytesOfInts(v))
	return v, errno
}

// CopyOutInts stores the integers v at addr.
func CopyOutInts[T Int](s *Space, addr Addr, v []T) linux.Errno {
	_, errno := s.CopyOut(addr, bytesOfInts(v))
	return errno
}

// Encode returns the bytes of v, for structs that travel inside other data (control
// messages, netlink, directory entries). They are v's own: copy what must last.
func Encode[T linux.Fixed](v *T) []byte { return bytesOf(v) }

// Decode fills v from the front of b and tells whether b was long enough.
func Decode[T linux.Fixed](b []byte, v *T) bool {
	return copy(bytesOf(v), b) == sizeOf[T]()
}
