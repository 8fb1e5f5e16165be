/* Which addresses a server may be sent to: both edges of each special block of IANA's registries, the
 * neighbours just outside, and the rules for names and ports that stand on them. */
#include "check.h"
#include "config.h"

#if HAVE_MHD && HAVE_JANSSON
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "../tools/server/fetch_rules.h"

static struct sockaddr_storage spelled(const char *text, unsigned port)
{
    struct sockaddr_storage a;
    struct sockaddr_in *v4 = (struct sockaddr_in *)&a;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a;

    memset(&a, 0, sizeof a);
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
    } else {
        check(inet_pton(AF_INET6, text, &v6->sin6_addr) == 1, "%s is an address", text);
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
    }
    return a;
}

static bool is_public(const char *text)
{
    struct sockaddr_storage a = spelled(text, 443);

    return address_is_public((struct sockaddr *)&a);
}

static void test_public(void)
{
    static const char *const special[] = {"0.0.0.0",
                                          "0.255.255.255",
                                          "10.0.0.0",
                                          "10.255.255.255",
                                          "100.64.0.0",
                                          "100.127.255.255",
                                          "127.0.0.0",
                                          "127.0.0.1",
                                          "127.255.255.255",
                                          "169.254.0.0",
                                          "169.254.169.254",
                                          "169.254.255.255",
                                          "172.16.0.0",
                                          "172.31.255.255",
                                          "192.0.0.0",
                                          "192.0.0.255",
                                          "192.0.2.0",
                                          "192.0.2.255",
                                          "192.88.99.0",
                                          "192.88.99.255",
                                          "192.168.0.0",
                                          "192.168.255.255",
                                          "198.18.0.0",
                                          "198.19.255.255",
                                          "198.51.100.0",
                                          "198.51.100.255",
                                          "203.0.113.0",
                                          "203.0.113.255",
                                          "224.0.0.0",
                                          "239.255.255.255",
                                          "240.0.0.0",
                                          "255.255.255.255",
                                          "::",
                                          "::1",
                                          "::ffff:127.0.0.1",
                                          "::ffff:8.8.8.8",
                                          "::7f00:1",
                                          "64:ff9b::7f00:1",
                                          "64:ff9b::808:808",
                                          "64:ff9b:1::a00:1",
                                          "100::1",
                                          "1fff:ffff::1",
                                          "2001::1",
                                          "2001:0:7f00:1::",
                                          "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
                                          "2001:db8::1",
                                          "2001:db8:ffff::1",
                                          "2002::1",
                                          "2002:7f00:1::",
                                          "2002:808:808::1",
                                          "3fff::1",
                                          "3fff:fff::1",
                                          "4000::1",
                                          "5f00::1",
                                          "fc00::1",
                                          "fdff::1",
                                          "fe80::1",
                                          "febf::1",
                                          "fec0::1",
                                          "ff02::1",
                                          "ffff::1"};
    static const char *const open[] = {
        "1.0.0.0",           "1.1.1.1",         "8.8.8.8",      "9.255.255.255",
        "11.0.0.0",          "100.63.255.255",  "100.128.0.0",  "126.255.255.255",
        "128.0.0.0",         "169.253.255.255", "169.255.0.0",  "172.15.255.255",
        "172.32.0.0",        "192.0.1.0",       "192.0.3.0",    "192.88.98.255",
        "192.88.100.0",      "192.167.255.255", "192.169.0.0",  "198.17.255.255",
        "198.20.0.0",        "198.51.99.255",   "198.51.101.0", "203.0.112.255",
        "203.0.114.0",       "223.255.255.255", "2000::1",      "2001:200::1",
        "2001:db7::1",       "2001:db9::1",     "2003::1",      "2606:4700:4700::1111",
        "2a00:1450:4001::1", "3ffe:ffff::1",    "3fff:1000::1"};

    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        check(!is_public(special[i]), "%s is special", special[i]);
    }
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
        check(is_public(open[i]), "%s is public", open[i]);
    }
}

