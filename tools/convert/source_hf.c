/* source_hf.c - a HuggingFace CLIPModel: its tensors under our names.  hf_config.c reads the
 * configs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../../kernels/pack.h"
#include "hf_config.h"
#include "hf_shards.h"
#include "source.h"

/* Ours -> theirs, within a tower and within a block. */
static const struct {
    const char *ours, *theirs;
} names[] =
    {
        {"patch_embed", "vision_model.embeddings.patch_embedding.weight"},
        {"class_embedding", "vision_model.embeddings.class_embedding"},
        {"vision.positional_embedding", "vision_model.embeddings.position_embedding.weight"},
        {"ln_pre", "vision_model.pre_layrnorm"}, /* so spelled */
        {"vision.ln_post", "vision_model.post_layernorm"},
        {"vision.projection", "visual_projection.weight"},
        {"token_embedding", "text_model.embeddings.token_embedding.weight"},
        {"text.positional_embedding", "text_model.embeddings.position_embedding.weight"},
        {"text.ln_post", "text_model.final_layer_norm"},
        {"text.projection", "text_projection.weight"},
},
  parts[] = {{"ln_1", "layer_norm1"},
             {"ln_2", "layer_norm2"},
             {"attn_out", "self_attn.out_proj"},
             {"c_fc", "mlp.fc1"},
             {"c_proj", "mlp.fc2"}};

/* Their name of row block `piece` (0 q, 1 k, 2 v; else 0) of our tensor. */
static void their_name(const char *ours, int piece, char *to, size_t room)
{
    char tower[8];
    unsigned layer;
    int at = 0;
    const char *ending = strrchr(ours, '.');

    if (sscanf(ours, "%7[a-z].%3u.%n", tower, &layer, &at) == 2 && at > 0) {
        static const char *const qkv[] = {"q", "k", "v"};
        int n = snprintf(to, room, "%s_model.encoder.layers.%u.", tower, layer);
        if (strncmp(ours + at, "attn_in", 7) == 0) {
            snprintf(to + n, room - (size_t)n, "self_attn.%s_proj%s", qkv[piece], ending);
            return;
        }
        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
            if (strncmp(ours + at, parts[i].ours, strlen(parts[i].ours)) == 0) {
                snprintf(to + n, room - (size_t)n, "%s%s", parts[i].theirs, ending);
            }
        }
        return;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *found = strstr(ours, names[i].ours);
        if (found != NULL) {
            const char *rest = found + strlen(names[i].ours); /* "", ".weight" or ".bias" */
            snprintf(to, room, "%s%s", names[i].theirs, rest);
        }
    }
}

static int piece_count(const struct weights_spec *spec)
{
    return strstr(spec->name, ".attn_in.") != NULL ? 3 : 1;
}

static int row(const struct source *s, const struct weights_spec *spec, uint32_t r, float *values)
{
    char name[128];
    int pieces = piece_count(spec);
    /* Three matrices below one another; three biases beside one another. */
    uint32_t rows = spec->rows > 1 ? spec->rows / (uint32_t)pieces : 1;
    uint32_t cols = spec->rows > 1 ? spec->cols : spec->cols / (uint32_t)pieces;

    for (uint32_t at = 0; at < spec->cols; at += cols) {
        int piece = spec->rows > 1 ? (int)(r / rows) : (int)(at / cols);
        their_name(spec->name, pieces == 3 ? piece : 0, name, sizeof name);
        const struct safetensor *t = hf_shards_find(s->data, name);
        size_t first = (size_t)(r % rows) * cols;
        for (size_t i = 0; i < cols; i++) {
            const unsigned char *p = t->data + (first + i) * (t->bits / 8);
            if (t->bits == 32) {
                memcpy(&values[at + i], p, 4);
            } else if (t->dtype[0] == 'B') {
                values[at + i] = pack_bf16_to_f32(base_u16(p));
            } else {
                values[at + i] = pack_f16_to_f32(base_u16(p));
            }
        }
    }
    return CLIPC_OK;
}

