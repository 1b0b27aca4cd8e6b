/* What a server has, how to say so, and what only an overlay knows of. */
#include "check.h"

#define VOICEMAILS "[subs.\"Extension.voicemails\"]\nkind = \"raw\"\n"
#define EXTENSION "coreServers/getByName/default/extensions/getByName/4224"

static isym_sandbox *sandbox;

static isym_config *settings(void)
{
    isym_config *config = isym_config_new(isym_sandbox_url(sandbox).ptr);
    MUST(isym_config_set_credentials(config, "manager", "s3cret", &error));
    MUST(isym_config_set_max_requests_per_second(config, 5000, &error));
    return config;
}

static isym_doctor_report *examine(const isym_config *config)
{
    isym_doctor_report *report = NULL;
    MUST(isym_doctor_examine(config, (isym_doctor_options){0}, &report, &error));
    return report;
}

/* Whether a report has a finding of this severity about this. */
static int finds(const isym_doctor_report *report, isym_severity severity, const char *about)
{
    isym_doctor_finding finding;
    for (size_t i = 0; isym_doctor_report_finding_at(report, i, &finding) == ISYM_OK; i++)
        if (finding.severity == severity && strcmp(finding.about.ptr, about) == 0)
            return finding.message.len > 0 && finding.advice.ptr != NULL;
    return 0;
}

static void a_report(void)
{
    isym_config *config = settings();
    isym_doctor_report *report = examine(config);
    isym_doctor_finding finding;
    CHECK(isym_doctor_report_ok(report) && isym_doctor_report_is_connected(report));
    SAME(isym_doctor_report_server(report), isym_sandbox_url(sandbox).ptr);
    CHECK(strstr(isym_doctor_report_text(report).ptr, "Extension.originate") != NULL);
    CHECK(isym_doctor_report_json(report).ptr[0] == '{');
    CHECK(strstr(isym_doctor_report_text(report).ptr, "s3cret") == NULL);
    CHECK(strstr(isym_doctor_report_json(report).ptr, "s3cret") == NULL);
    SAME(isym_doctor_report_overlay(report), "");
    CHECK(isym_doctor_report_finding_at(report, isym_doctor_report_finding_count(report), &finding) == ISYM_NOT_FOUND);
    isym_doctor_report_free(report);

    size_t before = isym_sandbox_request_count(sandbox);
    isym_doctor_options few = {.sample = 1, .search = 1, .time_limit_ms = 1, .options_only = true};
    MUST(isym_doctor_examine(config, few, &report, &error));
    CHECK(!isym_doctor_report_ok(report) && finds(report, ISYM_SEVERITY_ERROR, "server"));
    CHECK(isym_sandbox_request_count(sandbox) - before < 20);
    isym_doctor_report_free(report);

    isym_requests *requests = isym_sandbox_requests(sandbox);
    isym_request request;
    for (size_t i = 0; isym_requests_at(requests, i, &request) == ISYM_OK; i++)
        CHECK(strcmp(request.method.ptr, "GET") == 0 || strcmp(request.method.ptr, "OPTIONS") == 0);
    isym_requests_free(requests);

    MUST(isym_config_set_credentials(config, "manager", "hunter2", &error));
    report = examine(config);
    CHECK(!isym_doctor_report_ok(report) && finds(report, ISYM_SEVERITY_ERROR, "credentials"));
    CHECK(!isym_doctor_report_is_connected(report));
    CHECK(strstr(isym_doctor_report_text(report).ptr, "hunter2") == NULL);
    isym_doctor_report_free(report);
    isym_config_free(config);
}

static void what_is_missing_becomes_an_overlay(void)
{
    MUST(isym_sandbox_respond(sandbox, "*/logins", 404, NULL, (const uint8_t *)"what?", 5, &error));
    isym_config *config = settings();
    isym_doctor_report *report = examine(config);
    CHECK(isym_doctor_report_ok(report) && finds(report, ISYM_SEVERITY_WARNING, "User.logins"));
    CHECK(strstr(isym_doctor_report_overlay(report).ptr, "[subs.\"User.logins\"]\nabsent = true") != NULL);
    MUST(isym_config_overlay(config, isym_doctor_report_overlay(report).ptr, &error));
    isym_doctor_report_free(report);
    report = examine(config);
    CHECK(!finds(report, ISYM_SEVERITY_WARNING, "User.logins"));
    isym_doctor_report_free(report);
    isym_config_free(config);
    isym_sandbox_clear_overrides(sandbox);
}

