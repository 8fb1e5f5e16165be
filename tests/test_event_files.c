/* What `clipc watch` keeps of events, below the command: names made of words from outside, files that
 * replace none, pictures of every pixel format, and the queue behind which a program hangs. */
#include <dirent.h>

#include "check.h"

#include "../src/base/base.h"
#include "../tools/video/event_name.h"
#include "../tools/video/event_queue.h"
#include "../tools/video/fresh.h"
#include "../tools/video/picture.h"

/* ---- Names ------------------------------------------------------------------------------------- */

static void test_names(void)
{
    static const struct {
        const char *source, *prompt, *name;
    } rows[] = {
        {"rtsp://admin:secret@cam.example:554/live/1?key=hidden#x", "a person",
         "cam.example-554-live-1_000012.346s_a-person"},
        {"http://a:b@c@d.example/film.mp4", "x", "d.example-film.mp4_000012.346s_x"},
        {"door=rtsp://u:p@cam/1", "a person", "door_000012.346s_a-person"},
        {"webcam:1", "\"it's\" 50 %!", "webcam-1_000012.346s_it-s-50"},
        {"no/such/../film.mp4", "../../etc/passwd", "film.mp4_000012.346s_etc-passwd"},
        {"...", ".hidden", "source-3_000012.346s_hidden"},
        {"-", "\xce\x88\xce\xbd\xce\xb1", "source-3_000012.346s_prompt-8"},
        {"-x.mp4", "\x1b[31mred\n\tline", "x.mp4_000012.346s_31mred-line"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct address source = address_look(rows[i].source);
        size_t n = strlen(rows[i].prompt);
        char *text = malloc(n + 1), name[EVENT_NAME_ROOM];
        struct label prompt = {text, n};
        struct event event = {.source = 2, .prompt = 7, .start = 12.3456};
        memcpy(text, rows[i].prompt, n + 1);
        event_name(&source, &prompt, &event, name);
        check(strcmp(name, rows[i].name) == 0, "%s: %s", rows[i].source, name);
        free(text);
    }
    char all[300];
    memset(all, 'a', sizeof all);
    struct label prompt = {all, sizeof all};
    struct address source = {.name = all, .name_length = sizeof all, .place = ""};
    struct event event = {.start = 1e9};
    char name[EVENT_NAME_ROOM];
    event_name(&source, &prompt, &event, name);
    check(strlen(name) == 60 + 1 + 15 + 1 + 60, "long ones are cut: %zu letters", strlen(name));
}

/* ---- Files that replace none ------------------------------------------------------------------- */

static bool holds(const char *path, const char *text)
{
    char bytes[16] = "";
    FILE *f = fopen(path, "r");
    size_t n = f != NULL ? fread(bytes, 1, sizeof bytes - 1, f) : 0;

    if (f != NULL) {
        fclose(f);
    }
    return n == strlen(text) && strcmp(bytes, text) == 0;
}

static void test_fresh(void)
{
    char folder[] = "/tmp/clipc-fresh-XXXXXX", inner[64];
    static struct fresh files[3], aborted;
    static const char *const texts[] = {"one", "two", "three"};
    bool good = mkdtemp(folder) != NULL;

    snprintf(inner, sizeof inner, "%s/new", folder);
    check(good && fresh_folder(inner) == CLIPC_OK && fresh_folder(inner) == CLIPC_OK,
          "a folder is made, and may be there");
    for (int i = 0; i < 3; i++) { /* all open before the first has its name */
        good = good && fresh_open(&files[i], inner, "x", ".txt") == CLIPC_OK &&
               fresh_write(&files[i], texts[i], strlen(texts[i])) == CLIPC_OK;
    }
    good = good && fresh_open(&aborted, inner, "x", ".txt") == CLIPC_OK;
    fresh_abort(&aborted);
    for (int i = 0; i < 3; i++) {
        good = good && fresh_finish(&files[i]) == CLIPC_OK && holds(files[i].path, texts[i]);
    }
    check(good && strcmp(files[0].path + strlen(inner), "/x.txt") == 0 &&
              strcmp(files[1].path + strlen(inner), "/x-2.txt") == 0 &&
              strcmp(files[2].path + strlen(inner), "/x-3.txt") == 0,
          "three of one name are three files: %s", files[2].path);
    int n = 0;
    DIR *d = opendir(inner);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        n += e->d_name[0] != '.';
    }
    if (d != NULL) {
        closedir(d);
    }
    check(n == 3, "and no other is left");
    for (int i = 0; i < 3; i++) {
        unlink(files[i].path);
    }
    rmdir(inner);
    rmdir(folder);
}

