/* One client on many threads: readers, an actor, a watcher, a logger and a restarting server. */
#include "check.hpp"

#include <vector>

namespace {

std::atomic<bool> ending{false};
std::atomic<std::uint64_t> reads{0}, changes{0}, lines{0};

/// All reads of one snapshot agree, and copies of it may be read on other threads.
void read(const isym::Live &live)
{
    while (!ending) {
        const isym::Snapshot snap = live.snapshot();
        const isym::Snapshot copy = snap;
        for (isym::Extension extension : copy.core_servers()[0].extensions())
            for (isym::User user : extension.users())
                reads += user.extensions().by_id(extension.id()).has_value() ? 1 : 0;
        CHECK(copy.object_count() == snap.object_count() && copy.epoch() == snap.epoch());
    }
}

void act(const isym::Live &live)
{
    const isym::Handle<isym::Extension> handle = live.extension("4224");
    isym::Error error;
    while (!ending) {
        const isym::Ticket ticket = handle.act("enable_dnd", {}, 2s, error);
        CHECK(error ? ticket.outcome() == isym::Outcome::none : ticket.outcome() != isym::Outcome::none);
        live.refresh(1s, error);
        CHECK(live.health().epoch() > 0);
    }
}

void log(int)
{
    while (!ending) {
        isym::set_log_callback([keep = std::make_shared<int>(7)](isym::LogLevel, std::string_view, std::string_view text) {
            lines += *keep == 7 && !text.empty();
        }, isym::LogLevel::trace);
        std::this_thread::sleep_for(5ms);
        isym::set_log_callback({});
    }
}

}  // namespace

/// The argument: how many calls a second.
int main(int argc, char **argv)
{
    isym::Sandbox sandbox(isym::SandboxConfig().calls_per_second(argc > 1 ? std::atof(argv[1]) : 50));
    isym::Live live{isym::Config(sandbox.url()).cadence(isym::Kind::call_segment, 20ms, 50ms)};
    live.wait(60s);
    isym::Watch watch = live.watch();
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; i++)
        threads.emplace_back(read, std::cref(live));
    threads.emplace_back(act, std::cref(live));
    threads.emplace_back(log, 0);
    threads.emplace_back([&] {
        for (const isym::Change &change : watch)
            changes += change.kind != isym::ChangeKind::none;
    });
    for (int i = 0; i < 3; i++) {
        std::this_thread::sleep_for(400ms);
        sandbox.restart();
    }
    // What is slow here is the tool that watches the program.
    CHECK(soon([] { return reads > 0 && changes > 0 && lines > 0; }, 60s));
    ending = true;
    live.close();
    for (std::thread &thread : threads)
        thread.join();
    return done();
}
