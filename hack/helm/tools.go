//go:build tools

// Package tools names the command that the chart's tests render it with. hack/kube-binaries builds
// it.
package tools

import (
	_ "helm.sh/helm/v3/cmd/helm"
)
