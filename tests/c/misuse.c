/* Whatever a program gives the library: an error or an empty answer, never a crash. */
#include "check.h"

#include <limits.h>
#include <math.h>
#include <pthread.h>

static const char BAD_UTF8[] = "4224\xff\xfe";
static const isym_uuid NO_ID;
static const isym_resource NO_RESOURCE;
static const isym_list NO_LIST;

#define PATH "coreServers/getByName/default/extensions/getByName/4224"
#define EMPTY(text) CHECK((text).ptr != NULL && (text).ptr[0] == 0 && (text).len == 0)

/* NULL in the place of every object, and of every output. */
static void null_objects(void)
{
    isym_live *live = NULL;
    isym_snapshot *snapshot = NULL;
    isym_handle *handle = NULL;
    isym_resource resource;
    isym_list list;
    isym_extension extension;
    isym_user user;
    isym_queue queue;
    isym_conference_room room;
    isym_core_server server;
    isym_uuid id;

    isym_error_free(NULL), isym_text_free(NULL), isym_config_free(NULL), isym_live_free(NULL), isym_health_free(NULL);
    isym_metrics_free(NULL), isym_snapshot_free(NULL), isym_changes_free(NULL), isym_handle_free(NULL);
    isym_args_free(NULL), isym_ticket_free(NULL), isym_sandbox_config_free(NULL), isym_sandbox_free(NULL);
    isym_requests_free(NULL), isym_texts_free(NULL), isym_uuids_free(NULL);

    CHECK(isym_error_code(NULL) == ISYM_OK && isym_error_http_status(NULL) == 0 && !isym_error_retryable(NULL));
    EMPTY(isym_error_message(NULL));
    EMPTY(isym_error_server_message(NULL));
    EMPTY(isym_text_str(NULL));
    EMPTY(isym_live_url(NULL));
    EMPTY(isym_doctor_report_server(NULL));
    CHECK(!isym_doctor_report_is_connected(NULL) && !isym_texts_count(NULL) && !isym_uuids_count(NULL));
    CHECK(isym_texts_at(NULL, 0, NULL) == ISYM_INVALID_ARGUMENT && isym_uuids_at(NULL, 0, &id) == ISYM_NOT_FOUND);
    CHECK(isym_config_clone(NULL) == NULL && isym_snapshot_clone(NULL) == NULL && isym_handle_clone(NULL) == NULL);
    isym_uuid_format(NO_ID, NULL);
    NULLED(isym_uuid_parse(NULL, &id, &error));
    NULLED(isym_uuid_parse("ef2faba9-8557-49c1-9ffc-5a71f41c7a23", NULL, &error));

    NULLED(isym_live_open(NULL, &live, &error));
    NULLED(isym_live_wait(NULL, 0, &error));
    NULLED(isym_live_snapshot(NULL, ISYM_ANY_AGE, &snapshot, &error));
    NULLED(isym_live_refresh(NULL, 0, &snapshot, &error));
    NULLED(isym_live_set_credentials(NULL, "a", "b", &error));
    NULLED(isym_live_post(NULL, "coreServers/x", NULL, 0, NULL, &error));
    NULLED(isym_live_handle(NULL, PATH, &handle, &error));
    NULLED(isym_live_handle_of(NULL, NO_RESOURCE, &handle, &error));
    NULLED(isym_live_handle_named(NULL, NULL, ISYM_KIND_USER, "x", &handle, &error));
    NULLED(isym_live_act(NULL, NO_RESOURCE, "x", NULL, 0, NULL, &error));
    CHECK(isym_live_state(NULL) == ISYM_STATE_NONE && !isym_live_health(NULL) && !isym_live_metrics(NULL));
    isym_live_close(NULL, 5);
    CHECK(isym_health_state(NULL) == ISYM_STATE_NONE && !isym_health_has_data(NULL) && !isym_health_epoch(NULL));
    CHECK(isym_health_age_ms(NULL) == INT64_MAX && !isym_health_generation(NULL) && !isym_health_since_ms(NULL));
    CHECK(!isym_health_retired_snapshots(NULL) && !isym_health_failing_count(NULL) && !isym_metrics_count(NULL));
    CHECK(isym_health_last_problem(NULL, NULL) == ISYM_INVALID_ARGUMENT);
    CHECK(isym_health_failing_at(NULL, 0, NULL) == ISYM_INVALID_ARGUMENT);
    CHECK(!isym_health_overdue_count(NULL) && isym_health_overdue_at(NULL, 0, NULL, NULL) == ISYM_NOT_FOUND);
    CHECK(isym_handle_strict(NULL) == NULL && !isym_handle_is_strict(NULL));
    CHECK(isym_handle_binding(NULL, NULL) == ISYM_INVALID_ARGUMENT);
    CHECK(isym_health_events(NULL) == ISYM_EVENTS_NONE);
    CHECK(isym_health_events_problem(NULL, NULL) == ISYM_INVALID_ARGUMENT);
    CHECK(isym_metrics_at(NULL, 0, NULL) == ISYM_INVALID_ARGUMENT);

    CHECK(!isym_snapshot_generation(NULL) && !isym_snapshot_epoch(NULL) && !isym_snapshot_has_data(NULL));
    CHECK(isym_snapshot_age_ms(NULL) == INT64_MAX && isym_snapshot_confirmed_at_ms(NULL) == 0
          && isym_snapshot_source(NULL) == ISYM_SOURCE_NONE);
    CHECK(!isym_snapshot_object_count(NULL) && isym_list_count(isym_snapshot_core_servers(NULL)) == 0);
    CHECK(isym_snapshot_core_server(NULL, "default", &server) == ISYM_INVALID_ARGUMENT);
    CHECK(isym_snapshot_extension(NULL, "default", "1", &extension) == ISYM_INVALID_ARGUMENT);
    CHECK(isym_snapshot_user(NULL, "default", "1", &user) == ISYM_INVALID_ARGUMENT);
    CHECK(isym_snapshot_queue(NULL, "default", "1", &queue) == ISYM_INVALID_ARGUMENT);
    CHECK(isym_snapshot_conference(NULL, "default", "1", &room) == ISYM_INVALID_ARGUMENT);
    CHECK(isym_snapshot_by_id(NULL, NO_ID, &resource) == ISYM_INVALID_ARGUMENT);
    NULLED(isym_snapshot_resolve(NULL, PATH, &resource, &error));
    NULLED(isym_snapshot_resolve_list(NULL, PATH, &list, &error));
    NULLED(isym_snapshot_diff(NULL, NULL, NULL, &error));
    CHECK(isym_changes_count(NULL) == 0 && isym_changes_at(NULL, 0, NULL) == ISYM_INVALID_ARGUMENT);

    CHECK(isym_handle_kind(NULL) == ISYM_KIND_NONE && isym_handle_path(NULL) == NULL);
    NULLED(isym_handle_get(NULL, NULL, &resource, &error));
    NULLED(isym_handle_resolve(NULL, &id, &error));
    NULLED(isym_handle_get_within(NULL, NULL, 0, &resource, &error));
    NULLED(isym_handle_act(NULL, "x", NULL, 0, NULL, &error));
    NULLED(isym_handle_act_with(NULL, "x", NULL, (isym_action_options){0}, NULL, &error));
    NULLED(isym_live_act_with(NULL, NO_RESOURCE, "x", NULL, (isym_action_options){0}, NULL, &error));
    NULLED(isym_live_get_raw(NULL, "coreServers", 0, NULL, &error));
    NULLED(isym_user_set_status_like(NULL, "default", "1", "a", NULL, &error));
    NULLED(isym_args_set_text(NULL, "a", "b", &error));
    NULLED(isym_args_set_int(NULL, "a", 1, &error));
    NULLED(isym_args_set_uuid(NULL, "a", NO_ID, &error));
    CHECK(isym_ticket_outcome(NULL) == ISYM_OUTCOME_NONE && isym_ticket_error(NULL) == NULL);
    EMPTY(isym_ticket_path(NULL));
    NULLED(isym_ticket_wait(NULL, 0, NULL, &error));
    isym_changes *segments = NULL;
    NULLED(isym_ticket_call_segments(NULL, 0, &segments, &error));
    NULLED(isym_extension_originate(NULL, "default", "1", "2", NULL, &error));
    NULLED(isym_extension_set_dnd(NULL, "default", "1", true, NULL, &error));
    NULLED(isym_user_set_status(NULL, "default", "1", "a", "away", NULL, -1, NULL, &error));
    NULLED(isym_queue_login(NULL, "default", "1", "2", NULL, &error));
    NULLED(isym_queue_logout(NULL, "default", "1", "2", NULL, &error));

    EMPTY(isym_sandbox_url(NULL));
    CHECK(!isym_sandbox_port(NULL) && !isym_sandbox_incarnation(NULL) && !isym_sandbox_connections(NULL));
    CHECK(!isym_sandbox_request_count(NULL) && !isym_sandbox_requests(NULL) && !isym_requests_count(NULL));
    CHECK(isym_requests_at(NULL, 0, NULL) == ISYM_INVALID_ARGUMENT);
    isym_sandbox_restart(NULL), isym_sandbox_restart_at_request(NULL, 1), isym_sandbox_stop_listening(NULL);
    isym_sandbox_set_denied(NULL, true), isym_sandbox_set_demand_tls(NULL, true), isym_sandbox_clear_faults(NULL);
    isym_sandbox_set_licensing(NULL, true), isym_sandbox_set_conferences_enabled(NULL, true);
    isym_sandbox_clear_overrides(NULL), isym_sandbox_clear_requests(NULL);
    NULLED(isym_sandbox_new(NULL, NULL, &error));
    NULLED(isym_sandbox_start_listening(NULL, &error));
    NULLED(isym_sandbox_set_credentials(NULL, "a", "b", &error));
    NULLED(isym_sandbox_serve(NULL, "a", "b", &error));
    NULLED(isym_sandbox_respond(NULL, "a", 200, NULL, NULL, 0, &error));
    NULLED(isym_sandbox_fault(NULL, "drop", &error));
    NULLED(isym_sandbox_send_event(NULL, "{}", &error));
    CHECK(isym_sandbox_events(NULL) == NULL);
    isym_uuids *ids = NULL;
    isym_texts *numbers = NULL;
    size_t count;
    NULLED(isym_sandbox_call_segments(NULL, NULL, "1", &ids, &error));
    NULLED(isym_sandbox_call_segment_count(NULL, NULL, &count, &error));
    NULLED(isym_sandbox_extension_numbers(NULL, NULL, &numbers, &error));
    NULLED(isym_sandbox_add_call(NULL, NULL, "1", "a", "b", NULL, &id, &error));
    NULLED(isym_sandbox_add_user(NULL, NULL, "a", "b", &id, &error));
    NULLED(isym_sandbox_add_queue(NULL, NULL, "a", "b", &id, &error));
    NULLED(isym_sandbox_config_set_users(NULL, 1, &error));

    /* Nobody wants to know. */
    CHECK(isym_live_open(NULL, NULL, NULL) == ISYM_INVALID_ARGUMENT);
    CHECK(isym_snapshot_resolve(NULL, NULL, NULL, NULL) == ISYM_INVALID_ARGUMENT);
    CHECK(isym_handle_act(NULL, NULL, NULL, INT64_MIN, NULL, NULL) == ISYM_INVALID_ARGUMENT);
}

