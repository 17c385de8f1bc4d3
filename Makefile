# yurt-steward. `make` lists what there is to do.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
CC ?= cc
BUILD ?= build
PKG_CONFIG ?= pkg-config
PYTHON ?= /usr/bin/python3
FUZZ_SECONDS ?= 20
LIBS := libcurl json-c yaml-0.1

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

PACKAGES := base json yaml loop http dns kube control adjust app
SOURCES := $(foreach p,$(PACKAGES),$(sort $(wildcard pkg/$(p)/*.c)))
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o)
MAIN_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard cmd/yurt-steward/*.c)))
UNIT_SOURCES := $(sort $(wildcard test/unit/test_*.c))
UNIT_TESTS := $(UNIT_SOURCES:%.c=$(BUILD)/%)
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
	+@$(MAKE) --no-print-directory $(BUILD)/yurt-steward

.PHONY: demo
demo: ## the main job on a real control plane, from nothing, for a person to watch
	hack/demo

.PHONY: test
test: deps-test lint test-unit fuzz test-e2e ## everything

.PHONY: test-unit
test-unit: ## the unit tests under AddressSanitizer and UBSan; seconds
	+@$(MAKE) --no-print-directory $(ASAN) unit

.PHONY: unit
unit: $(UNIT_TESTS) $(BUILD)/yurt-steward
	@failed=0; for t in $(UNIT_TESTS); do \
		$(UNIT_ENV) $$t || { failed=1; echo "FAILED: $$t"; }; done; exit $$failed

.PHONY: test-e2e
test-e2e: deps-test ## against a real kube-apiserver; builds it once, then some minutes
	+@$(MAKE) --no-print-directory $(BUILD)/yurt-steward
	hack/kube-binaries
	$(PYTHON) -m pytest -q test/e2e

.PHONY: fuzz
fuzz: deps-test ## every fuzzer for FUZZ_SECONDS each
	+@$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzzing CC=clang OPTIMIZE='-O1 -g' \
		SANITIZE='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all' \
		FUZZ_SECONDS=$(FUZZ_SECONDS) run-fuzzers

.PHONY: run-fuzzers
run-fuzzers: $(FUZZERS)
	@for f in $(FUZZERS); do \
		corpus=$(BUILD)/corpus/$${f##*/}; mkdir -p $$corpus; \
		cp -f test/fixtures/kube-proxy-config/*.yaml test/fixtures/kubeadm-*/*.json $$corpus; \
		echo "$$f: $(FUZZ_SECONDS) s"; \
		$$f -max_total_time=$(FUZZ_SECONDS) -timeout=20 -rss_limit_mb=2048 -verbosity=0 \
			-artifact_prefix=$(BUILD)/ $$corpus || exit 1; done

.PHONY: lint
lint: deps-test ## formatting, warnings as errors, layers, shell
	hack/format --check
	+@$(MAKE) --no-print-directory $(BUILD)/yurt-steward
	hack/check-layers $(BUILD)
	shellcheck -x $(shell grep -lE '^#!.*bash' hack/* .ci/*)

.PHONY: deps-build deps-test
deps-build:
	@hack/deps build
deps-test:
	@hack/deps build test cluster

.PHONY: clean
clean: ## removes build/
	rm -rf $(BUILD)

$(BUILD)/yurt-steward: $(MAIN_OBJECTS) $(BUILD)/libsteward.a
	@echo "  LD   $@"
	@$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/libsteward.a: $(OBJECTS)
	@rm -f $@
	@ar rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC   $<"
	@$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/test/%.o: override CPPFLAGS += -Itest
$(BUILD)/test/unit/test_%: $(BUILD)/test/unit/test_%.o $(UNIT_HELPERS) $(BUILD)/libsteward.a
	@$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcheck -lsubunit -lm -lrt -lpthread

$(BUILD)/fuzz/%: $(BUILD)/test/fuzz/%.o $(BUILD)/libsteward.a
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)

-include $(OBJECTS:.o=.d) $(MAIN_OBJECTS:.o=.d) $(UNIT_TESTS:=.d) $(UNIT_HELPERS:.o=.d)
