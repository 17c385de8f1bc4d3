//go:build tools

// Package tools keeps the kwok that hack/kube-binaries builds in go.mod.
package tools

import (
	_ "sigs.k8s.io/kwok/cmd/kwok"
)