/* Views that are all zero. */
static void zeroed_views(void)
{
    const isym_core_server server = {0};
    const isym_user user = {0};
    const isym_login login = {0};
    const isym_user_status status = {0};
    const isym_extension extension = {0};
    const isym_call_segment segment = {0};
    const isym_queue queue = {0};
    const isym_agent agent = {0};
    const isym_statistics statistics = {0};
    const isym_conference_room room = {0};
    isym_resource resource;
    isym_user other_user;
    isym_agent other_agent;
    isym_extension other_extension;
    isym_property property;

    CHECK(isym_resource_is_empty(NO_RESOURCE) && isym_resource_kind(NO_RESOURCE) == ISYM_KIND_NONE);
    CHECK(isym_uuid_equal(isym_resource_id(NO_RESOURCE), NO_ID) && !isym_resource_equal(NO_RESOURCE, NO_RESOURCE));
    EMPTY(isym_resource_name(NO_RESOURCE));
    EMPTY(isym_resource_configuration_id(NO_RESOURCE));
    EMPTY(isym_resource_extra(NO_RESOURCE));
    CHECK(!isym_resource_path(NO_RESOURCE) && !isym_resource_id_path(NO_RESOURCE) && !isym_resource_raw(NO_RESOURCE));
    CHECK(isym_resource_age_ms(NO_RESOURCE) == INT64_MAX && isym_resource_confirmed_at_ms(NO_RESOURCE) == 0);
    CHECK(isym_resource_property_state(NO_RESOURCE, "name") == ISYM_PROPERTY_UNKNOWN);
    CHECK(isym_resource_property(NO_RESOURCE, "name", &property) == ISYM_NOT_FOUND);
    CHECK(isym_resource_property_count(NO_RESOURCE) == 0);
    CHECK(isym_resource_property_at(NO_RESOURCE, 0, &property) == ISYM_NOT_FOUND);
    CHECK(isym_list_count(isym_resource_sub(NO_RESOURCE, "users")) == 0);
    CHECK(isym_resource_as_user(NO_RESOURCE, &other_user) == ISYM_NOT_FOUND);

    CHECK(isym_list_count(NO_LIST) == 0 && isym_list_kind(NO_LIST) == ISYM_KIND_NONE && !isym_list_is_known(NO_LIST));
    CHECK(isym_list_age_ms(NO_LIST) == INT64_MAX && isym_list_at(NO_LIST, 0, &resource) == ISYM_NOT_FOUND);
    CHECK(isym_list_find(NO_LIST, "x", &resource) == ISYM_NOT_FOUND);
    CHECK(isym_list_by_id(NO_LIST, NO_ID, &resource) == ISYM_NOT_FOUND);
    FAILS(isym_list_by_name(NO_LIST, "x", &resource, &error), ISYM_INVALID_ARGUMENT, "empty");

    EMPTY(isym_core_server_slug(server));
    EMPTY(isym_core_server_name(server));
    CHECK(isym_list_count(isym_core_server_users(server)) == 0);
    CHECK(isym_list_count(isym_core_server_call_segments(server)) == 0);
    EMPTY(isym_user_user_name(user));
    CHECK(isym_list_count(isym_user_extensions(user)) == 0);
    CHECK(isym_user_status_of(user, NULL) == ISYM_INVALID_ARGUMENT);
    EMPTY(isym_login_ip(login));
    CHECK(isym_login_port(login) == 0 && isym_login_time_connected_ms(login) == 0);
    CHECK(isym_login_user(login, &other_user) == ISYM_NOT_FOUND);
    EMPTY(isym_user_status_note(status));
    CHECK(isym_user_status_return_time_ms(status) == 0 && !isym_user_status_user_created(status));
    EMPTY(isym_extension_display_name(extension));
    CHECK(isym_extension_user_count(extension) == 0 && isym_extension_agent_count(extension) == 0);
    CHECK(isym_extension_user_at(extension, 0, &other_user) == ISYM_NOT_FOUND);
    CHECK(isym_extension_agent_at(extension, 0, &other_agent) == ISYM_NOT_FOUND);
    EMPTY(isym_call_segment_did(segment));
    CHECK(!isym_call_segment_incoming(segment) && !isym_call_segment_on_hold(segment));
    CHECK(isym_call_segment_extension(segment, &other_extension) == ISYM_NOT_FOUND);
    EMPTY(isym_queue_identifier(queue));
    CHECK(isym_list_count(isym_queue_agents(queue)) == 0);
    EMPTY(isym_agent_state(agent));
    CHECK(!isym_agent_paused(agent) && isym_agent_extension(agent, &other_extension) == ISYM_NOT_FOUND);
    CHECK(isym_statistics_agent(statistics, &other_agent) == ISYM_NOT_FOUND);
    EMPTY(isym_conference_room_dial_string(room));
    CHECK(!isym_conference_room_user_generated(room));
}

