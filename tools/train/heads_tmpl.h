/* heads_tmpl.h - what only training has: two linear layers that name what an image shows, from the
 * pooled row, and what each patch shows, from its row.  Their loss is part of the backward pass.
 * Included by model_tmpl.h after block_tmpl.h, whose parts it uses. */

struct heads {
    size_t class, patches; /* where their weights begin; biases follow */
    int labels, groups[MODEL_GROUPS];
    int *rows;                       /* [rows] of the tower that have a label */
    REAL *logits, *d_logits;         /* [rows, labels] */
    REAL *x, *hat, *y, *d_y, *scale; /* [rows, width] each; [rows] */
    REAL *plain, *d_plain;           /* a gain of ones and a bias of zeros; [2 width] each */
};

static void heads_new(struct heads *h, const struct model_layout *l, size_t rows)
{
    size_t width = (size_t)l->config.vision.width;

    h->labels = model_labels(&l->config);
    memcpy(h->groups, l->config.groups, sizeof h->groups);
    h->class = model_offset(l, MODEL_CLASS ".weight");
    h->patches = model_offset(l, MODEL_PATCHES ".weight");
    h->rows = calloc(rows + 1, sizeof *h->rows);
    if (h->rows == NULL) {
        fprintf(stderr, "clipc-train: out of memory\n");
        exit(1);
    }
    h->logits = take(rows * (size_t)h->labels);
    h->d_logits = take(rows * (size_t)h->labels);
    h->x = take(rows * width);
    h->hat = take(rows * width);
    h->y = take(rows * width);
    h->d_y = take(rows * width);
    h->scale = take(rows);
    h->plain = take(2 * width);
    h->d_plain = take(2 * width);
    for (size_t i = 0; i < width; i++) {
        h->plain[i] = 1;
    }
}

static void heads_free(struct heads *h)
{
    REAL *all[] = {h->logits, h->d_logits, h->x,     h->hat,    h->y,
                   h->d_y,    h->scale,    h->plain, h->d_plain};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        free(all[i]);
    }
    free(h->rows);
}

/* weight times the cross entropy of n logits with the label, and its gradient in d; *right counts
 * whether the largest is the label's. */
static double cross_entropy(const REAL *logits, int n, int label, double weight, REAL *d,
                            int *right)
{
    int best = 0;
    double sum = 0;

    for (int i = 1; i < n; i++) {
        best = logits[i] > logits[best] ? i : best;
    }
    *right += best == label;
    for (int i = 0; i < n; i++) {
        sum += exp((double)(logits[i] - logits[best]));
    }
    for (int i = 0; i < n; i++) {
        double p = exp((double)(logits[i] - logits[best])) / sum;
        d[i] = (REAL)(weight * (p - (i == label)));
    }
    return weight * (log(sum) + (double)(logits[best] - logits[label]));
}

/* Adds to tower->d_normed. */
static void class_head(struct heads *h, struct tower *tower, const REAL *params, REAL *grads,
                       const struct model_answers *labels, struct model_said *said)
{
    int width = tower->t.width, n = tower->n;
    size_t size = (size_t)(n * h->labels) * sizeof(REAL);

    linear(params + h->class, tower->normed, n, width, h->labels, NULL, h->logits);
    memset(h->d_logits, 0, size);
    for (int i = 0; i < n; i++) {
        for (int g = 0, at = i * h->labels; g < MODEL_GROUPS; at += h->groups[g++]) {
            int label = labels->images[i * MODEL_GROUPS + g];
            if (label >= 0) {
                said->loss +=
                    cross_entropy(h->logits + at, h->groups[g], label, labels->image_weight,
                                  h->d_logits + at, &said->right[g]);
                said->asked[g]++;
            }
        }
    }
    linear_back(params + h->class, grads + h->class, tower->normed, h->d_logits, n, width,
                h->labels, h->d_y);
    for (int i = 0; i < n * width; i++) {
        tower->d_normed[i] += h->d_y[i];
    }
}

/* Rows of patches with a label into h->rows and h->x; returns how many. */
static int gather_patches(struct heads *h, const struct tower *tower, const signed char *labels)
{
    int width = tower->t.width, k = 0;

    for (int i = 0; i < tower->n * (tower->tokens - 1); i++) {
        bool any = false;
        for (int g = 0; g < MODEL_GROUPS; g++) {
            any = any || labels[i * MODEL_GROUPS + g] >= 0;
        }
        if (any) {
            int row = i + i / (tower->tokens - 1) + 1; /* behind the class token */
            memcpy(h->x + k * width, tower->x + (size_t)row * (size_t)width,
                   (size_t)width * sizeof(REAL));
            h->rows[k++] = i;
        }
    }
    return k;
}

/* Adds to tower->d_x, the gradient of tower->x. */
static void patch_head(struct heads *h, struct tower *tower, const REAL *params, REAL *grads,
                       const struct model_answers *labels, struct model_said *said)
{
    int width = tower->t.width, k = gather_patches(h, tower, labels->patches), ignored = 0;
    size_t size = (size_t)(k * width) * sizeof(REAL);

    norm(h->plain, h->x, k, width, h->hat, h->scale, h->y);
    linear(params + h->patches, h->y, k, width, h->labels, NULL, h->logits);
    memset(h->d_logits, 0, (size_t)(k * h->labels) * sizeof(REAL));
    for (int i = 0; i < k; i++) {
        for (int g = 0, at = i * h->labels; g < MODEL_GROUPS; at += h->groups[g++]) {
            int label = labels->patches[h->rows[i] * MODEL_GROUPS + g];
            if (label >= 0) {
                said->loss += cross_entropy(h->logits + at, h->groups[g], label,
                                            labels->patch_weight[g], h->d_logits + at, &ignored);
            }
        }
    }
    linear_back(params + h->patches, grads + h->patches, h->y, h->d_logits, k, width, h->labels,
                h->d_y);
    memset(h->x, 0, size); /* from here on the gradient of what was in it */
    norm_back(h->plain, h->d_plain, h->hat, h->scale, h->d_y, k, width, h->x);
    for (int i = 0; i < k; i++) {
        int row = h->rows[i] + h->rows[i] / (tower->tokens - 1) + 1;
        for (int j = 0; j < width; j++) {
            tower->d_x[(size_t)row * (size_t)width + (size_t)j] += h->x[i * width + j];
        }
    }
}
