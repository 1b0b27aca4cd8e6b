/* How long a look-up by name takes from C on a pinned snapshot. Prints nanoseconds for each; arguments: users, rounds. */
#include <isymphony.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    uint32_t users = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000;
    size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 100;
    const uint32_t kinds[] = {ISYM_KIND_EXTENSION};
    isym_sandbox_config *world = isym_sandbox_config_new();
    isym_sandbox *sandbox = NULL;
    isym_live *live = NULL;
    isym_snapshot *snapshot = NULL;
    isym_core_server server;
    isym_sandbox_config_set_users(world, users, NULL);
    if (isym_sandbox_new(world, &sandbox, NULL) != ISYM_OK)
        return 1;
    isym_config *config = isym_config_new(isym_sandbox_url(sandbox).ptr);
    isym_config_set_kinds(config, kinds, 1, NULL);
    if (isym_live_open(config, &live, NULL) != ISYM_OK || isym_live_wait(live, 60000, NULL) != ISYM_OK ||
        isym_live_snapshot(live, ISYM_ANY_AGE, &snapshot, NULL) != ISYM_OK ||
        isym_snapshot_core_server(snapshot, "default", &server) != ISYM_OK)
        return 1;

    isym_list extensions = isym_core_server_extensions(server);
    size_t count = isym_list_count(extensions), found = 0;
    const char **names = malloc(count * sizeof *names);
    for (size_t i = 0; i < count; i++) {
        isym_resource resource = {0};
        if (isym_list_at(extensions, (i * 7919) % count, &resource) != ISYM_OK)
            return 1;
        names[i] = isym_resource_name(resource).ptr;
    }
    double best = 1e9;
    for (size_t round = 0; round < rounds; round++) {
        double start = seconds();
        for (size_t i = 0; i < count; i++) {
            isym_extension extension;
            found += isym_snapshot_extension(snapshot, "default", names[i], &extension) == ISYM_OK &&
                     extension.resource.row < count;
        }
        double time = (seconds() - start) / (double)count;
        best = time < best ? time : best;
    }
    printf("%.2f\n", best * 1e9);
    free(names);
    isym_snapshot_free(snapshot);
    isym_config_free(config);
    isym_sandbox_config_free(world);
    isym_live_free(live);
    isym_sandbox_free(sandbox);
    return found != count * rounds;
}
