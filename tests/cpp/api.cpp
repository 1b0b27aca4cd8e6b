/* What isymphony.hpp gives, once through all of it. */
#include "check.hpp"

#include <algorithm>
#include <map>
#include <unordered_set>

namespace {

constexpr auto PATH = "coreServers/getByName/default/extensions/getByName/4224";

void names_and_numbers()
{
    CHECK(isym::version() == ISYM_VERSION);
    CHECK(isym::name(isym::Code::not_found) == "not_found" && isym::name(isym::Kind::call_segment) == "CallSegment");
    CHECK(isym::kind_from_name("call_segments") == isym::Kind::call_segment);
    CHECK(isym::kind_from_name("elephants") == isym::Kind::none);
    static_assert((isym::Kind::user | isym::Kind::extension).bits() == (1u << ISYM_KIND_USER | 1u << ISYM_KIND_EXTENSION));

    static_assert(isym::forever.ms() == -1 && isym::Limit(-5s).ms() == 0 && isym::Limit(1us).ms() == 1);
    static_assert(isym::Limit(2s).ms() == 2000 && isym::Limit(1.5s).ms() == 1500);
    static_assert(isym::Limit(std::chrono::hours::max()).ms() == 1'000'000'000'000'000);
    static_assert(isym::When().ms() == -1);
    CHECK(isym::When(std::chrono::system_clock::time_point(5ms)).ms() == 5);

    const auto id = isym::Uuid::parse("EF2FABA9-8557-49c1-9ffc-5a71f41c7a23");
    CHECK(id.str() == "ef2faba9-8557-49c1-9ffc-5a71f41c7a23" && id.c().bytes[0] == 0xef);
    CHECK(id == isym::Uuid::parse("ef2faba9855749c19ffc5a71f41c7a23") && id != isym::Uuid() && isym::Uuid() < id);
    CHECK(std::unordered_set<isym::Uuid>{id, isym::Uuid(), id}.size() == 2);
}

void settings()
{
    isym::Config config("http://pbx:58080");
    config.credentials("manager", "secret").core_servers({"default", "north"}).core_servers({}).events(false);
    config.kinds(isym::Kind::extension | isym::Kind::user).kinds({}).proxy("http://proxy:3128").proxy(nullptr);
    config.action_path(isym::Kind::extension, "originate", "call/make");
    config.action_body_key(isym::Kind::extension, "originate", "destination", "to");
    config.max_requests_per_second(20.5).connections(2).body_limit(1 << 20).header_limit(1 << 16).text_limit(1 << 16);
    config.depth_limit(32).object_limit(1000).connect_timeout(1s).first_byte_timeout(1s).silence_timeout(1s);
    config.request_timeout(1s).action_timeout(1s).backoff(100ms, 1s).cadence(isym::Kind::user, 1s, 9s);
    config.event_silence(20s, 5s).overlay("[actions.\"Agent.set_penalty\"]\nabsent = true\n");
    CHECK(fails([&](isym::Error &e) { config.overlay("[kinds", e); }, isym::Code::config, "1"));
    CHECK(fails([&](isym::Error &e) { config.overlay_file("/nowhere.toml", e); }, isym::Code::config, "/nowhere.toml"));
    config.validate();
    isym::Config copy = config;
    config.ca_file("/nowhere/ca.pem").client_cert("/nowhere/cert.pem", "/nowhere/key.pem").verify(true);
    CHECK(fails([&](isym::Error &e) { config.validate(e); }, isym::Code::config, "https"));
    copy.validate();
    CHECK(fails([&](isym::Error &e) { copy.core_servers({std::string("a\0b", 3)}, e); }, isym::Code::invalid_argument, ""));
    CHECK(fails([&](isym::Error &e) { copy.connect_timeout(-1s, e); }, isym::Code::invalid_argument, "-1000"));
}

void snapshots(const isym::Live &live)
{
    isym::Snapshot snap = live.snapshot();
    CHECK(snap.has_data() && snap.epoch() == 1 && snap.generation() > 0 && snap.source() == isym::Source::live);
    CHECK(snap.age() < 1min && snap.object_count() > 50 && snap.core_servers().size() == 2);
    CHECK(isym::Snapshot().age() == std::chrono::milliseconds::max() && !isym::Snapshot().has_data());

    isym::List<isym::Extension> extensions = snap.core_server("north")->extensions();
    CHECK(extensions.size() == 12 && !extensions.empty() && extensions.is_known() && extensions.age() < 1min);
    CHECK(extensions.kind() == isym::Kind::extension && extensions.find("4224") == extensions.by_name("4224"));
    CHECK(extensions.by_id(extensions[0].id()) == extensions[0] && !extensions.find("9999") && !extensions[12]);
    CHECK(extensions.find(std::string("4224")) && extensions.find(std::string_view("4224!", 4)));
    CHECK(!extensions.find(std::string_view("4224\0", 5)) && !extensions.find(nullptr) && !extensions.find(""));

    std::size_t counted = 0;
    for (isym::Extension extension : snap.core_server("default")->extensions())
        counted += !extension.extension_number().empty();
    CHECK(counted == 12);
    CHECK(std::count_if(extensions.begin(), extensions.end(),
                        [](const isym::Extension &each) { return each.extension_number().empty(); }) == 0);
    auto last = extensions.end() - 1;
    CHECK(last->id() == extensions[11].id() && last - extensions.begin() == 11 && extensions.begin() < last);

    isym::Extension extension = snap.extension("default", "4224").value();
    isym::Resource resource = snap.resolve(PATH);
    CHECK(resource == extension && resource.as<isym::Extension>() == extension && !resource.as<isym::User>());
    CHECK(resource.kind() == isym::Kind::extension && resource.symbolic_name() == "4224" && resource.path() == PATH);
    CHECK(resource.id_path().size() == 96 && has(resource.raw(), "\"extensionNumber\":\"4224\""));
    CHECK(resource.age() < 1min && resource.confirmed_at() > isym::Time() && resource.extra().empty());
    CHECK(resource.core_server()->slug() == "default" && !resource.configuration_id().empty());
    CHECK(snap.by_id(resource.id()) == resource && !snap.by_id(isym::Uuid()) && !snap.extension("default", "9999"));
    CHECK(snap.resolve_list("coreServers/getByName/north/extensions").size() == 12);
    CHECK(snap.core_server("default")->sub("extensions").size() == 12);
    CHECK(snap.user("default", "4224")->user_name() == "4224" && snap.queue("default", "5001")->identifier() == "5001");
    CHECK(snap.conference("default", "8001")->identifier() == "8001" && !snap.conference("default", "8001")->path().empty());

    const auto property = resource.property("displayName");
    CHECK(property && property->text == extension.display_name() && property->name == "displayName");
    CHECK(property->state == isym::PropertyState::present && property->type == isym::Type::text);
    CHECK(resource.property_state("colour") == isym::PropertyState::unknown && !resource.property("colour"));
    std::map<std::string_view, std::string_view> texts;
    for (const isym::Property &each : resource.properties())
        texts[each.name] = each.text;
    CHECK(texts["extensionNumber"] == "4224");

    const isym::Resource none;
    CHECK(!none && none.path().empty() && none.raw().empty() && none.properties().empty() && !none.core_server());
    CHECK(isym::User().logins().empty() && !isym::User().status() && isym::User().user_name().empty());
}

void relations(const isym::Sandbox &sandbox, const isym::Live &live)
{
    const isym::Uuid call = sandbox.add_call("4224", "Ada", "5551234", "800");
    sandbox.hold(call);
    sandbox.log_in_user("4224", "10.1.2.3", 4000);
    sandbox.add_queue("5999", "Lonely");
    const isym::Uuid waiting = sandbox.queue_call("5999", "Bob");
    isym::Snapshot snap;
    CHECK(soon([&] {
        snap = live.refresh(60s);
        const auto user = snap.user("default", "4224");
        const auto queue = snap.queue("default", "5999");
        return snap.by_id(call) && snap.by_id(waiting) && user->logins().size() > 1 && queue
            && queue->call_segments().size() == 1 && snap.extension("default", "4224")->call_segments().size() == 1;
    }));

    isym::Extension extension = snap.extension("default", "4224").value();
    isym::CallSegment segment = extension.call_segments()[0];
    CHECK(segment.id() == call && segment.caller_id().name == "Ada" && segment.caller_id().number == "5551234");
    CHECK(segment.caller_id().id.size() == 36 && segment.did() == "800" && !segment.type().empty());
    CHECK(segment.on_hold() && segment.incoming() && !segment.recording());
    CHECK(segment.extension() == extension && !segment.queue() && !segment.conference());
    CHECK(snap.by_id(waiting)->as<isym::CallSegment>()->queue()->identifier() == "5999");

    CHECK(extension.users().size() == 1);
    isym::User user = extension.users()[0];
    CHECK(user.user_name() == "4224" && user.extensions()[0] == extension && !user.displayed_name().empty());
    isym::Login login = *(user.logins().end() - 1);
    CHECK(login.ip() == "10.1.2.3" && login.port() == 4000 && login.time_connected() > isym::Time(1s));
    CHECK(login.user() == user && !user.configuration_id().empty() && !user.permission_id().empty());
    isym::Status status = user.status().value();
    CHECK(!status.name().empty() && !status.type().empty() && status.note().empty() && !status.return_time());
    CHECK(status.user() == user && !status.user_created());

    isym::Queue queue = snap.queue("default", "5001").value();
    CHECK(queue.agents().size() == 4 && !queue.display_name().empty() && queue.call_segments().empty());
    isym::Agent agent = queue.agents()[0];
    CHECK(agent.queue() == queue && !agent.state().empty() && !agent.name().empty() && !agent.paused());
    CHECK(agent.statistics()->agent() == agent && !agent.statistics()->extra().empty() && !agent.dynamic());
    const auto agents = agent.extension()->agents();
    CHECK(std::any_of(agents.begin(), agents.end(), [&](const isym::Agent &each) { return each == agent; }));
    isym::ConferenceRoom room = snap.conference("default", "8001").value();
    CHECK(!room.display_name().empty() && !room.dial_string().empty() && room.call_segments().empty());
    CHECK(!room.user_generated() || !room.permission_id().empty());
    CHECK(snap.core_server("default")->name() != "" && !snap.core_server("default")->users().empty());
    CHECK(!snap.core_server("default")->queues().empty() && !snap.core_server("default")->conferences().empty());
    CHECK(!snap.core_server("default")->call_segments().empty() && !extension.permission_id().empty());
    CHECK(!queue.permission_id().empty());
    sandbox.hang_up_all();
}

/// The newest POST of a sandbox.
bool posted(const isym::Sandbox &sandbox, std::string_view end, std::string_view body)
{
    isym::Requests requests = sandbox.requests();
    for (std::size_t i = requests.size(); i-- > 0;)
        if (requests[i].method == "POST")
            return has(requests[i].path, end) && requests[i].body == body && requests[i].authorized
                && requests[i].status / 100 == 2 && requests[i].at > 0ms;
    return false;
}

void actions(const isym::Sandbox &sandbox, const isym::Live &live)
{
    isym::Ticket ticket = live.set_dnd("4224", true, "default");
    CHECK(ticket.outcome() == isym::Outcome::accepted && !ticket.error() && has(ticket.path(), "/enableDnd"));
    CHECK(sandbox.dnd("4224") && posted(sandbox, "/enableDnd", ""));
    live.set_dnd("4224", false, "default");
    CHECK(fails([&](isym::Error &e) { live.set_dnd("4224", true, nullptr, e); }, isym::Code::ambiguous, "north"));

    const auto back = std::chrono::system_clock::now() + 30min;
    isym::Snapshot snap = live.set_status("4224", "Fishing", "away", "back soon", back, "default").wait(5s);
    isym::Status status = snap.user("default", "4224")->status().value();
    CHECK(status.name() == "Fishing" && status.type() == "away" && status.note() == "back soon");
    CHECK(live.set_status_like("mike", "Fishing", "default").outcome() == isym::Outcome::accepted);
    CHECK(fails([&](isym::Error &e) { live.set_status_like("mike", "Gone", "default", e); }, isym::Code::not_found, "Gone"));
    CHECK(status.return_time() == std::chrono::floor<std::chrono::milliseconds>(back));

    sandbox.add_queue("5998", "Busy");
    CHECK(soon([&] { return (snap = live.refresh(5s)).queue("default", "5998")->agents().is_known(); }));
    snap = live.queue_login("5998", "4224", "default").wait(5s);
    isym::Agent agent = snap.queue("default", "5998")->agents()[0];
    CHECK(agent.dynamic() && agent.queue()->identifier() == "5998");
    live.pause(agent);
    live.set_penalty(agent, 3);
    CHECK(posted(sandbox, "/setPenalty", "{\"penalty\":3}"));
    live.unpause(agent);
    live.logout(agent);
    live.queue_login("5998", "4224", "default");
    live.queue_logout("5998", "4224", "default");

    isym::Changes calls = live.originate("4224", "5551234", "default").call_segments(5s);
    live.transfer(calls[0].resource.as<isym::CallSegment>().value(), "5001");
    CHECK(posted(sandbox, "/transfer", "{\"destination\":\"5001\"}"));
    sandbox.hang_up_all();
    live.post(std::string(PATH) + "/enableDnd");
    CHECK(posted(sandbox, "/enableDnd", ""));
    live.act(snap.resolve(PATH), "originate", {{"destination", live.extension("4224", "default").resolve()}});
    CHECK(posted(sandbox, "/originate", "{\"destination\":\"4224\"}"));
    sandbox.hang_up_all();
    CHECK(has(live.get_raw("coreServers/getByName/default"), "\"slug\":\"default\""));
    CHECK(fails([&](isym::Error &e) { live.get_raw("..", 1s, e); }, isym::Code::invalid_path, ""));
    isym::ActionOptions forced;
    forced.timeout = 5s;
    forced.force = true;
    live.act_with(forced, snap.resolve(PATH), "disable_dnd");
    CHECK(posted(sandbox, "/disableDnd", ""));

    sandbox.fault("status=500; method=POST; times=1");
    ticket = live.set_dnd("4224", false, "default");
    CHECK(ticket.outcome() == isym::Outcome::uncertain && ticket.error().code() == isym::Code::outcome_unknown);
    CHECK(ticket.error().http_status() == 500);
    sandbox.respond("POST */originate", 412, nullptr, "no such line");
    isym::Error refused;
    CHECK(live.originate("4224", "1", "default", refused).outcome() == isym::Outcome::none);
    CHECK(refused.code() == isym::Code::rejected && refused.http_status() == 412);
    CHECK(refused.server_message() == "no such line" && !refused.retryable());
    sandbox.clear_overrides();
}

void handles(const isym::Sandbox &sandbox, const isym::Live &live)
{
    const isym::Snapshot old = live.snapshot();
    isym::Handle<> by_path = live.handle(PATH);
    isym::Handle<isym::Extension> named = live.extension("4224", "default");
    isym::Handle<isym::Extension> of = live.handle_of(named.get(old));
    CHECK(by_path.kind() == isym::Kind::extension && of.path() == PATH && by_path.get(old) == named.get(old));
    CHECK(live.user("mike", "default").get(old).user_name() == "mike");
    CHECK(live.queue("5001", "default").get(old).identifier() == "5001");
    CHECK(live.conference("8001", "default").get(old).identifier() == "8001");
    CHECK(live.core_server("default").get(old).slug() == "default");
    by_path.act("originate", {{"destination", "5550000"}});
    CHECK(posted(sandbox, "/originate", "{\"destination\":\"5550000\"}"));
    CHECK(fails([&](isym::Error &e) { named.act("fly", {}, 5s, e); }, isym::Code::unsupported, "originate"));
    CHECK(named.get_within(old, 1min) == named.get(old) && !named.is_strict() && named.strict().is_strict());
    CHECK(named.binding()->id == named.resolve() && named.binding()->epoch == 1 && named.binding()->rebinds == 0);
    CHECK(!live.handle("coreServers/getByName/default/users/getByName/nobody").binding());
    isym::ActionOptions forced;
    forced.force = true;
    const isym::Handle<isym::Extension> gone = live.extension("9999", "default");
    CHECK(fails([&](isym::Error &e) { gone.act("enable_dnd", {}, 1s, e); }, isym::Code::not_found, "9999"));
    CHECK(fails([&](isym::Error &e) { gone.act_with(forced, "enable_dnd", {}, e); }, isym::Code::not_found, ""));
    CHECK(named.act_with(forced, "disable_dnd").outcome() == isym::Outcome::accepted);
    isym::Handle<> status = live.handle("coreServers/getByName/default/users/getByName/mike/status");
    isym::Args args{{"name", "Lunch"}, {"type", std::string("away")}, {"note", std::string_view()}, {"return_time", -1}};
    CHECK(status.act("set", args, 5s).outcome() == isym::Outcome::accepted);
    args.back() = {"return_time", isym::When(std::chrono::system_clock::time_point(1700000000s))};
    CHECK(status.act("set", args).outcome() == isym::Outcome::accepted);
    CHECK(posted(sandbox, "/status", R"({"name":"Lunch","note":"","returnTime":1700000000000,"type":"away"})"));
    args.push_back({"return_time", "\xff"});
    CHECK(fails([&](isym::Error &e) { status.act("set", args, 5s, e); }, isym::Code::invalid_argument, "UTF-8"));
    CHECK(fails([&](isym::Error &e) { live.act(status.get(old), "set", args, 5s, e); }, isym::Code::invalid_argument, ""));

    sandbox.set_display_name("4224", "Renamed");
    const isym::Snapshot renamed = live.refresh(5s);
    bool seen = false;
    for (const isym::Change &change : renamed.diff(old))
        if (const auto after = change.after.as<isym::Extension>(); after && after->display_name() == "Renamed")
            seen = change.kind == isym::ChangeKind::changed && change.before != change.after && change.resource;
    CHECK(seen);

    const isym::Uuid before = named.resolve();
    sandbox.restart();
    CHECK(soon([&] { return live.refresh(60s).epoch() > old.epoch(); }));
    CHECK(named.resolve() != before && !live.snapshot().diff(renamed).empty() && sandbox.incarnation() == 2);
    CHECK(named.binding()->rebinds == 1 && named.binding()->other_objects == 0);
    CHECK(isym::Handle<isym::Extension>(of).resolve() == named.resolve());
}

void health_and_metrics(const isym::Sandbox &sandbox, const isym::Live &live)
{
    isym::Health health = live.health();
    CHECK(health.state() == isym::State::live && live.state() == isym::State::live && health.has_data());
    CHECK(health.since() > isym::Time() && health.age() < 1min && health.epoch() == 2 && health.generation() > 2);
    CHECK(health.retired_snapshots() < 100 && health.failing().empty() && health.overdue().empty());
    CHECK(soon([&] { return live.health().events() == isym::EventsState::connected; }));
    CHECK(live.health().events_problem());
    std::uint64_t requests = 0;
    for (const isym::Metric &metric : live.metrics())
        if (metric.name == "requests")
            requests = metric.value;
    CHECK(requests > 10);

    sandbox.set_credentials("manager", "new");
    CHECK(soon([&] { return live.refresh(100ms, *std::make_unique<isym::Error>()), live.state() == isym::State::failed; }));
    std::optional<isym::Problem> problem = live.health().last_problem();
    CHECK(problem && problem->error.code() == isym::Code::auth && problem->error.http_status() == 401);
    CHECK(problem->at > isym::Time() && problem->kind == isym::Kind::none && has(problem->about, ""));
    live.set_credentials("manager", "new");
    CHECK(soon([&] { return live.state() == isym::State::live; }));
    sandbox.serve("*/users", "[");
    CHECK(soon([&] {
        live.refresh(100ms, *std::make_unique<isym::Error>());
        const std::vector<isym::Problem> failing = live.health().failing();
        return std::any_of(failing.begin(), failing.end(), [](const isym::Problem &each) {
            return each.kind == isym::Kind::user && each.error && each.about.find("users") != each.about.npos;
        });
    }));
    sandbox.clear_overrides();
}

void logging(const isym::Live &live)
{
    auto lines = std::make_shared<std::atomic<int>>(0);
    isym::set_log_callback(
        [lines](isym::LogLevel level, std::string_view target, std::string_view message) {
            *lines += level <= isym::LogLevel::trace && has(target, "isymphony") && !message.empty();
#if defined(__cpp_exceptions)
            throw 1;
#endif
        },
        isym::LogLevel::trace);
    live.set_dnd("4224", false, "default");
    CHECK(*lines > 0);
    isym::set_log_callback(nullptr);
    CHECK(soon([&] { return lines.use_count() == 1; }));
    CHECK(fails([](isym::Error &e) { isym::set_log_callback({}, isym::LogLevel(9), e); }, isym::Code::invalid_argument, "9"));
}

/// What a script does to a sandbox that nothing above needed.
void scripts(const isym::Sandbox &sandbox)
{
    isym::Error none;
    isym::SandboxCoreServer north = sandbox.core_server("north");
    north.add_user("zoe", "Zoe");
    north.rename_user("zoe", "zoë");
    north.set_displayed_name("zoë", "Zoë");
    north.set_full_user("zoë", false);
    north.set_status("zoë", "Chat", "chat");
    north.add_extension("#1", "Star", "zoë");
    north.rename_extension("#1", "#2");
    north.set_dnd("#2", true);
    CHECK(north.dnd("#2") && north.id_of(isym::Kind::extension, "#2") != isym::Uuid());
    const isym::Uuid agent = north.log_in_agent("5001", "#2");
    CHECK(agent == north.agent_id("5001", "#2"));
    north.pause_agent("5001", "#2");
    north.set_agent_state("5001", "#2", "BUSY");
    north.log_out_agent("5001", "#2");
    north.remove_extension("#2");
    north.log_out_user("zoë");
    north.remove_user("zoë");
    north.set_queue_enabled("5002", false);
    north.remove_queue("5002");
    north.add_conference("8999", "Room");
    isym::Uuid call = north.add_call("4224");
    CHECK(north.call_segments("4224") == std::vector<isym::Uuid>{call} && north.call_segment_count() == 1);
    CHECK(north.call_segments("10003").empty() && north.extension_numbers().size() == 12);
    CHECK(north.extension_numbers()[0] == "4224" && sandbox.core_server("south").extension_numbers(none).empty());
    CHECK(none.code() == isym::Code::not_found && has(none.what(), "south"));
    CHECK(north.call_segments("9999", none).empty() && none.code() == isym::Code::not_found);
    north.answer(call);
    north.record(call);
    north.join_conference(call, "8999");
    north.transfer(call, "5001");
    north.remove_conference("8999");
    call = north.originate("4224", "5551234");
    north.hang_up(call);
    const auto [caller, called] = north.add_internal_call("4224", "10003");
    CHECK(caller != called);
    CHECK(fails([&](isym::Error &e) { sandbox.core_server("south").hang_up_all(e); }, isym::Code::not_found, "south"));
    CHECK(fails([&](isym::Error &e) { sandbox.fault("status=often", e); }, isym::Code::invalid_argument, "often"));

    sandbox.send_event("Good morning");
    CHECK(sandbox.events().size() > 1 && sandbox.events().back() == "Good morning");
    CHECK(fails([&](isym::Error &e) { sandbox.send_event("\xff", e); }, isym::Code::invalid_argument, "UTF-8"));
    sandbox.clear_requests();
    sandbox.set_denied(true);
    sandbox.set_denied(false);
    sandbox.set_demand_tls(true);
    sandbox.set_demand_tls(false);
    sandbox.set_licensing(false);
    sandbox.set_conferences_enabled(false);
    sandbox.restart_at_request(1'000'000);
    sandbox.clear_faults();
    sandbox.stop_listening();
    CHECK(soon([&] { return sandbox.connections() == 0; }));
    sandbox.start_listening();
    CHECK(sandbox.port() != 0 && has(sandbox.url(), std::to_string(sandbox.port())) && sandbox.request_count() < 1000);
}

/// The doctor finds nothing wrong with a sandbox, and says so of what is no server at all.
void doctor(const isym::Sandbox &sandbox)
{
    isym::DoctorOptions options;
    options.sample = 1;
    options.search = 1;
    options.time_limit = 20s;
    const isym::DoctorReport report = isym::examine(isym::Config(sandbox.url()).credentials("manager", "new"), options);
    CHECK(report.ok() && report.is_connected() && report.server() == sandbox.url());
    CHECK(has(report.text(), "Extension") && report.json().substr(0, 1) == "{");
    CHECK(report.overlay().find("secret") == std::string_view::npos);
    const isym::DoctorReport away = isym::examine(isym::Config("http://127.0.0.1:1"));
    CHECK(!away.ok() && !away.is_connected() && away.server() == "http://127.0.0.1:1");
    CHECK(!away.empty() && away[0].severity == isym::Severity::error && !away[0].message.empty());
    CHECK(!away[0].advice.empty() && isym::DoctorReport().empty());
    CHECK(fails([](isym::Error &e) { isym::examine(isym::Config("gopher://pbx"), {}, e); }, isym::Code::config, "http"));
}

isym::SandboxConfig world()
{
    isym::SandboxConfig config;
    config.users(12).lite_users(0).extra_extensions(0).queues(2).agents_per_queue(4).conferences(2).seed(0);
    config.calls_at_start(0).calls_per_second(0).ring_time(1min).call_duration(30s).licensing(true);
    config.conferences_enabled(true).port(0).max_connections(256).max_requests_kept(100'000);
    config.credentials("manager", "s3cret").core_servers({"default", "north"});
    return config;
}

}  // namespace

int main()
{
    names_and_numbers();
    settings();
    isym::Sandbox sandbox(world());
    // What is cut off comes back soon.
    isym::Live live{isym::Config(sandbox.url()).credentials("manager", "s3cret").backoff(20ms, 500ms)};
    CHECK(live.wait(60s).has_data() && live.url() == sandbox.url());
    snapshots(live);
    relations(sandbox, live);
    actions(sandbox, live);
    handles(sandbox, live);
    health_and_metrics(sandbox, live);
    logging(live);
    doctor(sandbox);
    scripts(sandbox);
    return done();
}
