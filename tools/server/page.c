/* page.c - the page at /, as its files (page/) are linked into the binary. */
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

void page_route(struct server *s, const struct request *request, struct reply *reply)
{
    const char *path = request->path;

    (void)s;
    if (strcmp(path, "/page/app.js") == 0) {
        reply_fixed(reply, 200, "text/javascript; charset=utf-8", page_script_begin,
                    (size_t)(page_script_end - page_script_begin));
    } else if (strcmp(path, "/page/style.css") == 0) {
        reply_fixed(reply, 200, "text/css; charset=utf-8", page_style_begin,
                    (size_t)(page_style_end - page_style_begin));
    } else {
        reply_fixed(reply, 200, "text/html; charset=utf-8", page_index_begin,
                    (size_t)(page_index_end - page_index_begin));
    }
    /* Nothing from elsewhere, whatever a prompt or a model's name says. */
    reply_header(reply, "Content-Security-Policy",
                 "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'");
    reply_header(reply, "X-Content-Type-Options", "nosniff");
    reply_header(reply, "Cache-Control", "no-cache");
}
