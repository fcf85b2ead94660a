#!/bin/sh
# Builds vdso.so from vdso.S: sentry/vdso/build.sh [OUTPUT]. Needs gcc; run by `go generate`.
set -eu
out=${1:-vdso.so}
case $out in /*) ;; *) out=$PWD/$out ;; esac
cd "$(dirname "$0")"
gcc -shared -nostdlib -fPIC -Wl,--hash-style=both -Wl,-soname=linux-vdso.so.1 -Wl,--build-id=none \
	-Wl,-z,noexecstack -Wl,-T,vdso.lds -Wl,-s -o "$out" vdso.S
