module github.com/seed-7423c386/runsc

go 1.26.0

require (
	github.com/google/subcommands v1.2.0
	github.com/mohae/deepcopy v0.0.0-20170929034955-c48cc78d4826
	github.com/opencontainers/runtime-spec v1.3.0
	github.com/seccomp/libseccomp-golang v0.11.1
	golang.org/x/sys v0.49.0
	golang.org/x/time v0.16.0
)
