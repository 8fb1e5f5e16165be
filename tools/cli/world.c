/* world.c - which words the embedded model knows.  A word of the captions that it was trained on
 * became one token of its vocabulary; a word that falls into pieces was never there.  Nothing here
 * knows which words these are: the weight file says it. */
#include "world.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "../../src/base/utf8.h"
#include "../../src/token/unicode.h"
#include "../../weights/weights.h"

/* Of each token of the embedded file, whether it ends a word. */
static void read_words(struct world *world)
{
    struct weights w;
    size_t size;
    const void *demo = demo_model(&size);

    if (size == 0 || weights_open_memory(demo, size, &w) != CLIPC_OK) {
        return;
    }
    const struct format_record *r = weights_find(&w, "tokenizer.tokens");
    world->is_word = r != NULL ? calloc(w.header.vocab_size, 1) : NULL;
    if (world->is_word != NULL) {
        const unsigned char *p = weights_data(&w, r), *end = p + r->bytes;
        while (p < end && world->n_tokens < w.header.vocab_size) {
            unsigned head = base_u16(p);
            world->is_word[world->n_tokens++] = (head & FORMAT_WORD_END) != 0;
            p += 2 + (head & (FORMAT_WORD_END - 1));
        }
    }
    weights_close(&w);
}

/* Is the word text: [n] one token? */
static bool knows(const struct world *world, const struct cli *cli, const clipc_model *model,
                  const char *text, size_t n)
{
    struct clipc_text word = {text, n};
    int32_t ids[CLIPC_MAX_CONTEXT];
    size_t n_ids;

    if (clipc_tokenize(model, &word, cli->session.tokenizer, ids, &n_ids) != CLIPC_OK) {
        return true;
    }
    for (size_t i = 1; i + 1 < n_ids; i++) { /* between start and end token */
        if (ids[i] < 0 || (size_t)ids[i] >= world->n_tokens || !world->is_word[ids[i]]) {
            return false;
        }
    }
    return true;
}

/* Length of the letters that text: [n] begins with (or, without `letters`, of what is between). */
static size_t stretch(const char *text, size_t n, bool letters)
{
    size_t i = 0;

    while (i < n) {
        uint32_t c;
        size_t used = utf8_read(text + i, n - i, &c, NULL);
        if (unicode_is_letter(c) != letters) {
            break;
        }
        i += used;
    }
    return i;
}

void world_note(struct world *world, const struct cli *cli, const clipc_model *model,
                const char *text, size_t length)
{
    if (!world->asked) {
        world->asked = true;
        if (cli->model_path == NULL) {
            read_words(world);
        }
    }
    for (size_t i = 0, n; world->is_word != NULL && i < length; i += n) {
        i += stretch(text + i, length - i, false);
        n = stretch(text + i, length - i, true);
        if (n > 0 && !knows(world, cli, model, text + i, n)) {
            cli_note("the embedded model knows only its own drawn world, and no '%.*s' in it; for "
                     "photographs name another model with -m (`clipc pull vit-b-32` gets one)",
                     n < 64 ? (int)n : 64, text + i);
            world_free(world);
            world->asked = true;
        }
    }
}

void world_note_texts(const struct cli *cli, const clipc_model *model)
{
    struct world world = {0};

    for (size_t i = 0; i < cli->n_items; i++) {
        const struct cli_item *item = &cli->items[i];
        if (item->option != NULL && strcmp(item->option->name, "text") == 0) {
            world_note(&world, cli, model, item->value, strlen(item->value));
        }
    }
    world_free(&world);
}

void world_free(struct world *world)
{
    free(world->is_word);
    *world = (struct world){0};
}
