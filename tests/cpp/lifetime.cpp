/* What lives how long: copies, moves, and views that outlive the client. */
#include "check.hpp"

#include <type_traits>
#include <vector>

namespace {

template <class T>
constexpr bool copied = std::is_copy_constructible_v<T> && std::is_copy_assignable_v<T>;
template <class T>
constexpr bool moved = std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_assignable_v<T>;

static_assert(copied<isym::Snapshot> && copied<isym::Config> && copied<isym::Handle<>> && copied<isym::Ticket>);
static_assert(copied<isym::Changes> && copied<isym::Health> && copied<isym::Metrics> && copied<isym::Error>);
static_assert(!copied<isym::Live> && !copied<isym::Watch> && !copied<isym::Sandbox>);
static_assert(moved<isym::Snapshot> && moved<isym::Live> && moved<isym::Watch> && moved<isym::Sandbox>);
static_assert(moved<isym::Config> && moved<isym::Handle<>> && moved<isym::Ticket> && moved<isym::Error>);
static_assert(std::is_trivially_copyable_v<isym::Extension> && sizeof(isym::Extension) == sizeof(isym_extension));
static_assert(std::is_trivially_copyable_v<isym::List<isym::User>> && sizeof(isym::Uuid) == 16);

/// A temporary snapshot gives no views.
template <class S, class = void>
constexpr bool gives_views = false;
template <class S>
constexpr bool gives_views<S, std::void_t<decltype(std::declval<S>().extension("", ""))>> = true;
static_assert(gives_views<isym::Snapshot &> && gives_views<const isym::Snapshot &>);
static_assert(!gives_views<isym::Snapshot> && !gives_views<const isym::Snapshot>);

/// What a client gave stays valid when it is gone, and its server with it.
void outliving()
{
    isym::Snapshot snap;
    isym::Handle<isym::Extension> handle;
    isym::Ticket ticket;
    isym::Changes changes;
    std::optional<isym::Problem> problem;
    {
        isym::Sandbox sandbox;
        isym::Live live{isym::Config(sandbox.url())};
        isym::Snapshot before = live.wait(10s);
        handle = live.extension("4224");
        ticket = live.originate("4224", "5551234");
        snap = ticket.wait(5s);
        changes = snap.diff(before);
        sandbox.fault("status=503; times=1");
        CHECK(soon([&] { return (problem = live.health().last_problem()).has_value(); }));
    }
    CHECK(snap.extension("default", "4224")->extension_number() == "4224");
    CHECK(handle.get(snap).extension_number() == "4224" && handle.path() != "");
    CHECK(ticket.outcome() == isym::Outcome::accepted && !ticket.path().empty());
    CHECK(fails([&](isym::Error &e) { ticket.wait(1s, e); }, isym::Code::closed, ""));
    CHECK(fails([&](isym::Error &e) { handle.act("enable_dnd", {}, 1s, e); }, isym::Code::closed, ""));
    CHECK(!changes.empty() && changes[0].resource && !changes[changes.size()].resource);
    CHECK(problem->error.http_status() == 503 && !std::string(problem->about).empty());
}

void copies(const isym::Live &live)
{
    isym::Snapshot first = live.snapshot();
    std::vector<isym::Snapshot> many(100, first);
    const isym::Extension extension = *many.back().extension("default", "4224");
    first = isym::Snapshot();
    many.erase(many.begin(), many.end() - 1);
    CHECK(extension.extension_number() == "4224" && first.object_count() == 0);
    isym::Snapshot &self = many[0];
    many[0] = self;
    CHECK(extension.extension_number() == "4224");

    isym::Config config(std::string("http://pbx"));
    isym::Config other = config;
    other.ca_file("/nowhere/ca.pem");
    config.validate();
    config = other;
    CHECK(fails([&](isym::Error &e) { config.validate(e); }, isym::Code::config, "https"));
}

/// What was moved from is empty, and may be asked, assigned and freed.
void moves(isym::Live live)
{
    isym::Live other = std::move(live);
    CHECK(other.state() == isym::State::live && live.state() == isym::State::none);
    CHECK(live.metrics().empty() && live.health().state() == isym::State::none && live.health().failing().empty());
    CHECK(fails([&](isym::Error &e) { live.refresh(1s, e); }, isym::Code::invalid_argument, "live"));
    live.close();
    live = std::move(other);

    isym::Snapshot snap = live.snapshot();
    isym::Snapshot taken = std::move(snap);
    CHECK(taken.has_data() && !snap.has_data() && snap.core_servers().empty() && !snap.extension("default", "4224"));
    snap = std::move(taken);
    CHECK(snap.extension("default", "4224"));
    isym::Handle<isym::Extension> handle = live.extension("4224"), away = std::move(handle);
    CHECK(handle.path().empty() && handle.kind() == isym::Kind::none && away.resolve() != isym::Uuid());
    isym::Ticket ticket = live.set_dnd("4224", true), gone = std::move(ticket);
    CHECK(ticket.outcome() == isym::Outcome::none && ticket.path().empty() && !ticket.error());
    isym::Error error;
    snap.resolve("nowhere", error);
    isym::Error kept = std::move(error);
    CHECK(has(kept.what(), "nowhere"));
}

void sandboxes()
{
    isym::Sandbox sandbox;
    isym::SandboxCoreServer first = sandbox.core_server("default");
    const std::string url(sandbox.url());
    isym::Sandbox moved = std::move(sandbox);
    CHECK(sandbox.url().empty() && sandbox.port() == 0 && moved.url() == url && sandbox.requests().empty());
    CHECK(fails([&](isym::Error &e) { sandbox.hang_up_all(e); }, isym::Code::invalid_argument, "sandbox"));
    moved = isym::Sandbox();
    first.hang_up_all();  // The first one lives as long as this.
    isym::Live live{isym::Config(url)};
    CHECK(live.wait(10s).has_data());
}

}  // namespace

int main()
{
    outliving();
    isym::Sandbox sandbox;
    isym::Live live{isym::Config(sandbox.url())};
    live.wait(10s);
    copies(live);
    moves(std::move(live));
    sandboxes();
    return done();
}
