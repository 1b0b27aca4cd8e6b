/* What the C interface does, beyond what the contract cases ask of every language. */
#include "check.h"

#include <time.h>

static isym_sandbox *sandbox;
static isym_live *live;

/* What the log callback got: all lines, those of actions, and the last of these. */
static int lines, audited;
static char audit[4096];

static void count_line(isym_log_level level, isym_str target, isym_str message, void *userdata)
{
    if (userdata != &lines || level > ISYM_LOG_DEBUG || strncmp(target.ptr, "isymphony", 9) != 0 || message.len == 0 ||
        strstr(message.ptr, "s3cret") != NULL || isym_version().len == 0)
        return;
    __atomic_add_fetch(&lines, 1, __ATOMIC_RELAXED);
    /* An action is logged by the thread that calls it. */
    if (strcmp(target.ptr, "isymphony::action") == 0) {
        audited++;
        snprintf(audit, sizeof audit, "%s", message.ptr);
    }
}

/* One action was logged since the last look, so and so. */
static int logged(const char *starts, const char *holds)
{
    int one = audited == 1 && strncmp(audit, starts, strlen(starts)) == 0 && strstr(audit, holds) != NULL;
    if (!one)
        fprintf(stderr, "%d lines, the last: %s\n", audited, audit);
    audited = 0;
    return one;
}

static void nap(int ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&time, NULL);
}

static isym_snapshot *pin(void)
{
    isym_snapshot *snapshot = NULL;
    MUST(isym_live_snapshot(live, ISYM_ANY_AGE, &snapshot, &error));
    return snapshot;
}

static void versions_and_names(void)
{
    char macros[32];
    snprintf(macros, sizeof macros, "%d.%d.%d", ISYM_VERSION_MAJOR, ISYM_VERSION_MINOR, ISYM_VERSION_PATCH);
    SAME(isym_version(), ISYM_VERSION);
    SAME(isym_version(), macros);
    SAME(isym_status_name(ISYM_OK), "ok");
    SAME(isym_status_name(ISYM_NOT_FOUND), "not_found");
    CHECK(ISYM_NOT_FOUND == 7 && ISYM_INTERNAL == 18);
    SAME(isym_kind_name(ISYM_KIND_CALL_SEGMENT), "CallSegment");
    CHECK(isym_kind_from_name("call_segments") == ISYM_KIND_CALL_SEGMENT);

    isym_uuid id, again;
    char text[37];
    MUST(isym_uuid_parse("EF2FABA9-8557-49c1-9ffc-5a71f41c7a23", &id, &error));
    isym_uuid_format(id, text);
    CHECK(strcmp(text, "ef2faba9-8557-49c1-9ffc-5a71f41c7a23") == 0 && id.bytes[0] == 0xef);
    MUST(isym_uuid_parse("ef2faba9855749c19ffc5a71f41c7a23", &again, &error));
    CHECK(isym_uuid_equal(id, again));
    FAILS(isym_uuid_parse("4224", &id, &error), ISYM_INVALID_ARGUMENT, "not a UUID");
}

static void settings(void)
{
    isym_config *config = isym_config_new("http://pbx:58080");
    const char *slugs[] = {"default", "north"};
    const uint32_t kinds[] = {ISYM_KIND_EXTENSION, ISYM_KIND_USER};
    MUST(isym_config_set_credentials(config, "manager", "secret", &error));
    MUST(isym_config_set_core_servers(config, slugs, 2, &error));
    MUST(isym_config_set_core_servers(config, NULL, 0, &error));
    MUST(isym_config_set_kinds(config, kinds, 2, &error));
    MUST(isym_config_set_events(config, false, &error));
    MUST(isym_config_set_max_requests_per_second(config, 20.5, &error));
    MUST(isym_config_set_connections(config, 2, &error));
    MUST(isym_config_set_body_limit(config, 1 << 20, &error));
    MUST(isym_config_set_header_limit(config, 1 << 16, &error));
    MUST(isym_config_set_text_limit(config, 1 << 16, &error));
    MUST(isym_config_set_depth_limit(config, 32, &error));
    MUST(isym_config_set_object_limit(config, 1000, &error));
    MUST(isym_config_set_connect_timeout(config, 1000, &error));
    MUST(isym_config_set_first_byte_timeout(config, 1000, &error));
    MUST(isym_config_set_silence_timeout(config, 1000, &error));
    MUST(isym_config_set_request_timeout(config, 1000, &error));
    MUST(isym_config_set_action_timeout(config, 1000, &error));
    MUST(isym_config_set_backoff(config, 100, 1000, &error));
    MUST(isym_config_set_event_silence(config, 5000, 1000, &error));
    MUST(isym_config_set_cadence(config, ISYM_KIND_USER, 1000, 9000, &error));
    MUST(isym_config_set_proxy(config, "http://proxy:3128", &error));
    MUST(isym_config_set_proxy(config, NULL, &error));
    MUST(isym_config_set_action_path(config, ISYM_KIND_EXTENSION, "originate", "call/make", &error));
    MUST(isym_config_set_action_body_key(config, ISYM_KIND_EXTENSION, "originate", "destination", "to", &error));
    MUST(isym_config_validate(config, &error));

    FAILS(isym_config_set_connections(config, 0, &error), ISYM_CONFIG, "connections is 0");
    FAILS(isym_config_set_connect_timeout(config, 0, &error), ISYM_CONFIG, "connect_timeout");
    FAILS(isym_config_set_connect_timeout(config, -5, &error), ISYM_INVALID_ARGUMENT, "-5");
    FAILS(isym_config_set_backoff(config, 10, 5, &error), ISYM_CONFIG, "backoff");
    FAILS(isym_config_set_credentials(config, "a:b", "secret", &error), ISYM_CONFIG, "user");
    FAILS(isym_config_set_action_path(config, ISYM_KIND_EXTENSION, "fly", "fly", &error), ISYM_CONFIG, "originate");
    FAILS(isym_config_set_proxy(config, "ftp://proxy", &error), ISYM_CONFIG, "prox");

    isym_config *copy = isym_config_clone(config);
    MUST(isym_config_set_ca_file(config, "/nowhere/ca.pem", &error));
    MUST(isym_config_set_client_cert(config, "/nowhere/cert.pem", "/nowhere/key.pem", &error));
    MUST(isym_config_set_verify(config, true, &error));
    FAILS(isym_config_validate(config, &error), ISYM_CONFIG, "https");
    MUST(isym_config_validate(copy, &error));
    isym_config_free(copy);
    isym_config_free(config);

    config = isym_config_new("gopher://pbx");
    CHECK(config != NULL);
    FAILS(isym_config_validate(config, &error), ISYM_CONFIG, "http");
    FAILS(isym_config_set_events(config, true, &error), ISYM_CONFIG, "http");
    FAILS(isym_live_open(config, &live, &error), ISYM_CONFIG, "http");
    CHECK(live == NULL);
    isym_config_free(config);
}

