package tools

// layerExceptions are imports against the table, as "from -> to".
var layerExceptions = exceptions{}

// dependencies are imports of other modules by what an untrusted program can reach, as "from -> to".
var dependencies = exceptions{
	"sentry/control -> github.com/opencontainers/runtime-spec/specs-go": "data types only: the configuration that runsc hands over, already checked",
	"sentry/boot -> github.com/opencontainers/runtime-spec/specs-go":    "data types only: reads the configuration at the start",
	"sentry/boot -> golang.org/x/time/rate":                             "bounds the messages that an application can cause; no dependencies of its own",
}

// sizeExceptions are files ("path"), functions and interfaces ("path Name") over the limits.
var sizeExceptions = exceptions{}

// hostConstants are files outside platform and gofer/host.go that import golang.org/x/sys/unix
// for constants and types only.
var hostConstants = exceptions{
	"gofer/change.go":                  "open flags and the types that host.go's functions take",
	"gofer/isolate.go":                 "a command of fcntl that the filter compares",
	"gofer/read.go":                    "open flags and the types that host.go's functions return",
	"gofer/server.go":                  "flags of the socket's messages, a type",
	"sentry/boot/boot.go":              "see hostCalls",
	"sentry/boot/platform.go":          "see hostCalls",
	"sentry/boot/serve.go":             "flags of the control socket's messages",
	"sentry/boot/signals.go":           "the host's signal numbers, which it forwards",
	"sentry/fs/gofer/conn.go":          "flags of the gofer socket's messages",
	"sentry/fs/gofer/file.go":          "the type that platform/host's fstat fills",
	"sentry/fs/gofer/io.go":            "the type that platform/host's fstat fills",
	"sentry/fs/hostfile/hostfile.go":   "events and types of platform/host's epoll, poll and fstat",
	"sentry/fs/hostfile/tty.go":        "requests and types of platform/host's terminal calls",
	"sentry/socket/hostinet/socket.go": "events and types of platform/host's epoll and poll",
	"sentry/pages/pages_unsafe.go":     "flags of platform/host's mmap and madvise",
}

// hostCalls are calls outside platform and gofer/host.go, as "path Function".
var hostCalls = exceptions{
	"sentry/boot/platform.go Prctl": "before the filter is on: must not be dumpable while it starts",
	"sentry/boot/boot.go Auxv":      "reads what the host's kernel left in memory: no call",
}
