/* webhook_none.c - webhook.h in a build without libcurl: there is no webhook. */
#include "webhook.h"

#include "../../src/base/base.h"
#include "../cli/say.h"

int webhook_new(const char *url, const char *ca_file, struct webhook **webhook)
{
    (void)url;
    (void)ca_file;
    *webhook = NULL;
    return base_fail(CLIPC_ERROR_UNSUPPORTED, "--webhook: this build has no libcurl: install "
                                              "libcurl4-openssl-dev, and build again");
}

void webhook_event(struct webhook *webhook, const char *json, size_t n)
{
    (void)webhook;
    (void)json;
    (void)n;
}

int webhook_free(struct webhook *webhook)
{
    (void)webhook;
    return CLI_DONE;
}