static void bad_settings(void)
{
    const char *slugs[] = {"default", NULL}, *bad[] = {BAD_UTF8}, *nothing[] = {""};
    const uint32_t kinds[] = {ISYM_KIND_USER, 4711};
    isym_config *config = isym_config_new(NULL);
    FAILS(isym_config_validate(config, &error), ISYM_INVALID_ARGUMENT, "url is NULL");
    isym_config_free(config);
    config = isym_config_new(BAD_UTF8);
    FAILS(isym_config_validate(config, &error), ISYM_INVALID_ARGUMENT, "url is not UTF-8");
    isym_config_free(config);
    config = isym_config_new("");
    FAILS(isym_config_validate(config, &error), ISYM_INVALID_ARGUMENT, "url is empty");
    isym_config_free(config);

    config = isym_config_new("http://localhost:1");
    NULLED(isym_config_set_credentials(config, NULL, "x", &error));
    NULLED(isym_config_set_credentials(config, "x", NULL, &error));
    FAILS(isym_config_set_credentials(config, BAD_UTF8, "x", &error), ISYM_INVALID_ARGUMENT, "user_name is not UTF-8");
    FAILS(isym_config_set_credentials(config, "", "x", &error), ISYM_INVALID_ARGUMENT, "user_name is empty");
    NULLED(isym_config_set_core_servers(config, slugs, 2, &error));
    NULLED(isym_config_set_core_servers(config, NULL, 2, &error));
    FAILS(isym_config_set_core_servers(config, slugs, SIZE_MAX, &error), ISYM_INVALID_ARGUMENT, "count");
    FAILS(isym_config_set_core_servers(config, bad, 1, &error), ISYM_INVALID_ARGUMENT, "UTF-8");
    FAILS(isym_config_set_core_servers(config, nothing, 1, &error), ISYM_CONFIG, "empty");
    FAILS(isym_config_set_kinds(config, kinds, 2, &error), ISYM_INVALID_ARGUMENT, "4711");
    FAILS(isym_config_set_kinds(config, kinds, SIZE_MAX / 2, &error), ISYM_INVALID_ARGUMENT, "count");
    FAILS(isym_config_set_cadence(config, 0, 1, 2, &error), ISYM_INVALID_ARGUMENT, "kind is 0");
    FAILS(isym_config_set_cadence(config, UINT32_MAX, 1, 2, &error), ISYM_INVALID_ARGUMENT, "4294967295");
    FAILS(isym_config_set_cadence(config, ISYM_KIND_USER, INT64_MIN, 2, &error), ISYM_INVALID_ARGUMENT, "negative");
    FAILS(isym_config_set_cadence(config, ISYM_KIND_USER, 1, INT64_MAX, &error), ISYM_CONFIG, "day");
    FAILS(isym_config_set_event_silence(config, -1, 1, &error), ISYM_INVALID_ARGUMENT, "silence_ms");
    FAILS(isym_config_set_event_silence(config, 1, 0, &error), ISYM_CONFIG, "event_silence: answer");
    FAILS(isym_config_set_max_requests_per_second(config, NAN, &error), ISYM_CONFIG, "max_requests_per_second");
    FAILS(isym_config_set_max_requests_per_second(config, -INFINITY, &error), ISYM_CONFIG, "-inf");
    FAILS(isym_config_set_connections(config, SIZE_MAX, &error), ISYM_CONFIG, "connections");
    FAILS(isym_config_set_body_limit(config, UINT64_MAX, &error), ISYM_CONFIG, "body_limit");
    FAILS(isym_config_set_depth_limit(config, 0, &error), ISYM_CONFIG, "depth_limit");
    NULLED(isym_config_set_ca_file(config, NULL, &error));
    FAILS(isym_config_set_ca_file(config, "", &error), ISYM_INVALID_ARGUMENT, "path is empty");
    NULLED(isym_config_set_client_cert(config, "a", NULL, &error));
    FAILS(isym_config_set_proxy(config, BAD_UTF8, &error), ISYM_INVALID_ARGUMENT, "UTF-8");
    FAILS(isym_config_set_action_path(config, 99, "a", "b", &error), ISYM_INVALID_ARGUMENT, "99");
    FAILS(isym_config_set_action_path(config, ISYM_KIND_QUEUE, "login", "../x", &error), ISYM_CONFIG, "..");
    NULLED(isym_config_set_action_body_key(config, ISYM_KIND_QUEUE, "login", NULL, "x", &error));
    NULLED(isym_live_open(config, NULL, &error));
    isym_config_free(config);

    FAILS(isym_set_log_callback(NULL, NULL, 6, &error), ISYM_INVALID_ARGUMENT, "6");
    FAILS(isym_set_log_callback(NULL, NULL, UINT32_MAX, &error), ISYM_INVALID_ARGUMENT, "level");
    EMPTY(isym_status_name(19));
    EMPTY(isym_status_name(UINT32_MAX));
    EMPTY(isym_kind_name(UINT32_MAX));
    CHECK(isym_kind_from_name(BAD_UTF8) == ISYM_KIND_NONE && isym_kind_from_name("") == ISYM_KIND_NONE);
    isym_sandbox_config *world = isym_sandbox_config_new();
    MUST(isym_sandbox_config_set_users(world, 1, &error));
    MUST(isym_sandbox_config_set_lite_users(world, 2, &error));
    FAILS(isym_sandbox_config_set_ring_time(world, -1, &error), ISYM_INVALID_ARGUMENT, "negative");
    isym_sandbox *sandbox = NULL;
    FAILS(isym_sandbox_new(world, &sandbox, &error), ISYM_CONFIG, "lite");
    MUST(isym_sandbox_config_set_lite_users(world, 0, &error));
    MUST(isym_sandbox_config_set_calls_per_second(world, NAN, &error));
    FAILS(isym_sandbox_new(world, &sandbox, &error), ISYM_CONFIG, "calls_per_second");
    isym_sandbox_config_free(world);
}

