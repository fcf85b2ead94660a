// Package control is what the command line and a running sandbox say to each other.
//
// It has two halves. Config is everything the sentry needs at start: runsc writes it as JSON
// into a memfd that the sentry inherits, together with the descriptors that Config names by
// number. The control protocol is for later: a unix stream socket in the container's state
// directory on which runsc asks the sentry to start, signal, execute, wait and so on.
//
// The protocol is one request and one reply at a time on a connection. Both are a frame: four
// bytes of little-endian length, then that many bytes of JSON. Descriptors travel as
// SCM_RIGHTS with the first byte of the request. Each request is one of the Methods of
// methods.go, the one list of what can be asked; Server and Client are generic over them.
//
// The package does no host system call of its own on the server's side (the sentry brings a
// Stream made of platform/host calls) and imports nothing of the sentry, so that both ends
// can import it.
package control
