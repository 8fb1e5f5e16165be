/* demo_model.c - weights/demo.clipc, linked into the command so that it works from any directory.
 * Built from the top of the tree, where .incbin looks for the path. */
#include "cli.h"

#if __has_include("../../weights/demo.clipc")
__asm__(".pushsection .rodata\n"
        ".balign 4096\n" /* pages of their own: only what is used is read */
        "demo_model_bytes:\n"
        ".incbin \"weights/demo.clipc\"\n"
        "demo_model_end:\n"
        ".byte 0\n"
        ".popsection\n");
extern const unsigned char demo_model_bytes[] __attribute__((visibility("hidden")));
extern const unsigned char demo_model_end[] __attribute__((visibility("hidden")));

const void *demo_model(size_t *size)
{
    *size = (size_t)(demo_model_end - demo_model_bytes);
    return demo_model_bytes;
}
#else
const void *demo_model(size_t *size)
{
    *size = 0;
    return NULL;
}
#endif
