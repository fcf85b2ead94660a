package control

// Platforms are the names of the ways to run application code that a sentry may know.
var Platforms = []string{"systrap", "ptrace", "kvm"}

// Arguments of a sentry that is to write the Measurement of a platform to its standard output, as
// JSON, and end: MeasureFlag with the platform's name behind it, then RootlessFlag if it is
// started in a user namespace of its own.
const (
	MeasureFlag  = "--measure="
	RootlessFlag = "--rootless"
)

// Measurement says what a platform does on this host.
type Measurement struct {
	Platform    string `json:"platform"`
	Nanoseconds int64  `json:"nanoseconds,omitempty"` // from one system call of an application to the next
	Error       string `json:"error,omitempty"`       // why it cannot be used; empty if it can
}
