/* Runs the cases of tests/contract/cases (see the README there) through the C interface. Started in the project's root, or
 * with the folder of the cases as argument; CONTRACT_CASE=word takes only the cases whose name holds the word. */
#include "check.h"
#include "typed.h"

#include <dirent.h>
#include <inttypes.h>

/* Under valgrind things take their time. */
#define LIMIT 60000

#define FIELDS 64

/* The case that runs. */
static struct {
    const char *file;
    int line;
    char name[256];
    isym_sandbox_config *world;
    char *username, *password;
    isym_sandbox *sandbox;
    isym_live *scout;            /* Saw the first incarnation, to tell its ids. */
    isym_snapshot *first;
    char *core_servers, *kinds;
    isym_live *live;
    isym_snapshot *snapshot;     /* What `resource` is borrowed from. */
    isym_resource resource;
    isym_status acted;
    isym_error *refusal;
    isym_outcome outcome;
    int bad;
} now;

static void fail(const char *what, const char *is, const char *should)
{
    printf("%s:%d: %s: %s: it is \"%s\", not \"%s\"\n", now.file, now.line, now.name, what, is, should);
    now.bad = 1;
}

static void must(isym_status status, isym_error *error, const char *what)
{
    if (status != ISYM_OK)
        fail(what, isym_error_message(error).ptr, "ok");
    isym_error_free(error);
}

static void equal(const char *what, isym_str is, const char *should)
{
    if (is.len != strlen(should) || memcmp(is.ptr, should, is.len) != 0)
        fail(what, is.ptr, should);
}

/* Takes the escapes of a field back, in place. */
static void unescape(char *field)
{
    char *to = field;
    for (char *from = field; *from; from++, to++) {
        if (*from != '\\') {
            *to = *from;
        } else if (from[1] == 'x' && from[2] && from[3]) {
            char hex[3] = {from[2], from[3], 0};
            *to = (char)strtol(hex, NULL, 16);
            from += 3;
        } else {
            from++;
            *to = *from == 't' ? '\t' : *from == 'n' ? '\n' : *from;
        }
    }
    *to = 0;
}

static isym_live *open_live(bool configured)
{
    isym_error *error = NULL;
    isym_live *live = NULL;
    const char *slugs[FIELDS];
    uint32_t kinds[FIELDS];
    size_t count = 0;
    isym_config *config = isym_config_new(isym_sandbox_url(now.sandbox).ptr);
    if (now.username) {
        isym_status status = isym_config_set_credentials(config, now.username, now.password ? now.password : "", &error);
        must(status, error, "credentials");
        error = NULL;
    }
    if (configured && now.core_servers) {
        for (char *slug = strtok(now.core_servers, ","); slug && count < FIELDS; slug = strtok(NULL, ","))
            slugs[count++] = slug;
        isym_status status = isym_config_set_core_servers(config, slugs, count, &error);
        must(status, error, "core_servers");
        error = NULL;
    }
    if (configured && now.kinds) {
        count = 0;
        for (char *kind = strtok(now.kinds, ","); kind && count < FIELDS; kind = strtok(NULL, ","))
            kinds[count++] = isym_kind_from_name(kind);
        isym_status status = isym_config_set_kinds(config, kinds, count, &error);
        must(status, error, "kinds");
        error = NULL;
    }
    isym_status status = isym_live_open(config, &live, &error);
    must(status, error, "open");
    error = NULL;
    status = isym_live_wait(live, LIMIT, &error);
    must(status, error, "wait");
    isym_config_free(config);
    return live;
}

static void pin(isym_snapshot **snapshot, const isym_live *live)
{
    isym_error *error = NULL;
    isym_snapshot_free(*snapshot);
    *snapshot = NULL;
    isym_status status = isym_live_snapshot(live, ISYM_ANY_AGE, snapshot, &error);
    must(status, error, "snapshot");
}

static void start_sandbox(void)
{
    isym_error *error = NULL;
    if (now.sandbox)
        return;
    if (now.username) {
        isym_status status = isym_sandbox_config_set_credentials(now.world, now.username, now.password ? now.password : "", &error);
        must(status, error, "credentials");
        error = NULL;
    }
    isym_status status = isym_sandbox_new(now.world, &now.sandbox, &error);
    must(status, error, "sandbox");
    now.scout = open_live(false);
    pin(&now.first, now.scout);
    isym_live_free(now.scout);
    now.scout = NULL;
}

static void start_client(void)
{
    start_sandbox();
    if (!now.live) {
        now.live = open_live(true);
        pin(&now.snapshot, now.live);
    }
}

