/* address.c - networks as text, and the special ones that no client may have this machine connect
 * to. */
#include "address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

bool address_parse_net(const char *text, struct address_net *net)
{
    const char *slash = strchr(text, '/');
    size_t n = slash == NULL ? strlen(text) : (size_t)(slash - text);
    char address[INET6_ADDRSTRLEN], *end = NULL;

    memset(net, 0, sizeof *net);
    if (n == 0 || n >= sizeof address) {
        return false;
    }
    memcpy(address, text, n);
    address[n] = '\0';
    net->family = strchr(address, ':') == NULL ? AF_INET : AF_INET6;
    net->bits = net->family == AF_INET ? 32 : 128;
    if (inet_pton(net->family, address, net->bytes) != 1) {
        return false;
    }
    if (slash != NULL) {
        long bits = strtol(slash + 1, &end, 10);
        if (slash[1] < '0' || slash[1] > '9' || *end != '\0' || bits > net->bits) {
            return false;
        }
        net->bits = (int)bits;
    }
    return true;
}

static const unsigned char *bytes_of(const struct sockaddr *a)
{
    return a->sa_family == AF_INET
               ? (const unsigned char *)&((const struct sockaddr_in *)(const void *)a)->sin_addr
               : ((const struct sockaddr_in6 *)(const void *)a)->sin6_addr.s6_addr;
}

static bool in_net(const struct address_net *net, const struct sockaddr *a)
{
    if (net->family != a->sa_family) {
        return false;
    }
    const unsigned char *bytes = bytes_of(a);
    size_t whole = (size_t)net->bits / 8;
    unsigned rest = (unsigned)net->bits % 8, mask = 0xFF00u >> rest & 0xFFu;

    return memcmp(net->bytes, bytes, whole) == 0 &&
           (rest == 0 || ((net->bytes[whole] ^ bytes[whole]) & mask) == 0);
}

bool address_in(const struct address_net *nets, size_t n, const struct sockaddr *a)
{
    for (size_t i = 0; i < n; i++) {
        if (in_net(&nets[i], a)) {
            return true;
        }
    }
    return false;
}

static bool in_any(const char *const *texts, const struct sockaddr *a)
{
    struct address_net net;

    for (; *texts != NULL; texts++) {
        if (address_parse_net(*texts, &net) && in_net(&net, a)) {
            return true;
        }
    }
    return false;
}

bool address_is_public(const struct sockaddr *a)
{
    static const char *const special4[] = {
        "0.0.0.0/8",       /* this network, and "unspecified" */
        "10.0.0.0/8",      /* private */
        "100.64.0.0/10",   /* shared: behind a provider's NAT */
        "127.0.0.0/8",     /* loopback */
        "169.254.0.0/16",  /* link-local, the metadata of clouds */
        "172.16.0.0/12",   /* private */
        "192.0.0.0/24",    /* protocol assignments */
        "192.0.2.0/24",    /* documentation */
        "192.88.99.0/24",  /* relays of 6to4 */
        "192.168.0.0/16",  /* private */
        "198.18.0.0/15",   /* benchmarks */
        "198.51.100.0/24", /* documentation */
        "203.0.113.0/24",  /* documentation */
        "224.0.0.0/4",     /* multicast */
        "240.0.0.0/4",     /* reserved, broadcast */
        NULL};
    /* All that is given out to anybody: mapped, NAT64, unique local, link-local, site-local and
     * multicast addresses lie outside. */
    static const char *const global6[] = {"2000::/3", NULL};
    static const char *const special6[] = {"2001::/23",     /* Teredo, ORCHID, benchmarks */
                                           "2001:db8::/32", /* documentation */
                                           "2002::/16",     /* 6to4 */
                                           "3fff::/20",     /* documentation */
                                           NULL};

    return a->sa_family == AF_INET    ? !in_any(special4, a)
           : a->sa_family == AF_INET6 ? in_any(global6, a) && !in_any(special6, a)
                                      : false;
}
