//go:build tools

// Package tools keeps the OpenYurt commands that hack/kube-binaries builds in
// go.mod.
package tools

import (
	_ "github.com/openyurtio/openyurt/cmd/yurthub"
)
