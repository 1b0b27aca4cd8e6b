/* Memory that runs out: each allocation of the main job fails once, in a process of its own. That process either goes on
 * with an error, or is ended by an abort that says why; it never crashes, hangs or shows anything wrong. What is large
 * (a body, a list) is always an error, and heals. */
#include "check.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* What glibc's own are called beneath the ones below, which stand in front of them for the library, too. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static long counted, fails_at; /* The allocation with this number fails; 0: none. */
static size_t fails_from;      /* Every allocation of as many bytes fails; 0: none. */

static int refused(size_t size)
{
    long number = __atomic_add_fetch(&counted, 1, __ATOMIC_RELAXED);
    size_t from = __atomic_load_n(&fails_from, __ATOMIC_RELAXED);
    if (number != __atomic_load_n(&fails_at, __ATOMIC_RELAXED) && (!from || size < from))
        return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size)
{
    return refused(size) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return refused(count * size) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return refused(size) ? NULL : __libc_realloc(old, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    *block = refused(size) ? NULL : __libc_memalign(alignment, size);
    return *block ? 0 : ENOMEM;
}

static void from_now_on(long number, size_t size)
{
    __atomic_store_n(&fails_from, size, __ATOMIC_RELAXED);
    __atomic_store_n(&fails_at, number, __ATOMIC_RELAXED);
    __atomic_store_n(&counted, 0, __ATOMIC_RELAXED);
}

/* How many users a snapshot shows; every one of them must have a name. */
static size_t users(const isym_live *live)
{
    isym_snapshot *snapshot = NULL;
    isym_core_server core;
    size_t count = 0;
    if (isym_live_snapshot(live, ISYM_ANY_AGE, &snapshot, NULL) != ISYM_OK)
        return 0;
    if (isym_snapshot_core_server(snapshot, "default", &core) == ISYM_OK) {
        isym_list list = isym_core_server_users(core);
        count = isym_list_count(list);
        for (size_t i = 0; i < count; i++) {
            isym_resource resource;
            isym_user user;
            CHECK(isym_list_at(list, i, &resource) == ISYM_OK && isym_resource_as_user(resource, &user) == ISYM_OK
                  && isym_user_user_name(user).len > 0);
        }
    }
    isym_snapshot_free(snapshot);
    return count;
}

/* Opens, reads, acts, watches and closes, whatever of it fails. */
static void job(const char *url)
{
    isym_config *config = isym_config_new(url);
    isym_live *live = NULL;
    isym_snapshot *snapshot = NULL;
    isym_ticket *ticket = NULL;
    isym_watch *watch = NULL;
    isym_error *error = NULL;
    isym_extension extension;
    if (isym_live_open(config, &live, &error) == ISYM_OK) {
        isym_live_wait(live, 3000, NULL);
        if (isym_live_snapshot(live, ISYM_ANY_AGE, &snapshot, NULL) == ISYM_OK
            && isym_snapshot_extension(snapshot, "default", "4224", &extension) == ISYM_OK)
            SAME(isym_extension_display_name(extension), "Michael Y");
        isym_live_watch(live, 0, NULL, true, true, &watch, NULL);
        if (isym_extension_originate(live, "default", "4224", "5551234", &ticket, NULL) == ISYM_OK)
            CHECK(isym_ticket_outcome(ticket) != ISYM_OUTCOME_ACCEPTED || isym_ticket_error(ticket) == NULL);
        isym_live_refresh(live, 1000, NULL, NULL);
        CHECK(users(live) == 0 || users(live) == 5);
    } else {
        CHECK(error == NULL || isym_error_message(error).len > 0);
    }
    isym_error_free(error);
    isym_ticket_free(ticket);
    isym_watch_free(watch);
    isym_snapshot_free(snapshot);
    isym_live_free(live);
    isym_config_free(config);
}

/* How a process of its own ends, for the job whose allocation with this number fails, or for what is large: 0 well, 1 by an
 * abort that says why, 2 otherwise. How many allocations there were, by *made. */
static int ends(const char *program, const char *url, const char *what, long *made)
{
    int pipe_fds[2], status = -1;
    char text[4096];
    size_t length = 0;
    ssize_t got;
    pid_t process;
    CHECK(pipe(pipe_fds) == 0);
    process = fork();
    if (process == 0) {
        dup2(pipe_fds[1], 1);
        dup2(pipe_fds[1], 2);
        close(pipe_fds[0]);
        close(pipe_fds[1]);
        setenv("RUST_BACKTRACE", "0", 1);
        execl(program, program, url, what, (char *)NULL);
        _exit(3);
    }
    close(pipe_fds[1]);
    while ((got = read(pipe_fds[0], text + length, sizeof text - 1 - length)) > 0)
        length += (size_t)got;
    text[length] = 0;
    close(pipe_fds[0]);
    waitpid(process, &status, 0);
    if (made && sscanf(text, "%ld allocations", made) != 1)
        *made = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT
        && (strstr(text, "memory allocation of") || strstr(text, "out of memory"))) /* Rust's words, and glibc's. */
        return 1;
    printf("%s: ended with %d: %s\n", what, status, text);
    return 2;
}

