/* A log callback that blocks: it holds up whoever calls the library, and no sync. */
#include "check.h"

#include <pthread.h>
#include <time.h>

/* Under valgrind things take their time. */
#define LIMIT 60000

static pthread_t program;
static int blocked, waited, lines, lost;

static void nap(int ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&time, NULL);
}

static void take(isym_log_level level, isym_str target, isym_str message, void *userdata)
{
    (void)level, (void)userdata;
    if (strncmp(target.ptr, "isymphony", 9) != 0)
        return;
    if (!pthread_equal(pthread_self(), program)) {
        while (__atomic_load_n(&blocked, __ATOMIC_ACQUIRE)) {
            __atomic_store_n(&waited, 1, __ATOMIC_RELEASE);
            nap(1);
        }
        __atomic_fetch_add(&lines, 1, __ATOMIC_RELAXED);
    }
    if (strstr(message.ptr, "lines were lost"))
        __atomic_store_n(&lost, 1, __ATOMIC_RELEASE);
}

static int soon(const int *what)
{
    for (int i = 0; i < 10000 && !__atomic_load_n(what, __ATOMIC_ACQUIRE); i++)
        nap(1);
    return __atomic_load_n(what, __ATOMIC_ACQUIRE);
}

static void set_blocked(int is)
{
    __atomic_store_n(&blocked, is, __ATOMIC_RELEASE);
}

int main(void)
{
    isym_sandbox *sandbox = NULL;
    isym_config *config;
    isym_live *live = NULL;
    isym_snapshot *snapshot = NULL;
    isym_extension extension;
    int before;

    program = pthread_self();
    MUST(isym_sandbox_new(NULL, &sandbox, &error));
    MUST(isym_set_log_callback(take, NULL, ISYM_LOG_TRACE, &error));
    set_blocked(1);
    config = isym_config_new(isym_sandbox_url(sandbox).ptr);
    MUST(isym_config_set_max_requests_per_second(config, 5000, &error));
    MUST(isym_live_open(config, &live, &error));
    MUST(isym_live_wait(live, LIMIT, &error));
    CHECK(soon(&waited));

    /* What happens shows, however many lines wait. */
    for (int i = 0; i < 150; i++) {
        MUST(isym_live_refresh(live, LIMIT, NULL, &error));
    }
    MUST(isym_sandbox_set_display_name(sandbox, "default", "4224", "Changed", &error));
    MUST(isym_live_refresh(live, LIMIT, &snapshot, &error));
    CHECK(isym_snapshot_extension(snapshot, "default", "4224", &extension) == ISYM_OK);
    SAME(isym_extension_display_name(extension), "Changed");
    isym_snapshot_free(snapshot);
    CHECK(isym_live_state(live) == ISYM_STATE_LIVE);
    CHECK(__atomic_load_n(&lines, __ATOMIC_RELAXED) == 0);

    /* What waited comes, and what was lost is told. */
    set_blocked(0);
    CHECK(soon(&lost));
    CHECK(soon(&lines));

    /* To close and to end the callback waits for nobody. */
    set_blocked(1);
    __atomic_store_n(&waited, 0, __ATOMIC_RELEASE);
    MUST(isym_live_refresh(live, LIMIT, NULL, &error));
    CHECK(soon(&waited));
    isym_live_free(live);
    MUST(isym_set_log_callback(NULL, NULL, ISYM_LOG_OFF, &error));
    set_blocked(0);
    nap(50);
    before = __atomic_load_n(&lines, __ATOMIC_RELAXED);
    nap(50);
    CHECK(__atomic_load_n(&lines, __ATOMIC_RELAXED) == before);

    /* One that is set later gets its lines. */
    MUST(isym_set_log_callback(take, NULL, ISYM_LOG_TRACE, &error));
    MUST(isym_live_open(config, &live, &error));
    MUST(isym_live_wait(live, LIMIT, &error));
    for (int i = 0; i < 5000 && __atomic_load_n(&lines, __ATOMIC_RELAXED) == before; i++)
        nap(1);
    CHECK(__atomic_load_n(&lines, __ATOMIC_RELAXED) > before);
    isym_live_free(live);
    MUST(isym_set_log_callback(NULL, NULL, ISYM_LOG_OFF, &error));
    isym_config_free(config);
    isym_sandbox_free(sandbox);
    return done();
}
