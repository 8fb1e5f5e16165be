/* address.h - which addresses of the network a server may be sent to by its clients. */
#ifndef CLIPC_ADDRESS_H
#define CLIPC_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* A network: the first `bits` bits of an address of 4 (AF_INET) or 16 bytes (AF_INET6). */
struct address_net {
    int family, bits;
    unsigned char bytes[16];
};

/* "10.0.0.0/8", "fd00::/8", "192.0.2.7" (that one address); false when it is none of them. */
bool address_parse_net(const char *text, struct address_net *net);

/* Is `a` in one of nets: [n]?  ::ffff:10.0.0.1 is an address of IPv6 here, in no net of IPv4. */
bool address_in(const struct address_net *nets, size_t n, const struct sockaddr *a);

/* Can everybody reach it, by the registries of special addresses (IANA, RFC 6890)?  Private,
 * loopback, link-local, shared (CGNAT), multicast, documentation, benchmarking and reserved ones
 * are not, nor is an address of IPv6 that carries one of IPv4 (mapped, 6to4, Teredo, NAT64). */
bool address_is_public(const struct sockaddr *a);

#endif
