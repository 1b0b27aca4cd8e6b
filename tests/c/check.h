/* Counts what holds and what does not. A program ends with `return done();`. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <isymphony.h>

static int passed, failed;

#define CHECK(condition)                                                          \
    do {                                                                          \
        if (condition) {                                                          \
            passed++;                                                             \
        } else {                                                                  \
            failed++;                                                             \
            printf("%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);        \
        }                                                                         \
    } while (0)

/* A call that must work: else says why and gives up. */
#define MUST(call)                                                                \
    do {                                                                          \
        isym_error *error = NULL;                                                 \
        if ((call) != ISYM_OK) {                                                  \
            printf("%s:%d: %s: %s\n", __FILE__, __LINE__, #call, isym_error_message(error).ptr); \
            isym_error_free(error);                                               \
            printf("%d passed, %d failed\n", passed, failed + 1);                 \
            exit(1);                                                              \
        }                                                                         \
        passed++;                                                                 \
    } while (0)

/* A call that must fail with this status, and with an error whose message holds these words. */
#define FAILS(call, expected, words)                                              \
    do {                                                                          \
        isym_error *error = NULL;                                                 \
        isym_status status = (call);                                              \
        isym_str text = isym_error_message(error);                                \
        if (status == (expected) && isym_error_code(error) == status && strstr(text.ptr, (words))) { \
            passed++;                                                             \
        } else {                                                                  \
            failed++;                                                             \
            printf("%s:%d: %s gives %s: %s\n", __FILE__, __LINE__, #call,         \
                   isym_status_name(status).ptr, text.ptr);                       \
        }                                                                         \
        isym_error_free(error);                                                   \
    } while (0)

/* A call that must refuse a NULL. */
#define NULLED(call) FAILS(call, ISYM_INVALID_ARGUMENT, "NULL")

#define SAME(text, expected) CHECK(same((text), (expected)))

static inline int same(isym_str text, const char *expected)
{
    if (text.ptr && text.len == strlen(expected) && strcmp(text.ptr, expected) == 0)
        return 1;
    printf("it is \"%s\", not \"%s\"\n", text.ptr, expected);
    return 0;
}

static inline int done(void)
{
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}

#endif
