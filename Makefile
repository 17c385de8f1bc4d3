# yurt-steward. `make` lists what there is to do.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
CC ?= cc
BUILD ?= build
PKG_CONFIG ?= pkg-config
PYTHON ?= /usr/bin/python3
FUZZ_SECONDS ?= 20
# end-to-end tests wait more than they work, each file on a control plane of its worker
E2E_JOBS ?= 5
# empty: those too that take minutes
SCENARIOS ?= -m "not slow"
JOBS ?= $(shell nproc)
LIBS := libcurl json-c yaml-0.1 libmicrohttpd

CPPFLAGS += -D_GNU_SOURCE -Ipkg -DYURT_STEWARD_VERSION='"$(VERSION)"' -MMD -MP
WARNINGS := -Wall -Wextra -Wpedantic -Werror -Wconversion -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Wformat=2
OPTIMIZE ?= -O2 -g
SANITIZE ?=
CFLAGS ?=
override CFLAGS += -std=c11 $(OPTIMIZE) $(WARNINGS) -fstack-protector-strong \
	-fno-strict-aliasing $(SANITIZE)
LDFLAGS ?= -Wl,-z,relro,-z,now -Wl,--as-needed
LDLIBS = $(shell $(PKG_CONFIG) --libs $(LIBS)) -lev -lresolv -lm

