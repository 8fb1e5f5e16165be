/* oracle.h - run a Python oracle of this folder into a temporary folder, and read what it wrote. */
#ifndef TESTS_ORACLE_H
#define TESTS_ORACLE_H

#include "check.h"

/* `script what FOLDER` makes FOLDER/cases; opens it.  NULL, with the reason skipped aloud or the
 * failure told, when that did not work.  `folder` has room for 64 bytes. */
__attribute__((unused)) static FILE *oracle_open(const char *script, const char *what, char *folder)
{
    char command[256], path[80];

    snprintf(folder, 64, "/tmp/clipc-test.XXXXXX");
    if (mkdtemp(folder) == NULL) {
        check(false, "%s: a temporary folder", what);
        return NULL;
    }
    snprintf(command, sizeof command,
             "python=/usr/bin/python3; [ -x $python ] || python=python3; "
             "$python tests/%s %s %s >%s/why 2>&1",
             script, what, folder, folder);
    int code = system(command);
    snprintf(path, sizeof path, "%s/why", folder);
    if (code != 0) {
        char why[200] = "";
        FILE *f = fopen(path, "r");
        size_t n = f != NULL ? fread(why, 1, sizeof why - 1, f) : 0;
        why[strcspn(why, "\n")] = '\0';
        code = code >> 8; /* the exit status of wait(2) */
        if (f != NULL) {
            fclose(f);
        }
        if (code == 77 || code == 127) {
            check_skip("%s: needs python3, numpy and Pillow 9: %s", what, n != 0 ? why : "none");
        } else {
            check(false, "%s: the oracle ran: %s", what, why);
        }
        return NULL;
    }
    snprintf(path, sizeof path, "%s/cases", folder);
    return fopen(path, "r");
}

__attribute__((unused)) static void oracle_close(FILE *cases, const char *folder)
{
    char command[96];

    if (cases != NULL) {
        fclose(cases);
    }
    snprintf(command, sizeof command, "rm -rf %s", folder);
    check(strncmp(folder, "/tmp/clipc-test.", 16) != 0 || system(command) == 0, "tidied up");
}

/* A whole file, with one 0 behind it, for free(); NULL when it cannot be read. */
__attribute__((unused)) static uint8_t *oracle_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = NULL;

    *n = 0;
    if (f != NULL && fseek(f, 0, SEEK_END) == 0) {
        *n = (size_t)ftell(f);
        rewind(f);
        bytes = calloc(1, *n + 1);
        if (bytes != NULL && fread(bytes, 1, *n, f) != *n) {
            free(bytes);
            bytes = NULL;
        }
        fclose(f);
    }
    return bytes;
}

#endif