static void open_client(void)
{
    isym_sandbox_config *world = isym_sandbox_config_new();
    const char *slugs[] = {"default", "north"};
    MUST(isym_sandbox_config_set_users(world, 12, &error));
    MUST(isym_sandbox_config_set_queues(world, 2, &error));
    MUST(isym_sandbox_config_set_core_servers(world, slugs, 2, &error));
    MUST(isym_sandbox_config_set_credentials(world, "manager", "s3cret", &error));
    MUST(isym_sandbox_config_set_ring_time(world, 60000, &error));
    MUST(isym_sandbox_new(world, &sandbox, &error));
    isym_sandbox_config_free(world);
    CHECK(isym_sandbox_port(sandbox) != 0 && isym_sandbox_incarnation(sandbox) == 1);

    isym_config *config = isym_config_new(isym_sandbox_url(sandbox).ptr);
    MUST(isym_config_set_credentials(config, "manager", "wrong", &error));
    MUST(isym_config_set_backoff(config, 20, 500, &error)); // What is cut off comes back soon.
    MUST(isym_live_open(config, &live, &error));
    isym_config_free(config);
    FAILS(isym_live_wait(live, 300, &error), ISYM_SYNC_TIMEOUT, "");
    isym_snapshot *empty = pin();
    CHECK(!isym_snapshot_has_data(empty) && isym_snapshot_age_ms(empty) == INT64_MAX
          && isym_snapshot_confirmed_at_ms(empty) == 0);
    CHECK(isym_snapshot_epoch(empty) == 0 && isym_snapshot_generation(empty) == 0);
    isym_snapshot *none = NULL;
    FAILS(isym_live_snapshot(live, 1000, &none, &error), ISYM_STALE, "nothing was synced");
    CHECK(none == NULL);
    isym_snapshot_free(empty);

    for (int i = 0; i < 500 && isym_live_state(live) != ISYM_STATE_FAILED; i++)
        nap(20);
    isym_health *health = isym_live_health(live);
    isym_problem problem = {0};
    CHECK(isym_health_state(health) == ISYM_STATE_FAILED && isym_live_state(live) == ISYM_STATE_FAILED);
    CHECK(!isym_health_has_data(health) && isym_health_since_ms(health) > 1500000000000);
    CHECK(isym_health_last_problem(health, &problem) == ISYM_OK);
    CHECK(isym_error_code(problem.error) == ISYM_AUTH && isym_error_http_status(problem.error) == 401);
    CHECK(strstr(isym_error_message(problem.error).ptr, "wrong") == NULL || problem.at_ms > 0);
    CHECK(isym_health_failing_at(health, isym_health_failing_count(health), &problem) == ISYM_NOT_FOUND);
    CHECK(isym_health_overdue_count(health) == 0);
    CHECK(isym_health_events(health) != ISYM_EVENTS_OFF && isym_health_events(health) != ISYM_EVENTS_NONE);
    isym_health_free(health);

    MUST(isym_live_set_credentials(live, "manager", "s3cret", &error));
    MUST(isym_live_wait(live, 60000, &error));
    CHECK(isym_live_state(live) == ISYM_STATE_LIVE);
}