/* ---- Pictures ---------------------------------------------------------------------------------- */

/* Of every format, by what Pillow's convert("RGB") does with it. */
static void expected(const uint8_t *p, int format, uint8_t rgb[3])
{
    for (int c = 0; c < 3; c++) {
        uint16_t deep;
        memcpy(&deep, p, 2);
        double ink = p[c] / 255.0, black = format == CLIPC_CMYK ? p[3] / 255.0 : 0;
        rgb[c] = format == CLIPC_RGB || format == CLIPC_RGBA ? p[c]
                 : format == CLIPC_L || format == CLIPC_LA   ? p[0]
                 : format == CLIPC_I16                       ? (uint8_t)(deep > 255 ? 255 : deep)
                                       : (uint8_t)lround(255 * (1 - ink) * (1 - black));
    }
}

static int worst_difference(const struct clipc_image *a, size_t bytes, const struct clipc_image *b)
{
    int worst = a->width == b->width && a->height == b->height ? 0 : 999;

    for (size_t y = 0; worst < 999 && y < a->height; y++) {
        for (size_t x = 0; x < a->width; x++) {
            const uint8_t *q =
                (uint8_t *)b->data + y * b->stride + x * (b->format == CLIPC_L ? 1 : 3);
            uint8_t rgb[3];
            expected((uint8_t *)a->data + y * a->stride + x * bytes, a->format, rgb);
            for (int c = 0; c < 3; c++) {
                int d = abs(rgb[c] - q[b->format == CLIPC_L ? 0 : c]);
                worst = d > worst ? d : worst;
            }
        }
    }
    return worst;
}

static void test_pictures(void)
{
    static const size_t bytes[] = {3, 4, 1, 2, 4, 2};
    enum { W = 301, H = 77, STRIDE = 4 * W + 6 };
    uint16_t *pixels = malloc(H * STRIDE);
    unsigned seed = 5;

    for (size_t i = 0; i < H * STRIDE / 2; i++) {
        seed = seed * 1103515245 + 12345;
        pixels[i] = (uint16_t)(seed >> 12);
    }
    for (int format = 0; format < 6; format++) {
        struct clipc_image image = {pixels, W, H, STRIDE, format, 0}, back = {0};
        unsigned char *file = NULL;
        size_t n = 0;
        int status = picture_png(&image, &file, &n);
        if (status == CLIPC_OK) {
            status = clipc_image_decode(file, n, NULL, &back);
        }
        int worst = status == CLIPC_OK ? worst_difference(&image, bytes[format], &back) : 999;
        check(worst <= (format == CLIPC_CMYK) && (back.format == CLIPC_L) == (format == CLIPC_L),
              "PNG of format %d: differs by %d", format, worst);
        clipc_image_free(&back);
        free(file);
    }
    free(pixels);
}

/* ---- The queue --------------------------------------------------------------------------------- */

static struct event_queue queue;
static char taken[4096];

static void *take_slowly(void *unused)
{
    char *line;

    while ((line = event_queue_take(&queue)) != NULL) {
        strncat(taken, line, sizeof taken - strlen(taken) - 1);
        bool hangs = strcmp(line, "hang;") == 0;
        free(line);
        if (hangs) {
            event_queue_pause(&queue, 1000);
        }
    }
    return unused;
}

static void test_queue(void)
{
    check(event_queue_start(&queue, take_slowly, NULL) == CLIPC_OK, "a queue");
    event_queue_put(&queue, "one;rest", 4);
    event_queue_put(&queue, "two;", 4);
    uint64_t dropped = event_queue_end(&queue, 10);
    check(dropped == 0 && strcmp(taken, "one;two;") == 0, "what is given comes, in order: %s",
          taken);
    taken[0] = '\0';
    event_queue_start(&queue, take_slowly, NULL);
    event_queue_put(&queue, "hang;", 5);
    double begun = base_seconds();
    for (int i = 0; i < 1000; i++) {
        event_queue_put(&queue, "more;", 5);
    }
    double put = base_seconds() - begun;
    dropped = event_queue_end(&queue, 0.5);
    double ended = base_seconds() - begun - put;
    check(put < 0.4 && ended > 0.4 && ended < 5 && dropped == 1000 && strcmp(taken, "hang;") == 0,
          "giving never waits, the end waits so long (%.2f s, %.2f s), %d are dropped", put, ended,
          (int)dropped);
}

int main(void)
{
    test_names();
    test_fresh();
    test_pictures();
    test_queue();
    return check_done();
}
