/* Errors, thrown and put into a variable. Built without exceptions too: then with the argument "untaken" it lets one go. */
#include "check.hpp"

#include <cstring>
#include <type_traits>

namespace {

constexpr auto SERVER = "coreServers/getByName/default";

/// The non-throwing form: the error goes into a variable, and the result is empty.
void into_a_variable(const isym::Sandbox &sandbox, const isym::Live &live)
{
    isym::Error error;
    CHECK(!error && error.code() == isym::Code::ok && error.what() == std::string_view("ok") && !error.c());
    isym::Snapshot snap = live.snapshot(1min, error);
    CHECK(!error && snap.has_data());
    isym::Resource none = snap.resolve("coreServers/getByName/south", error);
    CHECK(error.code() == isym::Code::not_found && has(error.what(), "south") && !none && !error.retryable());
    const isym::Error kept = error;
    CHECK(snap.resolve(SERVER, error) && !error && has(kept.what(), "south"));

    CHECK(fails([&](isym::Error &e) { isym::Uuid::parse("4224", e); }, isym::Code::invalid_argument, "UUID"));
    CHECK(fails([&](isym::Error &e) { snap.resolve("nowhere", e); }, isym::Code::invalid_path, "nowhere"));
    CHECK(fails([&](isym::Error &e) { snap.resolve_list(SERVER, e); }, isym::Code::invalid_path, "one"));
    CHECK(fails([&](isym::Error &e) { snap.core_servers().by_name("south", e); }, isym::Code::not_found, "south"));
    CHECK(fails([&](isym::Error &e) { live.handle("nowhere", e); }, isym::Code::invalid_path, "nowhere"));
    CHECK(fails([&](isym::Error &e) { live.handle_of(isym::User(), e); }, isym::Code::invalid_argument, ""));
    CHECK(fails([&](isym::Error &e) { live.extension("9999", "default").resolve(e); }, isym::Code::not_found, "9999"));
    CHECK(fails([&](isym::Error &e) { live.originate("9999", "1", "default", e); }, isym::Code::not_found, "9999"));
    CHECK(fails([&](isym::Error &e) { live.post("coreServers/x", "{", 1s, e); }, isym::Code::invalid_argument, "JSON"));
    CHECK(fails([&](isym::Error &e) { isym::Config("gopher://pbx").validate(e); }, isym::Code::config, "http"));
    CHECK(fails([&](isym::Error &e) { sandbox.hang_up(isym::Uuid(), e); }, isym::Code::not_found, ""));
    const std::string cut("4224\0 and more", 14);
    CHECK(fails([&](isym::Error &e) { live.originate(cut, "1", nullptr, e); }, isym::Code::invalid_argument, "UTF-8"));

    isym::Live closed(isym::Config("gopher://pbx"), error);
    CHECK(error.code() == isym::Code::config && closed.state() == isym::State::none && closed.c() == nullptr);
    CHECK(fails([&](isym::Error &e) { closed.snapshot(isym::any_age, e); }, isym::Code::invalid_argument, "live"));
    isym::Live nobody(isym::Config("http://127.0.0.1:1"));
    CHECK(fails([&](isym::Error &e) { nobody.wait(50ms, e); }, isym::Code::sync_timeout, ""));
    CHECK(fails([&](isym::Error &e) { nobody.snapshot(1s, e); }, isym::Code::stale, "nothing was synced"));
    nobody.close();
    CHECK(fails([&](isym::Error &e) { nobody.wait(1s, e); }, isym::Code::closed, ""));
}

#if defined(__cpp_exceptions)
void thrown(const isym::Sandbox &sandbox, const isym::Live &live)
{
    static_assert(std::is_nothrow_copy_constructible_v<isym::Stale> && std::is_base_of_v<std::exception, isym::Error>);
    static_assert(std::is_base_of_v<isym::TimedOut, isym::SyncTimeout>);
    const isym::Snapshot snap = live.snapshot();
    CHECK(throws<isym::NotFound>([&] { snap.resolve("coreServers/getByName/south"); }, "south"));
    CHECK(throws<isym::PathError>([&] { snap.resolve("nowhere"); }, "nowhere"));
    CHECK(throws<isym::InvalidArgument>([&] { isym::Uuid::parse("4224"); }, "UUID"));
    CHECK(throws<isym::ConfigError>([] { isym::Live refused{isym::Config("gopher://pbx")}; }, "http"));
    CHECK(throws<isym::Unsupported>([&] { live.core_server("default").act("fly"); }, "fly"));
    sandbox.respond("POST */originate", 412, nullptr, "no such line");
    CHECK(throws<isym::Rejected>([&] { live.originate("4224", "1"); }, "no such line"));
    sandbox.respond("POST */originate", 403, nullptr, "not you");
    CHECK(throws<isym::Forbidden>([&] { live.originate("4224", "1"); }, "not you"));
    sandbox.respond("POST */originate", 401, nullptr, "who are you");
    CHECK(throws<isym::AuthError>([&] { live.originate("4224", "1"); }, ""));
    sandbox.clear_overrides();

    isym::Live nobody{isym::Config("http://127.0.0.1:1")};
    CHECK(throws<isym::SyncTimeout>([&] { nobody.wait(50ms); }, ""));
    CHECK(throws<isym::TimedOut>([&] { nobody.wait(50ms); }, ""));
    CHECK(throws<isym::Stale>([&] { nobody.snapshot(1s); }, "nothing was synced"));
    nobody.close();
    CHECK(throws<isym::Closed>([&] { nobody.wait(); }, ""));
    CHECK(throws<isym::NotFound>([&] { live.extension("9999").resolve(); }, "9999"));

    // Every code has its class, and an unknown one is an Error.
    const auto raised = [](int code) {
        try {
            isym::Error(static_cast<isym_status>(code), nullptr).raise();
        } catch (const isym::Error &error) {
            return typeid(error) != typeid(isym::Error) && error.what() == isym::name(isym::Code(code));
        }
    };
    for (int code = 1; code <= ISYM_INTERNAL; code++)
        CHECK(raised(code));
    CHECK(!raised(ISYM_INTERNAL + 1));

    // It outlives everything.
    std::exception_ptr later;
    try {
        isym::Sandbox other;
        isym::Live brief{isym::Config(other.url())};
        brief.wait(60s);
        brief.user("nobody").resolve();
    } catch (...) {
        later = std::current_exception();
    }
    CHECK(throws<isym::NotFound>([&] { std::rethrow_exception(later); }, "nobody"));
}
#endif

}  // namespace

int main(int argc, char **argv)
{
    isym::Sandbox sandbox;
    isym::Live live{isym::Config(sandbox.url())};
    live.wait(60s);
    if (argc > 1 && std::strcmp(argv[1], "untaken") == 0)
        live.extension("9999").resolve();
    into_a_variable(sandbox, live);
#if defined(__cpp_exceptions)
    thrown(sandbox, live);
#endif
    return done();
}