static void snapshots(void)
{
    isym_snapshot *snapshot = pin();
    isym_resource resource = {0}, other = {0};
    isym_list list;
    CHECK(isym_snapshot_has_data(snapshot) && isym_snapshot_epoch(snapshot) == 1);
    CHECK(isym_snapshot_source(snapshot) == ISYM_SOURCE_LIVE && isym_snapshot_age_ms(snapshot) < 60000);
    CHECK(llabs(isym_snapshot_confirmed_at_ms(snapshot) - (int64_t)time(NULL) * 1000) < 60000);
    CHECK(isym_list_count(isym_snapshot_core_servers(snapshot)) == 2);

    MUST(isym_snapshot_resolve_list(snapshot, "coreServers/getByName/north/extensions", &list, &error));
    CHECK(isym_list_count(list) == 12 && isym_list_kind(list) == ISYM_KIND_EXTENSION && isym_list_is_known(list));
    CHECK(isym_list_age_ms(list) < 60000);
    CHECK(isym_list_find(list, "4224", &resource) == ISYM_OK);
    MUST(isym_list_by_name(list, "4224", &other, &error));
    CHECK(isym_resource_equal(resource, other));
    CHECK(isym_list_by_id(list, isym_resource_id(resource), &other) == ISYM_OK && isym_resource_equal(resource, other));
    CHECK(isym_snapshot_by_id(snapshot, isym_resource_id(resource), &other) == ISYM_OK);
    CHECK(isym_list_find(list, "9999", &resource) == ISYM_NOT_FOUND);
    FAILS(isym_list_by_name(list, "9999", &resource, &error), ISYM_NOT_FOUND, "9999");
    CHECK(isym_list_at(list, 12, &resource) == ISYM_NOT_FOUND);
    CHECK(isym_list_at(list, SIZE_MAX, &resource) == ISYM_NOT_FOUND);
    FAILS(isym_snapshot_resolve(snapshot, "coreServers/getByName/north/extensions", &resource, &error),
          ISYM_INVALID_PATH, "list");
    FAILS(isym_snapshot_resolve_list(snapshot, "coreServers/getByName/north", &list, &error), ISYM_INVALID_PATH, "one");
    FAILS(isym_snapshot_resolve(snapshot, "coreServers/getByName/south", &resource, &error), ISYM_NOT_FOUND, "south");
    FAILS(isym_snapshot_resolve(snapshot, "somewhere", &resource, &error), ISYM_INVALID_PATH, "somewhere");

    isym_snapshot *clone = isym_snapshot_clone(snapshot);
    isym_extension extension = {0};
    isym_user user = {0};
    isym_queue queue = {0};
    isym_conference_room room;
    isym_core_server server;
    isym_property property;
    isym_snapshot_free(snapshot);
    CHECK(isym_snapshot_extension(clone, "default", "4224", &extension) == ISYM_OK);
    CHECK(isym_snapshot_user(clone, "default", "4224", &user) == ISYM_OK);
    CHECK(isym_snapshot_queue(clone, "default", "5001", &queue) == ISYM_OK);
    CHECK(isym_snapshot_conference(clone, "default", "8001", &room) == ISYM_OK);
    CHECK(isym_snapshot_core_server(clone, "default", &server) == ISYM_OK);
    CHECK(isym_snapshot_extension(clone, "south", "4224", &extension) == ISYM_NOT_FOUND);
    CHECK(isym_snapshot_extension(clone, "default", "9999", &extension) == ISYM_NOT_FOUND);
    SAME(isym_extension_extension_number(extension), "4224");
    SAME(isym_resource_name(extension.resource), "4224");
    SAME(isym_resource_configuration_id(extension.resource), isym_extension_configuration_id(extension).ptr);
    SAME(isym_user_user_name(user), "4224");
    SAME(isym_queue_identifier(queue), "5001");
    SAME(isym_conference_room_identifier(room), "8001");
    SAME(isym_core_server_slug(server), "default");
    CHECK(isym_resource_kind(extension.resource) == ISYM_KIND_EXTENSION);
    CHECK(isym_resource_as_user(extension.resource, &user) == ISYM_NOT_FOUND);
    CHECK(isym_resource_core_server(extension.resource, &server) == ISYM_OK);

    CHECK(isym_resource_property(extension.resource, "displayName", &property) == ISYM_OK);
    CHECK(property.state == ISYM_PROPERTY_PRESENT && property.value_type == ISYM_TYPE_TEXT);
    SAME(property.text, isym_extension_display_name(extension).ptr);
    SAME(property.name, "displayName");
    CHECK(isym_resource_property(extension.resource, "display_name", &property) == ISYM_OK);
    CHECK(isym_resource_property(extension.resource, "colour", &property) == ISYM_NOT_FOUND);
    CHECK(isym_resource_property_state(extension.resource, "colour") == ISYM_PROPERTY_UNKNOWN);
    for (size_t i = 0; i < isym_resource_property_count(extension.resource); i++)
        CHECK(isym_resource_property_at(extension.resource, i, &property) == ISYM_OK && property.name.len > 0);
    CHECK(isym_resource_property_at(extension.resource, 99, &property) == ISYM_NOT_FOUND);
    CHECK(isym_list_count(isym_resource_sub(server.resource, "extensions")) == 12);
    CHECK(isym_list_count(isym_resource_sub(server.resource, "elephants")) == 0);

    isym_text *raw = isym_resource_raw(extension.resource);
    isym_text *path = isym_resource_path(extension.resource);
    isym_text *id_path = isym_resource_id_path(extension.resource);
    CHECK(strstr(isym_text_str(raw).ptr, "\"extensionNumber\":\"4224\"") != NULL);
    SAME(isym_text_str(path), "coreServers/getByName/default/extensions/getByName/4224");
    CHECK(strncmp(isym_text_str(id_path).ptr, "coreServers/", 12) == 0 && isym_text_str(id_path).len == 96);
    CHECK(isym_resource_age_ms(extension.resource) < 60000 && isym_resource_confirmed_at_ms(extension.resource) > 0);
    isym_text_free(raw);
    isym_text_free(path);
    isym_text_free(id_path);
    isym_snapshot_free(clone);
}

