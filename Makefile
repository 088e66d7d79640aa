# goshawk
#
#   make                  build/goshawk
#   make check            setup, build, all tests (the quick selection of releases)
#   make check-all        the same on all eleven Go releases and all kinds of binaries
#   make demo [ACT=n]     what it does, on real programs
#   make lint             layers, style, and the static analysers that are installed
#   make layers           draws which folder includes which
#   make bench            ratios, measured in one run
#   make fuzz [FOR=60]    each fuzz target for so many seconds (needs clang)
#   make install [DESTDIR=] [PREFIX=/usr/local], make uninstall, make clean
#
# V=1 shows commands; V=asan builds and checks with the sanitizers, in build/asan.
# SETUP=no installs and downloads nothing. CFLAGS, LDFLAGS, CC are honoured. B= is the build folder.

B := build
# What reads records is many small functions: -O3 takes 7 % off goshawk's processor time beside a busy program.
CFLAGS ?= -O3 -g
PREFIX ?= /usr/local
PYTHON ?= /usr/bin/python3
Q := $(if $(filter 1,$(V)),,@)

# On all processors; a -j of the command line wins, and a make below has this one's jobs.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif
MAKEFLAGS += --no-print-directory

ifeq ($(V),asan)
B := build/asan
sanitize := -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined
CFLAGS := -O1 -g $(sanitize)
override LDFLAGS += $(sanitize)
endif

# The same sources give the same bytes wherever they lie: relative paths, no dates.
flags := -std=gnu11 -D_GNU_SOURCE -Isrc -include src/base/banned.h -ffile-prefix-map=$(CURDIR)=. \
	-Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wimplicit-fallthrough \
	$(if $(CI),-Werror)
# Where numbers come from untrusted bytes, conversions must be written down.
careful := $(addprefix src/,image/% go/% x86/% event/%)
careful_flags := -Wconversion -Wno-sign-conversion
# Suites and fuzz targets are called by name only.
$B/tests/unit/%.o $B/fuzz/%.o: extra = -Wno-missing-prototypes
libs := -lZydis -ldw -lelf -lz -lsqlite3

src := $(wildcard src/*/*.c)
unit := $(wildcard tests/unit/*.c)
fake := $(wildcard tests/fake/*.c)
fuzz := $(filter-out fuzz/replay.c,$(wildcard fuzz/*.c))
objects = $(patsubst %.c,$B/%.o,$(1))

.PHONY: all unit replay testtools check check-all demo lint layers bench fuzz docs install uninstall clean help
.DELETE_ON_ERROR:
.SECONDARY:

all: $B/goshawk

$B/goshawk: $B/src/main.o $B/libgoshawk.a
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(libs)

$B/libgoshawk.a: $(call objects,$(src)) $B/src.list
	$(Q)rm -f $@; $(AR) rcsD $@ $(filter %.o,$^)

# What is copied into the target: it may call nothing, and use no vector registers.
$B/src/inline/agent.o: override CFLAGS := -O2 -g
$B/src/inline/agent.o: extra = -ffreestanding -fno-builtin -fPIC -mgeneral-regs-only -mno-red-zone \
	-fno-stack-protector -fcf-protection=none -fno-jump-tables $(if $(findstring clang,$(CC)),,$(of_gcc)) \
	-fno-tree-vectorize -fno-tree-slp-vectorize -fno-asynchronous-unwind-tables
# clang (make fuzz) does not know these; what the first two forbid to gcc, the others forbid to it.
of_gcc := -fno-tree-switch-conversion -fno-tree-loop-distribute-patterns -Wstack-usage=512
$B/src/inline/agent.o: after = && ! objdump -r -j agent $@ | grep R_X86_64

$B/%.o: %.c Makefile
	$(say) CC $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(flags) $(if $(filter $(careful),$<),$(careful_flags)) $(extra) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $< $(after)

# Lists of files that change only when a file comes or goes.
$B/src.list: files := $(src)
$B/unit.list: files := $(unit) $(fake)
$B/%.list: .always
	$(Q)mkdir -p $(@D); echo $(files) | cmp -s - $@ || echo $(files) > $@
.PHONY: .always

# Tests ------------------------------------------------------------------------------------------

# tests/unit/NAME.c has the suite NAME_suite().
$B/tests/unit/main.o: extra = -DSUITES="$(patsubst tests/unit/%.c,SUITE(%),$(filter-out %/main.c,$(unit)))"
$B/tests/unit/main.o: $B/unit.list

$B/unit: $(call objects,$(unit) $(fake)) $B/libgoshawk.a
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(libs) -lcheck -lsubunit -lm -lrt -lpthread

# In two parts, side by side.
unit: unit-0 unit-1
.PHONY: unit-0 unit-1
unit-0 unit-1: $B/unit
	$(Q)$B/unit $(@:unit-%=%)/2

# fuzz/NAME.c reads the surface NAME of untrusted bytes; its corpus is fuzz/corpus/NAME/.
$B/fuzz/%: $B/fuzz/%.o $B/fuzz/replay.o $(call objects,$(fake)) $B/libgoshawk.a
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(libs)

# A Go program that the targets change bytes of (fuzz/edited.h).
go := $(shell sed -n '$$s/ .*//p' tools/releases)
$B/fuzz/base: $(wildcard fuzz/base/*)
	$(Q)mkdir -p $(@D); root=$$(tools/go-toolchain.sh $(go) || tools/go-toolchain.sh any) && cd fuzz/base && \
		GOROOT=$$root GOENV=off GOFLAGS= GOTOOLCHAIN=local CGO_ENABLED=0 $$root/bin/go build \
		-trimpath -ldflags=-compressdwarf=false -o $(abspath $@) .

replay: $(fuzz:%.c=$B/%) $B/fuzz/base
	$(Q)export GOSHAWK_FUZZ_BASE=$B/fuzz/base; \
		for t in $(notdir $(fuzz:.c=)); do $B/fuzz/$$t fuzz/corpus/$$t || exit; done

# Small programs that the tests run: tests/tools/NAME.c becomes $B/tests/NAME.
tools := $(wildcard tests/tools/*.c)
$B/tests/%: $B/tests/tools/%.o $B/libgoshawk.a
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(libs)
testtools: $(tools:tests/tools/%.c=$B/tests/%) $B/tests/goshawk-faults

# A goshawk that dies on purpose (src/base/fault.h).
faulty := $(patsubst src/%.c,$B/faults/%.o,$(shell grep -l fault_point src/*/*.c))
$B/faults/%.o: src/%.c Makefile
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(flags) $(CPPFLAGS) $(CFLAGS) -DGOSHAWK_FAULTS -MMD -MP -c -o $@ $<
$B/tests/goshawk-faults: $B/src/main.o $(faulty) $B/libgoshawk.a
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(libs)