static void overlays(const char *folder)
{
    char path[4096];
    isym_config *config = settings();
    snprintf(path, sizeof path, "%s/isymphony-overlay-%ld.toml", folder, (long)(uintptr_t)config);
    FILE *file = fopen(path, "w");
    if (!file || fputs("[actions.\"Extension.originate\"]\nabsent = true\n", file) < 0 || fclose(file) != 0)
        exit(1);
    MUST(isym_config_overlay_file(config, path, &error));
    remove(path);
    FAILS(isym_config_overlay_file(config, path, &error), ISYM_CONFIG, "cannot be opened");
    FAILS(isym_config_overlay(config, "\n[kinds.ConferenceRoom]\nsymbolic_name = \"x\"", &error), ISYM_CONFIG, "line 3");
    MUST(isym_config_overlay(config, "", &error));
    MUST(isym_config_overlay(config, VOICEMAILS, &error));

    isym_live *live = NULL;
    MUST(isym_live_open(config, &live, &error));
    isym_config_free(config);
    MUST(isym_live_wait(live, 60000, &error));
    FAILS(isym_extension_originate(live, NULL, "4224", "1", NULL, &error), ISYM_UNSUPPORTED, "overlay");
    isym_text *json = NULL;
    MUST(isym_sandbox_serve(sandbox, "coreServers/*/extensions/*/voicemails", "[{\"id\": 1}]", &error));
    MUST(isym_live_get_raw(live, EXTENSION "/voicemails", ISYM_DEFAULT_TIMEOUT, &json, &error));
    SAME(isym_text_str(json), "[{\"id\": 1}]");
    isym_text_free(json);
    isym_requests *requests = isym_sandbox_requests(sandbox);
    isym_request request = {0};
    for (size_t i = 0; i < isym_requests_count(requests); i++)
        if (isym_requests_at(requests, i, &request) == ISYM_OK && strstr(request.path.ptr, "voicemails"))
            CHECK(strstr(request.path.ptr, "getByName") == NULL);
    isym_requests_free(requests);
    json = NULL;
    FAILS(isym_live_get_raw(live, "coreServers/getByName/default/extensions/getByName/9/voicemails", -1, &json, &error),
          ISYM_NOT_FOUND, "9");
    FAILS(isym_live_get_raw(live, "../config", -1, &json, &error), ISYM_INVALID_PATH, "..");
    MUST(isym_sandbox_serve(sandbox, "coreServers/odd", "<html>", &error));
    FAILS(isym_live_get_raw(live, "coreServers/odd", 5000, &json, &error), ISYM_BAD_ANSWER, "JSON");
    NULLED(isym_live_get_raw(live, "coreServers", -1, NULL, &error));
    isym_live_close(live, -1);
    FAILS(isym_live_get_raw(live, "coreServers", -1, &json, &error), ISYM_CLOSED, "closed");
    CHECK(json == NULL);
    isym_live_free(live);
    isym_sandbox_clear_overrides(sandbox);
}

static void misuse(void)
{
    isym_doctor_options options = {SIZE_MAX, SIZE_MAX, INT64_MIN, false};
    isym_doctor_report *report = NULL;
    NULLED(isym_doctor_examine(NULL, options, &report, &error));
    isym_config *config = isym_config_new("gopher://pbx");
    FAILS(isym_doctor_examine(config, options, &report, &error), ISYM_CONFIG, "http");
    isym_config_free(config);
    config = isym_config_new("http://127.0.0.1:1");
    NULLED(isym_doctor_examine(config, options, NULL, &error));
    NULLED(isym_config_overlay(config, NULL, &error));
    NULLED(isym_config_overlay(NULL, "", &error));
    FAILS(isym_config_overlay(config, "\xff", &error), ISYM_INVALID_ARGUMENT, "text is not UTF-8");
    NULLED(isym_config_overlay_file(config, NULL, &error));
    FAILS(isym_config_overlay_file(config, "", &error), ISYM_INVALID_ARGUMENT, "path is empty");
    CHECK(report == NULL);
    MUST(isym_doctor_examine(config, options, &report, &error));
    CHECK(!isym_doctor_report_ok(report) && finds(report, ISYM_SEVERITY_ERROR, "connection"));
    CHECK(isym_doctor_report_finding_at(report, 0, NULL) == ISYM_INVALID_ARGUMENT);
    isym_doctor_report_free(report);
    isym_config_free(config);
    isym_doctor_finding finding;
    CHECK(!isym_doctor_report_ok(NULL) && !isym_doctor_report_finding_count(NULL));
    CHECK(isym_doctor_report_finding_at(NULL, 0, &finding) == ISYM_NOT_FOUND);
    SAME(isym_doctor_report_text(NULL), "");
    SAME(isym_doctor_report_json(NULL), "");
    SAME(isym_doctor_report_overlay(NULL), "");
    isym_doctor_report_free(NULL);
}

int main(void)
{
    isym_sandbox_config *world = isym_sandbox_config_new();
    MUST(isym_sandbox_config_set_credentials(world, "manager", "s3cret", &error));
    MUST(isym_sandbox_new(world, &sandbox, &error));
    isym_sandbox_config_free(world);
    const char *folder = getenv("TMPDIR");
    a_report();
    what_is_missing_becomes_an_overlay();
    overlays(folder ? folder : "/tmp");
    misuse();
    isym_sandbox_free(sandbox);
    return done();
}
