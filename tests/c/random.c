/* Random calls in random order: on NULL, on closed clients, on views of other snapshots, with wrong numbers and texts. No call
 * may crash, leak, or answer with anything but a status that is one. Arguments: calls, seed. */
#include "check.h"

#define SLOTS 8

static uint64_t state;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static size_t below(size_t limit)
{
    return (size_t)(next() % limit);
}

static const char *const TEXTS[] = {
    NULL, "", "default", "4224", "mike", "5001", "\xff", "x/../y", "coreServers", "coreServers/getByName/default",
    "coreServers/getByName/default/extensions/getByName/4224", "coreServers/getByName/default/users", "displayName",
    "originate", "pause", "destination", "away", "%2e%2e", "\x1b[31m", "callSegments", "status=503; times=1", "\xc3\xa9",
    "coreServers/getByName/default/queues/getByName/5001/agents",
};

static const char *text(void)
{
    return TEXTS[below(sizeof TEXTS / sizeof *TEXTS)];
}

static int64_t number(void)
{
    static const int64_t NUMBERS[] = {0, 1, -1, 2, 10, 99, 1000, INT64_MAX, INT64_MIN, UINT32_MAX};
    return NUMBERS[below(sizeof NUMBERS / sizeof *NUMBERS)];
}

/* What the calls gave so far; any of it may be NULL. */
static isym_live *lives[2];
static isym_snapshot *snapshots[SLOTS];
static isym_handle *handles[SLOTS];
static isym_changes *changes[SLOTS];
static isym_config *configs[SLOTS];
static isym_args *args[SLOTS];
static isym_error *errors[SLOTS];
static struct {
    isym_snapshot *owner;
    isym_resource resource;
    isym_list list;
} views[SLOTS];

#define ANY(slots) slots[below(sizeof slots / sizeof *slots)]

static isym_status judge(isym_status status)
{
    if (isym_status_name(status).len == 0) {
        printf("a status %d\n", (int)status);
        exit(1);
    }
    return status;
}

/* Where an error goes: to a slot, or nobody wants it. */
static isym_error **error(void)
{
    isym_error **slot = &ANY(errors);
    if (below(4) == 0)
        return NULL;
    isym_error_free(*slot);
    *slot = NULL;
    return slot;
}

static void use_text(isym_str value)
{
    if (!value.ptr || value.ptr[value.len] != 0)
        exit(2);
}

/* Forgets the views of a snapshot before it is freed, as every program must. */
static void free_snapshot(isym_snapshot **slot)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (views[i].owner == *slot)
            memset(&views[i], 0, sizeof views[i]);
    isym_snapshot_free(*slot);
    *slot = NULL;
}

static void on_snapshot(void)
{
    isym_snapshot *snapshot = ANY(snapshots), **slot = &ANY(snapshots);
    size_t view = below(SLOTS);
    isym_resource resource = {0};
    isym_list list = {0};
    isym_extension extension = {0};
    isym_status status = ISYM_OK;
    switch (below(11)) {
    case 0:
        free_snapshot(slot);
        if (isym_live_snapshot(ANY(lives), number(), slot, error()) != ISYM_OK && *slot)
            exit(3);
        return;
    case 1:
        if (snapshot != *slot) {
            free_snapshot(slot);
            *slot = isym_snapshot_clone(snapshot);
        }
        return;
    case 2: free_snapshot(slot); return;
    case 3: status = isym_snapshot_resolve(snapshot, text(), &resource, error()); break;
    case 4: status = isym_snapshot_resolve_list(snapshot, text(), &list, error()); break;
    case 5:
        status = isym_snapshot_extension(snapshot, text(), text(), &extension);
        resource = extension.resource;
        break;
    case 6: status = isym_snapshot_by_id(snapshot, isym_resource_id(views[view].resource), &resource); break;
    case 7: list = isym_snapshot_core_servers(snapshot); break;
    case 8: status = isym_handle_get(ANY(handles), snapshot, &resource, error()); break;
    case 9: status = isym_handle_get_within(ANY(handles), snapshot, number(), &resource, error()); break;
    default: {
        isym_changes **diff = &ANY(changes);
        isym_changes_free(*diff);
        *diff = NULL;
        judge(isym_snapshot_diff(snapshot, *slot, diff, error()));
        isym_change change = {0};
        judge(isym_changes_at(*diff, below(4), &change));
        use_text(isym_resource_name(change.resource));
        return;
    }
    }
    if (judge(status) == ISYM_OK) {
        views[view].owner = snapshot;
        views[view].resource = resource;
        views[view].list = list;
    }
}