/* Puts ids in the place of `{path}`; the caller frees what it gives. */
static char *expand(const char *field)
{
    char *text = malloc(strlen(field) * 37 + 1), *to = text;
    while (*field) {
        const char *end = strchr(field, '}');
        if (*field != '{' || !end || strncmp(field, "{coreServers", 12) != 0) {
            *to++ = *field++;
            continue;
        }
        char path[1024];
        isym_resource resource = {0};
        isym_error *error = NULL;
        snprintf(path, sizeof path, "%.*s", (int)(end - field - 1), field + 1);
        start_sandbox();
        isym_status status = isym_snapshot_resolve(now.first, path, &resource, &error);
        must(status, error, path);
        isym_uuid_format(isym_resource_id(resource), to);
        to += 36;
        field = end + 1;
    }
    *to = 0;
    return text;
}

static void end_case(void)
{
    if (now.name[0]) {
        if (now.bad)
            failed++;
        else
            passed++;
    }
    isym_error_free(now.refusal);
    isym_snapshot_free(now.snapshot);
    isym_snapshot_free(now.first);
    isym_live_free(now.live);
    isym_sandbox_free(now.sandbox);
    isym_sandbox_config_free(now.world);
    free(now.username), free(now.password), free(now.core_servers), free(now.kinds);
    const char *file = now.file;
    int line = now.line;
    memset(&now, 0, sizeof now);
    now.file = file;
    now.line = line;
}

static char *copy(const char *text)
{
    return strcpy(malloc(strlen(text) + 1), text);
}

static void set_world(const char *key, const char *value)
{
    isym_error *error = NULL;
    isym_status status = ISYM_OK;
    if (strcmp(key, "users") == 0)
        status = isym_sandbox_config_set_users(now.world, (uint32_t)strtoul(value, NULL, 10), &error);
    else if (strcmp(key, "queues") == 0)
        status = isym_sandbox_config_set_queues(now.world, (uint32_t)strtoul(value, NULL, 10), &error);
    else if (strcmp(key, "seed") == 0)
        status = isym_sandbox_config_set_seed(now.world, strtoull(value, NULL, 10), &error);
    else if (strcmp(key, "username") == 0)
        now.username = copy(value);
    else if (strcmp(key, "password") == 0)
        now.password = copy(value);
    else
        fail("world", key, "a setting");
    must(status, error, key);
}

static void check_related(char **fields, int count)
{
    isym_resource found[RELATED_MAX];
    int total = related(now.resource, fields[1], found), hits = 0;
    if (total < 0) {
        fail("related", fields[1], "a relation of this kind");
        return;
    }
    for (int i = 2; i < count; i++) {
        isym_resource wanted = {0};
        isym_error *error = NULL;
        char *path = expand(fields[i]);
        isym_status status = isym_snapshot_resolve(now.snapshot, path, &wanted, &error);
        must(status, error, path);
        int hit = 0;
        for (int j = 0; j < total; j++)
            hit = hit || (isym_uuid_equal(isym_resource_id(found[j]), isym_resource_id(wanted)) &&
                          isym_resource_equal(found[j], wanted));
        if (!hit)
            fail(fields[1], "without it", path);
        hits += hit;
        free(path);
    }
    char is[32], should[32];
    snprintf(is, sizeof is, "%d", total);
    snprintf(should, sizeof should, "%d", count - 2);
    if (total != count - 2 || hits != total)
        fail(fields[1], is, should);
}

static void check_property(const char *line, const char *name, const char *value)
{
    isym_property property = {0};
    if (isym_resource_property(now.resource, name, &property) != ISYM_OK) {
        fail(name, "unknown", "a property");
        return;
    }
    static const struct { const char *line; isym_property_state state; } STATES[] = {
        {"missing", ISYM_PROPERTY_MISSING}, {"null", ISYM_PROPERTY_NULL}, {"other", ISYM_PROPERTY_OTHER_TYPE},
        {"text", ISYM_PROPERTY_PRESENT}, {"int", ISYM_PROPERTY_PRESENT}, {"bool", ISYM_PROPERTY_PRESENT},
    };
    for (size_t i = 0; i < sizeof STATES / sizeof *STATES; i++)
        if (strcmp(line, STATES[i].line) == 0 && property.state != STATES[i].state)
            fail(name, "in another state", line);
    if (isym_resource_property_state(now.resource, name) != property.state)
        fail(name, "in two states", line);
    char number[32];
    isym_str text = {0};
    int64_t integer = 0;
    bool boolean = false;
    if (strcmp(line, "text") == 0) {
        equal(name, property.text, value);
        if (!typed_text(now.resource, name, &text))
            fail(name, "without accessor", value);
        else
            equal(name, text, value);
    } else if (strcmp(line, "int") == 0) {
        snprintf(number, sizeof number, "%" PRId64, property.number);
        if (strcmp(number, value) != 0 || !typed_int(now.resource, name, &integer) || integer != property.number)
            fail(name, number, value);
    } else if (strcmp(line, "bool") == 0) {
        if (strcmp(property.boolean ? "true" : "false", value) != 0 ||
            !typed_bool(now.resource, name, &boolean) || boolean != property.boolean)
            fail(name, property.boolean ? "true" : "false", value);
    } else if (property.text.len || property.number || property.boolean) {
        fail(name, "with a value", line);
    }
}

