/* microhttpd.h - libmicrohttpd's functions, as members of `libmicrohttpd` when lazy_microhttpd has
 * opened it. */
#ifndef CLIPC_LAZY_MICROHTTPD_H
#define CLIPC_LAZY_MICROHTTPD_H

#include <microhttpd.h>

/* Those that are used here. */
/* clang-format off */
#define LAZY_MICROHTTPD(X) \
    X(add_response_header) X(create_response_from_buffer) X(destroy_response) \
    X(get_connection_info) X(get_connection_values) X(get_daemon_info) X(is_feature_supported) \
    X(lookup_connection_value) X(queue_response) X(quiesce_daemon) X(resume_connection) \
    X(start_daemon) X(stop_daemon) X(suspend_connection)
/* clang-format on */
#define LAZY_MICROHTTPD_MEMBER(f) __typeof__(MHD_##f) *f;
extern struct lazy_microhttpd {
    LAZY_MICROHTTPD(LAZY_MICROHTTPD_MEMBER)
} libmicrohttpd;

/* 0, or CLIPC_ERROR_UNSUPPORTED with a sentence. */
int lazy_microhttpd(void);

#endif
