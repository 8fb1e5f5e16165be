/* page.c - the pages at / and /docs and the description of the routes, /openapi.json: the files of
 * page/, linked into the binary. */
#include <string.h>

#include "server.h"

/* Built from the top of the tree, where .incbin looks for the path. */
#define EMBED(name, path)                                                                          \
    __asm__(".pushsection .rodata\n" #name "_begin:\n.incbin \"" path "\"\n" #name                 \
            "_end:\n.byte 0\n.popsection\n");                                                      \
    extern const char name##_begin[] __attribute__((visibility("hidden")));                        \
    extern const char name##_end[] __attribute__((visibility("hidden")))

EMBED(page_index, "tools/server/page/index.html");
EMBED(page_script, "tools/server/page/app.js");
EMBED(page_style, "tools/server/page/style.css");
EMBED(page_docs, "tools/server/page/docs.html");
EMBED(page_docs_script, "tools/server/page/docs.js");
EMBED(page_openapi, "tools/server/page/openapi.json");

static const struct {
    const char *path, *type, *begin, *end;
} files[] = {
    {"/", "text/html; charset=utf-8", page_index_begin, page_index_end},
    {"/page/app.js", "text/javascript; charset=utf-8", page_script_begin, page_script_end},
    {"/page/style.css", "text/css; charset=utf-8", page_style_begin, page_style_end},
    {"/docs", "text/html; charset=utf-8", page_docs_begin, page_docs_end},
    {"/page/docs.js", "text/javascript; charset=utf-8", page_docs_script_begin,
     page_docs_script_end},
    {"/openapi.json", "application/json", page_openapi_begin, page_openapi_end},
};

void page_route(struct server *s, const struct request *request, struct reply *reply)
{
    (void)s;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (strcmp(request->path, files[i].path) == 0) {
            reply_fixed(reply, 200, files[i].type, files[i].begin,
                        (size_t)(files[i].end - files[i].begin));
        }
    }
    /* Nothing from elsewhere, whatever a prompt or a model's name says. */
    reply_header(reply, "Content-Security-Policy",
                 "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'");
    reply_header(reply, "X-Content-Type-Options", "nosniff");
    reply_header(reply, "Cache-Control", "no-cache");
}
