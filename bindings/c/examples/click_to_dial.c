/* Click to dial: rings an extension, dials a number for it, and follows the call to its end.
 *
 *     cc click_to_dial.c $(pkg-config --cflags --libs isymphony) -o click_to_dial
 *     ./click_to_dial                                        on an embedded sandbox
 *     ./click_to_dial 4224 5551234 http://pbx:58080          on a real server: this makes a call
 *
 * The credentials come from ISYMPHONY_USERNAME and ISYMPHONY_PASSWORD, or from the URL.
 */
#include <isymphony.h>

#include <stdio.h>
#include <stdlib.h>

/* Prints what went wrong, frees it and ends. (A pointer to the error, as the call that makes it stands among the arguments,
 * which are evaluated in any order.) */
static void check(isym_status status, isym_error **error, const char *what)
{
    if (status == ISYM_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, isym_error_message(*error).ptr);
    isym_error_free(*error);
    exit(1);
}

static isym_sandbox *start_sandbox(void)
{
    isym_error *error = NULL;
    isym_sandbox *sandbox = NULL;
    isym_sandbox_config *config = isym_sandbox_config_new();
    check(isym_sandbox_config_set_call_duration(config, 1000, &error), &error, "sandbox");
    check(isym_sandbox_new(config, &sandbox, &error), &error, "sandbox");
    isym_sandbox_config_free(config);
    return sandbox;
}

static isym_live *connect_to(const char *url)
{
    isym_error *error = NULL;
    isym_live *live = NULL;
    isym_config *config = isym_config_new(url);
    const char *user_name = getenv("ISYMPHONY_USERNAME"), *password = getenv("ISYMPHONY_PASSWORD");
    if (user_name && password)
        check(isym_config_set_credentials(config, user_name, password, &error), &error, "credentials");
    check(isym_live_open(config, &live, &error), &error, "open");
    check(isym_live_wait(live, 10000, &error), &error, "connect");
    isym_config_free(config);
    return live;
}

/* The calls that an extension has in a snapshot, in whichever core server it is. */
static isym_list calls_of(const isym_handle *extension, const isym_snapshot *snapshot)
{
    isym_error *error = NULL;
    isym_resource resource;
    check(isym_handle_get(extension, snapshot, &resource, &error), &error, "extension");
    return isym_resource_sub(resource, "call_segments");
}

/* Shows the calls that an extension has now; their number. */
static size_t show(const isym_live *live, const isym_handle *extension)
{
    isym_error *error = NULL;
    isym_snapshot *snapshot = NULL;
    check(isym_live_snapshot(live, ISYM_ANY_AGE, &snapshot, &error), &error, "snapshot");
    isym_list calls = calls_of(extension, snapshot);
    size_t count = isym_list_count(calls);
    for (size_t i = 0; i < count; i++) {
        isym_resource resource;
        isym_call_segment call;
        if (isym_list_at(calls, i, &resource) == ISYM_OK && isym_resource_as_call_segment(resource, &call) == ISYM_OK)
            printf("  %s call with %s <%s>%s\n", isym_call_segment_type(call).ptr,
                   isym_call_segment_caller_id_name(call).ptr, isym_call_segment_caller_id_number(call).ptr,
                   isym_call_segment_on_hold(call) ? ", on hold" : "");
    }
    isym_snapshot_free(snapshot);
    return count;
}

int main(int argc, char **argv)
{
    if (argc != 1 && argc != 4) {
        fprintf(stderr, "usage: %s [EXTENSION NUMBER URL]\n", argv[0]);
        return 2;
    }
    isym_sandbox *sandbox = argc == 1 ? start_sandbox() : NULL;
    const char *number = sandbox ? "4224" : argv[1], *destination = sandbox ? "5551234" : argv[2];
    isym_live *live = connect_to(sandbox ? isym_sandbox_url(sandbox).ptr : argv[3]);

    isym_error *error = NULL;
    isym_handle *extension = NULL;
    isym_watch *watch = NULL;
    isym_ticket *ticket = NULL;
    check(isym_live_handle_named(live, NULL, ISYM_KIND_EXTENSION, number, &extension, &error), &error, "extension");
    check(isym_live_watch(live, 1u << ISYM_KIND_CALL_SEGMENT, NULL, false, false, &watch, &error), &error, "watch");

    /* Sent once. A failure means that nothing rang; an uncertain outcome that somebody should look. */
    check(isym_extension_originate(live, NULL, number, destination, &ticket, &error), &error, "originate");
    if (isym_ticket_outcome(ticket) == ISYM_OUTCOME_UNCERTAIN)
        printf("it may ring: %s\n", isym_error_message(isym_ticket_error(ticket)).ptr);
    else
        printf("%s rings, then %s is dialled\n", number, destination);
    check(isym_ticket_wait(ticket, 5000, NULL, &error), &error, "wait");

    isym_change change;
    while (show(live, extension) > 0)
        if (isym_watch_next(watch, 60000, &change, &error) != ISYM_OK) {
            fprintf(stderr, "watch: %s\n", isym_error_message(error).ptr);
            isym_error_free(error);
            break;
        }
    printf("the call is over\n");

    isym_ticket_free(ticket);
    isym_watch_free(watch);
    isym_handle_free(extension);
    isym_live_free(live);
    isym_sandbox_free(sandbox);
    return 0;
}
