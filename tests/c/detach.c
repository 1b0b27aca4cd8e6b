/* The library's threads detach themselves or are joined: no thread detaches another, which may be ending just then. glibc
 * could take the next thread for the one that ended, and whoever joins that one, also the program, would get ESRCH. */
#define _GNU_SOURCE
#include "check.h"

#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <time.h>

static int by_itself, by_another, joined, not_joined;

/* In front of glibc's own, for the library, too. */
int pthread_detach(pthread_t thread)
{
    int (*own)(pthread_t);
    *(void **)&own = dlsym(RTLD_NEXT, "pthread_detach");
    __atomic_fetch_add(pthread_equal(thread, pthread_self()) ? &by_itself : &by_another, 1, __ATOMIC_RELAXED);
    return own(thread);
}

int pthread_join(pthread_t thread, void **result)
{
    int (*own)(pthread_t, void **);
    *(void **)&own = dlsym(RTLD_NEXT, "pthread_join");
    int status = own(thread, result);
    __atomic_fetch_add(status == 0 ? &joined : &not_joined, 1, __ATOMIC_RELAXED);
    return status;
}

static void ignore(isym_log_level level, isym_str target, isym_str message, void *userdata)
{
    (void)level, (void)target, (void)message, (void)userdata;
}

static int threads(void)
{
    int count = -2; /* . and .. */
    DIR *tasks = opendir("/proc/self/task");
    while (readdir(tasks))
        count++;
    closedir(tasks);
    return count;
}

/* Whether so few threads are left, soon. */
static int end(int left)
{
    struct timespec ms = {0, 1000000};
    for (int i = 0; i < 60000 && threads() > left; i++)
        nanosleep(&ms, NULL);
    return threads() <= left;
}

static void live_of(const isym_config *config, int n)
{
    isym_live *live = NULL;
    MUST(isym_live_open(config, &live, &error));
    if (n % 4 == 0)
        MUST(isym_live_wait(live, 60000, &error));
    if (n % 2 == 0)
        isym_live_close(live, 0);
    isym_live_free(live);
}

int main(void)
{
    isym_sandbox *sandbox = NULL;
    char url[64];
    int before = threads();
    MUST(isym_set_log_callback(ignore, NULL, ISYM_LOG_DEBUG, &error));
    MUST(isym_sandbox_new(NULL, &sandbox, &error));
    /* A name, so that it is looked up. */
    snprintf(url, sizeof url, "http://localhost%s", strrchr(isym_sandbox_url(sandbox).ptr, ':'));
    isym_config *config = isym_config_new(url);
    for (int n = 0; n < 40; n++)
        live_of(config, n);
    isym_config_free(config);
    isym_sandbox_free(sandbox);
    MUST(isym_set_log_callback(NULL, NULL, ISYM_LOG_DEBUG, &error));
    CHECK(end(before));
    CHECK(by_itself > 0 && joined > 0);
    CHECK(by_another == 0);
    CHECK(not_joined == 0);
    return done();
}