static void on_view(void)
{
    size_t from = below(SLOTS), to = below(SLOTS);
    isym_resource resource = views[from].resource;
    isym_list list = views[from].list;
    isym_property property = {0};
    isym_text *made = NULL;
    switch (below(12)) {
    case 0: use_text(isym_extension_display_name((isym_extension){resource})); return;
    case 1: use_text(isym_user_user_name((isym_user){resource})); return;
    case 2: made = isym_resource_raw(resource); break;
    case 3: made = isym_resource_path(resource); break;
    case 4: judge(isym_resource_property(resource, text(), &property)), use_text(property.text.ptr ? property.text : isym_version()); return;
    case 5: judge(isym_resource_property_at(resource, (size_t)number(), &property)); return;
    case 6: list = isym_resource_sub(resource, text()); break;
    case 7: judge(isym_list_at(list, (size_t)number(), &resource)); break;
    case 8: judge(isym_list_at(list, below(20), &resource)); break;
    case 9: judge(isym_list_find(list, text(), &resource)); break;
    case 10: judge(isym_list_by_name(list, text(), &resource, error())); break;
    default: list = isym_user_extensions((isym_user){resource}); break;
    }
    if (made)
        use_text(isym_text_str(made));
    isym_text_free(made);
    views[to].owner = views[from].owner;
    views[to].resource = resource;
    views[to].list = list;
}

static void on_client(void)
{
    isym_live *live = lives[below(2)], *closed = lives[1];
    isym_handle **handle = &ANY(handles);
    isym_config **config = &ANY(configs);
    isym_args **arg = &ANY(args);
    isym_uuid id = {{0}};
    isym_text *json = NULL;
    isym_action_options options = {number(), below(2) == 0};
    switch (below(18)) {
    case 0:
        isym_handle_free(*handle);
        *handle = NULL;
        judge(isym_live_handle(live, text(), handle, error()));
        return;
    case 1:
        isym_handle_free(*handle);
        *handle = NULL;
        judge(isym_live_handle_named(live, text(), (uint32_t)number(), text(), handle, error()));
        return;
    case 2: judge(isym_handle_resolve(*handle, &id, error())); return;
    case 3: judge(isym_extension_originate(closed, text(), text(), text(), NULL, error())); return;
    case 4: judge(isym_live_act(closed, ANY(views).resource, text(), *arg, number(), NULL, error())); return;
    case 5: judge(isym_live_post(closed, text(), text(), number(), NULL, error())); return;
    case 6: isym_live_close(closed, number()); return;
    case 7: judge(isym_live_refresh(closed, number(), NULL, error())); return;
    case 8:
        isym_config_free(*config);
        *config = isym_config_new(text());
        return;
    case 9: judge(isym_config_set_cadence(*config, (uint32_t)number(), number(), number(), error())); return;
    case 10: judge(isym_config_set_core_servers(*config, TEXTS, below(4), error())); return;
    case 11:
        if (below(4) == 0 || !*arg) {
            isym_args_free(*arg);
            *arg = isym_args_new();
        }
        judge(isym_args_set_text(*arg, text(), text(), error()));
        return;
    case 12: judge(isym_live_act_with(closed, ANY(views).resource, text(), *arg, options, NULL, error())); return;
    case 13:
        if (judge(isym_live_get_raw(closed, text(), number(), &json, error())) == ISYM_OK || json)
            exit(4);
        return;
    case 14: judge(isym_config_overlay(*config, text(), error())); return;
    case 15: judge(isym_user_set_status_like(closed, text(), text(), text(), NULL, error())); return;
    case 16: judge(isym_args_set_int(*arg, text(), number(), error())); return;
    default:
        use_text(isym_error_message(ANY(errors)));
        use_text(isym_status_name((uint32_t)number() % 19));
        return;
    }
}

int main(int argc, char **argv)
{
    unsigned long calls = argc > 1 ? strtoul(argv[1], NULL, 10) : 200000;
    state = argc > 2 ? strtoull(argv[2], NULL, 10) : 88172645463325252u;
    isym_sandbox *sandbox = NULL;
    MUST(isym_sandbox_new(NULL, &sandbox, &error));
    isym_config *config = isym_config_new(isym_sandbox_url(sandbox).ptr);
    for (int i = 0; i < 2; i++) {
        MUST(isym_live_open(config, &lives[i], &error));
        MUST(isym_live_wait(lives[i], 20000, &error));
    }
    isym_config_free(config);
    isym_live_close(lives[1], -1);

    for (unsigned long i = 0; i < calls; i++) {
        switch (below(8)) {
        case 0: on_client(); break;
        case 1: case 2: case 3: on_snapshot(); break;
        default: on_view(); break;
        }
        if (i == calls * 3 / 4) {
            isym_live_free(lives[0]);
            lives[0] = NULL;
        }
    }
    CHECK(isym_live_state(lives[1]) == ISYM_STATE_CLOSED);

    for (size_t i = 0; i < SLOTS; i++) {
        free_snapshot(&snapshots[i]);
        isym_handle_free(handles[i]);
        isym_changes_free(changes[i]);
        isym_config_free(configs[i]);
        isym_args_free(args[i]);
        isym_error_free(errors[i]);
    }
    isym_live_free(lives[1]);
    isym_sandbox_free(sandbox);
    return done();
}