static void act(char **fields, int count)
{
    isym_error *error = NULL;
    isym_handle *handle = NULL;
    isym_ticket *ticket = NULL;
    isym_args *args = isym_args_new();
    char *path = expand(fields[1]);
    isym_error_free(now.refusal);
    now.refusal = NULL;
    now.outcome = ISYM_OUTCOME_NONE;
    for (int i = 3; i < count; i++) {
        char *name = expand(fields[i]), *value = strchr(name, '='), *end = NULL;
        if (!value) {
            fail("act", name, "name=value");
            free(name);
            continue;
        }
        *value++ = 0;
        long long number = strtoll(value, &end, 10);
        isym_status status = *value && *end == 0 ? isym_args_set_int(args, name, number, &error)
                                                 : isym_args_set_text(args, name, value, &error);
        must(status, error, name);
        error = NULL;
        free(name);
    }
    now.acted = isym_live_handle(now.live, path, &handle, &now.refusal);
    if (now.acted == ISYM_OK)
        now.acted = isym_handle_act(handle, fields[2], args, ISYM_DEFAULT_TIMEOUT, &ticket, &now.refusal);
    if (now.acted == ISYM_OK) {
        now.outcome = isym_ticket_outcome(ticket);
        isym_status status = isym_ticket_wait(ticket, LIMIT, NULL, &error);
        must(status, error, "wait for the action");
    }
    isym_ticket_free(ticket);
    isym_handle_free(handle);
    isym_args_free(args);
    free(path);
}

static void check_error(const char *what, isym_status status, const isym_error *error, const char *code, const char *words)
{
    equal(what, isym_status_name(status), code);
    if (!strstr(isym_error_message(error).ptr, words))
        fail(what, isym_error_message(error).ptr, words);
}

static void check_posted(const char *path, const char *body)
{
    isym_requests *requests = isym_sandbox_requests(now.sandbox);
    isym_request request = {0};
    for (size_t i = isym_requests_count(requests); i-- > 0;)
        if (isym_requests_at(requests, i, &request) == ISYM_OK && strcmp(request.method.ptr, "POST") == 0)
            break;
    if (request.path.ptr && strcmp(request.method.ptr, "POST") == 0) {
        equal("posted", request.path, path);
        equal("posted", request.body, body);
    } else {
        fail("posted", "nothing", path);
    }
    isym_requests_free(requests);
}

static void restart(void)
{
    isym_snapshot *snapshot = NULL;
    start_client();
    uint64_t epoch = isym_snapshot_epoch(now.snapshot);
    isym_sandbox_restart(now.sandbox);
    for (int i = 0; i < 1000 && isym_snapshot_epoch(snapshot) <= epoch && !now.bad; i++) {
        isym_error *error = NULL;
        isym_snapshot_free(snapshot);
        snapshot = NULL;
        isym_status status = isym_live_refresh(now.live, LIMIT, &snapshot, &error);
        must(status, error, "restart");
    }
    isym_snapshot_free(snapshot);
}