static void shape_text(const uint64_t *shape, size_t n, char *to, size_t room)
{
    size_t used = (size_t)snprintf(to, room, "[");

    for (size_t i = 0; i < n && used < room; i++) {
        used += (size_t)snprintf(to + used, room - used, "%s%llu", i == 0 ? "" : ", ",
                                 (unsigned long long)shape[i]);
    }
    if (used < room) {
        snprintf(to + used, room - used, "]");
    }
}

/* The tensor nearest in spelling, for a message about a missing one. */
static const char *nearest(const struct hf_shards *hf, const char *name)
{
    const char *best = "";
    size_t most = 0;

    for (size_t s = 0; s < hf->n; s++) {
        for (size_t i = 0; i < hf->files[s].n; i++) {
            const char *other = hf->files[s].tensors[i].name;
            size_t head = 0, tail = 0, n = strlen(name), m = strlen(other);
            while (head < n && head < m && name[head] == other[head]) {
                head++;
            }
            while (head + tail < n && head + tail < m &&
                   name[n - 1 - tail] == other[m - 1 - tail]) {
                tail++;
            }
            if (head + tail > most) {
                most = head + tail;
                best = other;
            }
        }
    }
    return best;
}

struct check {
    const struct source *s;
    size_t used; /* tensors that the model asks for */
    enum format_dtype native;
};

static int check_tensor(struct check *c, const char *name, const uint64_t *want, size_t n_dims,
                        bool linear)
{
    const struct hf_shards *hf = c->s->data;
    const struct safetensor *t = hf_shards_find(hf, name);
    char wanted[100], found[200];

    shape_text(want, n_dims, wanted, sizeof wanted);
    if (t == NULL) {
        return base_fail(CLIPC_ERROR_FORMAT,
                         "%s: tensor '%s' %s is missing (the nearest name there is '%.100s')",
                         hf->files[0].path, name, wanted, nearest(hf, name));
    }
    shape_text(t->shape, t->n_dims, found, sizeof found);
    if (t->n_dims != n_dims || memcmp(t->shape, want, n_dims * sizeof *want) != 0) {
        return base_fail(CLIPC_ERROR_FORMAT, "%s: tensor '%s': expected shape %s, found %s",
                         hf->files[0].path, name, wanted, found);
    }
    if (strcmp(t->dtype, "F32") != 0 && strcmp(t->dtype, "F16") != 0 &&
        strcmp(t->dtype, "BF16") != 0) {
        return base_fail(CLIPC_ERROR_FORMAT, "%s: tensor '%s': expected F32, F16 or BF16, found %s",
                         hf->files[0].path, name, t->dtype);
    }
    if (linear) {
        enum format_dtype d = t->bits == 32        ? FORMAT_F32
                              : t->dtype[0] == 'B' ? FORMAT_BF16
                                                   : FORMAT_F16;
        c->native = c->native == 0 || c->native == d ? d : FORMAT_F32;
    }
    c->used++;
    return CLIPC_OK;
}

static int check_spec(void *arg, const struct weights_spec *spec)
{
    struct check *c = arg;
    const struct format_header *h = &c->s->header;
    int status = CLIPC_OK, pieces = piece_count(spec);
    char name[128];

    for (int p = 0; p < pieces && status == CLIPC_OK; p++) {
        uint64_t want[4] = {spec->rows / (uint32_t)(spec->rows > 1 ? pieces : 1), spec->cols, 0, 0};
        size_t n_dims = 2;
        their_name(spec->name, p, name, sizeof name);
        if (strcmp(spec->name, "vision.patch_embed") == 0) {
            want[1] = 3;
            want[2] = want[3] = h->patch_size;
            n_dims = 4;
        } else if (spec->rows == 1 && strstr(name, "embedding.weight") == NULL) {
            want[0] = spec->cols / (uint32_t)pieces;
            n_dims = 1;
        }
        status = check_tensor(c, name, want, n_dims, spec->linear);
    }
    return status;
}

