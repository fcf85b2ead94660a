// Package wire is the file protocol between the sentry (client) and the gofer (server): one
// stream socket pair for each container.
//
// A frame is a header of 16 bytes and a body. The client numbers its requests with tags of
// its own; the server answers each with a frame of the same tag and operation, in any order.
// A frame's descriptors travel with its first byte (SCM_RIGHTS); only replies have any.
// Everything is little-endian, nothing is aligned.
//
// The server gives every file it has shown to the client an id, never 0 and never given
// twice, behind which it holds the file open with O_PATH. Forget gives ids back. Two ids may
// belong to one file: the client tells by Dev and Ino, which cannot be reused as long as an
// id of the file is held. User and group ids are the container's.
//
// Neither side trusts the other. Everything decoded is bounded: a name is one component of a
// path (never "." or ".."), a frame is at most MaxFrame bytes, a list ends with its frame.
// Whatever does not fit is an error, after which the connection is of no more use.
package wire