static void bad_names(const isym_live *live, const isym_snapshot *snapshot, const isym_sandbox *sandbox)
{
    isym_resource resource = {0};
    isym_extension extension;
    isym_core_server server;
    isym_handle *handle = NULL;
    const char *names[] = {NULL, "", BAD_UTF8};
    for (size_t i = 0; i < 3; i++) {
        const char *bad = names[i];
        isym_status path = bad && !*bad ? ISYM_INVALID_PATH : ISYM_INVALID_ARGUMENT;
        CHECK(isym_snapshot_core_server(snapshot, bad, &server) == ISYM_INVALID_ARGUMENT);
        CHECK(isym_snapshot_extension(snapshot, bad, "4224", &extension) == ISYM_INVALID_ARGUMENT);
        CHECK(isym_snapshot_extension(snapshot, "default", bad, &extension) == ISYM_INVALID_ARGUMENT);
        CHECK(isym_list_find(isym_snapshot_core_servers(snapshot), bad, &resource) == ISYM_INVALID_ARGUMENT);
        FAILS(isym_list_by_name(isym_snapshot_core_servers(snapshot), bad, &resource, &error),
              ISYM_INVALID_ARGUMENT, "name");
        FAILS(isym_snapshot_resolve(snapshot, bad, &resource, &error), path, "path");
        FAILS(isym_live_handle(live, bad, &handle, &error), path, "path");
        FAILS(isym_live_handle_named(live, NULL, ISYM_KIND_USER, bad, &handle, &error), ISYM_INVALID_ARGUMENT, "name");
        FAILS(isym_extension_originate(live, "default", bad, "1", NULL, &error), ISYM_INVALID_ARGUMENT, "number");
        FAILS(isym_extension_originate(live, "default", "4224", bad, NULL, &error), ISYM_INVALID_ARGUMENT,
              "destination");
        FAILS(isym_live_post(live, bad, NULL, -1, NULL, &error), path, "path");
        FAILS(isym_sandbox_fault(sandbox, bad, &error), ISYM_INVALID_ARGUMENT, "fault");
        FAILS(isym_sandbox_remove_user(sandbox, NULL, bad, &error), ISYM_INVALID_ARGUMENT, "user_name");
        CHECK(isym_resource_property_state(resource, bad) == ISYM_PROPERTY_UNKNOWN);
    }
    CHECK(isym_snapshot_core_server(snapshot, "default", &server) == ISYM_OK);
    CHECK(isym_snapshot_extension(snapshot, "default", "4224", NULL) == ISYM_INVALID_ARGUMENT);
    CHECK(isym_resource_property(server.resource, NULL, NULL) == ISYM_INVALID_ARGUMENT);
    CHECK(isym_resource_property(server.resource, "slug", NULL) == ISYM_INVALID_ARGUMENT);
    CHECK(isym_list_at(isym_core_server_users(server), 0, NULL) == ISYM_INVALID_ARGUMENT);
    NULLED(isym_snapshot_resolve(snapshot, PATH, NULL, &error));
    NULLED(isym_live_handle(live, PATH, NULL, &error));
    NULLED(isym_live_snapshot(live, 0, NULL, &error));
    FAILS(isym_live_handle_named(live, NULL, 99, "x", &handle, &error), ISYM_INVALID_ARGUMENT, "99");
    FAILS(isym_live_handle_of(live, NO_RESOURCE, &handle, &error), ISYM_INVALID_ARGUMENT, "empty");
    FAILS(isym_live_act(live, NO_RESOURCE, "pause", NULL, 0, NULL, &error), ISYM_INVALID_ARGUMENT, "empty");
    FAILS(isym_live_act_with(live, NO_RESOURCE, "pause", NULL, (isym_action_options){INT64_MAX, true}, NULL, &error),
          ISYM_INVALID_ARGUMENT, "empty");
    FAILS(isym_agent_pause(live, (isym_agent){0}, NULL, &error), ISYM_INVALID_ARGUMENT, "empty");
    /* A view of another kind in a typed view. */
    FAILS(isym_agent_pause(live, (isym_agent){server.resource}, NULL, &error), ISYM_INVALID_ARGUMENT, "CoreServer");
    EMPTY(isym_extension_display_name((isym_extension){server.resource}));
    CHECK(isym_list_count(isym_queue_agents((isym_queue){server.resource})) == 0);
    /* A row that is not there. */
    resource = server.resource;
    resource.row = UINT32_MAX;
    CHECK(isym_resource_is_empty(resource) && isym_resource_raw(resource) == NULL);
    isym_list list = isym_snapshot_core_servers(snapshot);
    list.kind = 99;
    CHECK(isym_list_count(list) == 0);

    size_t size = 1 << 20;
    char *huge = malloc(size + 1);
    memset(huge, 'x', size);
    huge[size] = 0;
    CHECK(isym_snapshot_extension(snapshot, "default", huge, &extension) == ISYM_NOT_FOUND);
    FAILS(isym_snapshot_resolve(snapshot, huge, &resource, &error), ISYM_INVALID_PATH, "");
    free(huge);

    isym_snapshot *fresh = NULL;
    FAILS(isym_live_snapshot(live, 0, &fresh, &error), ISYM_STALE, "old");
    MUST(isym_live_snapshot(live, INT64_MAX, &fresh, &error));
    isym_snapshot_free(fresh);
    MUST(isym_live_snapshot(live, INT64_MIN, &fresh, &error));
    isym_snapshot_free(fresh);
    MUST(isym_live_wait(live, INT64_MAX, &error));
    FAILS(isym_sandbox_serve(sandbox, "x", NULL, &error), ISYM_INVALID_ARGUMENT, "json");
    FAILS(isym_sandbox_respond(sandbox, "x", 200, NULL, NULL, 7, &error), ISYM_INVALID_ARGUMENT, "body");
    FAILS(isym_sandbox_id_of(sandbox, NULL, 99, "x", NULL, &error), ISYM_INVALID_ARGUMENT, "NULL");
}

