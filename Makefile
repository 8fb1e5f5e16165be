# clipc: make             the command and the library           build/clipc build/libclipc.a .so
#        make lib         the library with nothing but libc     build/core/libclipc.a .so
#        make demo        classify the pictures in tests/images
#        make test        every test
#        make bench       time this machine's kernels and encodes
#        make test-asan   every C test and shell test under AddressSanitizer and UBSan
#        make test-tsan   the threads under ThreadSanitizer, those of the server under load too
#        make test-fuzz   each fuzzer for FUZZ_SECONDS (600); clang only
#        make test-real MODEL=FILE  the figures that are published of a real model (PICTURE=CLIP.png)
#        make test-browser the server's page in Chromium (SCREENSHOTS=folder keeps pictures of it)
#        make test-haproxy the server behind HAProxy and nginx while servers die
#        make test-emulated the kernels of AVX-512 and beyond on a CPU that Bochs emulates
#        make bench-serve the server under load, beside bench (SOAK=600 goes on for ten minutes)
#        make bench-peers beside ONNX Runtime and oneDNN, which it installs (PEERS="--threads 1")
#        make bench-watch a film's frames: every one, at its own speed, and an hour of them for the memory
#        make test-chroot the two commands of the README on a bare Debian (root, debootstrap)
#        make train-demo  train weights/demo.clipc anew (an hour and more; TRAIN=folder for checkpoints)
#        make install     into PREFIX (/usr/local), under DESTDIR
#        make clean help format
# Nothing here installs anything: `sh tools/setup demo` and `sh tools/setup test` do.
#
# Optional libraries are found by compiling a probe.  OPTIONAL=none leaves them all out;
# OPTIONAL="STB JPEG" takes only these (of BLAS STB JPEG WEBP JANSSON MHD CURL ASS).

CC ?= cc
AR ?= ar
CFLAGS ?= -O2 -g
B ?= build
ifneq ($(filter lib,$(MAKECMDGOALS)),)
B := build/core
OPTIONAL := none
endif
OPTIONAL ?= BLAS STB JPEG WEBP JANSSON MHD CURL ASS

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wundef -Wvla -Wstrict-prototypes -Wmissing-prototypes
STD := -std=c11 -D_POSIX_C_SOURCE=200809L -ffp-contract=off -fvisibility=hidden -fPIC -pthread \
    -ffunction-sections -fdata-sections
ALL_CFLAGS = $(STD) $(WARN) -I$(B) $(CFLAGS) $(CPPFLAGS)

# A line for each file; V=1 shows the commands.
Q := $(if $(V),,@)
SAY = $(if $(V),@:,@printf '  %-5s %s\n')

# ---- What this machine has -------------------------------------------------------------------
PROBE_FREE := clean help format test-asan test-tsan test-fuzz test-chroot test-browser test-haproxy \
    test-emulated bench-peers
ifneq ($(filter-out $(PROBE_FREE),$(or $(MAKECMDGOALS),all)),)
FOUND := $(shell CC="$(CC)" CFLAGS="$(CFLAGS) $(CPPFLAGS)" LDFLAGS="$(LDFLAGS)" \
           sh tools/probe.sh "$(B)" $(OPTIONAL))
endif
ARCH := $(shell $(CC) -dumpmachine | cut -d- -f1)

has = $(filter $(1),$(FOUND))
CAN_SERVE := $(if $(call has,JANSSON),$(call has,MHD))
CAN_PULL := $(if $(call has,JANSSON),$(call has,CURL))
LIBS := $(if $(call has,JPEG),-ljpeg) $(if $(call has,WEBP),-lwebp) -lm -ldl -pthread
# libmicrohttpd, libcurl and libass are opened by the verbs that want them (tools/lazy).
TOOL_LIBS := $(if $(call has,JANSSON),-ljansson) $(LIBS)
# The trainer multiplies with OpenBLAS, reads fonts and writes pictures with stb, exports for `convert`.
CAN_TRAIN := $(and $(call has,BLAS),$(call has,STB),$(call has,JANSSON))
TRAIN_LIBS := -lopenblas $(TOOL_LIBS)

# ---- Sources: a folder is a floor; optional files and other CPUs' kernels drop out --------------
ISA_x86_64 := avx2 avxvnni avx512 avx512vnni avx512bf16 amx
ISA_aarch64 := neon dotprod neonbf16
ISA_ALL := $(ISA_x86_64) $(ISA_aarch64)
ISA := $(ISA_$(ARCH))
drop := $(patsubst %,kernels/%.c,$(filter-out $(ISA),$(ISA_ALL))) \
        $(if $(call has,BLAS),,kernels/blas.c) $(if $(call has,STB),,src/image/stb.c) \
        $(if $(call has,JPEG),,src/image/jpeg.c) $(if $(call has,WEBP),,src/image/webp.c)
