package main

import (
	"os"
	"testing"
)

func TestPageIsCurrent(t *testing.T) {
	have, err := os.ReadFile("../../docs/syscalls.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != page() {
		t.Error("docs/syscalls.md is stale: go run ./tools/syscalldoc > docs/syscalls.md")
	}
}
