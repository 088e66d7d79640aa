# goshawk: make, make check, make demo, make lint, make help
CFLAGS ?= -O2 -g
warn := -Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wimplicit-fallthrough
std := -std=gnu11 -D_GNU_SOURCE -Isrc
strict := image go x86 event
libs := -lZydis -ldw -lelf
B := build
Q := $(if $(filter 1,$(V)),,@)

ifeq ($(V),asan)
B := build/asan
CFLAGS := -O1 -g -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined
LDFLAGS += -fsanitize=address,undefined
endif

src := $(filter-out src/main.c,$(wildcard src/*/*.c))
obj := $(src:%.c=$B/%.o)
unit := $(wildcard tests/unit/*.c tests/fake/*.c)

.PHONY: all clean unit
all: $B/goshawk

$B/goshawk: $B/src/main.o $B/libgoshawk.a
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(libs)

$B/libgoshawk.a: $(obj)
	$(Q)rm -f $@; $(AR) rcsD $@ $^

$B/%.o: %.c
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(std) $(warn) $(if $(filter $(strict),$(word 2,$(subst /, ,$*))),-Wconversion -Wno-sign-conversion) $(CFLAGS) -MMD -MP -c -o $@ $<

$B/unit: $(unit:%.c=$B/%.o) $B/libgoshawk.a
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(libs) -lcheck -lsubunit -lm -lrt -lpthread

unit: $B/unit
	$(Q)$B/unit

clean:
	rm -rf build

-include $(shell find build -name '*.d' 2>/dev/null)
