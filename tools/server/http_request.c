/* http_request.c - what a route asks of its request, by libmicrohttpd. */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "../lazy/microhttpd.h"
#include "http_work.h"

const char *request_header(const struct request *r, const char *name)
{
    return r->connection == NULL
               ? NULL
               : libmicrohttpd.lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

const char *request_query(const struct request *r, const char *name)
{
    return r->connection == NULL
               ? NULL
               : libmicrohttpd.lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);
}

bool request_is_gone(const struct request *r)
{
    char byte;

    return r->fd >= 0 && recv(r->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

void http_choose_id(struct request *r)
{
    const char *given = request_header(r, "X-Request-Id");
    static const char plain[] =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.:";

    if (given != NULL && given[0] != '\0' && strlen(given) <= REQUEST_ID_MAX &&
        strspn(given, plain) == strlen(given)) {
        strcpy(r->id, given);
        return;
    }
    unsigned char random[16] = {0};
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        memcpy(random, &r->started, sizeof r->started);
    }
    for (size_t i = 0; i < sizeof random; i++) {
        snprintf(r->id + 2 * i, 3, "%02x", random[i]);
    }
}
