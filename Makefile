# Pronghorn. `make help` lists the targets.
#
# One rule set for everything: objects of the server, the example apps (built
# against the SDK only) and one test program per test/unit/**/*_test.c.
# `make` needs no network; `make deps` is the only target that fetches.

BUILD ?= build
CC ?= gcc
OPT ?= -O2 -g
WERROR ?=
SAN ?=

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings \
	-Wformat=2 -Wvla -Wundef -Wimplicit-fallthrough $(if $(WERROR),-Werror)
HARDEN := -fno-common -fstack-protector-strong -fvisibility=hidden \
	$(if $(SAN),,-D_FORTIFY_SOURCE=2)
ALL_CPPFLAGS := -D_GNU_SOURCE -I. -Iworker/sdk $(CPPFLAGS)
ALL_CFLAGS := -std=c11 $(OPT) $(WARN) $(HARDEN) -fPIE -pthread $(SAN) $(CFLAGS)
ALL_LDFLAGS := -pie -pthread -Wl,-z,relro,-z,now $(SAN) $(LDFLAGS)
LDLIBS := -levent_core -lcjson -lsqlite3 -lssl -lcrypto -lz -ldl -lm

LIB_SRC := $(filter-out server/main.c,$(wildcard server/base/*.c cache/*.c \
	worker/*.c server/*.c))
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/obj/%.o)
MAIN_OBJ := $(BUILD)/obj/server/main.o
UNIT_SRC := $(shell find test/unit -name '*_test.c' 2>/dev/null | sort)
UNIT_BIN := $(UNIT_SRC:test/unit/%.c=$(BUILD)/unit/%)
EXAMPLES := $(notdir $(patsubst %/app.c,%,$(wildcard docs/examples/*/app.c)))
EXAMPLE_SO := $(EXAMPLES:%=$(BUILD)/examples/%.so)

.DELETE_ON_ERROR:
.SUFFIXES:

all: $(BUILD)/pronghorn examples ## build the server and the example apps

$(BUILD)/pronghorn: $(LIB_OBJ) $(MAIN_OBJ)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/unit/%: test/unit/%.c $(LIB_OBJ)
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -MF $@.d \
		$(ALL_LDFLAGS) -o $@ $< $(LIB_OBJ) $(LDLIBS) -lcmocka

examples: $(EXAMPLE_SO)

$(BUILD)/examples/%.so: docs/examples/%/app.c $(wildcard worker/sdk/pronghorn/*.h)
	@mkdir -p $(@D)
	$(CC) -std=c11 $(OPT) -Wall -Wextra $(SAN) -fPIC -shared \
		-fvisibility=hidden -Iworker/sdk -Wl,-z,defs -o $@ $< -lm

clean: ## remove everything that was built
	rm -rf $(BUILD)

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | \
		awk -F'\t' '{ printf "  %-10s %s\n", $$1, $$2 }'

-include $(LIB_OBJ:.o=.d) $(MAIN_OBJ:.o=.d) $(UNIT_BIN:%=%.d)

.PHONY: all examples clean help
