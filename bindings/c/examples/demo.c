/* The main job: the live state of a telephony server in this process, names resolved, and a call made.
 *
 *     cc demo.c -lisymphony -o demo
 *     ./demo                            on an embedded sandbox
 *     ./demo http://pbx:58080           on a real server: looks, and touches nothing
 *
 * The credentials come from ISYMPHONY_USERNAME and ISYMPHONY_PASSWORD, or from the URL.
 */
#include <isymphony.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char PATH[] = "coreServers/getByName/default/extensions/getByName/4224";

/* Prints what went wrong, frees it and ends. Fit for a demo; a program would rather go on with the last snapshot. (A pointer
 * to the error, as the call that makes it stands among the arguments, which are evaluated in any order.) */
static void check(isym_status status, isym_error **error, const char *what)
{
    if (status == ISYM_OK)
        return;
    fprintf(stderr, "%s: %s: %s\n", what, isym_status_name(status).ptr, isym_error_message(error ? *error : NULL).ptr);
    if (error)
        isym_error_free(*error);
    exit(1);
}

static isym_snapshot *pin(const isym_live *live)
{
    isym_error *error = NULL;
    isym_snapshot *snapshot = NULL;
    check(isym_live_snapshot(live, ISYM_ANY_AGE, &snapshot, &error), &error, "snapshot");
    return snapshot;
}

static void show_calls(isym_extension extension)
{
    isym_list calls = isym_extension_call_segments(extension);
    for (size_t i = 0; i < isym_list_count(calls); i++) {
        isym_resource resource;
        isym_call_segment call;
        if (isym_list_at(calls, i, &resource) != ISYM_OK || isym_resource_as_call_segment(resource, &call) != ISYM_OK)
            continue;
        printf("  %s call, %s: %s <%s>%s\n", isym_call_segment_type(call).ptr,
               isym_call_segment_incoming(call) ? "incoming" : "outgoing", isym_call_segment_caller_id_name(call).ptr,
               isym_call_segment_caller_id_number(call).ptr, isym_call_segment_on_hold(call) ? ", on hold" : "");
    }
    printf("  %zu call(s)\n", isym_list_count(calls));
}

static void show_extension(const isym_snapshot *snapshot)
{
    isym_error *error = NULL;
    isym_resource resource;
    isym_extension extension;
    check(isym_snapshot_resolve(snapshot, PATH, &resource, &error), &error, "resolve");
    check(isym_resource_as_extension(resource, &extension), NULL, "as_extension");
    char id[37];
    isym_uuid_format(isym_extension_id(extension), id);
    printf("%s\n  is %s, %s\n", PATH, id, isym_extension_display_name(extension).ptr);
    for (size_t i = 0; i < isym_extension_user_count(extension); i++) {
        isym_user user;
        isym_user_status status;
        if (isym_extension_user_at(extension, i, &user) != ISYM_OK)
            continue;
        printf("  of user %s (%s)", isym_user_user_name(user).ptr, isym_user_displayed_name(user).ptr);
        if (isym_user_status_of(user, &status) == ISYM_OK)
            printf(", who is %s (%s)", isym_user_status_name(status).ptr, isym_user_status_type(status).ptr);
        printf("\n");
    }
    show_calls(extension);
}

static void show_queues(const isym_snapshot *snapshot)
{
    isym_core_server server;
    if (isym_snapshot_core_server(snapshot, "default", &server) != ISYM_OK)
        return;
    isym_list queues = isym_core_server_queues(server);
    printf("%zu extensions, %zu users, %zu queues\n", isym_list_count(isym_core_server_extensions(server)),
           isym_list_count(isym_core_server_users(server)), isym_list_count(queues));
    for (size_t i = 0; i < isym_list_count(queues); i++) {
        isym_resource resource;
        isym_queue queue;
        if (isym_list_at(queues, i, &resource) == ISYM_OK && isym_resource_as_queue(resource, &queue) == ISYM_OK)
            printf("  queue %s (%s): %zu agents, %zu waiting\n", isym_queue_identifier(queue).ptr,
                   isym_queue_display_name(queue).ptr, isym_list_count(isym_queue_agents(queue)),
                   isym_list_count(isym_queue_call_segments(queue)));
    }
}

/* Originates a call, waits until it shows, then restarts the server and finds the same extension again. */
static void act(const isym_live *live, const isym_sandbox *sandbox)
{
    isym_error *error = NULL;
    isym_ticket *ticket = NULL;
    isym_snapshot *snapshot = NULL;
    isym_handle *handle = NULL;
    isym_uuid before, after;
    isym_extension extension;

    check(isym_live_handle(live, PATH, &handle, &error), &error, "handle");
    check(isym_handle_resolve(handle, &before, &error), &error, "handle");

    check(isym_extension_originate(live, "default", "4224", "5551234", &ticket, &error), &error, "originate");
    check(isym_ticket_wait(ticket, 5000, &snapshot, &error), &error, "wait for the call");
    printf("4224 calls 5551234: %s\n",
           isym_ticket_outcome(ticket) == ISYM_OUTCOME_ACCEPTED ? "accepted" : "nobody knows");
    check(isym_snapshot_extension(snapshot, "default", "4224", &extension), NULL, "extension");
    show_calls(extension);
    isym_ticket_free(ticket);

    uint64_t epoch = isym_snapshot_epoch(snapshot);
    isym_sandbox_restart(sandbox);
    printf("the server restarts ...\n");
    do {
        isym_snapshot_free(snapshot);
        snapshot = NULL;
        check(isym_live_refresh(live, 10000, &snapshot, &error), &error, "refresh");
    } while (isym_snapshot_epoch(snapshot) == epoch);
    isym_snapshot_free(snapshot);

    check(isym_handle_resolve(handle, &after, &error), &error, "the same handle");
    char old_id[37], new_id[37];
    isym_uuid_format(before, old_id);
    isym_uuid_format(after, new_id);
    printf("the same handle: %s is %s now\n", old_id, new_id);
    if (isym_uuid_equal(before, after)) {
        fprintf(stderr, "the id should be new\n");
        exit(1);
    }
    isym_handle_free(handle);
}

int main(int argc, char **argv)
{
    isym_error *error = NULL;
    isym_sandbox *sandbox = NULL;
    if (argc < 2)
        check(isym_sandbox_new(NULL, &sandbox, &error), &error, "sandbox");
    isym_config *config = isym_config_new(sandbox ? isym_sandbox_url(sandbox).ptr : argv[1]);
    const char *user_name = getenv("ISYMPHONY_USERNAME"), *password = getenv("ISYMPHONY_PASSWORD");
    if (user_name && password)
        check(isym_config_set_credentials(config, user_name, password, &error), &error, "credentials");
    if (sandbox)
        printf("a sandbox listens on %s; for a real server: demo http://host:58080\n",
               isym_sandbox_url(sandbox).ptr);

    isym_live *live = NULL;
    check(isym_live_open(config, &live, &error), &error, "open");
    isym_config_free(config);
    check(isym_live_wait(live, 10000, &error), &error, "wait");

    isym_snapshot *snapshot = pin(live);
    printf("isymphony %s: %zu objects, confirmed %" PRId64 " ms ago\n", isym_version().ptr,
           isym_snapshot_object_count(snapshot), isym_snapshot_age_ms(snapshot));
    show_extension(snapshot);
    show_queues(snapshot);
    isym_snapshot_free(snapshot);

    if (sandbox)
        act(live, sandbox);

    isym_live_free(live);
    isym_sandbox_free(sandbox);
    return 0;
}