PACKAGES := base json yaml loop http dns serve kube control adjust staticpod node app
SOURCES := $(foreach p,$(PACKAGES),$(sort $(wildcard pkg/$(p)/*.c)))
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o)
MAIN_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard cmd/yurt-steward/*.c)))
UNIT_SOURCES := $(sort $(wildcard test/unit/test_*.c))
UNIT_TESTS := $(UNIT_SOURCES:%.c=$(BUILD)/%)
SIMULATIONS := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard test/simulation/*.c)))
UNIT_HELPERS := $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(UNIT_SOURCES),$(wildcard test/unit/*.c)))
FUZZERS := $(patsubst test/fuzz/%.c,$(BUILD)/fuzz/%,$(sort $(wildcard test/fuzz/fuzz_*.c)))

ASAN := BUILD=$(BUILD)/asan OPTIMIZE='-O1 -g' \
	SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer'
# CK_FORK=no: a leak must fail the program, not a forked child of it
UNIT_ENV := CK_FORK=no ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1

.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := help
.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

.PHONY: build
build: deps-build ## the program, in build/yurt-steward
	+@$(MAKE) --no-print-directory --jobs=$(JOBS) $(BUILD)/yurt-steward

.PHONY: demo
demo: ## the main job on a real control plane, from nothing, for a person to watch
	hack/demo

.PHONY: test
test: deps-test lint test-unit test-simulation test-scenario fuzz test-e2e ## everything but test-deploy and test-cluster

.PHONY: test-unit
test-unit: ## the unit tests under AddressSanitizer and UBSan; seconds
	+@$(MAKE) --no-print-directory --jobs=$(JOBS) $(ASAN) unit

# Some programs do little but wait: more at a time than there are processors.
UNIT_JOBS ?= $(shell expr 2 '*' $$(nproc))
UNIT_RUNS := $(UNIT_TESTS:%=run-%)
.PHONY: unit $(UNIT_RUNS)
unit: $(UNIT_TESTS) $(BUILD)/yurt-steward
	+@$(MAKE) --no-print-directory --keep-going --output-sync=target --jobs=$(UNIT_JOBS) \
		$(UNIT_RUNS)

$(UNIT_RUNS): run-%: %
	@$(UNIT_ENV) $< || { echo "FAILED: $<"; exit 1; }

# Without sanitizers, for the number of steps; the unit tests of the same code have them.
# PROGRAM@SEEDS
SIM_RUNS := sim-coredns@1-1000 sim-coredns@1001-2000 sim-static_pod_power@
.PHONY: test-simulation run-simulation $(SIM_RUNS)
test-simulation: deps-test ## random histories of a cluster, and power cuts at every call
	+@$(MAKE) --no-print-directory --jobs=$(JOBS) --output-sync=target run-simulation
run-simulation: $(SIM_RUNS)
$(SIM_RUNS): sim-%: $(SIMULATIONS)
	@echo "simulation: $*"
	@CK_FORK=no SIM_SEEDS=$(word 2,$(subst @, ,$*)) \
		$(BUILD)/test/simulation/test_$(word 1,$(subst @, ,$*)) >$(BUILD)/$@.log 2>&1; \
		ended=$$?; tr '\r' '\n' <$(BUILD)/$@.log | tail -n 3; exit $$ended

.PHONY: test-e2e
test-e2e: deps-test ## against a real kube-apiserver; builds it once, then some minutes
	+@$(MAKE) --no-print-directory --jobs=$(JOBS) $(BUILD)/yurt-steward
	hack/kube-binaries
	rm -rf $(BUILD)/audit && mkdir -p $(BUILD)/audit
	AUDIT_LOGS=$(BUILD)/audit $(PYTHON) -m pytest -q -n $(E2E_JOBS) --dist loadfile test/e2e
	AUDIT_LOGS=$(BUILD)/audit $(PYTHON) -m pytest -q test/permissions

.PHONY: test-scenario
test-scenario: deps-test ## the program against a scripted API server, for what a real one can't do
	+@$(MAKE) --no-print-directory --jobs=$(JOBS) $(BUILD)/yurt-steward
	$(PYTHON) -m pytest -q $(SCENARIOS) test/fake test/scenario

.PHONY: test-soak
test-soak: deps-test ## the operator among random faults for SOAK_SECONDS, 120: memory, descriptors
	+@$(MAKE) --no-print-directory --jobs=$(JOBS) $(BUILD)/yurt-steward
	hack/kube-binaries
	$(PYTHON) -m pytest -q test/soak

.PHONY: fuzz
fuzz: deps-test ## every fuzzer for FUZZ_SECONDS each
	+@$(MAKE) --no-print-directory --jobs=$(JOBS) BUILD=$(BUILD)/fuzzing CC=clang OPTIMIZE='-O1 -g' \
		SANITIZE='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all' \
		FUZZ_SECONDS=$(FUZZ_SECONDS) run-fuzzers

FUZZ_RUNS := $(FUZZERS:%=fuzz-%)
.PHONY: run-fuzzers $(FUZZ_RUNS)
run-fuzzers: $(FUZZ_RUNS)

$(FUZZ_RUNS): fuzz-%: %
	@rm -rf $(BUILD)/corpus/$(<F) && mkdir -p $(BUILD)/corpus/$(<F)
	@cp --backup=numbered -f test/fixtures/kube-proxy-config/*.yaml test/fixtures/kubeadm-*/*.json \
		test/fixtures/kubeadm-*/kube-*.yaml test/golden/staticpod/*.yaml test/golden/node/*.yaml \
		test/fixtures/kubeadm-*/cluster-configuration.yaml $(BUILD)/corpus/$(<F)
	@echo "$<: $(FUZZ_SECONDS) s"
	@$< -max_total_time=$(FUZZ_SECONDS) -timeout=20 -rss_limit_mb=2048 -verbosity=0 \
		-artifact_prefix=$(BUILD)/ $(BUILD)/corpus/$(<F)

.PHONY: bench
bench: deps-test ## the operator beside a bare loop on a real API server: a table, in 5 minutes
	+@$(MAKE) --no-print-directory $(BUILD)/yurt-steward $(BUILD)/test/bench/bare
	hack/kube-binaries
	$(PYTHON) test/bench/bench.py --operator $(BUILD)/yurt-steward \
		--bare $(BUILD)/test/bench/bare $(BENCH)

.PHONY: lint
lint: deps-test ## formatting, warnings as errors, layers, shell
	hack/format --check
	+@$(MAKE) --no-print-directory $(BUILD)/yurt-steward
	hack/check-layers $(BUILD)
	shellcheck -x $(shell grep -lE '^#!.*bash' hack/* hack/*/* .ci/* 2>/dev/null)

.PHONY: deps-build deps-test
deps-build:
	@hack/deps build
deps-test:
	@hack/deps build test cluster

.PHONY: image
image: ## the image for amd64 and arm64, in build/image; no container engine, no root
	@hack/deps image
	hack/image/build --arch amd64 --arch arm64 --output $(BUILD)/image

.PHONY: man
man: build ## yurt-steward(1) and shell completions, in build/
	hack/man --program $(BUILD)/yurt-steward --output $(BUILD)

.PHONY: test-deploy
test-deploy: deps-test ## manifests, chart, image, man page
	@hack/deps image
	+@$(MAKE) --no-print-directory --jobs=$(JOBS) $(BUILD)/yurt-steward
	hack/kube-binaries kube-apiserver kube-controller-manager kubeadm kubectl etcd helm
	$(PYTHON) -m pytest -q test/deploy

.PHONY: test-cluster
test-cluster: deps-test ## DNS through a cut-over on real nodes; some minutes
	@hack/deps nodes
	+@$(MAKE) --no-print-directory --jobs=$(JOBS) $(BUILD)/yurt-steward
	hack/kube-binaries kube-apiserver kube-controller-manager kube-scheduler kubeadm kubectl \
		etcd kubelet kube-proxy coredns yurthub kwok
	$(PYTHON) -m pytest -q -n 2 --dist loadfile test/cluster

.PHONY: cluster cluster-down
cluster: ## real nodes in pools on this machine, with yurthub, for a person to look around
	hack/deps cluster nodes
	hack/cluster start $(BUILD)/cluster
cluster-down: ## stops that
	hack/cluster stop $(BUILD)/cluster

.PHONY: clean
clean: ## removes build/
	rm -rf $(BUILD)

$(BUILD)/yurt-steward: $(MAIN_OBJECTS) $(BUILD)/libsteward.a
	@echo "  LD   $@"
	@$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/libsteward.a: $(OBJECTS)
	@rm -f $@
	@$(AR) rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC   $<"
	@$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/pkg/adjust/coredns_manifest.o: manifests/coredns-daemonset.yaml
$(BUILD)/test/%.o: override CPPFLAGS += -Itest
$(BUILD)/test/unit/libhelpers.a: $(UNIT_HELPERS)
	@rm -f $@
	@$(AR) rcs $@ $^

$(UNIT_TESTS) $(SIMULATIONS): %: %.o $(BUILD)/test/unit/libhelpers.a $(BUILD)/libsteward.a
	@$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcheck -lsubunit -lm -lrt -lpthread

$(BUILD)/test/bench/bare: $(BUILD)/test/bench/bare.o
	@echo "  LD   $@"
	@$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/fuzz/%: $(BUILD)/test/fuzz/%.o $(BUILD)/test/fuzz/fuzzing.o $(BUILD)/libsteward.a
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)

-include $(OBJECTS:.o=.d) $(MAIN_OBJECTS:.o=.d) $(UNIT_TESTS:=.d) $(SIMULATIONS:=.d) $(UNIT_HELPERS:.o=.d) $(BUILD)/test/bench/bare.d