static void relations(void)
{
    isym_snapshot *snapshot = NULL;
    isym_uuid call, waiting;
    isym_extension extension = {0}, found = {0};
    isym_user user = {0};
    isym_user_status status = {0};
    isym_queue queue = {0};
    isym_agent agent = {0};
    isym_statistics statistics = {0};
    isym_call_segment segment = {0};
    isym_conference_room room;
    isym_resource resource = {0};
    isym_login login = {0};
    MUST(isym_sandbox_add_call(sandbox, NULL, "4224", "Ada", "5551234", "800", &call, &error));
    MUST(isym_sandbox_hold(sandbox, NULL, call, true, &error));
    MUST(isym_sandbox_log_in_user(sandbox, NULL, "4224", "10.1.2.3", 4000, NULL, &error));
    MUST(isym_sandbox_add_queue(sandbox, NULL, "5999", "Lonely", NULL, &error));
    MUST(isym_sandbox_queue_call(sandbox, NULL, "5999", "Bob", "5554321", NULL, &waiting, &error));
    for (int i = 0; i < 200; i++) {
        isym_snapshot_free(snapshot);
        MUST(isym_live_refresh(live, 60000, &snapshot, &error));
        if (isym_snapshot_extension(snapshot, "default", "4224", &extension) == ISYM_OK &&
            isym_snapshot_by_id(snapshot, call, &resource) == ISYM_OK &&
            isym_snapshot_by_id(snapshot, waiting, &resource) == ISYM_OK &&
            isym_snapshot_user(snapshot, "default", "4224", &user) == ISYM_OK &&
            isym_list_count(isym_user_logins(user)) > 1 &&
            isym_list_count(isym_extension_call_segments(extension)) > 0 &&
            isym_snapshot_queue(snapshot, "default", "5999", &queue) == ISYM_OK &&
            isym_list_count(isym_queue_call_segments(queue)) > 0)
            break;
        nap(50);
    }
    CHECK(isym_list_count(isym_extension_call_segments(extension)) == 1);
    CHECK(isym_list_at(isym_extension_call_segments(extension), 0, &resource) == ISYM_OK);
    CHECK(isym_resource_as_call_segment(resource, &segment) == ISYM_OK);
    CHECK(isym_uuid_equal(isym_call_segment_id(segment), call));
    SAME(isym_call_segment_caller_id_name(segment), "Ada");
    SAME(isym_call_segment_caller_id_number(segment), "5551234");
    SAME(isym_call_segment_did(segment), "800");
    CHECK(isym_call_segment_incoming(segment) && isym_call_segment_on_hold(segment));
    CHECK(!isym_call_segment_recording(segment) && isym_call_segment_caller_id_id(segment).len == 36);
    CHECK(isym_call_segment_extension(segment, &found) == ISYM_OK);
    SAME(isym_extension_extension_number(found), "4224");
    CHECK(isym_call_segment_queue(segment, &queue) == ISYM_NOT_FOUND);
    CHECK(isym_call_segment_conference(segment, &room) == ISYM_NOT_FOUND);
    CHECK(isym_snapshot_by_id(snapshot, waiting, &resource) == ISYM_OK);
    CHECK(isym_resource_as_call_segment(resource, &segment) == ISYM_OK);
    CHECK(isym_call_segment_queue(segment, &queue) == ISYM_OK);
    SAME(isym_queue_identifier(queue), "5999");
    CHECK(isym_resource_property_state(segment.resource, "did") == ISYM_PROPERTY_NULL ||
          isym_resource_property_state(segment.resource, "did") == ISYM_PROPERTY_PRESENT);

    CHECK(isym_extension_user_count(extension) == 1 && isym_extension_user_at(extension, 0, &user) == ISYM_OK);
    CHECK(isym_extension_user_at(extension, 1, &user) == ISYM_NOT_FOUND);
    SAME(isym_user_user_name(user), "4224");
    CHECK(isym_list_count(isym_user_extensions(user)) == 1 && isym_list_count(isym_user_logins(user)) >= 1);
    CHECK(isym_list_at(isym_user_logins(user), isym_list_count(isym_user_logins(user)) - 1, &resource) == ISYM_OK);
    CHECK(isym_resource_as_login(resource, &login) == ISYM_OK);
    SAME(isym_login_ip(login), "10.1.2.3");
    CHECK(isym_login_port(login) == 4000 && isym_login_time_connected_ms(login) > 1500000000000);
    CHECK(isym_login_user(login, &user) == ISYM_OK);
    CHECK(isym_user_status_of(user, &status) == ISYM_OK && isym_user_status_name(status).len > 0);
    CHECK(isym_user_status_return_time_ms(status) == -1 && isym_user_status_note(status).len == 0);
    CHECK(isym_user_status_user(status, &user) == ISYM_OK);
    SAME(isym_user_user_name(user), "4224");

    CHECK(isym_snapshot_queue(snapshot, "default", "5001", &queue) == ISYM_OK);
    CHECK(isym_list_count(isym_queue_agents(queue)) == 4);
    CHECK(isym_list_at(isym_queue_agents(queue), 0, &resource) == ISYM_OK);
    CHECK(isym_resource_as_agent(resource, &agent) == ISYM_OK && isym_agent_state(agent).len > 0);
    CHECK(isym_agent_queue(agent, &queue) == ISYM_OK);
    SAME(isym_queue_identifier(queue), "5001");
    CHECK(isym_agent_extension(agent, &found) == ISYM_OK);
    CHECK(isym_agent_statistics(agent, &statistics) == ISYM_OK);
    CHECK(isym_resource_extra(statistics.resource).len > 0);
    CHECK(isym_statistics_agent(statistics, &agent) == ISYM_OK);
    bool mine = false;
    for (size_t i = 0; i < isym_extension_agent_count(found); i++) {
        isym_agent other;
        CHECK(isym_extension_agent_at(found, i, &other) == ISYM_OK);
        mine = mine || isym_uuid_equal(isym_agent_id(agent), isym_agent_id(other));
    }
    CHECK(mine);
    isym_snapshot_free(snapshot);
    MUST(isym_sandbox_hang_up_all(sandbox, NULL, &error));
}

static void posted(const char *method, const char *end, const char *body)
{
    isym_requests *requests = isym_sandbox_requests(sandbox);
    isym_request request = {0};
    bool found = false;
    for (size_t i = isym_requests_count(requests); i-- > 0 && !found;) {
        CHECK(isym_requests_at(requests, i, &request) == ISYM_OK);
        found = strcmp(request.method.ptr, method) == 0;
    }
    CHECK(found && request.path.len >= strlen(end) && request.authorized);
    CHECK(strcmp(request.path.ptr + request.path.len - strlen(end), end) == 0);
    SAME(request.body, body);
    isym_requests_free(requests);
}

