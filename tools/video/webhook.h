/* webhook.h - --webhook: each event as JSON, POSTed to an address over HTTP by a thread of its own,
 * one after the other in their order: frames never wait for it.  By libcurl (webhook_curl.c), or
 * not at all (webhook_none.c).
 *
 * A reply of 2xx is the end of it.  No connection, no answer within 10 s, 408, 425, 429 and 5xx are
 * tried again after 1, 2, 4 and 8 s, five times in all; any other answer is final, a redirect too:
 * many clients, and libcurl, make a GET of a POST that is redirected, and an address that is given
 * exactly has no need of one.  So is a certificate that is not trusted.  An event may arrive twice
 * when its answer got lost. */
#ifndef CLIPC_WEBHOOK_H
#define CLIPC_WEBHOOK_H

#include <stdbool.h>
#include <stddef.h>

struct webhook;

/* url: http:// or https://, which stays; ca_file: PEM, who signs the certificate of that server, or
 * NULL for those whom the system trusts; it stays too.  0, or a negative clipc_status: there is no
 * such address or file, no memory, or (CLIPC_ERROR_UNSUPPORTED) no libcurl in this build. */
int webhook_new(const char *url, const char *ca_file, struct webhook **webhook);

/* A line of JSON: [n].  Dropped and counted when EVENT_QUEUE_ROOM wait already. */
void webhook_event(struct webhook *webhook, const char *json, size_t n);

/* Goes on for 10 s at most with those that wait; says how many did not arrive.  CLI_DONE, or
 * CLI_FAILED when some did not. */
int webhook_free(struct webhook *webhook);

#endif
