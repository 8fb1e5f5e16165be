/* fetch_rules.c - schemes, names and addresses that a fetcher may go to. */
#include "fetch_rules.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "name_list.h"

/* A dot at the end of a name means nothing. */
static bool in_list(const char *list, const char *host)
{
    size_t n = strlen(host);

    return name_list_has(list, host, n - (n > 0 && host[n - 1] == '.'));
}

/* The address that `host` spells out; false when it is a name. */
static bool read_address(const char *host, struct sockaddr_storage *a)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)a;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)a;
    char bare[INET6_ADDRSTRLEN];
    size_t n = strlen(host);

    memset(a, 0, sizeof *a);
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        return true;
    }
    if (host[0] != '[' || n < 4 || n - 2 >= sizeof bare) {
        return false;
    }
    memcpy(bare, host + 1, n - 2);
    bare[n - 2] = '\0';
    v6->sin6_family = AF_INET6;
    return inet_pton(AF_INET6, bare, &v6->sin6_addr) == 1;
}

const char *fetch_check_url(const struct fetch_options *o, const char *scheme, const char *host)
{
    struct sockaddr_storage a;
    const char *dot = strchr(host, '.');
    bool bare = dot == NULL || dot[1] == '\0';

    if (strcasecmp(scheme, "https") != 0 && strcasecmp(scheme, "http") != 0) {
        return "Provided image URL is invalid";
    }
    if (strcasecmp(scheme, "http") == 0 && !o->plain_http) {
        return "Providing images via non https:// URL is not supported in this configuration of "
               "`inference`.";
    }
    if ((o->hosts != NULL && !in_list(o->hosts, host)) ||
        (o->denied != NULL && in_list(o->denied, host))) {
        return "It is not allowed to reach the provided URL: its host is not among those that this "
               "server fetches from.";
    }
    if (host[0] == '[' || read_address(host, &a)) {
        bare = !o->bare_addresses &&
               (!read_address(host, &a) || !address_in(o->nets, o->n_nets, (struct sockaddr *)&a));
    } else if (o->n_nets > 0) {
        bare = false; /* names of one's own network; where they lead is checked */
    }
    return bare ? "Providing images via URL without FQDN is not supported in this configuration of "
                  "`inference`."
                : NULL;
}

bool fetch_check_address(const struct fetch_options *o, const struct sockaddr *a)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)a;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)a;
    unsigned port = ntohs(a->sa_family == AF_INET    ? v4->sin_port
                          : a->sa_family == AF_INET6 ? v6->sin6_port
                                                     : 0);

    return address_in(o->nets, o->n_nets, a) ||
           (address_is_public(a) && (port == 443 || (port == 80 && o->plain_http)));
}