static void *read_all(void *argument)
{
    const isym_snapshot *snapshot = argument;
    size_t bytes = 0;
    for (int round = 0; round < 20; round++) {
        isym_snapshot *pin = isym_snapshot_clone(snapshot);
        isym_extension extension = {0};
        isym_core_server server = {0};
        if (isym_snapshot_extension(pin, "default", "4224", &extension) == ISYM_OK)
            bytes += strlen(isym_extension_display_name(extension).ptr);
        if (isym_snapshot_core_server(pin, "default", &server) != ISYM_OK)
            break;
        isym_list users = isym_core_server_users(server);
        for (size_t i = 0; i < isym_list_count(users); i++) {
            isym_resource user = {0};
            if (isym_list_at(users, i, &user) != ISYM_OK)
                return NULL;
            isym_text *raw = isym_resource_raw(user);
            bytes += strlen(isym_text_str(raw).ptr);
            isym_text_free(raw);
        }
        isym_snapshot_free(pin);
    }
    return bytes > 1000 ? argument : NULL;
}

/* A snapshot on several threads while its client closes and is freed; handles and tickets of a client that is gone. */
static void after_the_end(isym_live *live)
{
    isym_snapshot *snapshot = NULL;
    isym_handle *handle = NULL;
    isym_ticket *ticket = NULL;
    isym_resource resource = {0};
    isym_agent agent = {0};
    isym_uuid id;
    pthread_t threads[4];
    void *result = NULL;
    MUST(isym_live_snapshot(live, ISYM_ANY_AGE, &snapshot, &error));
    MUST(isym_live_handle(live, PATH, &handle, &error));
    MUST(isym_handle_act(handle, "enable_dnd", NULL, 5000, &ticket, &error));
    MUST(isym_snapshot_resolve(snapshot, "coreServers/getByName/default/queues/getByName/5001", &resource, &error));
    CHECK(isym_list_at(isym_resource_sub(resource, "agents"), 0, &resource) == ISYM_OK);
    CHECK(isym_resource_as_agent(resource, &agent) == ISYM_OK);
    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, read_all, snapshot) == 0);
    isym_live_close(live, ISYM_DEFAULT_TIMEOUT);
    isym_live_close(live, 0);
    CHECK(isym_live_state(live) == ISYM_STATE_CLOSED);
    FAILS(isym_extension_originate(live, "default", "4224", "1", NULL, &error), ISYM_CLOSED, "closed");
    FAILS(isym_agent_pause(live, agent, NULL, &error), ISYM_CLOSED, "closed");
    FAILS(isym_live_post(live, "coreServers/x", NULL, -1, NULL, &error), ISYM_CLOSED, "closed");
    FAILS(isym_live_refresh(live, -1, NULL, &error), ISYM_CLOSED, "closed");
    isym_live_free(live);
    for (int i = 0; i < 4; i++)
        CHECK(pthread_join(threads[i], &result) == 0 && result == snapshot);
    SAME(isym_resource_name(resource), "");
    CHECK(isym_agent_name(agent).len > 0 && isym_resource_age_ms(resource) < 60000);
    MUST(isym_handle_resolve(handle, &id, &error));
    MUST(isym_handle_get(handle, snapshot, &resource, &error));
    FAILS(isym_handle_act(handle, "enable_dnd", NULL, -1, NULL, &error), ISYM_CLOSED, "closed");
    FAILS(isym_ticket_wait(ticket, -1, NULL, &error), ISYM_CLOSED, "closed");
    isym_ticket_free(ticket);
    isym_handle_free(handle);
    isym_snapshot_free(snapshot);
}

int main(void)
{
    null_objects();
    zeroed_views();
    bad_settings();

    isym_sandbox *sandbox = NULL;
    isym_live *live = NULL;
    isym_snapshot *snapshot = NULL;
    MUST(isym_sandbox_new(NULL, &sandbox, &error));
    isym_config *config = isym_config_new(isym_sandbox_url(sandbox).ptr);
    MUST(isym_live_open(config, &live, &error));
    isym_config_free(config);
    MUST(isym_live_wait(live, ISYM_FOREVER, &error));
    MUST(isym_live_snapshot(live, ISYM_ANY_AGE, &snapshot, &error));
    bad_names(live, snapshot, sandbox);
    isym_snapshot_free(snapshot);
    after_the_end(live);
    isym_sandbox_free(sandbox);
    return done();
}
