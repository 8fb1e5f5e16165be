/* vocabulary.c - byte-pair encoding learned from the captions (Sennrich et al. 2016, algorithm
 * 1), and its files in the form that `clipc convert` reads. */
#include "vocabulary.h"

#include <stdio.h>
#include <string.h>

#include "../convert/stand_ins.h"

enum { MAX_WORD = 32, MAX_WORDS = 256 };

struct word {
    int ids[MAX_WORD], n;
};

static void spell(struct word *w, const char *text, size_t n)
{
    w->n = 0;
    for (size_t i = 0; i < n && i < MAX_WORD; i++) {
        w->ids[w->n++] = (unsigned char)text[i] + (i + 1 == n ? 256 : 0);
    }
}

static void merge(struct word *w, int left, int right, int id)
{
    int n = 0;

    for (int i = 0; i < w->n; i++) {
        if (i + 1 < w->n && w->ids[i] == left && w->ids[i + 1] == right) {
            w->ids[n++] = id;
            i++;
        } else {
            w->ids[n++] = w->ids[i];
        }
    }
    w->n = n;
}

/* The most frequent pair, of equals the one met first; 0 when no word has two symbols. */
static int best_pair(const struct word *words, size_t n, int *left, int *right)
{
    int most = 0;

    for (size_t a = 0; a < n; a++) {
        for (int i = 0; i + 1 < words[a].n; i++) {
            int count = 0;
            for (size_t b = 0; b < n; b++) {
                for (int j = 0; j + 1 < words[b].n; j++) {
                    count += words[b].ids[j] == words[a].ids[i] &&
                             words[b].ids[j + 1] == words[a].ids[i + 1];
                }
            }
            if (count > most) {
                most = count;
                *left = words[a].ids[i];
                *right = words[a].ids[i + 1];
            }
        }
    }
    return most;
}

void vocabulary_train(struct vocabulary *vocabulary, const char *const *texts, size_t n)
{
    static struct word words[MAX_WORDS];
    int left, right;

    memset(vocabulary, 0, sizeof *vocabulary);
    for (int b = 0; b < 512; b++) {
        vocabulary->text[b][0] = (char)(b % 256);
    }
    n = n < MAX_WORDS ? n : MAX_WORDS;
    for (size_t i = 0; i < n; i++) {
        spell(&words[i], texts[i], strlen(texts[i]));
    }
    while (vocabulary->n < VOCABULARY_MAX_MERGES && best_pair(words, n, &left, &right) > 0) {
        int id = 512 + vocabulary->n;
        size_t n_left = strlen(vocabulary->text[left]), n_right = strlen(vocabulary->text[right]);
        if (n_left + n_right >= VOCABULARY_MAX_BYTES) {
            break; /* no word of ours is as long */
        }
        memcpy(vocabulary->text[id], vocabulary->text[left], n_left);
        memcpy(vocabulary->text[id] + n_left, vocabulary->text[right], n_right);
        vocabulary->merges[vocabulary->n][0] = left;
        vocabulary->merges[vocabulary->n][1] = right;
        vocabulary->n++;
        for (size_t i = 0; i < n; i++) {
            merge(&words[i], left, right, id);
        }
    }
}

int vocabulary_size(const struct vocabulary *vocabulary)
{
    return 512 + vocabulary->n + 2;
}

int vocabulary_encode(const struct vocabulary *vocabulary, const char *text, int *ids, int room)
{
    int n = 0;

    ids[n++] = 512 + vocabulary->n;
    while (*text != '\0') {
        size_t length = *text == ',' ? 1 : strcspn(text, " ,"); /* CLIP's own cut, of such texts */
        struct word w;
        spell(&w, text, length);
        for (int m = 0; m < vocabulary->n; m++) {
            merge(&w, vocabulary->merges[m][0], vocabulary->merges[m][1], 512 + m);
        }
        for (int i = 0; i < w.n && n + 1 < room; i++) {
            ids[n++] = w.ids[i];
        }
        text += length;
        text += strspn(text, " ");
    }
    ids[n++] = 512 + vocabulary->n + 1;
    return n;
}

/* A byte as CLIP's files spell it. */
static void put_byte(FILE *f, int byte, int json)
{
    char text[2];
    size_t n = stand_in_spell(byte, text);

    if (json && (text[0] == '"' || text[0] == '\\')) {
        putc('\\', f);
    }
    fwrite(text, 1, n, f);
}

/* Token `id`; single bytes may be 0, merges are words of ASCII. */
static void put_token(FILE *f, const struct vocabulary *vocabulary, int id, int json)
{
    int last = id; /* a merge ends a word when its last symbol does */

    if (id < 512) {
        put_byte(f, id % 256, json);
    } else {
        for (const char *p = vocabulary->text[id]; *p != '\0'; p++) {
            put_byte(f, (unsigned char)*p, json);
        }
    }
    while (last >= 512) {
        last = vocabulary->merges[last - 512][1];
    }
    fputs(last >= 256 ? "</w>" : "", f);
}

int vocabulary_write(const struct vocabulary *vocabulary, const char *folder)
{
    char path[4200];
    FILE *f;

    snprintf(path, sizeof path, "%s/vocab.json", folder);
    if ((f = fopen(path, "w")) == NULL) {
        return -1;
    }
    putc('{', f);
    for (int id = 0; id < 512 + vocabulary->n; id++) {
        putc('"', f);
        put_token(f, vocabulary, id, 1);
        fprintf(f, "\": %d,\n", id);
    }
    fprintf(f, "\"<|startoftext|>\": %d,\n\"<|endoftext|>\": %d}\n", 512 + vocabulary->n,
            513 + vocabulary->n);
    if (fclose(f) != 0) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/merges.txt", folder);
    if ((f = fopen(path, "w")) == NULL) {
        return -1;
    }
    fputs("#version: 0.2\n", f);
    for (int m = 0; m < vocabulary->n; m++) {
        put_token(f, vocabulary, vocabulary->merges[m][0], 0);
        putc(' ', f);
        put_token(f, vocabulary, vocabulary->merges[m][1], 0);
        putc('\n', f);
    }
    return fclose(f);
}