static void test_nets(void)
{
    static const char *const wrong[] = {
        "",         "/8",         "10.0.0.0/",   "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x",
        "10.0.0/8", "fd00::/129", "example.com", "10.0.0.0/ 8", "0x7f.1"};
    static const struct {
        const char *net, *in, *out;
    } nets[] = {{"10.0.0.0/8", "10.255.0.1", "11.0.0.0"},
                {"10.1.2.3", "10.1.2.3", "10.1.2.2"},
                {"192.168.4.0/22", "192.168.7.255", "192.168.8.0"},
                {"128.0.0.0/1", "200.0.0.1", "127.0.0.1"},
                {"0.0.0.0/0", "255.255.255.255", "::ffff:1.2.3.4"},
                {"fd00::/8", "fdff::1", "fc00::1"},
                {"::ffff:0:0/96", "::ffff:1.2.3.4", "1.2.3.4"},
                {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"}};
    struct address_net net;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        check(!address_parse_net(wrong[i], &net), "'%s' is no network", wrong[i]);
    }
    for (size_t i = 0; i < sizeof nets / sizeof nets[0]; i++) {
        struct sockaddr_storage in = spelled(nets[i].in, 1), out = spelled(nets[i].out, 1);
        check(address_parse_net(nets[i].net, &net) && address_in(&net, 1, (struct sockaddr *)&in) &&
                  !address_in(&net, 1, (struct sockaddr *)&out),
              "%s is in %s, %s is not", nets[i].in, nets[i].net, nets[i].out);
    }
}

static bool may_go(const struct fetch_options *o, const char *address, unsigned port)
{
    struct sockaddr_storage a = spelled(address, port);

    return fetch_check_address(o, (struct sockaddr *)&a);
}

static void test_rules(void)
{
    struct address_net net;
    struct fetch_options o = {.plain_http = false}, inner = {.plain_http = true, .n_nets = 1};
    struct fetch_options listed = {.hosts = "a.example, B.example", .denied = "b.example"};

    address_parse_net("10.1.0.0/16", &net);
    inner.nets = &net;
    check(may_go(&o, "8.8.8.8", 443), "a public address, port 443");
    check(!may_go(&o, "8.8.8.8", 80) && !may_go(&o, "8.8.8.8", 22) && !may_go(&o, "8.8.8.8", 0),
          "no other port");
    check(!may_go(&o, "10.1.0.1", 443), "no private address");
    check(may_go(&inner, "10.1.0.1", 9000) && may_go(&inner, "8.8.8.8", 80),
          "an allowed network at any port, plain http at 80");
    check(!may_go(&inner, "10.2.0.1", 443) && !may_go(&inner, "8.8.8.8", 9000),
          "nothing more than that");
    check(fetch_check_url(&o, "https", "a.example") == NULL, "https to a name");
    check(strstr(fetch_check_url(&o, "http", "a.example"), "non https") != NULL, "not http");
    check(strstr(fetch_check_url(&inner, "file", "a.example"), "invalid") != NULL, "never file:");
    check(fetch_check_url(&o, "https", "8.8.8.8") != NULL &&
              fetch_check_url(&o, "https", "[2606::1]") != NULL &&
              fetch_check_url(&o, "https", "localhost") != NULL &&
              fetch_check_url(&o, "https", "localhost.") != NULL,
          "no bare address, no name without a dot");
    check(fetch_check_url(&inner, "http", "10.1.2.3") == NULL &&
              fetch_check_url(&inner, "http", "store") == NULL &&
              fetch_check_url(&inner, "http", "10.2.2.3") != NULL &&
              fetch_check_url(&inner, "http", "[::1]") != NULL,
          "those of an allowed network");
    check(fetch_check_url(&listed, "https", "A.example.") == NULL &&
              fetch_check_url(&listed, "https", "c.example") != NULL &&
              fetch_check_url(&listed, "https", "xa.example") != NULL &&
              fetch_check_url(&listed, "https", "b.example") != NULL,
          "lists of hosts: only those, and never those");
}

int main(void)
{
    test_public();
    test_nets();
    test_rules();
    return check_done();
}
#else
int main(void)
{
    check_skip("a build without the server");
    return check_done();
}
#endif
