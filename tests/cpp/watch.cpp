/* What a watch tells: by waiting, by its descriptor, and by going through it. */
#include "check.hpp"

#include <poll.h>

#include <set>

namespace {

bool readable(const isym::Watch &watch, int timeout_ms)
{
    pollfd waiting = {watch.fd(), POLLIN, 0};
    return poll(&waiting, 1, timeout_ms) == 1;
}

isym::WatchOptions only(isym::Kinds kinds)
{
    isym::WatchOptions what;
    what.kinds = kinds;
    what.core_server = "default";
    what.events = false;
    return what;
}

void changes(const isym::Sandbox &sandbox, const isym::Live &live)
{
    isym::Watch watch = live.watch(only(isym::Kind::extension));
    CHECK(!watch.next(0s) && !watch.next(1ms) && !readable(watch, 0));
    isym::Error error;
    CHECK(!watch.next(0s, error) && !error);
    sandbox.add_extension("7777", "Seven", "mike");
    live.refresh(60s);
    CHECK(readable(watch, 60000));
    std::optional<isym::Change> change = watch.next(60s);
    CHECK(change && change->kind == isym::ChangeKind::added && change->event.empty() && !change->before);
    CHECK(change->resource.as<isym::Extension>()->display_name() == "Seven" && change->after == change->resource);
    sandbox.restart();
    do  // That it is mike's may show by itself.
        change = watch.next(60s);
    while (change && change->kind == isym::ChangeKind::changed);
    CHECK(change && change->kind == isym::ChangeKind::epoch_changed && watch.merged() < 1000);
}

/// What one handle finds, also after a restart.
void of_a_handle(const isym::Sandbox &sandbox, const isym::Live &live)
{
    isym::Watch watch = live.extension("4224").watch(true, false);
    std::optional<isym::Change> change = watch.next(0s);
    CHECK(change && change->kind == isym::ChangeKind::added && !watch.next(0s));
    for (const char *name : {"Eins", "Zwei"}) {
        sandbox.set_display_name("4224", name);
        change = watch.next(60s);
        CHECK(change && change->kind == isym::ChangeKind::changed);
        CHECK(change->resource.as<isym::Extension>()->display_name() == name);
        sandbox.restart();
        change = watch.next(60s);
        CHECK(change && change->kind == isym::ChangeKind::epoch_changed);
    }
    const isym::Handle<isym::Extension> none;
    CHECK(fails([&](isym::Error &e) { (void)none.watch(false, true, e); }, isym::Code::invalid_argument, "handle"));
}

void initial_state(const isym::Live &live)
{
    isym::WatchOptions what = only(isym::Kind::user | isym::Kind::queue);
    what.initial = true;
    isym::Watch watch = live.watch(what);
    std::set<std::string> paths;
    while (std::optional<isym::Change> change = watch.next(0s))
        paths.insert(change->resource.path());
    CHECK(paths.size() == 23);
    CHECK(paths.count("coreServers/getByName/default/users/getByName/mike") == 1);
}

void events(const isym::Sandbox &sandbox, const isym::Live &live)
{
    isym::Watch watch = live.watch();
    std::string type;
    CHECK(soon([&] {
        sandbox.log_in_user("mike");
        std::optional<isym::Change> change = watch.next(100ms);
        if (change && change->kind == isym::ChangeKind::event && has(change->event, "{") && !change->resource)
            type = change->event_type;
        return !type.empty();
    }));
}

void misuse(const isym::Live &live)
{
    isym::Watch none;
    CHECK(fails([&](isym::Error &e) { none.next(1s, e); }, isym::Code::invalid_argument, "watch"));
    CHECK(fails([&](isym::Error &e) { none.fd(e); }, isym::Code::invalid_argument, "watch"));
    isym::Error error;
    CHECK(none.merged() == 0 && none.fd(error) == -1);
    const auto wrong = [&](isym::Error &e) { static_cast<void>(live.watch(only(isym::Kind(30)), e)); };
    CHECK(fails(wrong, isym::Code::invalid_argument, "kinds"));
}

/// Going through a watch ends when the client is closed, from another thread.
void closing(const isym::Sandbox &sandbox, isym::Live live)
{
    isym::Watch watch = live.watch(only(isym::Kind::user));
    std::atomic<bool> seen{false};
    std::thread closer([&] {
        sandbox.add_user("zoe", "Zoe");
        live.refresh(60s);
        CHECK(soon([&] { return seen.load(); }));
        live.close();
    });
    for (const isym::Change &change : watch)
        seen = seen || change.resource.symbolic_name() == "zoe";
    closer.join();
    CHECK(watch.begin() == watch.end());
    CHECK(fails([&](isym::Error &e) { watch.next(1s, e); }, isym::Code::closed, ""));
    isym::Watch moved = std::move(watch);
    live = isym::Live(nullptr);
    CHECK(fails([&](isym::Error &e) { moved.next(1s, e); }, isym::Code::closed, ""));
}

}  // namespace

int main()
{
    isym::Sandbox sandbox;
    isym::Live live{isym::Config(sandbox.url()).backoff(20ms, 500ms)};
    live.wait(60s);
    changes(sandbox, live);
    of_a_handle(sandbox, live);
    initial_state(live);
    events(sandbox, live);
    misuse(live);
    closing(sandbox, std::move(live));
    return done();
}
