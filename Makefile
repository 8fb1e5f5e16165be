# clipc: make            the command, the library              build/clipc build/libclipc.a .so
#        make lib        the library with nothing but libc     build/core/libclipc.a .so
#        make test       every test; installs nothing
#        make demo       classify the pictures in tests/images
#        make bench      time this machine's kernels
#        make help       every target
# Nothing here installs anything: `sh tools/setup demo` and `sh tools/setup test` do.
#
# Optional libraries are found by compiling a probe.  OPTIONAL=none leaves them all out;
# OPTIONAL="STB JPEG" takes only these (of BLAS STB JPEG WEBP JANSSON).

CC ?= cc
AR ?= ar
CFLAGS ?= -O2 -g
B ?= build
ifneq ($(filter lib,$(MAKECMDGOALS)),)
B := build/core
OPTIONAL := none
endif
OPTIONAL ?= BLAS STB JPEG WEBP JANSSON

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wundef -Wvla -Wstrict-prototypes -Wmissing-prototypes
STD := -std=c11 -D_POSIX_C_SOURCE=200809L -ffp-contract=off -fvisibility=hidden -fPIC -pthread
ALL_CFLAGS = $(STD) $(WARN) -I$(B) $(CFLAGS) $(CPPFLAGS)

# ---- What this machine has -------------------------------------------------------------------
PROBE_FREE := clean help format
ifneq ($(filter-out $(PROBE_FREE),$(or $(MAKECMDGOALS),all)),)
FOUND := $(shell CC="$(CC)" CFLAGS="$(CFLAGS) $(CPPFLAGS)" LDFLAGS="$(LDFLAGS)" \
           sh tools/probe.sh "$(B)" $(OPTIONAL))
endif
ARCH := $(shell $(CC) -dumpmachine | cut -d- -f1)

has = $(filter $(1),$(FOUND))
LIBS := $(if $(call has,JPEG),-ljpeg) $(if $(call has,WEBP),-lwebp) -lm -ldl -pthread
TOOL_LIBS := $(if $(call has,JANSSON),-ljansson) $(LIBS)
TRAIN_LIBS := $(if $(call has,BLAS),-lopenblas) $(TOOL_LIBS)

# ---- Sources: a folder is a floor; optional files and other CPUs' kernels drop out --------------
ISA_x86_64 := avx2 avx512
ISA_aarch64 := neon
ISA_ALL := avx2 avx512 neon
ISA := $(ISA_$(ARCH))
drop := $(patsubst %,kernels/%.c,$(filter-out $(ISA),$(ISA_ALL))) \
        $(if $(call has,BLAS),,kernels/blas.c) $(if $(call has,STB),,src/image_stb.c) \
        $(if $(call has,JPEG),,src/image_jpeg.c) $(if $(call has,WEBP),,src/image_webp.c)
LIB_C := $(filter-out $(drop),$(sort $(wildcard src/*.c kernels/*.c weights/*.c)))
TOOL_C := $(sort $(wildcard tools/*.c))
ifeq ($(call has,JANSSON),)
TOOL_C := $(filter-out $(wildcard tools/convert*.c) tools/json.c,$(TOOL_C))
endif
TRAIN_C := $(sort $(wildcard tools/train/*.c))
TEST_C := $(sort $(wildcard tests/test_*.c))
FUZZ_C := $(sort $(wildcard tests/fuzz_*.c))

LIB_O := $(LIB_C:%.c=$(B)/%.o)
TOOL_O := $(TOOL_C:%.c=$(B)/%.o)
TRAIN_O := $(TRAIN_C:%.c=$(B)/%.o)
TESTS := $(TEST_C:tests/%.c=$(B)/tests/%)

# M_PI, and the like of mmap flags, are beyond POSIX.
$(B)/tools/train/%.o: EXTRA := -D_DEFAULT_SOURCE -O3
$(B)/tests/%.o: EXTRA := -D_DEFAULT_SOURCE

$(B)/kernels/avx2.o: ISA_FLAGS := -mavx2 -mfma -mf16c
$(B)/kernels/avx512.o: ISA_FLAGS := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c \
    -mprefer-vector-width=512
# Kernels are loops over vectors: what -O3 unrolls in them is measured in kernels/README.md.
$(B)/kernels/%.o: OPT := -O3

.PHONY: all lib test demo bench help clean format
all: $(B)/clipc $(B)/libclipc.a $(B)/libclipc.so
lib: $(B)/libclipc.a $(B)/libclipc.so

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(OPT) $(EXTRA) $(ISA_FLAGS) -MMD -MP -c $< -o $@

$(B)/libclipc.a: $(LIB_O)
	@rm -f $@
	$(AR) rcs $@ $^
$(B)/libclipc.so: $(LIB_O)
	$(CC) -shared -Wl,-soname,libclipc.so.0 $(LDFLAGS) $^ $(LIBS) -o $@
$(B)/libtools.a: $(filter-out $(B)/tools/main.o,$(TOOL_O))
	@rm -f $@
	$(AR) rcs $@ $^
$(B)/clipc: $(TOOL_O) $(B)/libclipc.a
	$(CC) $(LDFLAGS) $^ $(TOOL_LIBS) -o $@
$(B)/clipc-train: $(TRAIN_O) $(B)/libtools.a $(B)/libclipc.a
	$(CC) $(LDFLAGS) $^ $(TRAIN_LIBS) -o $@
$(B)/tests/%: $(B)/tests/%.o $(B)/libtools.a $(B)/libclipc.a
	$(CC) $(LDFLAGS) $^ $(TOOL_LIBS) -o $@

# The demo model is linked into the command (.incbin).
$(B)/tools/demo_model.o: $(wildcard weights/demo.clipc)

help:
	@sed -n '1,/^$$/s/^# \{0,1\}//p' Makefile
clean:
	rm -rf build
format:
	clang-format -i src/*.[ch] kernels/*.[ch] weights/*.[ch] tools/*.[ch] tests/*.[ch]

-include $(LIB_O:.o=.d) $(TOOL_O:.o=.d) $(TRAIN_O:.o=.d) $(TESTS:=.d)
.SECONDARY:
