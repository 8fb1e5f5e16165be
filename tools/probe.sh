#!/bin/sh
# Usage: probe.sh BUILD_FOLDER [NAME...]: find the optional libraries NAME by compiling and linking a
# few lines with each; print the names that were found, and INOTIFY where the system has it.  Writes
# BUILD_FOLDER/config.h (HAVE_NAME 0 or 1, touched only when it changes) and says on stderr, in one
# line, what there is.  $CC, $CFLAGS and $LDFLAGS are the ones of the build.
set -u
dir=$1
shift
mkdir -p "$dir"
tmp=$(mktemp -d "${TMPDIR:-/tmp}/clipc-probe.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT

try() { # try 'program text' libraries...
    printf '%s\n' "$1" > "$tmp/probe.c"
    shift
    ${CC:-cc} ${CFLAGS:-} "$tmp/probe.c" ${LDFLAGS:-} "$@" -o "$tmp/probe" > "$tmp/log" 2>&1
}

probe() {
    case $1 in
    BLAS) try '#include <cblas.h>
#include <dlfcn.h>
int main(void) { return cblas_sgemm == 0 || dlopen("x", RTLD_NOW) != 0; }' -lopenblas -ldl ;;
    STB) try '#if __has_include(<stb/stb_image.h>)
#include <stb/stb_image.h>
#else
#include <stb_image.h>
#endif
int main(void) { return 0; }' ;;
    JPEG) try '#include <stdio.h>
#include <jpeglib.h>
int main(void) { struct jpeg_error_mgr e; return jpeg_std_error(&e) == 0; }' -ljpeg ;;
    WEBP) try '#include <webp/decode.h>
int main(void) { return WebPGetDecoderVersion() == 0; }' -lwebp ;;
    JANSSON) try '#include <jansson.h>
int main(void) { return json_true() == 0; }' -ljansson ;;
    MHD) try '#include <microhttpd.h>
int main(void) { return MHD_get_version() == 0; }' -lmicrohttpd ;;
    CURL) try '#include <curl/curl.h>
#if LIBCURL_VERSION_NUM < 0x074200
#error "curl_multi_poll came with 7.66"
#endif
int main(void) { return curl_version() == 0; }' -lcurl ;;
    ASS) try '#include <ass/ass.h>
int main(void) { return ass_library_version() == 0; }' -lass ;;
    *) return 1 ;;
    esac
}

describe() {
    case $1 in
    BLAS) echo 'OpenBLAS:libopenblas-dev' ;;
    STB) echo 'stb_image:libstb-dev' ;;
    JPEG) echo 'libjpeg-turbo:libjpeg-dev' ;;
    WEBP) echo 'libwebp:libwebp-dev' ;;
    JANSSON) echo 'jansson:libjansson-dev' ;;
    MHD) echo 'libmicrohttpd:libmicrohttpd-dev' ;;
    CURL) echo 'libcurl:libcurl4-openssl-dev' ;;
    ASS) echo 'libass:libass-dev' ;;
    esac
}

found= yes= no=
{
    echo '/* Written by tools/probe.sh: what the build found. */'
    for name in BLAS STB JPEG WEBP JANSSON MHD CURL ASS; do
        text=$(describe $name)
        case " $* " in
        *" $name "*) probe $name && have=1 || have=0 ;;
        *) have=0 ;;
        esac
        echo "#define HAVE_$name $have"
        if [ $have = 1 ]; then
            found="$found $name" yes="$yes ${text%%:*}"
        else
            no="$no ${text%%:*} (${text#*:})"
        fi
    done
    # Of the system itself: no package adds it.
    try '#include <sys/inotify.h>
int main(void) { return inotify_init1(0) < 0; }' && found="$found INOTIFY"
    version=$(${CC:-cc} --version 2>/dev/null | head -n 1 | tr -d '"\\')
    echo "#define CONFIG_COMPILER \"$version, flags ${CFLAGS:-}\""
} > "$tmp/config.h"
cmp -s "$tmp/config.h" "$dir/config.h" || cp "$tmp/config.h" "$dir/config.h"
echo "clipc: built with:${yes:- nothing optional}${no:+; without:$no}" >&2
echo "$found"