static void actions(void)
{
    isym_ticket *ticket = NULL;
    isym_snapshot *snapshot = NULL;
    isym_queue queue = {0};
    isym_agent agent = {0};
    isym_resource resource = {0};
    isym_uuid id;
    char body[64];
    bool dnd = false;

    FAILS(isym_extension_set_dnd(live, NULL, "4224", true, &ticket, &error), ISYM_AMBIGUOUS, "north");
    MUST(isym_extension_set_dnd(live, "default", "4224", true, &ticket, &error));
    CHECK(isym_ticket_outcome(ticket) == ISYM_OUTCOME_ACCEPTED && isym_ticket_error(ticket) == NULL);
    CHECK(strstr(isym_ticket_path(ticket).ptr, "/enableDnd") != NULL);
    isym_ticket_free(ticket);
    MUST(isym_sandbox_dnd(sandbox, NULL, "4224", &dnd, &error));
    CHECK(dnd);
    posted("POST", "/enableDnd", "");
    MUST(isym_extension_set_dnd(live, "default", "4224", false, NULL, &error));

    audited = 0;
    MUST(isym_user_set_status(live, "default", "4224", "Lunch", "away", "back soon", 1700000000000, &ticket, &error));
    CHECK(logged("action=\"Status.set\" target=\"coreServers/getByName/default/users/getByName/4224/status\" id=",
                 " args=\"type:away\" sent=yes tries=1 http=204 outcome=accepted ms="));
    CHECK(strstr(audit, "Lunch") == NULL && strstr(audit, "back soon") == NULL);
    MUST(isym_ticket_wait(ticket, 5000, &snapshot, &error));
    isym_user user = {0};
    isym_user_status status = {0};
    CHECK(isym_snapshot_user(snapshot, "default", "4224", &user) == ISYM_OK);
    CHECK(isym_user_status_of(user, &status) == ISYM_OK);
    SAME(isym_user_status_name(status), "Lunch");
    SAME(isym_user_status_type(status), "away");
    SAME(isym_user_status_note(status), "back soon");
    CHECK(isym_user_status_return_time_ms(status) == 1700000000000);
    isym_ticket_free(ticket);
    isym_snapshot_free(snapshot);
    snapshot = NULL;
    FAILS(isym_user_set_status(live, "default", "4224", "Lunch", "purple", NULL, -1, NULL, &error),
          ISYM_INVALID_ARGUMENT, "altpurple");
    CHECK(logged("action=\"Status.set\"", " sent=no tries=0 http=- outcome=refused"));
    FAILS(isym_user_set_status(live, NULL, "nobody", "Lunch", "away", NULL, -1, NULL, &error), ISYM_NOT_FOUND, "nobody");
    CHECK(logged("action=\"Status.set\" target=\"\" id=- path=\"\"", "code=not_found"));

    MUST(isym_sandbox_id_of(sandbox, NULL, ISYM_KIND_EXTENSION, "4224", &id, &error));
    MUST(isym_sandbox_add_queue(sandbox, NULL, "5998", "Busy", NULL, &error));
    for (int i = 0; i < 200 && !isym_list_is_known(isym_queue_agents(queue)); i++) {
        nap(20);
        isym_snapshot_free(snapshot);
        MUST(isym_live_refresh(live, 5000, &snapshot, &error));
        CHECK(isym_snapshot_queue(snapshot, "default", "5998", &queue) == ISYM_OK);
    }
    isym_snapshot_free(snapshot);
    MUST(isym_queue_login(live, "default", "5998", "4224", &ticket, &error));
    MUST(isym_ticket_wait(ticket, 5000, &snapshot, &error));
    isym_ticket_free(ticket);
    char text[37];
    isym_uuid_format(id, text);
    snprintf(body, sizeof body, "{\"extensionId\":\"%s\"}", text);
    posted("POST", "/login", body);
    CHECK(isym_snapshot_queue(snapshot, "default", "5998", &queue) == ISYM_OK);
    CHECK(isym_list_at(isym_queue_agents(queue), 0, &resource) == ISYM_OK);
    CHECK(isym_resource_as_agent(resource, &agent) == ISYM_OK && isym_agent_dynamic(agent));
    MUST(isym_agent_pause(live, agent, NULL, &error));
    MUST(isym_agent_set_penalty(live, agent, 3, NULL, &error));
    posted("POST", "/setPenalty", "{\"penalty\":3}");
    FAILS(isym_agent_set_penalty(live, agent, -3, NULL, &error), ISYM_INVALID_ARGUMENT, "penalty");
    MUST(isym_agent_unpause(live, agent, NULL, &error));
    MUST(isym_agent_logout(live, agent, NULL, &error));
    FAILS(isym_queue_logout(live, "default", "5998", "4224", NULL, &error), ISYM_REJECTED, "");
    isym_snapshot_free(snapshot);

    MUST(isym_extension_originate(live, "default", "4224", "5551234", &ticket, &error));
    MUST(isym_ticket_wait(ticket, 5000, &snapshot, &error));
    isym_changes *calls = NULL;
    MUST(isym_ticket_call_segments(ticket, 5000, &calls, &error));
    isym_change call = {0};
    CHECK(isym_changes_count(calls) == 1 && isym_changes_at(calls, 0, &call) == ISYM_OK);
    CHECK(call.kind == ISYM_CHANGE_ADDED && isym_resource_kind(call.resource) == ISYM_KIND_CALL_SEGMENT);
    isym_changes_free(calls);
    isym_ticket_free(ticket);
    isym_extension extension = {0};
    isym_call_segment segment = {0};
    CHECK(isym_snapshot_extension(snapshot, "default", "4224", &extension) == ISYM_OK);
    CHECK(isym_list_at(isym_extension_call_segments(extension), 0, &resource) == ISYM_OK);
    CHECK(isym_resource_as_call_segment(resource, &segment) == ISYM_OK);
    MUST(isym_call_segment_transfer(live, segment, "5001", NULL, &error));
    posted("POST", "/transfer", "{\"destination\":\"5001\"}");
    isym_snapshot_free(snapshot);
    MUST(isym_sandbox_hang_up_all(sandbox, NULL, &error));
    FAILS(isym_extension_originate(live, "default", "9999", "1", NULL, &error), ISYM_NOT_FOUND, "9999");

    MUST(isym_live_post(live, "coreServers/getByName/default/extensions/getByName/4224/enableDnd", NULL,
                        ISYM_DEFAULT_TIMEOUT, NULL, &error));
    FAILS(isym_live_post(live, "coreServers/../x", NULL, -1, NULL, &error), ISYM_INVALID_PATH, "..");
    FAILS(isym_live_post(live, "coreServers/x", "{", -1, NULL, &error), ISYM_INVALID_ARGUMENT, "JSON");
    MUST(isym_sandbox_fault(sandbox, "status=500; method=POST; times=1", &error));
    MUST(isym_extension_set_dnd(live, "default", "4224", false, &ticket, &error));
    CHECK(isym_ticket_outcome(ticket) == ISYM_OUTCOME_UNCERTAIN);
    CHECK(isym_error_code(isym_ticket_error(ticket)) == ISYM_OUTCOME_UNKNOWN);
    CHECK(isym_error_http_status(isym_ticket_error(ticket)) == 500);
    isym_ticket_free(ticket);
    MUST(isym_sandbox_respond(sandbox, "POST */originate", 412, NULL, (const uint8_t *)"no such line", 12, &error));
    isym_error *refused = NULL;
    CHECK(isym_extension_originate(live, "default", "4224", "1", NULL, &refused) == ISYM_REJECTED);
    SAME(isym_error_server_message(refused), "no such line");
    CHECK(isym_error_http_status(refused) == 412 && !isym_error_retryable(refused));
    isym_error_free(refused);
    isym_sandbox_clear_overrides(sandbox);
}

