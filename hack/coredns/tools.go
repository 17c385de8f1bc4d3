//go:build tools

// Package tools keeps the CoreDNS that hack/kube-binaries builds in go.mod.
package tools

import (
	_ "github.com/coredns/coredns"
)
