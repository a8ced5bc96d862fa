# SPDX-License-Identifier: MIT
#
# Pronghorn. `make help` lists the targets and the variables.
#
# One rule set for everything: objects of the server, the example apps (built
# against the SDK only) and one test program per test/unit/**/*_test.c.
# Building needs no network; the targets that may use it are deps, deps-test
# and those that call them: run, test, lint.
#
# Every kind of build (compiler, sanitizer) has a BUILD folder of its own.

BUILD ?= build## folder of everything that is built
ifeq ($(origin CC),default)
CC := gcc
endif
OPT ?= -O2 -g## how much to optimise
WERROR ?=## 1: a warning stops the build
SAN ?=## sanitizer flags, as make asan sets them
V ?=## 1: show each command in full

APP ?= $(if $(GUIDE_SRC),$(BUILD)/guide.so,caching_and_signaling)## run: path/app.so or the name of an example
BIND ?=## run: address to listen on, 127.0.0.1:8000 unless given
WORKERS ?=## run: worker processes
THREADS ?=## run: threads per worker
CONF ?= conf/pronghorn-dev.conf## run: config file
T ?=## test: only files whose path contains this
STAGES ?=## test, asan, tsan, coverage: only these, as 'unit e2e'
TARGET ?=## fuzz: one target, all unless given
TIME ?= 60## fuzz: seconds per target
CHECK ?=## lint: only these checks, as layers or tidy
PREFIX ?= /usr/local## install: where to
SYSCONFDIR ?= $(if $(filter /usr /usr/local,$(PREFIX)),/etc,$(PREFIX)/etc)
DESTDIR ?=## install: root of the tree to install into

comma := ,
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings \
	-Wformat=2 -Wvla -Wundef -Wimplicit-fallthrough $(if $(WERROR),-Werror)
HARDEN := -fno-common -fstack-protector-strong -fvisibility=hidden \
	$(if $(SAN),,-D_FORTIFY_SOURCE=2)
ALL_CPPFLAGS := -D_GNU_SOURCE -I. -Iworker/sdk $(CPPFLAGS)
ALL_CFLAGS := -std=c11 $(OPT) $(WARN) $(HARDEN) -fPIE -pthread $(SAN) $(CFLAGS)
ALL_LDFLAGS := -pie -pthread -Wl,-z,relro,-z,now $(SAN) $(LDFLAGS)
LDLIBS := -levent_core -lcjson -lsqlite3 -lssl -lcrypto -lnghttp2 -lz \
	-lbrotlienc -ldl -lm
SO_FLAGS := $(OPT) -Wall -Wextra $(if $(WERROR),-Werror) $(SAN) \
	-fPIC -shared -fvisibility=hidden -Iworker/sdk \
	$(if $(SAN),,-Wl$(comma)-z$(comma)defs)
APP_FLAGS := -std=c11 $(SO_FLAGS)

# What is built is found by file name; nothing is listed twice.
LIB_SRC := $(filter-out server/main.c,$(wildcard server/base/*.c cache/*.c \
	worker/*.c server/*.c server/dev/*.c))
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/obj/%.o)
MAIN_OBJ := $(BUILD)/obj/server/main.o
UNIT_SRC := $(shell find test/unit -name '*_test.c' 2>/dev/null | sort)
UNIT_BIN := $(UNIT_SRC:test/unit/%.c=$(BUILD)/unit/%)
FAULT_SRC := $(shell find test/fault -name '*_test.c' 2>/dev/null | sort)
FAULT_BIN := $(FAULT_SRC:test/fault/%.c=$(BUILD)/fault/%)
FUZZ := $(patsubst test/fuzz/%_fuzz.c,%,$(wildcard test/fuzz/*_fuzz.c))
REPLAY_BIN := $(FUZZ:%=$(BUILD)/fuzz/%_replay)
FUZZ_BIN := $(FUZZ:%=$(BUILD)/fuzz/%_fuzz)
DIFFERENTIAL := $(if $(wildcard test/fuzz/http_differential.c),\
	$(BUILD)/fuzz/http_differential)
EXAMPLES := $(notdir $(patsubst %/app.c,%,$(wildcard docs/examples/*/app.c)))
EXAMPLE_SO := $(EXAMPLES:%=$(BUILD)/examples/%.so)
EXAMPLE_CSV := $(wildcard docs/examples/*/*.csv)
EXAMPLE_DATA := $(addprefix $(BUILD)/examples/,$(notdir $(EXAMPLE_CSV)))
# Those in C++ are built for the tests only: running needs no C++ compiler.
CXX_EXAMPLE_SO := $(patsubst docs/examples/%/app.cpp,$(BUILD)/examples/%.so,\
	$(wildcard docs/examples/*/app.cpp))
