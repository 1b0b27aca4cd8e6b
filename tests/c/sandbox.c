/* What the settings of a sandbox change, and what a script sees of it. */
#include "check.h"

static isym_sandbox *start(isym_sandbox_config *config)
{
    isym_sandbox *sandbox = NULL;
    MUST(isym_sandbox_new(config, &sandbox, &error));
    isym_sandbox_config_free(config);
    return sandbox;
}

/* A client with one connection, and no more. */
static isym_live *open_client(const isym_sandbox *sandbox)
{
    isym_live *live = NULL;
    isym_config *config = isym_config_new(isym_sandbox_url(sandbox).ptr);
    MUST(isym_config_set_events(config, false, &error));
    MUST(isym_config_set_connections(config, 1, &error));
    MUST(isym_live_open(config, &live, &error));
    isym_config_free(config);
    return live;
}

static isym_snapshot *pin(const isym_live *live)
{
    isym_snapshot *snapshot = NULL;
    MUST(isym_live_wait(live, 20000, &error));
    MUST(isym_live_snapshot(live, ISYM_ANY_AGE, &snapshot, &error));
    return snapshot;
}

/* How many extensions there are, hidden ones too. */
static size_t numbers(const isym_sandbox *sandbox)
{
    isym_texts *texts = NULL;
    isym_str text = {0};
    MUST(isym_sandbox_extension_numbers(sandbox, NULL, &texts, &error));
    size_t count = isym_texts_count(texts);
    CHECK(isym_texts_at(texts, 0, &text) == ISYM_OK && isym_texts_at(texts, count, &text) == ISYM_NOT_FOUND);
    SAME(text, "4224");
    isym_texts_free(texts);
    return count;
}

static size_t segments(const isym_sandbox *sandbox)
{
    size_t count = 0;
    MUST(isym_sandbox_call_segment_count(sandbox, NULL, &count, &error));
    return count;
}

static void a_world_in_which_all_shows(void)
{
    isym_sandbox_config *config = isym_sandbox_config_new();
    MUST(isym_sandbox_config_set_users(config, 4, &error));
    MUST(isym_sandbox_config_set_lite_users(config, 2, &error));
    MUST(isym_sandbox_config_set_extra_extensions(config, 3, &error));
    MUST(isym_sandbox_config_set_queues(config, 2, &error));
    MUST(isym_sandbox_config_set_agents_per_queue(config, 3, &error));
    MUST(isym_sandbox_config_set_conferences(config, 5, &error));
    MUST(isym_sandbox_config_set_licensing(config, false, &error));
    MUST(isym_sandbox_config_set_calls_at_start(config, 2, &error));
    MUST(isym_sandbox_config_set_max_requests_kept(config, 3, &error));
    isym_sandbox *sandbox = start(config);
    isym_live *live = open_client(sandbox);
    isym_snapshot *snapshot = pin(live);
    isym_core_server server = {0};
    isym_queue queue = {0};
    CHECK(isym_snapshot_core_server(snapshot, "default", &server) == ISYM_OK);
    CHECK(isym_snapshot_queue(snapshot, "default", "5002", &queue) == ISYM_OK);
    CHECK(numbers(sandbox) == 7 && isym_list_count(isym_core_server_extensions(server)) == 7);
    CHECK(isym_list_count(isym_queue_agents(queue)) == 3 && isym_list_count(isym_core_server_conferences(server)) == 5);
    CHECK(segments(sandbox) == 3); /* One call is between two extensions, the other comes from outside. */
    SAME(isym_live_url(live), isym_sandbox_url(sandbox).ptr);

    isym_requests *requests = isym_sandbox_requests(sandbox);
    CHECK(isym_sandbox_request_count(sandbox) > 3 && isym_requests_count(requests) == 3);
    isym_requests_free(requests);
    isym_snapshot_free(snapshot);
    isym_live_free(live);
    isym_sandbox_free(sandbox);
}

