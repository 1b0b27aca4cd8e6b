/* A fork while the sync runs: the child reads what it has, syncs when asked, and closes; the parent goes on. */
#include "check.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

/* Under valgrind things take their time. */
#define LIMIT 60000

static isym_sandbox *sandbox;
static isym_live *live;
static isym_snapshot *pinned;
static isym_watch *watch, *idle;

static int readable(int fd, int timeout_ms)
{
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    return poll(&waiting, 1, timeout_ms) == 1;
}

static int shows(const isym_snapshot *snapshot, const char *name)
{
    isym_extension extension;
    return isym_snapshot_extension(snapshot, "default", "4224", &extension) == ISYM_OK
        && same(isym_extension_display_name(extension), name);
}

/* Waits by the descriptor alone until the watch tells that the name became this one. */
static int hears(const char *name)
{
    int fd = -1;
    isym_change change;
    if (isym_watch_fd(watch, &fd, NULL) != ISYM_OK)
        return 0;
    while (readable(fd, 10000)) {
        isym_extension extension;
        if (isym_watch_next(watch, 0, &change, NULL) == ISYM_OK && change.kind == ISYM_CHANGE_CHANGED
            && isym_resource_as_extension(change.resource, &extension) == ISYM_OK)
            return same(isym_extension_display_name(extension), name);
    }
    return 0;
}

static void child(int told, int parents_fd)
{
    isym_snapshot *snapshot = NULL;
    int fd = -1;
    char byte;
    CHECK(shows(pinned, "Before"));
    MUST(isym_live_snapshot(live, ISYM_ANY_AGE, &snapshot, &error));
    CHECK(shows(snapshot, "Before"));
    CHECK(isym_snapshot_age_ms(snapshot) >= 0 && isym_snapshot_age_ms(snapshot) < 60000);
    isym_snapshot_free(snapshot);
    MUST(isym_watch_fd(watch, &fd, &error));
    CHECK(fd != parents_fd);
    CHECK(read(told, &byte, 1) == 1);
    MUST(isym_live_refresh(live, LIMIT, &snapshot, &error));
    CHECK(shows(snapshot, "After"));
    CHECK(hears("After"));
    CHECK(isym_live_state(live) == ISYM_STATE_LIVE);
    isym_snapshot_free(snapshot);
    isym_watch_free(watch);
    isym_watch_free(idle);
    isym_live_close(live, -1);
    CHECK(isym_live_refresh(live, 0, NULL, NULL) == ISYM_CLOSED);
    isym_live_free(live);
    CHECK(shows(pinned, "Before"));
    isym_snapshot_free(pinned);
    fflush(stdout);
    _exit(failed != 0);
}

/* A child that asks for nothing, and one that only closes: neither waits for threads that it does not have. */
static void brief_child(int frees)
{
    pid_t pid = fork();
    if (pid == 0) {
        isym_snapshot *snapshot = NULL;
        int sound = isym_live_snapshot(live, ISYM_ANY_AGE, &snapshot, NULL) == ISYM_OK && shows(snapshot, "Before");
        isym_snapshot_free(snapshot);
        if (frees) {
            isym_watch_free(watch);
            isym_watch_free(idle);
            isym_live_free(live);
        }
        _exit(!sound);
    }
    int status = -1;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

int main(void)
{
    int tell[2], fd = -1, status = -1;
    char byte = 0;
    MUST(isym_sandbox_new(NULL, &sandbox, &error));
    MUST(isym_sandbox_set_display_name(sandbox, NULL, "4224", "Before", &error));
    isym_config *config = isym_config_new(isym_sandbox_url(sandbox).ptr);
    MUST(isym_live_open(config, &live, &error));
    MUST(isym_live_wait(live, LIMIT, &error));
    MUST(isym_live_snapshot(live, ISYM_ANY_AGE, &pinned, &error));
    MUST(isym_live_watch(live, 1u << ISYM_KIND_EXTENSION, NULL, false, false, &watch, &error));
    MUST(isym_live_watch(live, 1u << ISYM_KIND_USER, NULL, false, true, &idle, &error));
    MUST(isym_watch_fd(watch, &fd, &error));
    brief_child(0);
    brief_child(1);
    CHECK(pipe(tell) == 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        child(tell[0], fd);
    MUST(isym_sandbox_set_display_name(sandbox, NULL, "4224", "After", &error));
    CHECK(write(tell[1], &byte, 1) == 1);
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    MUST(isym_live_refresh(live, LIMIT, NULL, &error));
    CHECK(hears("After"));
    CHECK(isym_live_state(live) == ISYM_STATE_LIVE);
    CHECK(shows(pinned, "Before"));
    isym_snapshot_free(pinned);
    isym_watch_free(watch);
    isym_watch_free(idle);
    isym_live_free(live);
    isym_config_free(config);
    isym_sandbox_free(sandbox);
    return done();
}