static void handles(void)
{
    isym_handle *handle = NULL, *named = NULL, *of = NULL;
    isym_args *args = isym_args_new();
    isym_ticket *ticket = NULL;
    isym_snapshot *old = pin(), *snapshot = NULL;
    isym_resource resource = {0};
    isym_uuid before, after;
    isym_changes *changes = NULL;
    isym_change change = {0};

    MUST(isym_live_handle(live, "coreServers/getByName/default/extensions/getByName/4224", &handle, &error));
    MUST(isym_live_handle_named(live, "default", ISYM_KIND_EXTENSION, "4224", &named, &error));
    MUST(isym_handle_get(handle, old, &resource, &error));
    MUST(isym_live_handle_of(live, resource, &of, &error));
    MUST(isym_handle_resolve(named, &before, &error));
    CHECK(isym_uuid_equal(before, isym_resource_id(resource)) && isym_handle_kind(of) == ISYM_KIND_EXTENSION);
    isym_text *path = isym_handle_path(of);
    SAME(isym_text_str(path), "coreServers/getByName/default/extensions/getByName/4224");
    isym_text_free(path);
    FAILS(isym_live_handle_named(live, NULL, ISYM_KIND_AGENT, "x", &of, &error), ISYM_INVALID_ARGUMENT, "Agent");

    MUST(isym_args_set_text(args, "destination", "1", &error));
    MUST(isym_args_set_text(args, "destination", "5550000", &error));
    MUST(isym_handle_act(handle, "originate", args, 5000, &ticket, &error));
    posted("POST", "/originate", "{\"destination\":\"5550000\"}");
    isym_ticket_free(ticket);
    FAILS(isym_handle_act(handle, "originate", NULL, 5000, &ticket, &error), ISYM_INVALID_ARGUMENT, "destination");
    FAILS(isym_handle_act(handle, "fly", NULL, 5000, &ticket, &error), ISYM_UNSUPPORTED, "originate");
    MUST(isym_args_set_int(args, "destination", 7, &error));
    FAILS(isym_handle_act(handle, "originate", args, 5000, &ticket, &error), ISYM_INVALID_ARGUMENT, "text");
    MUST(isym_args_set_uuid(args, "destination", before, &error));
    MUST(isym_live_act(live, resource, "originate", args, -1, NULL, &error));
    posted("POST", "/originate", "{\"destination\":\"4224\"}");
    MUST(isym_live_act(live, resource, "enable_dnd", NULL, -1, NULL, &error));
    isym_args_free(args);

    MUST(isym_sandbox_set_display_name(sandbox, NULL, "4224", "Renamed", &error));
    MUST(isym_live_refresh(live, 5000, &snapshot, &error));
    MUST(isym_snapshot_diff(snapshot, old, &changes, &error));
    bool seen = false;
    for (size_t i = 0; i < isym_changes_count(changes); i++) {
        isym_extension extension, previous;
        CHECK(isym_changes_at(changes, i, &change) == ISYM_OK && isym_resource_kind(change.resource) != ISYM_KIND_NONE);
        if (change.kind == ISYM_CHANGE_CHANGED && isym_resource_as_extension(change.after, &extension) == ISYM_OK) {
            CHECK(isym_resource_as_extension(change.before, &previous) == ISYM_OK);
            SAME(isym_extension_display_name(extension), "Renamed");
            CHECK(strcmp(isym_extension_display_name(previous).ptr, "Renamed") != 0);
            seen = true;
        }
    }
    CHECK(seen && isym_changes_at(changes, isym_changes_count(changes), &change) == ISYM_NOT_FOUND);
    FAILS(isym_snapshot_diff(old, snapshot, &changes, &error), ISYM_INVALID_ARGUMENT, "newer");
    isym_changes_free(changes);

    isym_sandbox_restart(sandbox);
    isym_handle *strict = isym_handle_strict(handle);
    isym_binding binding = {0};
    CHECK(isym_handle_is_strict(strict) && !isym_handle_is_strict(handle));
    CHECK(isym_handle_binding(strict, &binding) == ISYM_OK);
    CHECK(isym_uuid_equal(binding.id, before) && binding.epoch == 1 && binding.rebinds == 0);
    isym_snapshot *now = NULL;
    for (int i = 0; i < 200; i++) {
        isym_snapshot_free(now);
        MUST(isym_live_refresh(live, 60000, &now, &error));
        if (isym_snapshot_epoch(now) > isym_snapshot_epoch(snapshot))
            break;
    }
    MUST(isym_handle_resolve(handle, &after, &error));
    CHECK(!isym_uuid_equal(before, after));
    CHECK(isym_snapshot_by_id(now, before, &resource) == ISYM_NOT_FOUND);
    MUST(isym_snapshot_diff(now, snapshot, &changes, &error));
    CHECK(isym_changes_at(changes, 0, &change) == ISYM_OK && change.kind == ISYM_CHANGE_EPOCH_CHANGED);
    isym_snapshot_free(now);
    isym_snapshot_free(snapshot);
    isym_snapshot_free(old);
    CHECK(isym_resource_kind(change.after) == ISYM_KIND_CORE_SERVER);
    isym_changes_free(changes);

    MUST(isym_handle_resolve(strict, &before, &error));
    CHECK(isym_uuid_equal(before, after) && isym_handle_binding(strict, &binding) == ISYM_OK);
    CHECK(binding.epoch == 2 && binding.rebinds == 1 && binding.other_objects == 0);
    isym_handle_free(strict);

    isym_handle *copy = isym_handle_clone(handle);
    isym_handle_free(handle);
    MUST(isym_handle_resolve(copy, &after, &error));
    isym_handle_free(copy);
    isym_handle_free(named);
    isym_handle_free(of);
}

