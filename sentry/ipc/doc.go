// Package ipc is System V IPC: semaphores, message queues and shared memory segments of one
// IPC namespace (sysvipc(7); ipc/util.c, sem.c, msg.c, shm.c).
//
// Objects are found by identifier: index + sequence number * 32768, so that the identifier of
// a removed object does not come back soon. Blocking operations wait with package wait; a
// removal wakes all sleepers with EIDRM.
//
// Locks: Namespace.mu, then the object's mu. Neither is held while application memory is
// touched: callers copy in before and out after.
package ipc