static void look(const char *line, char **f, int count)
{
    isym_error *error = NULL;
    isym_status status;
    isym_list list = {0};
    char text[37];
    start_client();
    char *first = count > 1 ? expand(f[1]) : copy("");
    const char *second = count > 2 ? f[2] : "";
    if (strcmp(line, "one") == 0) {
        pin(&now.snapshot, now.live);
        now.resource = (isym_resource){0};
        status = isym_snapshot_resolve(now.snapshot, first, &now.resource, &error);
        must(status, error, first);
    } else if (strcmp(line, "kind") == 0) {
        equal(line, isym_kind_name(isym_resource_kind(now.resource)), first);
    } else if (strcmp(line, "id") == 0) {
        isym_uuid_format(isym_resource_id(now.resource), text);
        if (strcmp(text, first) != 0)
            fail(line, text, first);
    } else if (strcmp(line, "named") == 0) {
        equal(line, isym_resource_name(now.resource), first);
    } else if (strcmp(line, "path") == 0 || strcmp(line, "raw") == 0) {
        isym_text *made = *line == 'p' ? isym_resource_path(now.resource) : isym_resource_raw(now.resource);
        equal(line, isym_text_str(made), first);
        isym_text_free(made);
    } else if (strcmp(line, "extra") == 0) {
        equal(line, isym_resource_extra(now.resource), first);
    } else if (strcmp(line, "related") == 0) {
        check_related(f, count);
    } else if (strcmp(line, "list") == 0) {
        pin(&now.snapshot, now.live);
        status = isym_snapshot_resolve_list(now.snapshot, first, &list, &error);
        must(status, error, first);
        snprintf(text, sizeof text, "%zu", isym_list_count(list));
        if (strcmp(text, second) != 0)
            fail(first, text, second);
    } else if (strcmp(line, "error") == 0) {
        pin(&now.snapshot, now.live);
        status = isym_snapshot_resolve(now.snapshot, first, &now.resource, &error);
        check_error(line, status, error, second, count > 3 ? f[3] : "");
        isym_error_free(error);
    } else if (strcmp(line, "act") == 0) {
        act(f, count);
    } else if (strcmp(line, "accepted") == 0) {
        if (now.outcome != ISYM_OUTCOME_ACCEPTED)
            fail("act", isym_error_message(now.refusal).ptr, "accepted");
    } else if (strcmp(line, "refused") == 0) {
        check_error(line, now.acted, now.refusal, first, second);
    } else if (strcmp(line, "posted") == 0) {
        char *body = expand(second);
        check_posted(first, body);
        free(body);
    } else if (count > 1) {
        check_property(line, first, second);
    } else {
        fail("line", line, "one of the format");
    }
    free(first);
}

static void run_line(char **f, int count)
{
    isym_error *error = NULL;
    isym_status status;
    const char *line = f[0], *second = count > 2 ? f[2] : "";
    if (strcmp(line, "case") == 0) {
        end_case();
        snprintf(now.name, sizeof now.name, "%s", count > 1 ? f[1] : "");
        now.world = isym_sandbox_config_new();
        const char *only = getenv("CONTRACT_CASE");
        if (only && !strstr(now.name, only))
            now.name[0] = 0;
    } else if (now.bad || !now.name[0]) {
        return; /* The rest of the case says nothing new, or is not asked for. */
    } else if (strcmp(line, "config") == 0) {
        *(strcmp(f[1], "kinds") == 0 ? &now.kinds : &now.core_servers) = copy(second);
    } else if (strcmp(line, "world") == 0) {
        set_world(f[1], second);
    } else if (strcmp(line, "serve") == 0) {
        start_sandbox();
        char *path = expand(f[1]), *body = expand(second);
        status = isym_sandbox_serve(now.sandbox, path, body, &error);
        must(status, error, line);
        free(path), free(body);
    } else if (strcmp(line, "status") == 0) {
        start_sandbox();
        char *path = expand(f[1]);
        const char *text = count > 3 ? f[3] : "";
        uint16_t code = (uint16_t)strtoul(second, NULL, 10);
        status = isym_sandbox_respond(now.sandbox, path, code, NULL, (const uint8_t *)text, strlen(text), &error);
        must(status, error, line);
        free(path);
    } else if (strcmp(line, "restart") == 0) {
        restart();
    } else {
        look(line, f, count);
    }
}

static void run_file(const char *path)
{
    static char line[1 << 20];
    FILE *file = fopen(path, "r");
    if (!file) {
        printf("%s cannot be read\n", path);
        failed++;
        return;
    }
    now.file = path;
    for (now.line = 1; fgets(line, sizeof line, file); now.line++) {
        char *fields[FIELDS], *rest = line;
        int count = 0;
        line[strcspn(line, "\n")] = 0;
        if (!*line || *line == '#')
            continue;
        while (rest && count < FIELDS) {
            char *tab = strchr(rest, '\t');
            if (tab)
                *tab++ = 0;
            fields[count++] = rest;
            rest = tab;
        }
        for (int i = 0; i < count; i++)
            unescape(fields[i]);
        run_line(fields, count);
    }
    end_case();
    fclose(file);
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : "tests/contract/cases";
    DIR *directory = opendir(folder);
    struct dirent *entry;
    char path[4096];
    while (directory && (entry = readdir(directory))) {
        size_t length = strlen(entry->d_name);
        if (length < 4 || strcmp(entry->d_name + length - 4, ".txt") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        run_file(path);
    }
    if (directory)
        closedir(directory);
    if (passed + failed == 0)
        printf("there is no case in %s\n", folder);
    return done() || passed == 0;
}
