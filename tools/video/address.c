/* address.c - what an argument names: a file, "webcam", "rtsp://...", "door=rtsp://...", a
 * pattern of names ... */
#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/image/image.h"
#include "video.h"

static const char *const schemes[] = {"rtsp://", "rtsps://", "http://", "https://",
                                      "rtmp://", "udp://",   "rtp://",  "srt://"};

/* An http address with such an ending is a film with an end, others are cameras. */
static const char *const films[] = {".mp4", ".m4v", ".mov", ".mkv", ".webm",
                                    ".avi", ".mpg", ".ogv", ".gif", ".y4m"};

static bool is_url(const char *s)
{
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (strncasecmp(s, schemes[i], strlen(schemes[i])) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_ending(const char *s, size_t n, const char *ending)
{
    size_t length = strlen(ending);

    return n > length && strncasecmp(s + n - length, ending, length) == 0;
}

static bool is_film(const char *url)
{
    size_t n = strcspn(url, "?#");

    for (size_t i = 0; i < sizeof films / sizeof films[0]; i++) {
        if (has_ending(url, n, films[i])) {
            return true;
        }
    }
    return false;
}

static bool is_webcam(const char *s)
{
    const char *number = strncmp(s, "webcam:", 7) == 0       ? s + 7
                         : strncmp(s, "/dev/video", 10) == 0 ? s + 10
                                                             : NULL;

    if (number == NULL) {
        return strcmp(s, "webcam") == 0;
    }
    return number[0] != '\0' && number[strspn(number, "0123456789")] == '\0';
}

/* A file that is a picture; not a GIF, which may be a film, nor JPEGs one after the other. */
static bool is_picture(const char *path)
{
    uint8_t bytes[IMAGE_PROBE_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd >= 0 ? read(fd, bytes, sizeof bytes) : 0;

    if (fd >= 0) {
        close(fd);
    }
    if (has_ending(path, strlen(path), ".mjpeg") || has_ending(path, strlen(path), ".mjpg")) {
        return false;
    }
    return n > 4 && memcmp(bytes, "GIF8", 4) != 0 &&
           image_probe(bytes, (size_t)n, NULL) != IMAGE_NONE;
}

static void look_at_place(struct address *a)
{
    const char *s = a->place;
    struct stat st;

    a->kind = ADDRESS_NOTHING;
    if (strcmp(s, "-") == 0) {
        a->kind = ADDRESS_STDIN;
    } else if (is_webcam(s)) {
        a->kind = ADDRESS_WEBCAM;
        a->live = a->endless = true;
    } else if (is_url(s)) {
        a->kind = ADDRESS_URL;
        a->live = a->endless = strncasecmp(s, "http", 4) != 0 || !is_film(s);
    } else if (stat(s, &st) == 0) {
        a->kind = S_ISDIR(st.st_mode)                    ? ADDRESS_FOLDER
                  : S_ISREG(st.st_mode) && is_picture(s) ? ADDRESS_PICTURES
                                                         : ADDRESS_FILE;
        a->endless = a->kind == ADDRESS_FOLDER;
    } else if (strpbrk(s, "*?[") != NULL && strpbrk(s, " /.") != NULL) {
        a->kind = ADDRESS_PICTURES;
        a->is_pattern = true;
    }
}

struct address address_look(const char *argument)
{
    struct address a = {.name = argument, .name_length = strlen(argument), .place = argument};
    size_t n = 0;

    look_at_place(&a);
    while (isalnum((unsigned char)argument[n]) || argument[n] == '_' || argument[n] == '-' ||
           argument[n] == '.') {
        n++;
    }
    if (n > 0 && argument[n] == '=' && access(argument, F_OK) != 0) {
        struct address named = {.name = argument, .name_length = n, .place = argument + n + 1};
        look_at_place(&named);
        a = named.kind != ADDRESS_NOTHING ? named : a;
    }
    return a;
}