LIB_C := $(filter-out $(drop),$(sort $(wildcard src/*.c src/*/*.c kernels/*.c weights/*.c)))
# Rooms of the command; without its libraries a room is not there.
ROOMS := cli lazy verbs measure video $(if $(call has,JANSSON),convert) $(if $(CAN_SERVE),server) $(if $(CAN_PULL),pull)
tool_drop := $(if $(call has,CURL),,tools/lazy/curl.c) $(if $(call has,ASS),,tools/lazy/ass.c) \
             $(if $(CAN_SERVE),,tools/lazy/microhttpd.c) \
             tools/server/fetch_$(if $(call has,CURL),none,curl).c \
             tools/video/webhook_$(if $(call has,CURL),none,curl).c \
             tools/video/picture_$(if $(call has,JPEG),plain,jpeg).c \
             tools/video/lettering_$(if $(call has,ASS),none,ass).c \
             tools/video/folder_$(if $(call has,INOTIFY),none,inotify).c
TOOL_C := tools/main.c $(filter-out $(tool_drop),$(sort $(foreach room,$(ROOMS),$(wildcard tools/$(room)/*.c))))
TRAIN_C := $(sort $(wildcard tools/train/*.c))
TEST_C := $(sort $(wildcard tests/test_*.c))
FUZZ_C := $(sort $(wildcard tests/fuzz_*.c))


LIB_O := $(LIB_C:%.c=$(B)/%.o)
TOOL_O := $(TOOL_C:%.c=$(B)/%.o)
TRAIN_O := $(TRAIN_C:%.c=$(B)/%.o)
TESTS := $(TEST_C:tests/%.c=$(B)/tests/%)

# M_PI, and the like of mmap flags, are beyond POSIX.
$(B)/tools/train/%.o: EXTRA := -D_DEFAULT_SOURCE -O3
# stb_image_write shifts bits out of an int, which no compiler minds and the sanitizer does.
$(B)/tools/train/picture.o: EXTRA := -D_DEFAULT_SOURCE -O3 -fno-sanitize=shift
$(B)/tests/%.o: EXTRA := -D_DEFAULT_SOURCE
# So is what a child held of memory at most.
$(B)/tools/measure/start.o: EXTRA := -D_DEFAULT_SOURCE

AVX2 := -mavx2 -mfma -mf16c
AVX512 := -mavx512f -mavx512bw -mavx512dq -mavx512vl $(AVX2) -mprefer-vector-width=512
$(B)/kernels/avx2.o: ISA_FLAGS := $(AVX2)
$(B)/kernels/avxvnni.o: ISA_FLAGS := $(AVX2) -mavxvnni
$(B)/kernels/avx512.o: ISA_FLAGS := $(AVX512)
$(B)/kernels/avx512vnni.o: ISA_FLAGS := $(AVX512) -mavx512vnni
$(B)/kernels/avx512bf16.o: ISA_FLAGS := $(AVX512) -mavx512vnni -mavx512bf16
$(B)/kernels/amx.o: ISA_FLAGS := $(AVX512) -mavx512vnni -mavx512bf16 -mamx-tile -mamx-bf16 -mamx-int8
$(B)/kernels/dotprod.o: ISA_FLAGS := -march=armv8.2-a+dotprod
$(B)/kernels/neonbf16.o: ISA_FLAGS := -march=armv8.2-a+dotprod+bf16
# Kernels are loops over vectors: what -O3 unrolls in them is measured in kernels/README.md.
$(B)/kernels/%.o: OPT := -O3

.PHONY: all lib test demo bench help clean format install train-demo test-asan test-tsan test-fuzz \
    test-real test-chroot test-browser run-browser test-haproxy run-haproxy test-emulated run-emulated \
    bench-serve bench-watch bench-peers run-peers tests FORCE
all: $(B)/clipc $(B)/libclipc.a $(B)/libclipc.so
lib: $(B)/libclipc.a $(B)/libclipc.so

# Lists and flags of the last build: what depends on them is made again when they change.
STAMP := $(B)/stamp
SIGNATURE := $(CC) $(ALL_CFLAGS) $(LDFLAGS) $(LIB_C) $(TOOL_C) $(TRAIN_C)
$(STAMP): FORCE
	@mkdir -p $(@D)
	@echo '$(SIGNATURE)' | cmp -s - $@ || echo '$(SIGNATURE)' > $@

$(B)/%.o: %.c $(STAMP)
	@mkdir -p $(@D)
	$(SAY) CC $<
	$(Q)$(CC) $(ALL_CFLAGS) $(OPT) $(EXTRA) $(ISA_FLAGS) -MMD -MP -c $< -o $@

$(B)/libclipc.a: $(LIB_O) $(STAMP)
	@rm -f $@
	$(SAY) AR $@
	$(Q)$(AR) rcs $@ $(filter %.o,$^)
# The name that programs ask for when they start, and the one that the linker looks for.  What no
# public function reaches is left out.
$(B)/libclipc.so.0: $(LIB_O)
	$(SAY) LINK $@
	$(Q)$(CC) -shared -Wl,-soname,libclipc.so.0 -Wl,--gc-sections $(LDFLAGS) $^ $(LIBS) -o $@
$(B)/libclipc.so: $(B)/libclipc.so.0
	$(Q)ln -sf libclipc.so.0 $@
$(B)/libtools.a: $(filter-out $(B)/tools/main.o,$(TOOL_O)) $(STAMP)
	@rm -f $@
	$(SAY) AR $@
	$(Q)$(AR) rcs $@ $(filter %.o,$^)
$(B)/clipc: $(TOOL_O) $(B)/libclipc.a
	$(SAY) LINK $@
	$(Q)$(CC) $(LDFLAGS) $^ $(TOOL_LIBS) -o $@
$(B)/clipc-train: $(TRAIN_O) $(B)/libtools.a $(B)/libclipc.a
	$(SAY) LINK $@
	$(Q)$(CC) $(LDFLAGS) $^ $(TRAIN_LIBS) -o $@
$(B)/tests/%: $(B)/tests/%.o $(B)/libtools.a $(B)/libclipc.a
	$(SAY) LINK $@
	$(Q)$(CC) $(LDFLAGS) $(filter %.o,$^) $(filter %.a,$^) $(TOOL_LIBS) -o $@

# Sets whose instructions plain C stands in for.
$(B)/tests/test_kernels $(B)/tests/test_bf16 $(B)/tests/test_q8: $(B)/tests/emulated.o

# The demo model is linked into the command (.incbin).
$(B)/tools/cli/demo_model.o: $(wildcard weights/demo.clipc)
# So is the page of the server.
$(B)/tools/server/page.o: $(wildcard tools/server/page/*)

# ---- Tests, demo, figures --------------------------------------------------------------------------
tests: all $(TESTS) $(if $(CAN_TRAIN),$(B)/clipc-train)

test: tests
	@CLIPC_BUILD=$(B) sh tests/run.sh $(NAMES)

demo: $(B)/clipc
	@CLIPC=$(B)/clipc sh tests/demo.sh

bench: $(B)/clipc
	$(B)/clipc bench

SANITIZE := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
# Those left out compile for themselves or compile nothing.
ASAN_TESTS := $(filter-out build qemu floors,$(sort $(patsubst tests/test_%,%,$(basename \
    $(wildcard tests/test_*.c tests/test_*.sh tests/test_*.py)))))
test-asan:
	$(MAKE) B=build/asan CFLAGS="$(SANITIZE)" LDFLAGS="-fsanitize=address,undefined" tests
	CLIPC_BUILD=build/asan ASAN_OPTIONS=detect_leaks=1 sh tests/run.sh $(ASAN_TESTS)

test-tsan:
	$(MAKE) B=build/tsan CFLAGS="-O1 -g -fsanitize=thread" LDFLAGS="-fsanitize=thread" OPTIONAL="STB JPEG JANSSON MHD" tests
	CLIPC_BUILD=build/tsan sh tests/run.sh threads session batch serve_busy

# The system's own python3, whose packages tools/setup installs.
PYTHON := $$(command -v /usr/bin/python3 || echo python3)

# Fuzzers: the library's sources again, with clang's coverage and both sanitizers.
FUZZ_SECONDS ?= 600
FUZZ_CC := clang
FUZZ_FLAGS := -g -O1 -fsanitize=fuzzer-no-link,address,undefined
test-fuzz:
	$(MAKE) B=build/fuzz CC=$(FUZZ_CC) CFLAGS="$(FUZZ_FLAGS)" LDFLAGS="-fsanitize=address,undefined" OPTIONAL="STB JPEG WEBP JANSSON MHD" \
	    build/fuzz/libclipc.a build/fuzz/libtools.a build/fuzz/clipc $(FUZZ_C:%.c=build/fuzz/%.o)
	@for f in $(FUZZ_C:tests/%.c=%); do \
	    $(FUZZ_CC) -fsanitize=fuzzer,address,undefined build/fuzz/tests/$$f.o build/fuzz/libtools.a \
	        build/fuzz/libclipc.a -ljansson -ljpeg -lwebp -lm -ldl -pthread -o build/fuzz/$$f || exit 1; \
	    mkdir -p build/fuzz/corpus/$$f; \
	    echo "== $$f for $(FUZZ_SECONDS) s"; \
	    build/fuzz/$$f -max_total_time=$(FUZZ_SECONDS) -timeout=20 -rss_limit_mb=3000 -max_len=65536 \
	        -artifact_prefix=build/fuzz/ build/fuzz/corpus/$$f tests/corpus/$${f#fuzz_} > build/fuzz/$$f.log 2>&1; \
	    status=$$?; tail -n 3 build/fuzz/$$f.log; [ $$status = 0 ] || exit 1; \
	done
	@echo "== bytes at the server's socket for $(FUZZ_SECONDS) s"
	@CLIPC_BUILD=build/fuzz $(PYTHON) tests/fuzz_http.py $(FUZZ_SECONDS)

# A model that its authors published figures of; the picture that they are of is not in this tree.
MODEL ?=
PICTURE ?=
test-real: $(B)/clipc
	@[ -n "$(MODEL)" ] || { echo 'make test-real wants MODEL=FILE, a weight file or a name that clipc pull got'; exit 2; }
	CLIPC_BUILD=$(B) $(PYTHON) tests/real.py "$(MODEL)" $(if $(PICTURE),"$(PICTURE)")

test-chroot:
	sh tests/chroot.sh

# The page of the server in Chromium; sh tools/setup browser installs that and comes back here.
SCREENSHOTS ?=
test-browser:
	sh tools/setup browser
run-browser: $(B)/clipc
	PYTHONPATH=tests CLIPC_BUILD=$(B) $(PYTHON) tests/browser.py $(B)/clipc tests/images/red-cross-5.png \
	    "a red cross" tests/images/blue-heart-1.png $(SCREENSHOTS)

# The server behind real proxies, by the files of tools/server; installed in the same way.
test-haproxy:
	sh tools/setup haproxy
run-haproxy: $(B)/clipc
	CLIPC_BUILD=$(B) $(PYTHON) tests/proxies.py

# Kernels that this CPU lacks, on an emulated one; installed in the same way.
test-emulated:
	sh tools/setup emulated
run-emulated: $(B)/clipc
	CLIPC_BUILD=$(B) sh tests/bochs.sh

SOAK ?= 0
bench-serve: $(B)/clipc
	CLIPC_BUILD=$(B) $(PYTHON) tests/load_serve.py --soak $(SOAK)

# Beside ONNX Runtime and oneDNN; installed in the same way.
PEERS ?=
bench-peers:
	sh tools/setup peers
run-peers: $(B)/clipc $(B)/libclipc.so
	CLIPC_BUILD=$(B) $(PYTHON) tests/peers.py $(PEERS)

FRAMES ?= 108000
bench-watch: $(B)/clipc
	CLIPC_BUILD=$(B) $(PYTHON) tests/load_watch.py --frames $(FRAMES)

TRAIN ?= build/train
ifeq ($(CAN_TRAIN),)
train-demo:
	@echo "The trainer wants libraries: apt-get install libopenblas-dev libstb-dev libjansson-dev"; exit 1
else
# A build of its own, for this machine's CPU and with the compiler's fast mathematics.
train-demo: $(B)/clipc
	$(MAKE) B=$(B)/native CFLAGS="-O3 -march=native -ffast-math -w" $(B)/native/clipc-train
	$(B)/native/clipc-train check
	$(B)/native/clipc-train run --out $(TRAIN)
	$(B)/clipc convert $(TRAIN)/hf -o weights/demo.clipc --dtype f16 --name clipc-demo --display 0.15,0.5
endif

PREFIX ?= /usr/local
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib $(DESTDIR)$(PREFIX)/include
	install -m 755 $(B)/clipc $(DESTDIR)$(PREFIX)/bin/
	install -m 644 $(B)/libclipc.a $(DESTDIR)$(PREFIX)/lib/
	install -m 755 $(B)/libclipc.so.0 $(DESTDIR)$(PREFIX)/lib/libclipc.so.0
	ln -sf libclipc.so.0 $(DESTDIR)$(PREFIX)/lib/libclipc.so
	install -m 644 src/clipc.h $(DESTDIR)$(PREFIX)/include/
	install -d $(DESTDIR)$(PREFIX)/share/clipc
	install -m 644 tools/python/clipc.py $(wildcard weights/demo.clipc) $(DESTDIR)$(PREFIX)/share/clipc/

help:
	@sed -n '1,/^$$/s/^# \{0,1\}//p' Makefile
clean:
	rm -rf build
format:
	clang-format -i $$(git ls-files "*.[ch]" | grep -v _tables)

-include $(LIB_O:.o=.d) $(TOOL_O:.o=.d) $(TRAIN_O:.o=.d) $(TESTS:=.d) $(B)/tests/emulated.d
.SECONDARY:
