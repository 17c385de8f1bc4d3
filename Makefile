# yurt-steward: `make help` lists what there is to do.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
CC ?= cc
BUILD ?= build
PKG_CONFIG ?= pkg-config
LIBS := libcurl json-c yaml-0.1
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

CPPFLAGS += -D_GNU_SOURCE -Ipkg -DYURT_STEWARD_VERSION='"$(VERSION)"' -MMD -MP
WARNINGS := -Wall -Wextra -Wpedantic -Werror -Wconversion -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Wformat=2
CFLAGS ?= -O2 -g
override CFLAGS += -std=c11 $(WARNINGS) -fstack-protector-strong -fno-strict-aliasing
LDFLAGS ?= -Wl,-z,relro,-z,now -Wl,--as-needed
LDLIBS = $(shell $(PKG_CONFIG) --libs $(LIBS)) -lev -lm

PACKAGES := base json yaml loop http kube control adjust app
SOURCES := $(foreach p,$(PACKAGES),$(sort $(wildcard pkg/$(p)/*.c)))
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o)
MAIN_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard cmd/yurt-steward/*.c)))
UNIT_SOURCES := $(sort $(wildcard test/unit/test_*.c))
UNIT_TESTS := $(UNIT_SOURCES:%.c=$(BUILD)/%)
UNIT_HELPERS := $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(UNIT_SOURCES),$(wildcard test/unit/*.c)))

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all
all: $(BUILD)/yurt-steward

$(BUILD)/yurt-steward: $(MAIN_OBJECTS) $(BUILD)/libsteward.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/libsteward.a: $(OBJECTS)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/test/unit/%.o: override CPPFLAGS += -Itest
$(BUILD)/test/unit/test_%: $(BUILD)/test/unit/test_%.o $(UNIT_HELPERS) $(BUILD)/libsteward.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcheck -lsubunit -lrt -lpthread

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