/* Every tensor of the files is one that the model asks for, or a known leftover. */
static int check_extra(const struct check *c)
{
    const struct hf_shards *hf = c->s->data;
    size_t known = 0, total = 0;

    for (size_t s = 0; s < hf->n; s++) {
        total += hf->files[s].n;
        for (size_t i = 0; i < hf->files[s].n; i++) {
            const char *name = hf->files[s].tensors[i].name;
            known += strstr(name, "position_ids") != NULL || strcmp(name, "logit_scale") == 0;
        }
    }
    if (known + c->used == total) {
        return CLIPC_OK;
    }
    for (size_t s = 0; s < hf->n; s++) {
        for (size_t i = 0; i < hf->files[s].n; i++) {
            const char *name = hf->files[s].tensors[i].name, *dots = name;
            size_t n_dots = 0;
            for (; *dots != '\0'; dots++) {
                n_dots += *dots == '.';
            }
            bool ours = false;
            for (size_t j = 0; j < sizeof names / sizeof names[0] && !ours; j++) {
                ours = strncmp(name, names[j].theirs, strlen(names[j].theirs)) == 0;
            }
            unsigned layer;
            char tower[8];
            if (sscanf(name, "%7[a-z]_model.encoder.layers.%u.", tower, &layer) == 2) {
                const struct format_tower *t =
                    tower[0] == 'v' ? &c->s->header.vision : &c->s->header.text;
                ours = layer < t->layers && n_dots <= 6;
            }
            if (!ours && strstr(name, "position_ids") == NULL && strcmp(name, "logit_scale") != 0) {
                return base_fail(
                    CLIPC_ERROR_FORMAT,
                    "%s: tensor '%.120s' is none that the config's model has (of %u and "
                    "%u layers)",
                    hf->files[s].path, name, c->s->header.vision.layers, c->s->header.text.layers);
            }
        }
    }
    return base_fail(CLIPC_ERROR_FORMAT, "%s: %zu tensors, the config's model has %zu",
                     hf->files[0].path, total, known + c->used);
}

static int take_logit_scale(struct source *s)
{
    const struct safetensor *t = hf_shards_find(s->data, "logit_scale");

    if (t == NULL || t->bytes != t->bits / 8 || t->bits > 32) {
        return base_fail(CLIPC_ERROR_FORMAT, "%s: tensor 'logit_scale' [] is missing or misshapen",
                         ((struct hf_shards *)s->data)->files[0].path);
    }
    if (t->bits == 32) {
        memcpy(&s->header.logit_scale, t->data, 4);
    } else {
        s->header.logit_scale = t->dtype[0] == 'B' ? pack_bf16_to_f32(base_u16(t->data))
                                                   : pack_f16_to_f32(base_u16(t->data));
    }
    return CLIPC_OK;
}

static void close_hf(struct source *s)
{
    hf_shards_free(s->data);
}

static int open_all(struct source *s, const char *path, const char *vocab)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    struct stat st;
    bool is_folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    struct check check = {.s = s};

    snprintf(folder, sizeof folder, "%.*s",
             (int)(is_folder       ? strlen(path)
                   : slash != NULL ? (size_t)(slash - path)
                                   : 0),
             path);
    if (folder[0] == '\0') {
        snprintf(folder, sizeof folder, slash == path ? "/" : ".");
    }
    int status = hf_shards_open(s->data, s, path, is_folder);
    if (status == CLIPC_OK) {
        status = hf_config_read(folder, s);
    }
    if (status == CLIPC_OK) {
        status = weights_each_spec(&s->header, check_spec, &check);
    }
    s->native = check.native;
    if (status == CLIPC_OK) {
        status = check_extra(&check);
    }
    if (status == CLIPC_OK) {
        status = take_logit_scale(s);
    }
    return status == CLIPC_OK ? hf_config_vocab(vocab != NULL ? vocab : folder, vocab != NULL, s)
                              : status;
}

int source_open_hf(const char *path, const char *vocab, struct source *s)
{
    memset(s, 0, sizeof *s);
    s->data = hf_shards_new();
    if (s->data == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    s->close = close_hf;
    s->row = row;
    int status = open_all(s, path, vocab);
    if (status != CLIPC_OK) {
        source_close(s);
    }
    return status;
}
