//go:build !race

package systrap

// dropRseq is for programs with a C library (race_unsafe.go).
func dropRseq() {}
