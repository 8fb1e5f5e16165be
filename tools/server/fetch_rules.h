/* fetch_rules.h - where a fetcher may go; knows no HTTP library. */
#ifndef CLIPC_FETCH_RULES_H
#define CLIPC_FETCH_RULES_H

#include "fetch.h"

/* NULL, or why a URL of this scheme and host is refused.  The host as the HTTP library has read it,
 * so that both mean the same: numbers in any spelling are a.b.c.d there, IPv6 is in brackets.  A
 * bare address, or a name without a dot, is for the nets of the options only. */
const char *fetch_check_url(const struct fetch_options *o, const char *scheme, const char *host);

/* May a connection be made to this address and port? */
bool fetch_check_address(const struct fetch_options *o, const struct sockaddr *a);

#endif