GUIDE_SRC := $(wildcard docs/guide/*.c)
GUIDE_ASSETS := $(patsubst docs/guide/%,$(BUILD)/%,$(wildcard \
	docs/guide/assets/*))
GUIDE_SO := $(if $(GUIDE_SRC),$(BUILD)/guide.so $(GUIDE_ASSETS))
TEST_APPS := $(patsubst test/apps/%.c,$(BUILD)/test-apps/%.so,$(wildcard \
	test/apps/*.c))
# Where main() is, the file is a program; the others are shared by them.
BENCH_MAIN := $(shell grep -lsw '^main' test/bench/*.c)
BENCH_LIB := $(filter-out $(BENCH_MAIN),$(wildcard test/bench/*.c))
BENCH_OBJ := $(BENCH_LIB:%.c=$(BUILD)/obj/%.o)
# Redis's client, if there is one; make bench installs it.
HIREDIS := $(wildcard /usr/include/hiredis/hiredis.h)
BENCH_BIN := $(patsubst test/bench/%.c,$(BUILD)/bench/%,$(filter-out \
	%/bench_main.c $(if $(HIREDIS),,%/cache_redis.c),$(BENCH_MAIN))) \
	$(BUILD)/pronghorn-bench
# The wall clock, for tests that set it.
WALL_CLOCK := $(BUILD)/e2e/wall_clock.so
STRESS_BIN := $(patsubst test/stress/%.c,$(BUILD)/stress/%,$(wildcard \
	test/stress/*.c))
SDK_HEADERS := $(wildcard worker/sdk/pronghorn/*.h \
	worker/sdk/pronghorn/*.hpp)
OWN_WWW := $(patsubst www/%,$(BUILD)/www/%,$(wildcard www/*.html www/*.css \
	www/*.js www/favicon.*))
NODE_MODULES := test/node_modules/.package-lock.json

# Component packages of npm's, for the tests: what is pinned in test/packages.
PACKAGES := $(BUILD)/packages/stamp
PACKAGE_APPS := $(patsubst test/packages/%.c,$(BUILD)/packages/%.so,$(wildcard \
	test/packages/*.c))

# What tests are told about the build.
TEST_ENV := BUILD='$(abspath $(BUILD))' WWW='$(abspath $(BUILD))/www' T='$(T)'

# One job per core unless -j says otherwise.
ifeq ($(MAKELEVEL),0)
ifeq ($(filter -j% --jobserver%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif
endif
MAKEFLAGS += --no-print-directory

ifeq ($(V),1)
run_as = $(2)
else
run_as = @printf '  %-5s %s\n' '$(1)' '$@' && $(2)
endif

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

all: $(BUILD)/pronghorn examples $(GUIDE_SO) $(OWN_WWW) ## build the server and the example apps

# A change of compiler or flags builds everything anew.
FLAGS := $(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(LDLIBS)

$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(FLAGS)' | cmp -s - $@ || echo '$(FLAGS)' >$@

FORCE:

$(BUILD)/pronghorn: $(LIB_OBJ) $(MAIN_OBJ)
	$(call run_as,LINK,$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ \
		$(LDLIBS))

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call run_as,CC,$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c \
		-o $@ $<)

# The assembler puts them in, see embed.h.
$(BUILD)/obj/server/dev/new.o $(BUILD)/obj/server/dev/dev_build.o: \
    $(wildcard server/dev/text/*)

# A program takes out of these what it calls.
$(BUILD)/libpronghorn.a: $(LIB_OBJ)
	@rm -f $@
	$(call run_as,AR,ar rcsT $@ $^)

$(BUILD)/libbench.a: $(BENCH_OBJ)
	@rm -f $@
	$(call run_as,AR,ar rcsT $@ $^)

$(BUILD)/unit/%: $(BUILD)/obj/test/unit/%.o $(BUILD)/libpronghorn.a
	@mkdir -p $(@D)
	$(call run_as,TEST,$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ \
		$(LDLIBS) -lbrotlidec -lcmocka)

$(BUILD)/unit/bench/%: $(BUILD)/obj/test/unit/bench/%.o $(BUILD)/libbench.a \
    $(BUILD)/libpronghorn.a
	@mkdir -p $(@D)
	$(call run_as,TEST,$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ \
		$(LDLIBS) -lcmocka)

$(BUILD)/fault/%: $(BUILD)/obj/test/fault/%.o $(BUILD)/libpronghorn.a
	@mkdir -p $(@D)
	$(call run_as,TEST,$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) \
		$(WRAP:%=-Wl$(comma)--wrap=%) -o $@ $^ $(LDLIBS) -lcmocka)

# What these put their own functions in the place of.
$(BUILD)/fault/cache_own_test: WRAP := malloc calloc realloc free strdup \
	strndup realpath opendir
$(BUILD)/fault/cache_calls_test: WRAP := $(addprefix sqlite3_,step reset \
	finalize prepare_v2 prepare_v3 exec open_v2 wal_checkpoint_v2 \
	file_control busy_timeout)

$(BUILD)/bench/%: $(BUILD)/obj/test/bench/%.o $(BENCH_OBJ) $(LIB_OBJ)
	@mkdir -p $(@D)
	$(call run_as,LINK,$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ \
		$(LDLIBS))

$(BUILD)/stress/%: test/stress/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call run_as,TEST,$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) \
		-o $@ $< -lssl -lcrypto)

$(BUILD)/bench/cache_redis: LDLIBS += -lhiredis

$(BUILD)/pronghorn-bench: $(BUILD)/obj/test/bench/bench_main.o \
    $(BENCH_OBJ) $(LIB_OBJ)
	$(call run_as,LINK,$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ \
		$(LDLIBS))

examples: $(EXAMPLE_SO) $(EXAMPLE_DATA)

# What an example reads lies beside it.
$(BUILD)/examples/%.csv: $(EXAMPLE_CSV)
	@mkdir -p $(@D)
	@cp $(filter %/$*.csv,$^) $@

$(BUILD)/examples/%.so: docs/examples/%/app.c $(SDK_HEADERS) $(BUILD)/flags
	@mkdir -p $(@D)
	$(call run_as,APP,$(CC) $(APP_FLAGS) -o $@ $< -lm)

$(BUILD)/examples/%.so: docs/examples/%/app.cpp $(SDK_HEADERS) $(BUILD)/flags
	@mkdir -p $(@D)
	$(call run_as,APP,$(CXX) -std=c++17 $(SO_FLAGS) -o $@ $<)

# The examples and all texts are part of it.
$(BUILD)/guide.so: $(GUIDE_SRC) $(wildcard docs/guide/*.h docs/guide/text/* \
    docs/examples/*/app.c docs/benchmarks/*.svg) $(SDK_HEADERS) $(BUILD)/flags
	$(call run_as,APP,$(CC) $(APP_FLAGS) -I. -o $@ $(GUIDE_SRC) -lm)

$(BUILD)/assets/%: docs/guide/assets/%
	@mkdir -p $(@D)
	@cp $< $@

# Apps that only tests load.
$(BUILD)/test-apps/%.so: test/apps/%.c $(SDK_HEADERS) $(BUILD)/flags
	@mkdir -p $(@D)
	$(call run_as,APP,$(CC) $(APP_FLAGS) -o $@ $< -lm)

$(WALL_CLOCK): test/e2e/wall_clock.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call run_as,TEST,$(CC) -std=c11 -D_GNU_SOURCE $(OPT) $(WARN) \
		-fPIC -shared -o $@ $<)

$(BUILD)/packages/%.so: test/packages/%.c $(PACKAGES) $(SDK_HEADERS) $(BUILD)/flags
	$(call run_as,APP,$(CC) $(APP_FLAGS) -I$(@D) -o $@ $<)

# Fetched once, as the front end is; another build folder takes a copy.
$(PACKAGES): $(wildcard test/packages/packages/*.json) $(wildcard www/*.mjs) \
    $(BUILD)/www/stamp
	@mkdir -p $(@D)/packages
	@if [ '$(BUILD)' != build ] && [ -e build/packages/stamp ]; then \
		cp -a build/packages/packages '$(@D)/'; \
	fi
	@cp test/packages/packages/*.json $(@D)/packages/
	@node www/package.mjs --www $(BUILD)/www $(@D) >/dev/null
	@touch $@

# ---- the front end ----

# Another build folder's packages are linked, so that they are fetched once.
$(BUILD)/www/stamp: www/packages.json www/fetch.mjs
	@mkdir -p $(@D)
	@if [ '$(BUILD)' != build ] && [ -e build/www/stamp ]; then \
		cd build/www && cp -alf dash plotly tarballs manifest.* stamp \
			'$(abspath $(BUILD))/www/' || true; \
	fi
	@node www/fetch.mjs $(BUILD)/www

$(BUILD)/www/%: www/%
	@mkdir -p $(@D)
	@cp $< $@

# ---- what is needed ----

deps: ## install what running needs and fetch the front end
	@sh test/deps.sh run
	@$(MAKE) $(BUILD)/www/stamp

deps-test: ## install what the tests need, too
	@sh test/deps.sh test
	@$(MAKE) $(BUILD)/www/stamp $(NODE_MODULES)
	@$(MAKE) $(PACKAGES)

$(NODE_MODULES): test/package.json test/package-lock.json
	@cd test && npm ci --ignore-scripts --no-update-notifier --no-audit \
		--no-fund --loglevel=error
	@touch $@

# ---- run ----

app_path = $(if $(findstring .so,$(APP)),$(APP),$(BUILD)/examples/$(APP).so)

run: deps ## serve the guide on http://127.0.0.1:8000/
	@$(MAKE) all $(filter $(BUILD)/examples/%,$(app_path))
	@exec $(BUILD)/pronghorn -c '$(CONF)' --www-dir '$(BUILD)/www' \
		$(if $(BIND),--bind '$(BIND)') \
		$(if $(WORKERS),--workers '$(WORKERS)') \
		$(if $(THREADS),--threads '$(THREADS)') '$(app_path)'

# ---- tests ----

TEST_STAGES = $(or $(STAGES),unit fault replay www-test e2e browser)

test: deps-test ## every test, the real browser's included
	@$(MAKE) stages

# All of them are tried, whatever fails.
stages:
	@$(MAKE) all programs
	@MAKE='$(MAKE)' sh test/stages.sh $(TEST_STAGES)

programs: $(CXX_EXAMPLE_SO) $(UNIT_BIN) $(FAULT_BIN) $(REPLAY_BIN) $(DIFFERENTIAL) \
    $(TEST_APPS) $(BENCH_BIN) $(STRESS_BIN) $(WALL_CLOCK)

unit: $(UNIT_BIN) $(TEST_APPS) $(EXAMPLE_SO) ## the unit tests
	@$(TEST_ENV) sh test/programs.sh unit $(UNIT_BIN)

fault: $(FAULT_BIN) all $(TEST_APPS) ## the tests that make calls fail
	@$(TEST_ENV) AT_ONCE="$$(nproc)" sh test/programs.sh fault $(FAULT_BIN)

replay: $(REPLAY_BIN) $(DIFFERENTIAL) ## the fuzz targets on all inputs kept
	@$(TEST_ENV) sh test/fuzz/replay.sh $(REPLAY_BIN) $(DIFFERENTIAL)

www-test: $(BUILD)/www/stamp ## fetching and generating
	@$(TEST_ENV) sh test/node_tests.sh www test/www

e2e: all $(CXX_EXAMPLE_SO) $(TEST_APPS) $(PACKAGE_APPS) $(BENCH_BIN) $(STRESS_BIN) $(WALL_CLOCK) $(BUILD)/www/stamp $(NODE_MODULES) ## real processes, from outside
	@$(TEST_ENV) sh test/node_tests.sh e2e test/e2e test/stress

browser: all $(CXX_EXAMPLE_SO) $(TEST_APPS) $(PACKAGE_APPS) $(BUILD)/www/stamp $(NODE_MODULES) ## a real browser
	@$(TEST_ENV) sh test/node_tests.sh browser test/browser

# Rewritten by this target only, so that a test run leaves the tree alone.
screenshots: ## docs/screenshots, from what the browser tests see
	@for file in guide status dev_loop examples; do \
		$(MAKE) browser T=$$file NEW_SCREENSHOTS=1 || exit 1; done
	@mkdir -p docs/screenshots
	@cd '$(BUILD)/screenshots' && cp guide-why.png guide-caching.png \
		guide-session-phone.png status-phone-dark.png dev-error.png \
		example-csv-explorer.png example-oscilloscope.png \
		example-million-rows-dark.png \
		'$(CURDIR)/docs/screenshots/'

# Long campaigns: mutated requests, kills, thousands of sessions. The same
# files run a small share of it in `make test`, as part of e2e.
stress: deps-test ## the long campaigns; T= one of them
	@$(MAKE) all programs
	@$(MAKE) BUILD=build-asan OPT='-O1 -g' SAN='$(ASAN_FLAGS)' \
		all build-asan/test-apps/zoo.so build-asan/test-apps/kinds.so \
		build-asan/www/stamp
	@STRESS=1 ASAN_BUILD='$(abspath build-asan)' $(TEST_ENV) sh test/node_tests.sh stress test/stress

# ---- benchmarks ----

# By name, so that what bench/deps.sh has just installed is seen.
bench-programs: $(BENCH_BIN)

bench-deps: ## the peers of the benchmarks, from Debian
	@sh test/bench/deps.sh

bench: deps ## measure the server and its peers; QUICK=1 takes two minutes
	@sh test/bench/deps.sh
	@$(MAKE) all bench-programs $(TEST_APPS)
	@BUILD='$(abspath $(BUILD))' sh test/bench/run.sh

# ---- fuzzing ----

$(BUILD)/fuzz/%_replay: $(BUILD)/obj/test/fuzz/%_fuzz.o \
    $(BUILD)/obj/test/fuzz/standalone_main.o $(BUILD)/libpronghorn.a
	@mkdir -p $(@D)
	$(call run_as,TEST,$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ \
		$(LDLIBS))

$(BUILD)/fuzz/%_fuzz: test/fuzz/%_fuzz.c test/fuzz/fuzz.h $(LIB_OBJ)
	@mkdir -p $(@D)
	$(call run_as,FUZZ,$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) \
		$(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $< $(LIB_OBJ) $(LDLIBS))

# llhttp's sources as Debian packs them, built as our oracle expects.
LLHTTP ?= /usr/share/llhttp
LLHTTP_FLAGS := -DLLHTTP_STRICT_MODE=1 -isystem /usr/share/include/llhttp
LLHTTP_OBJ := $(addprefix $(BUILD)/fuzz/llhttp/,api.o http.o llhttp.o)

$(BUILD)/fuzz/llhttp/%.o: $(LLHTTP)/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call run_as,CC,$(CC) $(LLHTTP_FLAGS) $(OPT) $(SAN) -fPIE -w -c \
		-o $@ $<)

$(BUILD)/fuzz/http_differential: test/fuzz/http_differential.c \
    test/fuzz/llhttp_oracle.c test/fuzz/llhttp_oracle.h $(LIB_OBJ) \
    $(LLHTTP_OBJ)
	@mkdir -p $(@D)
	$(call run_as,TEST,$(CC) $(ALL_CPPFLAGS) $(LLHTTP_FLAGS) \
		$(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(filter %.c %.o,$^) \
		$(LDLIBS))

fuzz: ## search new inputs with libFuzzer: TARGET= TIME=
	@$(MAKE) BUILD=build-fuzz CC=clang OPT='-O1 -g' \
		SAN='-fsanitize=fuzzer-no-link,address,undefined' fuzz-search

fuzz-search: $(if $(TARGET),$(BUILD)/fuzz/$(TARGET)_fuzz,$(FUZZ_BIN))
	@sh test/fuzz/search.sh $(BUILD)/fuzz $(TIME) $(or $(TARGET),$(FUZZ))

# ---- the same tests under other eyes ----

ASAN_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer

asan: deps-test ## tests with address and undefined-behaviour sanitizers
	@ASAN_OPTIONS=detect_leaks=1:$$ASAN_OPTIONS \
	UBSAN_OPTIONS=print_stacktrace=1:$$UBSAN_OPTIONS \
	$(MAKE) BUILD=build-asan OPT='-O1 -g' SAN='$(ASAN_FLAGS)' \
		STAGES='$(or $(STAGES),unit fault replay e2e)' stages

tsan: deps-test ## tests with the thread sanitizer
	@TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:$$TSAN_OPTIONS \
	$(MAKE) BUILD=build-tsan OPT='-O1 -g' SAN='-fsanitize=thread' \
		STAGES='$(or $(STAGES),unit e2e)' stages

# Leaks are the address sanitizer's: here, what a test holds while it forks
# would count as leaked by the child. Fortified calls give false alarms.
VALGRIND := valgrind -q --error-exitcode=99 --leak-check=no

valgrind: deps-test ## the unit tests in valgrind
	@$(MAKE) BUILD=build-valgrind OPT='-O1 -g' CFLAGS=-U_FORTIFY_SOURCE \
		valgrind-unit

valgrind-unit: $(UNIT_BIN) $(TEST_APPS) $(EXAMPLE_SO)
	@$(TEST_ENV) SLOW=20 RUN_UNDER='$(VALGRIND)' \
		sh test/programs.sh valgrind $(UNIT_BIN)

coverage: deps-test ## lines the tests reach, per folder
	@$(MAKE) BUILD=build-coverage OPT='-O0 -g' SAN=--coverage \
		STAGES='$(or $(STAGES),unit fault replay e2e)' stages; \
	status=$$?; \
	sh test/coverage.sh build-coverage $(LIB_SRC); \
	exit $$status

# ---- checks of the sources ----

lint: deps-test all ## layers, sizes, names, format, tidy, cppcheck, drift
	@BUILD='$(BUILD)' MAKE='$(MAKE)' CPPFLAGS='$(ALL_CPPFLAGS)' \
		sh test/lint/run.sh $(CHECK)

TIDY_OK := $(patsubst %.c,$(BUILD)/tidy/%.ok,$(LIB_SRC) server/main.c)

tidy: $(TIDY_OK)

# Done again for a file when it, any header or the list of checks changes.
$(BUILD)/tidy/%.ok: %.c .clang-tidy $(shell find server worker cache \
    -name '*.h' -o -name '*.def')
	@mkdir -p $(@D)
	@clang-tidy --quiet $< -- -std=c11 $(ALL_CPPFLAGS) >$@.log 2>&1 || \
		{ grep -v 'warnings\? generated' $@.log; exit 1; }
	@touch $@

format: ## rewrite the sources as .clang-format says
	@sh test/lint/format.sh -i

compile_commands.json: FORCE ## for editors
	@for file in $(LIB_SRC) server/main.c $(UNIT_SRC); do \
		printf '{"directory":"%s","file":"%s","command":"%s"},\n' \
			"$$PWD" $$file \
			"$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -c $$file"; \
	done | sed '1s/^/[/; $$s/,$$/]/' >$@

# ---- files made from the tables of settings ----

docs: $(BUILD)/pronghorn ## write what is made from the options.def files
	@sh test/lint/drift.sh -w $(BUILD)/pronghorn

# ---- install ----

VERSION = $(shell sed -n 's/.*PRONGHORN_VERSION "\(.*\)"/\1/p' \
	server/version.h)
bindir = $(DESTDIR)$(PREFIX)/bin
includedir = $(DESTDIR)$(PREFIX)/include/pronghorn
wwwdir = $(DESTDIR)$(PREFIX)/share/pronghorn/www
pkgconfigdir = $(DESTDIR)$(PREFIX)/share/pkgconfig
confdir = $(DESTDIR)$(SYSCONFDIR)/pronghorn
mandir = $(DESTDIR)$(PREFIX)/share/man
MAN_PAGES := $(notdir $(wildcard docs/man/*.[13578]))
man_path = $(mandir)/man$(patsubst .%,%,$(suffix $(1)))/$(1)
unitdir = $(DESTDIR)$(PREFIX)/lib/systemd/system
bashdir = $(DESTDIR)$(PREFIX)/share/bash-completion/completions
logrotatedir = $(DESTDIR)$(SYSCONFDIR)/logrotate.d
exampledir = $(DESTDIR)$(PREFIX)/share/doc/pronghorn/examples
UNITS := pronghorn.service pronghorn.socket
# Paths of the files in conf/ are those of the default PREFIX.
here = sed -e 's|/usr/local/bin/|$(PREFIX)/bin/|g' \
	-e 's|/etc/pronghorn/|$(SYSCONFDIR)/pronghorn/|g' 'conf/$(1)'

install: all $(BUILD)/pronghorn-bench $(BUILD)/www/stamp ## install the server, the SDK, the front end and what systemd and others need
	install -d '$(bindir)' '$(includedir)' '$(wwwdir)' '$(confdir)'
	install -m 755 $(BUILD)/pronghorn $(BUILD)/pronghorn-bench '$(bindir)'
	install -m 644 $(SDK_HEADERS) '$(includedir)'
	install -d '$(pkgconfigdir)'
	sed -e 's|^prefix=.*|prefix=$(PREFIX)|' -e 's|^Version:.*|Version: $(VERSION)|' \
		conf/pronghorn.pc >'$(pkgconfigdir)/pronghorn.pc'
	install -d '$(DESTDIR)$(PREFIX)/lib/pronghorn'
	install -m 755 $(BUILD)/examples/status.so \
		'$(DESTDIR)$(PREFIX)/lib/pronghorn'
	cd $(BUILD)/www && cp -R dash plotly manifest.tsv manifest.json \
		$(OWN_WWW:$(BUILD)/www/%=%) --parents '$(wwwdir)'
	install -d '$(DESTDIR)$(PREFIX)/share/pronghorn/tools'
	install -m 644 www/*.mjs www/packages.json \
		'$(DESTDIR)$(PREFIX)/share/pronghorn/tools'
	sed -e 's|^#www_dir = .*|www_dir = "$(PREFIX)/share/pronghorn/www"|' \
		-e 's|^#pidfile = .*|pidfile = "/run/pronghorn/pronghorn.pid"|' \
		-e 's|^#cache_dir = .*|cache_dir = "/var/cache/pronghorn"|' \
		conf/pronghorn.conf >$(BUILD)/pronghorn.conf
	test -e '$(confdir)/pronghorn.conf' || \
		install -m 644 $(BUILD)/pronghorn.conf '$(confdir)'
	$(foreach page,$(MAN_PAGES),install -D -m 644 'docs/man/$(page)' \
		'$(call man_path,$(page))' &&) true
	install -d '$(unitdir)' '$(bashdir)' '$(logrotatedir)' '$(exampledir)'
	$(foreach unit,$(UNITS),$(call here,$(unit)) >'$(unitdir)/$(unit)' &&) true
	install -m 644 conf/pronghorn.bash '$(bashdir)/pronghorn'
	$(call here,pronghorn.logrotate) >$(BUILD)/pronghorn.logrotate
	test -e '$(logrotatedir)/pronghorn' || install -m 644 \
		$(BUILD)/pronghorn.logrotate '$(logrotatedir)/pronghorn'
	install -m 644 conf/pronghorn.tmpfiles conf/pronghorn-dev.conf \
		'$(exampledir)'

uninstall: ## remove what install wrote, but no config file that was edited
	rm -f '$(bindir)/pronghorn' '$(bindir)/pronghorn-bench' \
		$(foreach page,$(MAN_PAGES),'$(call man_path,$(page))') \
		$(UNITS:%='$(unitdir)/%') '$(bashdir)/pronghorn'
	rm -rf '$(DESTDIR)$(PREFIX)/share/doc/pronghorn'
	! cmp -s $(BUILD)/pronghorn.logrotate '$(logrotatedir)/pronghorn' || \
		rm '$(logrotatedir)/pronghorn'
	rm -f '$(pkgconfigdir)/pronghorn.pc'
	rm -rf '$(includedir)' '$(DESTDIR)$(PREFIX)/share/pronghorn' \
		'$(DESTDIR)$(PREFIX)/lib/pronghorn'
	! cmp -s $(BUILD)/pronghorn.conf '$(confdir)/pronghorn.conf' || \
		rm '$(confdir)/pronghorn.conf'
	rmdir '$(confdir)' 2>/dev/null || true

clean: ## remove everything that was built
	rm -rf $(BUILD) build-asan build-tsan build-valgrind build-fuzz \
		build-coverage

help: ## list the targets
	@echo 'Targets:'
	@sed -n 's/^\([a-z][a-z0-9_.-]*\):.*## \(.*\)/\1\t\2/p' Makefile | \
		awk -F'\t' '{ printf "  %-21s %s\n", $$1, $$2 }'
	@echo 'Variables, as in make run WORKERS=4:'
	@sed -n 's/^\([A-Z]*\) ?=.*## *\(.*\)/\1\t\2/p' Makefile | \
		awk -F'\t' '{ printf "  %-21s %s\n", $$1, $$2 }'

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

.PHONY: all examples deps deps-test run test stages programs unit fault replay \
	www-test e2e browser screenshots stress bench bench-deps bench-programs fuzz fuzz-search asan tsan valgrind \
	valgrind-unit coverage lint tidy format docs install uninstall clean \
	help FORCE