# By pytest-xdist where that is installed (SETUP=no: perhaps it is not), on all processors, at most four.
# A file stays together: its tests share programs and runs. What fails beside others (status 1) must pass alone: some
# tests can tell nothing on a machine that is too busy, as when records are lost.
spread = $$($(PYTHON) -c 'import xdist' 2>/dev/null && \
	echo --numprocesses=auto --maxprocesses=4 --dist=loadfile)
one_pytest = GOSHAWK=$(abspath $B/goshawk) $(PYTHON) -m pytest -q -o cache_dir=$(abspath $B/tests/cache)
pytest = $(one_pytest) $(spread) tests || { test $$? = 1 && echo "what failed, alone:" && \
	$(one_pytest) --last-failed --last-failed-no-failures=none tests; }
setup = $(Q)$(if $(filter no,$(SETUP)),:,tools/setup.sh)

# In this order, and the next only if the one before passed.
check:
	$(setup) quick
	$(Q)$(MAKE) all unit replay testtools
	$(Q)$(pytest)

check-all:
	$(setup) all
	$(Q)$(MAKE) all unit replay testtools
	$(Q)export GOSHAWK_RELEASES=all; $(pytest)

demo:
	$(setup) demo
	$(Q)$(MAKE) all
	$(Q)GOSHAWK=$B/goshawk tools/demo.sh $(ACT)

bench:
	$(setup) bench
	$(Q)$(MAKE) all
	$(Q)GOSHAWK=$(abspath $B/goshawk) bench/run.sh

# libFuzzer wants every source compiled by clang, with coverage.
FOR ?= 60
fuzz:
	$(Q)command -v clang >/dev/null || { echo "make fuzz needs clang and libclang-rt-14-dev"; exit 1; }
	$(Q)$(MAKE) B=build/fuzz CC=clang fuzzers \
		CFLAGS="-O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined"
	$(Q)export GOSHAWK_FUZZ_BASE=build/fuzz/fuzz/base; for t in $(notdir $(fuzz:.c=)); do mkdir -p build/fuzz/corpus/$$t; echo "fuzz $$t"; \
		build/fuzz/fuzz/$$t-fuzzer -max_total_time=$(FOR) -len_control=0 -max_len=4096 -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix=build/fuzz/$$t- build/fuzz/corpus/$$t fuzz/corpus/$$t || exit; done
.PHONY: fuzzers
fuzzers: $(fuzz:%.c=$B/%-fuzzer) $B/fuzz/base
$B/fuzz/%-fuzzer: $B/fuzz/%.o $(call objects,$(fake)) $B/libgoshawk.a
	$(Q)$(CC) -fsanitize=fuzzer,address,undefined -o $@ $^ $(libs)

# Review -----------------------------------------------------------------------------------------

lint:
	$(Q)tools/layers.sh
	$(Q)tools/lint.sh "$(flags)"

layers:
	$(Q)tools/layers.sh --draw

# Documents and installation ---------------------------------------------------------------------

# Man pages and completion are written from the commands' option tables.
$B/docs: $B/tools/docs.o $B/libgoshawk.a
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(libs)

docs: $B/man/done
$B/man/done: $B/docs docs/manual.mdoc
	$(Q)rm -rf $(@D); mkdir -p $(@D); $B/docs $(@D) docs/manual.mdoc; touch $@

share := $(DESTDIR)$(PREFIX)/share
install: all docs
	install -D -m 755 $B/goshawk $(DESTDIR)$(PREFIX)/bin/goshawk
	install -d $(share)/man/man1 $(share)/bash-completion/completions $(share)/zsh/site-functions
	install -m 644 $B/man/*.1 $(share)/man/man1
	install -m 644 $B/man/goshawk.bash $(share)/bash-completion/completions/goshawk
	install -m 644 $B/man/_goshawk $(share)/zsh/site-functions/_goshawk

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/goshawk $(share)/man/man1/goshawk.1 $(share)/man/man1/goshawk-*.1 \
		$(share)/bash-completion/completions/goshawk $(share)/zsh/site-functions/_goshawk

clean:
	rm -rf build

help:
	@sed -n '/^#   make/,/^$$/s/^# *//p' Makefile

say = $(if $(filter 1,$(V)),@:,@printf '  %-5s %s\n')

-include $(patsubst %.c,$B/%.d,$(src) src/main.c $(unit) $(fake) $(fuzz) fuzz/replay.c $(tools) tools/docs.c) $(faulty:.o=.d)