static void a_world_that_hides(void)
{
    isym_sandbox_config *config = isym_sandbox_config_new();
    MUST(isym_sandbox_config_set_users(config, 4, &error));
    MUST(isym_sandbox_config_set_lite_users(config, 2, &error));
    MUST(isym_sandbox_config_set_licensing(config, true, &error));
    MUST(isym_sandbox_config_set_conferences_enabled(config, false, &error));
    isym_sandbox *sandbox = start(config);
    isym_live *live = open_client(sandbox);
    isym_snapshot *snapshot = pin(live);
    isym_core_server server = {0};
    CHECK(isym_snapshot_core_server(snapshot, "default", &server) == ISYM_OK);
    CHECK(numbers(sandbox) == 4 && isym_list_count(isym_core_server_extensions(server)) == 2);
    CHECK(isym_list_count(isym_core_server_conferences(server)) == 0 && segments(sandbox) == 0);
    isym_snapshot_free(snapshot);
    isym_live_free(live);
    isym_sandbox_free(sandbox);
}

/* Two do not listen on the same port, and a second client gets no connection where there is one for all. */
static void what_is_taken(void)
{
    isym_sandbox_config *config = isym_sandbox_config_new();
    MUST(isym_sandbox_config_set_max_connections(config, 1, &error));
    isym_sandbox *sandbox = start(config), *other = NULL;
    config = isym_sandbox_config_new();
    MUST(isym_sandbox_config_set_port(config, isym_sandbox_port(sandbox), &error));
    FAILS(isym_sandbox_new(config, &other, &error), ISYM_CONFIG, "port");
    isym_sandbox_config_free(config);

    isym_live *first = open_client(sandbox);
    isym_snapshot_free(pin(first));
    isym_live *second = open_client(sandbox);
    FAILS(isym_live_wait(second, 500, &error), ISYM_SYNC_TIMEOUT, "503");
    CHECK(isym_sandbox_connections(sandbox) == 1);
    isym_live_free(second);
    isym_live_free(first);
    isym_sandbox_free(sandbox);
}

static void calls_and_events(void)
{
    isym_sandbox *sandbox = start(isym_sandbox_config_new());
    isym_uuids *ids = NULL;
    isym_uuid first, second, id;
    isym_str text = {0};
    MUST(isym_sandbox_add_call(sandbox, NULL, "4224", "Ada", "5551234", NULL, &first, &error));
    MUST(isym_sandbox_add_call(sandbox, "default", "4224", "Bob", "5554321", NULL, &second, &error));
    MUST(isym_sandbox_call_segments(sandbox, NULL, "4224", &ids, &error));
    CHECK(isym_uuids_count(ids) == 2 && segments(sandbox) == 2);
    CHECK(isym_uuids_at(ids, 0, &id) == ISYM_OK && isym_uuid_equal(id, first));
    CHECK(isym_uuids_at(ids, 1, &id) == ISYM_OK && isym_uuid_equal(id, second));
    CHECK(isym_uuids_at(ids, 2, &id) == ISYM_NOT_FOUND);
    isym_uuids_free(ids);
    FAILS(isym_sandbox_call_segments(sandbox, NULL, "9999", &ids, &error), ISYM_NOT_FOUND, "9999");
    FAILS(isym_sandbox_call_segment_count(sandbox, "south", NULL, &error), ISYM_NOT_FOUND, "south");
    NULLED(isym_sandbox_call_segment_count(sandbox, NULL, NULL, &error));
    NULLED(isym_sandbox_extension_numbers(sandbox, NULL, NULL, &error));

    MUST(isym_sandbox_send_event(sandbox, "Good morning", &error));
    NULLED(isym_sandbox_send_event(sandbox, NULL, &error));
    FAILS(isym_sandbox_send_event(sandbox, "\xff", &error), ISYM_INVALID_ARGUMENT, "UTF-8");
    isym_texts *events = isym_sandbox_events(sandbox);
    CHECK(isym_texts_at(events, 0, &text) == ISYM_OK && text.ptr[0] == '{');
    CHECK(isym_texts_at(events, isym_texts_count(events) - 1, &text) == ISYM_OK);
    SAME(text, "Good morning");
    isym_texts_free(events);
    isym_sandbox_free(sandbox);
}

int main(void)
{
    a_world_in_which_all_shows();
    a_world_that_hides();
    what_is_taken();
    calls_and_events();
    return done();
}