/* Actions with options; reads with a limit to their age; statuses by likeness; events that are refused. */
static void options(void)
{
    const char *path = "coreServers/getByName/default/extensions/getByName/7777";
    isym_handle *handle = NULL;
    isym_ticket *ticket = NULL;
    isym_snapshot *snapshot = NULL;
    isym_resource resource = {0};
    isym_user user = {0};
    const isym_action_options forced = {.force = true};

    MUST(isym_live_handle(live, path, &handle, &error));
    FAILS(isym_handle_act_with(handle, "enable_dnd", NULL, (isym_action_options){0}, NULL, &error), ISYM_NOT_FOUND,
          "not sent");
    FAILS(isym_handle_act_with(handle, "enable_dnd", NULL, forced, NULL, &error), ISYM_NOT_FOUND, "404");
    MUST(isym_sandbox_add_extension(sandbox, NULL, "7777", "Seven", "mike", NULL, &error));
    MUST(isym_live_refresh(live, 60000, &snapshot, &error));
    MUST(isym_handle_get_within(handle, snapshot, 60000, &resource, &error));
    MUST(isym_handle_get_within(handle, snapshot, ISYM_ANY_AGE, &resource, &error));
    nap(5);
    FAILS(isym_handle_get_within(handle, snapshot, 1, &resource, &error), ISYM_STALE, "old");
    MUST(isym_live_act_with(live, resource, "enable_dnd", NULL, (isym_action_options){0}, &ticket, &error));
    CHECK(isym_ticket_outcome(ticket) == ISYM_OUTCOME_ACCEPTED);
    isym_ticket_free(ticket);
    MUST(isym_sandbox_remove_extension(sandbox, NULL, "7777", &error));
    isym_snapshot *after = NULL;
    MUST(isym_live_refresh(live, 60000, &after, &error));
    FAILS(isym_live_act_with(live, resource, "enable_dnd", NULL, (isym_action_options){0}, NULL, &error), ISYM_NOT_FOUND,
          "gone");
    isym_error *refused = NULL;
    CHECK(isym_live_act_with(live, resource, "enable_dnd", NULL, forced, NULL, &refused) == ISYM_NOT_FOUND);
    CHECK(isym_error_http_status(refused) == 404);
    isym_error_free(refused);
    isym_snapshot_free(after);
    isym_snapshot_free(snapshot);
    isym_handle_free(handle);

    FAILS(isym_user_set_status_like(live, "default", "mike", "Siesta", NULL, &error), ISYM_NOT_FOUND, "Siesta");
    MUST(isym_sandbox_set_status(sandbox, NULL, "4224", "Siesta", "away", "until three", -1, &error));
    for (int i = 0; i < 500; i++) {
        isym_user_status status = {0};
        snapshot = pin();
        bool shown = isym_snapshot_user(snapshot, "default", "4224", &user) == ISYM_OK &&
                     isym_user_status_of(user, &status) == ISYM_OK &&
                     strcmp(isym_user_status_name(status).ptr, "Siesta") == 0;
        isym_snapshot_free(snapshot);
        if (shown)
            break;
        nap(20);
    }
    MUST(isym_user_set_status_like(live, "default", "mike", "Siesta", &ticket, &error));
    CHECK(isym_ticket_outcome(ticket) == ISYM_OUTCOME_ACCEPTED);
    isym_ticket_free(ticket);

    isym_problem problem = {0};
    isym_health *health = NULL;
    isym_sandbox_stop_listening(sandbox);
    for (int i = 0; i < 500; i++) {
        isym_health_free(health);
        health = isym_live_health(live);
        if (isym_health_events_problem(health, &problem) == ISYM_OK)
            break;
        nap(20);
    }
    CHECK(isym_error_code(problem.error) == ISYM_CONNECTION_FAILED && problem.kind == ISYM_KIND_NONE);
    isym_health_free(health);
    MUST(isym_sandbox_start_listening(sandbox, &error));
    MUST(isym_live_refresh(live, 60000, NULL, &error));
}

