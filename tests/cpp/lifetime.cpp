/* What lives how long: copies, moves, and views that outlive the client. */
#include "check.hpp"

#include <memory>
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

/// Whether an expression on an object of this type, which is temporary but for a `&`, compiles.
template <template <class> class Expression, class Object, class = void>
constexpr bool compiles = false;
template <template <class> class Expression, class Object>
constexpr bool compiles<Expression, Object, std::void_t<Expression<Object>>> = true;

/// What an object lends is lent by one that has a name, and not by a temporary one.
template <template <class> class Expression, class Object>
constexpr bool lent_by_named_ones =
    compiles<Expression, Object &> && !compiles<Expression, Object> && !compiles<Expression, const Object>;

template <class S>
using View = decltype(std::declval<S>().extension("", ""));
template <class R>
using First = decltype(std::declval<R>()[0]);
template <class R>
using Begin = decltype(std::declval<R>().begin());
template <class R>
using Text = decltype(std::declval<R>().text());
template <class R>
using Json = decltype(std::declval<R>().json());
template <class R>
using Overlay = decltype(std::declval<R>().overlay());
template <class T>
using Path = decltype(std::declval<T>().path());
template <class W>
using Next = decltype(std::declval<W>().next());
template <class W>
using Descriptor = decltype(std::declval<W>().fd());
template <class S>
using Url = decltype(std::declval<S>().url());
static_assert(lent_by_named_ones<View, isym::Snapshot> && compiles<View, const isym::Snapshot &>);
static_assert(lent_by_named_ones<First, isym::Changes> && lent_by_named_ones<Begin, isym::Changes>);
static_assert(lent_by_named_ones<First, isym::Metrics> && lent_by_named_ones<Begin, isym::Requests>);
static_assert(lent_by_named_ones<First, isym::DoctorReport> && lent_by_named_ones<Begin, isym::DoctorReport>);
static_assert(lent_by_named_ones<Text, isym::DoctorReport> && lent_by_named_ones<Json, isym::DoctorReport>);
static_assert(lent_by_named_ones<Overlay, isym::DoctorReport> && lent_by_named_ones<Path, isym::Ticket>);
static_assert(lent_by_named_ones<Next, isym::Watch> && lent_by_named_ones<Begin, isym::Watch>);
static_assert(lent_by_named_ones<Descriptor, isym::Watch>);
static_assert(lent_by_named_ones<Url, isym::Live> && lent_by_named_ones<Url, isym::Sandbox>);
/// A view lends nothing of its own.
static_assert(compiles<First, isym::List<isym::User>> && compiles<Begin, isym::Extension::Users>);

#if defined(__cpp_lib_ranges)
static_assert(std::ranges::random_access_range<isym::List<isym::User>> && std::ranges::view<isym::List<isym::User>>);
static_assert(std::ranges::borrowed_range<isym::List<isym::User>> && std::ranges::view<isym::Extension::Users>);
static_assert(std::ranges::borrowed_range<isym::Resource::Properties>);
static_assert(std::ranges::random_access_range<isym::Changes> && !std::ranges::borrowed_range<isym::Changes>);
static_assert(std::ranges::range<isym::DoctorReport &> && !std::ranges::view<isym::DoctorReport>);
#endif

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
        isym::Snapshot before = live.wait(60s);
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

/// An iterator outlives the view that gave it, and a range the object that gave it, as long as a copy lends the elements.
void iterators(const isym::Live &live)
{
    const isym::Snapshot snap = live.snapshot();
    auto it = snap.core_server("default")->extensions().begin();
    const auto end = snap.core_server("default")->extensions().end();
    CHECK(it->extension_number() == "4224" && (*it).id() == it[0].id());
    std::ptrdiff_t counted = 0;
    for (; it != end; ++it)
        counted += !it->extension_number().empty();
    CHECK(counted == 20 && (end - 1)->extension_number().size() > 0);
    auto user = snap.extension("default", "4224")->users().begin();
    auto property = snap.extension("default", "4224")->properties().begin();
    CHECK(user->user_name() == "4224" && !property->name.empty());
    auto copied = user++;
    CHECK(copied->user_name() == "4224" && user - copied == 1 && copied < user);
    decltype(user) nothing;
    nothing = copied;
    CHECK(nothing == copied);

    auto first = std::make_unique<isym::Metrics>(live.metrics());
    const isym::Metrics kept = *first;
    auto metric = first->begin();
    first.reset();
    CHECK(!metric->name.empty() && metric->name == kept[0].name);
    isym::Metrics moved = live.metrics();
    metric = moved.begin();
    isym::Metrics home = std::move(moved);
    CHECK(metric->name == home[0].name && moved.empty());
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
    CHECK(live.wait(60s).has_data());
}

}  // namespace

int main()
{
    outliving();
    isym::Sandbox sandbox;
    isym::Live live{isym::Config(sandbox.url())};
    live.wait(60s);
    iterators(live);
    copies(live);
    moves(std::move(live));
    sandboxes();
    return done();
}
