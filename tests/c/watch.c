/* What a watch tells, and what it does not. */
#include "check.h"

#include <poll.h>
#include <unistd.h>

static isym_sandbox *sandbox;
static isym_live *live;

static int readable(int fd, int timeout_ms)
{
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    return poll(&waiting, 1, timeout_ms) == 1;
}

static void changes(void)
{
    isym_watch *watch = NULL;
    isym_change change;
    int fd = -1;
    MUST(isym_live_watch(live, 1u << ISYM_KIND_EXTENSION, "default", false, false, &watch, &error));
    MUST(isym_watch_fd(watch, &fd, &error));
    FAILS(isym_watch_next(watch, 0, &change, &error), ISYM_TIMED_OUT, "nothing changed");
    CHECK(!readable(fd, 0));
    MUST(isym_sandbox_add_extension(sandbox, NULL, "7777", "Seven", "mike", NULL, &error));
    CHECK(readable(fd, 60000));
    MUST(isym_watch_next(watch, 60000, &change, &error));
    isym_extension extension;
    CHECK(change.kind == ISYM_CHANGE_ADDED);
    CHECK(isym_resource_as_extension(change.resource, &extension) == ISYM_OK);
    SAME(isym_extension_display_name(extension), "Seven");
    CHECK(change.event.len == 0 && change.event.ptr[0] == 0);
    isym_sandbox_restart(sandbox);
    do { /* That it is mike's may show by itself. */
        MUST(isym_watch_next(watch, 60000, &change, &error));
    } while (change.kind == ISYM_CHANGE_CHANGED);
    CHECK(change.kind == ISYM_CHANGE_EPOCH_CHANGED);
    isym_watch_free(watch);
}

/* The name of the extension that a change leads to; empty where it is another resource. */
static isym_str name_of(const isym_change *change)
{
    isym_extension extension = {0};
    (void)isym_resource_as_extension(change->resource, &extension);
    return isym_extension_display_name(extension);
}

static isym_watch *watch_of(const char *number, bool initial)
{
    isym_handle *handle = NULL;
    isym_watch *watch = NULL;
    MUST(isym_live_handle_named(live, NULL, ISYM_KIND_EXTENSION, number, &handle, &error));
    MUST(isym_handle_watch(handle, initial, false, &watch, &error));
    isym_handle_free(handle);
    return watch;
}

/* What one handle finds, also after restarts. */
static void of_a_handle(void)
{
    static const char *const names[] = {"Eins", "Zwei", "Drei"};
    isym_change change;
    isym_watch *watch = watch_of("4224", true), *other = watch_of("7777", false);
    MUST(isym_watch_next(watch, 0, &change, &error));
    CHECK(change.kind == ISYM_CHANGE_ADDED);
    FAILS(isym_watch_next(watch, 0, &change, &error), ISYM_TIMED_OUT, "nothing changed");
    for (size_t i = 0; i < 3; i++) {
        MUST(isym_sandbox_set_display_name(sandbox, NULL, "4224", names[i], &error));
        MUST(isym_watch_next(watch, 60000, &change, &error));
        CHECK(change.kind == ISYM_CHANGE_CHANGED);
        SAME(name_of(&change), names[i]);
        isym_sandbox_restart(sandbox);
        MUST(isym_watch_next(watch, 60000, &change, &error));
        CHECK(change.kind == ISYM_CHANGE_EPOCH_CHANGED);
    }
    while (isym_watch_next(other, 0, &change, NULL) == ISYM_OK)
        CHECK(change.kind == ISYM_CHANGE_EPOCH_CHANGED || same(name_of(&change), "Seven"));
    NULLED(isym_handle_watch(NULL, false, true, &watch, &error));
    isym_watch_free(watch);
    isym_watch_free(other);
}

static void initial_state(void)
{
    isym_watch *watch = NULL;
    isym_change change;
    int users = 0;
    MUST(isym_live_watch(live, 1u << ISYM_KIND_USER, NULL, true, false, &watch, &error));
    while (isym_watch_next(watch, 0, &change, NULL) == ISYM_OK)
        users += change.kind == ISYM_CHANGE_ADDED;
    CHECK(users >= 20);
    isym_watch_free(watch);
}

static void misuse(void)
{
    isym_watch *watch = NULL;
    isym_change change;
    int fd;
    FAILS(isym_live_watch(NULL, 0, NULL, false, true, &watch, &error), ISYM_INVALID_ARGUMENT, "live");
    FAILS(isym_live_watch(live, 0, NULL, false, true, NULL, &error), ISYM_INVALID_ARGUMENT, "watch");
    FAILS(isym_live_watch(live, 1u << 30, NULL, false, true, &watch, &error), ISYM_INVALID_ARGUMENT, "kinds");
    FAILS(isym_watch_next(NULL, 0, &change, &error), ISYM_INVALID_ARGUMENT, "watch");
    FAILS(isym_watch_fd(NULL, &fd, &error), ISYM_INVALID_ARGUMENT, "watch");
    CHECK(isym_watch_merged(NULL) == 0);
    isym_watch_free(NULL);
}

static void closing(void)
{
    isym_watch *watch = NULL;
    isym_change change;
    MUST(isym_live_watch(live, 0, NULL, false, true, &watch, &error));
    isym_live_close(live, -1);
    isym_status status;
    do
        status = isym_watch_next(watch, 60000, &change, NULL);
    while (status == ISYM_OK);
    CHECK(status == ISYM_CLOSED);
    isym_live_free(live);
    CHECK(isym_watch_next(watch, 0, &change, NULL) == ISYM_CLOSED);
    isym_watch_free(watch);
}

int main(void)
{
    MUST(isym_sandbox_new(NULL, &sandbox, &error));
    isym_config *config = isym_config_new(isym_sandbox_url(sandbox).ptr);
    MUST(isym_live_open(config, &live, &error));
    MUST(isym_live_wait(live, 60000, &error));
    changes();
    of_a_handle();
    initial_state();
    misuse();
    closing();
    isym_config_free(config);
    isym_sandbox_free(sandbox);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