static void every_allocation_fails_once(const char *program, const char *url)
{
    long made = 0, went_on = 0, aborted = 0;
    char digits[32] = "0";
    CHECK(ends(program, url, digits, &made) == 0);
    CHECK(made > 1000);
    /* Each of the first hundred, which are the settings and the start, and then a hundred spread over all. */
    for (long number = 1, step = 1; number < made; number += step) {
        int end;
        snprintf(digits, sizeof digits, "%ld", number);
        end = ends(program, url, digits, NULL);
        CHECK(end < 2);
        went_on += end == 0;
        aborted += end == 1;
        if (number == 100)
            step = made / 100 + 1;
    }
    printf("of %ld allocations: %ld failed without harm, %ld ended the process\n", made, went_on, aborted);
}

static int tells_of_memory(const isym_live *live)
{
    isym_health *health = isym_live_health(live);
    isym_problem problem;
    int tells = isym_health_last_problem(health, &problem) == ISYM_OK
        && strstr(isym_error_message(problem.error).ptr, "not enough memory");
    isym_health_free(health);
    return tells;
}

static void what_is_large_is_an_error_and_heals(const char *url)
{
    const uint32_t user = ISYM_KIND_USER;
    /* From the body of the list, which is larger than the first, to the index of the names. */
    for (size_t limit = 1 << 20; limit >= 192 << 10; limit = limit / 8 * 7) {
        isym_config *config = isym_config_new(url);
        isym_live *live = NULL;
        MUST(isym_config_set_kinds(config, &user, 1, &error));
        MUST(isym_config_set_backoff(config, 1, 100, &error));
        MUST(isym_live_open(config, &live, &error));
        from_now_on(0, limit);
        MUST(isym_live_wait(live, 10000, &error));
        CHECK(users(live) == 0 && tells_of_memory(live));
        from_now_on(0, 0);
        MUST(isym_live_refresh(live, 10000, NULL, &error));
        CHECK(users(live) == 3000);
        isym_live_free(live);
        isym_config_free(config);
    }
}

static isym_sandbox *sandbox_with(uint32_t users)
{
    isym_sandbox_config *world = isym_sandbox_config_new();
    isym_sandbox *sandbox = NULL;
    MUST(isym_sandbox_config_set_users(world, users, &error));
    MUST(isym_sandbox_new(world, &sandbox, &error));
    isym_sandbox_config_free(world);
    return sandbox;
}

/* Alone, the program is the server, and runs itself again as its client. */
int main(int count, char **arguments)
{
    isym_sandbox *sandbox;
    if (count == 3) {
        alarm(20); /* One that hangs is ended. */
        if (strcmp(arguments[2], "large") == 0) {
            what_is_large_is_an_error_and_heals(arguments[1]);
            return failed != 0;
        }
        from_now_on(atol(arguments[2]), 0);
        job(arguments[1]);
        fprintf(stderr, "%ld allocations\n", __atomic_load_n(&counted, __ATOMIC_RELAXED));
        return failed != 0;
    }
    sandbox = sandbox_with(5);
    every_allocation_fails_once(arguments[0], isym_sandbox_url(sandbox).ptr);
    isym_sandbox_free(sandbox);
    sandbox = sandbox_with(3000);
    CHECK(ends(arguments[0], isym_sandbox_url(sandbox).ptr, "large", NULL) == 0);
    isym_sandbox_free(sandbox);
    return done();
}
