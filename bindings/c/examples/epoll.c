/* Shows changes as they happen, from an event loop: the watch's descriptor waits in epoll beside whatever else a program waits
 * for; here, standard input, whose end ends it.
 *
 *     cc epoll.c $(pkg-config --cflags --libs isymphony) -o epoll
 *     ./epoll                            on an embedded sandbox with calls
 *     ./epoll http://pbx:58080           on a real server
 *
 * The credentials come from ISYMPHONY_USERNAME and ISYMPHONY_PASSWORD, or from the URL.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <isymphony.h>

static void fail(const char *what, isym_error *error)
{
    fprintf(stderr, "%s: %s\n", what, isym_error_message(error).ptr);
    isym_error_free(error);
    exit(1);
}

static const char *word(isym_change_kind kind)
{
    switch (kind) {
    case ISYM_CHANGE_ADDED:
        return "+";
    case ISYM_CHANGE_REMOVED:
        return "-";
    case ISYM_CHANGE_EPOCH_CHANGED:
        return "restarted";
    default:
        return "~";
    }
}

/* Takes all that is there to take, without waiting. */
static int show_changes(isym_watch *watch)
{
    isym_change change;
    isym_error *error = NULL;
    isym_status status;
    while ((status = isym_watch_next(watch, 0, &change, &error)) == ISYM_OK) {
        if (change.kind == ISYM_CHANGE_EVENT) {
            printf("! %s\n", change.event_type.ptr);
            continue;
        }
        isym_text *raw = isym_resource_raw(change.resource);
        printf("%s %s\n", word(change.kind), isym_text_str(raw).ptr);
        isym_text_free(raw);
    }
    fflush(stdout);
    isym_error_free(error);
    return status == ISYM_TIMED_OUT;
}

static isym_sandbox *start_sandbox(void)
{
    isym_error *error = NULL;
    isym_sandbox *sandbox = NULL;
    isym_sandbox_config *config = isym_sandbox_config_new();
    if (isym_sandbox_config_set_calls_per_second(config, 1, &error) != ISYM_OK
        || isym_sandbox_new(config, &sandbox, &error) != ISYM_OK)
        fail("the sandbox", error);
    isym_sandbox_config_free(config);
    return sandbox;
}

int main(int argc, char **argv)
{
    isym_error *error = NULL;
    isym_sandbox *sandbox = argc > 1 ? NULL : start_sandbox();
    isym_config *config = isym_config_new(sandbox ? isym_sandbox_url(sandbox).ptr : argv[1]);
    isym_live *live = NULL;
    isym_watch *watch = NULL;
    int fd = -1;
    const char *user_name = getenv("ISYMPHONY_USERNAME"), *password = getenv("ISYMPHONY_PASSWORD");
    if (user_name && password && isym_config_set_credentials(config, user_name, password, &error) != ISYM_OK)
        fail("the credentials", error);
    if (isym_live_open(config, &live, &error) != ISYM_OK || isym_live_wait(live, 10000, &error) != ISYM_OK)
        fail("the server", error);
    if (isym_live_watch(live, 0, NULL, false, true, &watch, &error) != ISYM_OK || isym_watch_fd(watch, &fd, &error) != ISYM_OK)
        fail("the watch", error);
    isym_config_free(config);

    int loop = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event changes = {.events = EPOLLIN, .data.fd = fd}, input = {.events = EPOLLIN, .data.fd = STDIN_FILENO};
    /* A file, or /dev/null, is nothing to wait for (EPERM): then only the watch is, until its client ends. */
    if (loop < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, fd, &changes) != 0
        || (epoll_ctl(loop, EPOLL_CTL_ADD, STDIN_FILENO, &input) != 0 && errno != EPERM)) {
        perror("epoll");
        return 1;
    }
    puts("watching");
    fflush(stdout);
    for (int going = 1; going;) {
        struct epoll_event event;
        if (epoll_wait(loop, &event, 1, -1) != 1)
            continue; /* A signal. */
        if (event.data.fd == fd) {
            going = show_changes(watch);
        } else {
            char buffer[256];
            going = read(STDIN_FILENO, buffer, sizeof buffer) > 0;
        }
    }
    close(loop);
    isym_watch_free(watch);
    isym_live_free(live);
    isym_sandbox_free(sandbox);
    return 0;
}