static void metrics(void)
{
    isym_metrics *metrics = isym_live_metrics(live);
    isym_metric metric;
    uint64_t requests = 0;
    for (size_t i = 0; i < isym_metrics_count(metrics); i++) {
        CHECK(isym_metrics_at(metrics, i, &metric) == ISYM_OK && metric.name.len > 0);
        if (strcmp(metric.name.ptr, "requests") == 0)
            requests = metric.value;
    }
    CHECK(requests > 10 && isym_metrics_at(metrics, 999, &metric) == ISYM_NOT_FOUND);
    isym_metrics_free(metrics);
}

/* The parts of the sandbox's script that nothing above needed. */
static void scripts(void)
{
    isym_uuid id, other;
    char text[37];
    MUST(isym_sandbox_add_user(sandbox, "north", "zoe", "Zoe", &id, &error));
    MUST(isym_sandbox_rename_user(sandbox, "north", "zoe", "zoë", &error));
    MUST(isym_sandbox_set_displayed_name(sandbox, "north", "zoë", "Zoë", &error));
    MUST(isym_sandbox_set_full_user(sandbox, "north", "zoë", false, &error));
    MUST(isym_sandbox_set_status(sandbox, "north", "zoë", "Chat", "chat", NULL, -1, &error));
    MUST(isym_sandbox_add_extension(sandbox, "north", "#1", "Star", "zoë", NULL, &error));
    MUST(isym_sandbox_rename_extension(sandbox, "north", "#1", "#2", &error));
    MUST(isym_sandbox_id_of(sandbox, "north", ISYM_KIND_EXTENSION, "#2", &other, &error));
    MUST(isym_sandbox_set_dnd(sandbox, "north", "#2", true, &error));
    MUST(isym_sandbox_log_in_agent(sandbox, "north", "5001", "#2", &id, &error));
    MUST(isym_sandbox_agent_id(sandbox, "north", "5001", "#2", &other, &error));
    CHECK(isym_uuid_equal(id, other));
    MUST(isym_sandbox_pause_agent(sandbox, "north", "5001", "#2", true, &error));
    MUST(isym_sandbox_set_agent_state(sandbox, "north", "5001", "#2", "BUSY", &error));
    FAILS(isym_sandbox_set_agent_state(sandbox, "north", "5001", "#2", "ASLEEP", &error), ISYM_INVALID_ARGUMENT, "");
    MUST(isym_sandbox_log_out_agent(sandbox, "north", "5001", "#2", &error));
    MUST(isym_sandbox_remove_extension(sandbox, "north", "#2", &error));
    MUST(isym_sandbox_log_out_user(sandbox, "north", "zoë", &error));
    MUST(isym_sandbox_remove_user(sandbox, "north", "zoë", &error));
    MUST(isym_sandbox_set_queue_enabled(sandbox, "north", "5002", false, &error));
    MUST(isym_sandbox_remove_queue(sandbox, "north", "5002", &error));
    MUST(isym_sandbox_add_conference(sandbox, "north", "8999", "Room", &id, &error));
    MUST(isym_sandbox_add_call(sandbox, "north", "4224", "Ada", "1", NULL, &id, &error));
    MUST(isym_sandbox_answer(sandbox, "north", id, &error));
    MUST(isym_sandbox_record(sandbox, "north", id, true, &error));
    MUST(isym_sandbox_join_conference(sandbox, "north", id, "8999", &error));
    MUST(isym_sandbox_transfer(sandbox, "north", id, "5001", &error));
    MUST(isym_sandbox_remove_conference(sandbox, "north", "8999", &error));
    MUST(isym_sandbox_originate(sandbox, "north", "4224", "5551234", &id, &error));
    MUST(isym_sandbox_hang_up(sandbox, "north", id, &error));
    FAILS(isym_sandbox_hang_up(sandbox, "north", id, &error), ISYM_NOT_FOUND, "");
    FAILS(isym_sandbox_hang_up_all(sandbox, "south", &error), ISYM_NOT_FOUND, "south");
    FAILS(isym_sandbox_fault(sandbox, "status=often", &error), ISYM_INVALID_ARGUMENT, "often");
    isym_uuid_format(id, text);

    isym_sandbox_clear_requests(sandbox);
    CHECK(isym_sandbox_request_count(sandbox) < 100);
    MUST(isym_sandbox_serve(sandbox, "coreServers", "[]", &error));
    isym_sandbox_clear_overrides(sandbox);
    isym_sandbox_set_denied(sandbox, true);
    isym_sandbox_set_denied(sandbox, false);
    isym_sandbox_set_demand_tls(sandbox, false);
    isym_sandbox_set_licensing(sandbox, true);
    isym_sandbox_set_conferences_enabled(sandbox, true);
    isym_sandbox_restart_at_request(sandbox, 1000000);
    isym_sandbox_clear_faults(sandbox);
    isym_sandbox_stop_listening(sandbox);
    MUST(isym_sandbox_start_listening(sandbox, &error));
    CHECK(isym_sandbox_connections(sandbox) < 100 && isym_sandbox_incarnation(sandbox) == 2);
    MUST(isym_sandbox_set_credentials(sandbox, NULL, NULL, &error));
}

int main(void)
{
    versions_and_names();
    settings();
    MUST(isym_set_log_callback(count_line, &lines, ISYM_LOG_DEBUG, &error));
    open_client();
    snapshots();
    relations();
    actions();
    handles();
    options();
    metrics();
    scripts();
    CHECK(__atomic_load_n(&lines, __ATOMIC_RELAXED) > 3);
    MUST(isym_set_log_callback(NULL, NULL, ISYM_LOG_OFF, &error));

    isym_live_close(live, 1000);
    CHECK(isym_live_state(live) == ISYM_STATE_CLOSED);
    FAILS(isym_live_refresh(live, 1000, NULL, &error), ISYM_CLOSED, "");
    isym_live_free(live);
    isym_sandbox_free(sandbox);
    return done();
}
