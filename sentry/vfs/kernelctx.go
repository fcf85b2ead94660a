package vfs

import (
	"time"

	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// KernelCtx is the kernel itself as the caller of an operation: root of the first user
// namespace, without limits and without application memory. The zero value is ready; it can
// sleep only if W is set.
type KernelCtx struct{ W *wait.Waiter }

var kernelCred = auth.Root(auth.NewRootNS())

// Cred is the superuser's.
func (KernelCtx) Cred() *auth.Cred { return kernelCred }

// Space is nil: there is no application.
func (KernelCtx) Space() *usermem.Space { return nil }

// Waiter is W, or one that nobody interrupts.
func (c KernelCtx) Waiter() *wait.Waiter {
	if c.W != nil {
		return c.W
	}
	return wait.NewWaiter()
}

// Limit is infinite.
func (KernelCtx) Limit(int) uint64 { return ^uint64(0) }

// Now is the host's time.
func (KernelCtx) Now() int64 { return time.Now().UnixNano() }
