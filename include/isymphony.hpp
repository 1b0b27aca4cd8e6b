/* isymphony: the live state of an iSymphony telephony server inside your process, in C++17 and later.
 *
 *     isym::Live live{isym::Config("http://pbx:58080").credentials("manager", "secret")};
 *     isym::Snapshot snap = live.wait(10s);
 *     if (auto extension = snap.extension("default", "4224"))
 *         std::cout << extension->display_name() << '\n';
 *     live.originate("4224", "5551234").wait(5s);
 *
 * Everything is inline and goes to the C interface, isymphony.h; link with the same library. c() gives the C object, still
 * ours. What a function does, and which errors it has, is told in full there, under the same name; here is what is special
 * to C++.
 *
 * - Ownership. Objects (Live, Snapshot, Watch, Ticket, ...) free themselves and can be moved; an object that was moved from
 *   is empty, and everything may be asked of it. Copying a Snapshot, a Handle, a Ticket or a Changes is cheap, as both share
 *   what is immutable; copying a Config copies it. Live and Watch are not copied.
 * - Lifetime. Views (Extension, User, List, ...), iterators and every std::string_view are borrowed from the Snapshot, or the
 *   other object, that gave them, and are valid until it and its copies that they came from are gone: keep the snapshot beside
 *   them. A temporary one (Snapshot, DoctorReport, Ticket, ...) gives none: it does not compile. A view that was made by its
 *   default constructor is empty: it answers empty, 0 and false.
 * - Errors. A function that can fail has a last parameter OnError. Without it the function throws a class derived from Error
 *   (NotFound, Stale, Rejected, ...). Given a variable of type Error it throws nothing: it puts what went wrong there, or
 *   "no error", and its result is empty.
 *
 *       isym::Error error;
 *       isym::Snapshot snap = live.snapshot(2s, error);
 *       if (error)
 *           std::cerr << error.what() << '\n';
 *
 *   Built with -fno-exceptions, an error that nobody took ends the program, with its text on stderr. Look-ups that a program
 *   does all the time give a std::optional instead: "not there" is an answer.
 * - Threads. What is const may be called with the same object on any number of threads at once; what is not const needs the
 *   object for itself. The library calls the program only for set_log_callback.
 */
#ifndef ISYM_ISYMPHONY_HPP
#define ISYM_ISYMPHONY_HPP

#include <isymphony.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
#if __has_include(<version>)
#include <version>
#endif
#if defined(__cpp_lib_ranges)
#include <ranges>
#endif

/// The live state of an iSymphony telephony server.
namespace isym {

/// What went wrong; isym_status. Never renumbered; treat an unknown one as a failure.
enum class Code {
    ok = ISYM_OK,
    config = ISYM_CONFIG,
    connection_failed = ISYM_CONNECTION_FAILED,
    timed_out = ISYM_TIMED_OUT,
    sync_timeout = ISYM_SYNC_TIMEOUT,
    auth = ISYM_AUTH,
    forbidden = ISYM_FORBIDDEN,
    not_found = ISYM_NOT_FOUND,
    ambiguous = ISYM_AMBIGUOUS,
    stale = ISYM_STALE,
    rejected = ISYM_REJECTED,
    outcome_unknown = ISYM_OUTCOME_UNKNOWN,
    unsupported = ISYM_UNSUPPORTED,
    closed = ISYM_CLOSED,
    invalid_path = ISYM_INVALID_PATH,
    invalid_argument = ISYM_INVALID_ARGUMENT,
    bad_answer = ISYM_BAD_ANSWER,
    server_error = ISYM_SERVER_ERROR,
    internal = ISYM_INTERNAL,
};

/// The kinds of resources; isym_kind.
enum class Kind {
    none = ISYM_KIND_NONE,
    core_server = ISYM_KIND_CORE_SERVER,
    user = ISYM_KIND_USER,
    login = ISYM_KIND_LOGIN,
    status = ISYM_KIND_STATUS,
    extension = ISYM_KIND_EXTENSION,
    call_segment = ISYM_KIND_CALL_SEGMENT,
    queue = ISYM_KIND_QUEUE,
    agent = ISYM_KIND_AGENT,
    statistics = ISYM_KIND_STATISTICS,
    conference_room = ISYM_KIND_CONFERENCE_ROOM,
};

/// How well a client knows the server; isym_state.
enum class State {
    none = ISYM_STATE_NONE,
    connecting = ISYM_STATE_CONNECTING,
    live = ISYM_STATE_LIVE,
    stale = ISYM_STATE_STALE,
    failed = ISYM_STATE_FAILED,
    closed = ISYM_STATE_CLOSED,
};

/// Where a snapshot comes from; isym_source.
enum class Source {
    none = ISYM_SOURCE_NONE,
    live = ISYM_SOURCE_LIVE,
    sealed = ISYM_SOURCE_SEALED,
    replay = ISYM_SOURCE_REPLAY,
};

/// The kind of a change; isym_change_kind.
enum class ChangeKind {
    none = ISYM_CHANGE_NONE,
    added = ISYM_CHANGE_ADDED,
    changed = ISYM_CHANGE_CHANGED,
    removed = ISYM_CHANGE_REMOVED,
    epoch_changed = ISYM_CHANGE_EPOCH_CHANGED,
    event = ISYM_CHANGE_EVENT,
};

/// What the server said of a property; isym_property_state.
enum class PropertyState {
    unknown = ISYM_PROPERTY_UNKNOWN,
    missing = ISYM_PROPERTY_MISSING,
    null = ISYM_PROPERTY_NULL,
    other_type = ISYM_PROPERTY_OTHER_TYPE,
    present = ISYM_PROPERTY_PRESENT,
};

/// The type of a property's value; isym_type.
enum class Type {
    none = ISYM_TYPE_NONE,
    text = ISYM_TYPE_TEXT,
    boolean = ISYM_TYPE_BOOL,
    integer = ISYM_TYPE_INT,
    millis = ISYM_TYPE_MILLIS,
};

/// What became of an action that was not refused; isym_outcome.
enum class Outcome {
    none = ISYM_OUTCOME_NONE,
    accepted = ISYM_OUTCOME_ACCEPTED,
    uncertain = ISYM_OUTCOME_UNCERTAIN,
};

/// How much a log line matters; isym_log_level.
enum class LogLevel {
    off = ISYM_LOG_OFF,
    error = ISYM_LOG_ERROR,
    warn = ISYM_LOG_WARN,
    info = ISYM_LOG_INFO,
    debug = ISYM_LOG_DEBUG,
    trace = ISYM_LOG_TRACE,
};

/// How it stands with the server's events; isym_events_state.
enum class EventsState {
    none = ISYM_EVENTS_NONE,
    off = ISYM_EVENTS_OFF,
    connecting = ISYM_EVENTS_CONNECTING,
    connected = ISYM_EVENTS_CONNECTED,
    unavailable = ISYM_EVENTS_UNAVAILABLE,
};

/// How bad a finding of the doctor is; isym_severity.
enum class Severity {
    none = ISYM_SEVERITY_NONE,
    info = ISYM_SEVERITY_INFO,
    warning = ISYM_SEVERITY_WARNING,
    error = ISYM_SEVERITY_ERROR,
};

/// Some kinds, as in `Kind::extension | Kind::queue`. None at all stands for every kind.
class Kinds {
public:
    constexpr Kinds() noexcept = default;
    constexpr Kinds(Kind kind) noexcept : bits_(1u << static_cast<unsigned>(kind)) {}
    [[nodiscard]] constexpr std::uint32_t bits() const noexcept { return bits_; }
    constexpr Kinds &operator|=(Kinds other) noexcept { return bits_ |= other.bits_, *this; }

private:
    std::uint32_t bits_ = 0;
};

constexpr Kinds operator|(Kinds a, Kinds b) noexcept { return a |= b; }
constexpr Kinds operator|(Kind a, Kind b) noexcept { return Kinds(a) | Kinds(b); }

using std::chrono::milliseconds;

/// A moment of the system's clock, in whole milliseconds; for display.
using Time = std::chrono::time_point<std::chrono::system_clock, milliseconds>;

namespace detail {

inline std::string_view view(isym_str text) noexcept { return {text.ptr, text.len}; }

template <class T, void (*Free)(T *)>
struct Freed {
    void operator()(T *object) const noexcept { Free(object); }
};

/// An object of the C interface, freed with its owner.
template <class T, void (*Free)(T *)>
using Owned = std::unique_ptr<T, Freed<T, Free>>;

/// The same, with a copy that is made by the C interface.
template <class T, void (*Free)(T *), T *(*Clone)(const T *)>
class Cloned : public Owned<T, Free> {
public:
    using Owned<T, Free>::Owned;
    Cloned(Cloned &&) noexcept = default;
    Cloned(const Cloned &other) noexcept : Owned<T, Free>(Clone(other.get())) {}
    Cloned &operator=(Cloned &&) noexcept = default;
    Cloned &operator=(const Cloned &other) noexcept
    {
        if (this != &other)
            this->reset(Clone(other.get()));
        return *this;
    }
    ~Cloned() = default;
};

/// Takes over a text that was made for us.
inline std::string string(isym_text *made)
{
    Owned<isym_text, isym_text_free> text(made);
    return std::string(view(isym_text_str(text.get())));
}

/// Takes over texts that were made for us.
inline std::vector<std::string> strings(isym_texts *made)
{
    Owned<isym_texts, isym_texts_free> texts(made);
    std::vector<std::string> all;
    isym_str text{};
    for (std::size_t i = 0; i < isym_texts_count(texts.get()); i++)
        if (isym_texts_at(texts.get(), i, &text) == ISYM_OK)
            all.emplace_back(view(text));
    return all;
}

inline Time time(std::int64_t ms) noexcept { return Time(milliseconds(ms)); }

/// A moment where there is one: missing reads as 0, and "none" is -1.
inline std::optional<Time> moment(std::int64_t ms) noexcept
{
    return ms != 0 && ms != -1 ? std::optional<Time>(time(ms)) : std::nullopt;
}

}  // namespace detail

/// The version of the library that is running; ISYM_VERSION is that of the header.
[[nodiscard]] inline std::string_view version() noexcept { return detail::view(isym_version()); }

/// The name of a code, as in "not_found".
[[nodiscard]] inline std::string_view name(Code code) noexcept
{
    return detail::view(isym_status_name(static_cast<std::uint32_t>(code)));
}

/// The vendor's name of a kind, as in "CallSegment".
[[nodiscard]] inline std::string_view name(Kind kind) noexcept
{
    return detail::view(isym_kind_name(static_cast<std::uint32_t>(kind)));
}

/// A text for the library, as a parameter: a literal, a std::string, a std::string_view, or nullptr where a function says
/// what that means. Only a std::string_view is copied. One with a NUL inside is refused as invalid, not cut short.
class Text {
public:
    Text(std::nullptr_t) noexcept {}
    Text(const char *text) noexcept : text_(text) {}
    Text(const std::string &text) noexcept : text_(whole(text)) {}
    Text(std::string_view text) : copy_(text), text_(whole(copy_)) {}
    Text(const Text &) = delete;
    Text &operator=(const Text &) = delete;
    [[nodiscard]] const char *c() const noexcept { return text_; }

private:
    static const char *whole(const std::string &text) noexcept
    {
        return std::memchr(text.data(), 0, text.size()) == nullptr ? text.c_str() : "\xff";
    }
    std::string copy_;
    const char *text_ = nullptr;
};

/// How long something may take, or how old something may be: a duration, which is rounded up to milliseconds and is 0 where
/// it is negative; or no limit (any_age, forever), or the limit of the settings (default_timeout).
class Limit {
public:
    constexpr Limit() noexcept = default;
    template <class Rep, class Period>
    constexpr Limit(std::chrono::duration<Rep, Period> time) noexcept : ms_(whole(time))
    {
    }
    [[nodiscard]] constexpr std::int64_t ms() const noexcept { return ms_; }
    /// For the wrappers, where 0 stands for the default too.
    [[nodiscard]] constexpr std::int64_t ms_of_option() const noexcept { return ms_ == 0 ? 1 : ms_; }

private:
    template <class Duration>
    static constexpr std::int64_t whole(Duration time) noexcept
    {
        constexpr std::int64_t longest = 1'000'000'000'000'000;
        const double ms = std::chrono::duration<double, std::milli>(time).count();
        if (!(ms > 0))
            return 0;
        return ms < static_cast<double>(longest) ? std::chrono::ceil<milliseconds>(time).count() : longest;
    }
    std::int64_t ms_ = ISYM_FOREVER;
};

inline constexpr Limit any_age{}, forever{}, default_timeout{};

/// A moment as a parameter: a time_point of the system's clock, or none.
class When {
public:
    constexpr When() noexcept = default;
    template <class Duration>
    constexpr When(std::chrono::time_point<std::chrono::system_clock, Duration> time) noexcept
        : ms_(std::chrono::floor<milliseconds>(time.time_since_epoch()).count())
    {
    }
    [[nodiscard]] constexpr std::int64_t ms() const noexcept { return ms_; }

private:
    std::int64_t ms_ = -1;
};

/// What went wrong: a value, cheap to copy. As a variable it takes what went wrong; thrown, it is one of the classes below.
/// No text of it ever holds a password.
class Error : public std::exception {
public:
    /// No error.
    Error() noexcept = default;
    /// An error of the C interface, which is owned from now on; it may be NULL.
    Error(isym_status status, isym_error *error) : code_(status), error_(error, isym_error_free) {}
    /// An error that lives in something else.
    Error(std::shared_ptr<const isym_error> error) noexcept
        : code_(isym_error_code(error.get())), error_(std::move(error))
    {
    }

    /// Whether there is an error.
    explicit operator bool() const noexcept { return code_ != ISYM_OK; }
    [[nodiscard]] Code code() const noexcept { return static_cast<Code>(code_); }
    /// What went wrong, for a person; valid as long as this error.
    [[nodiscard]] const char *what() const noexcept override
    {
        return error_ ? isym_error_message(c()).ptr : isym_status_name(static_cast<std::uint32_t>(code_)).ptr;
    }
    /// The HTTP status the server answered with; 0 where it did not.
    [[nodiscard]] std::uint16_t http_status() const noexcept { return isym_error_http_status(c()); }
    /// The text the server gave as its reason; empty where it gave none.
    [[nodiscard]] std::string_view server_message() const noexcept
    {
        return detail::view(isym_error_server_message(c()));
    }
    /// Whether the same call may work later without a change of settings.
    [[nodiscard]] bool retryable() const noexcept { return isym_error_retryable(c()); }
    /// NULL where the C interface gave only a status.
    [[nodiscard]] const isym_error *c() const noexcept { return error_.get(); }

    /// Throws it as the class of its code. Without exceptions: prints it and ends the program.
    [[noreturn]] void raise() const;

private:
    isym_status code_ = ISYM_OK;
    std::shared_ptr<const isym_error> error_;
};

/// The exception of one code.
template <Code code, class Base = Error>
class ErrorOf : public Base {
public:
    explicit ErrorOf(const Error &error) noexcept : Base(error) {}
};

using ConfigError = ErrorOf<Code::config>;
using ConnectionFailed = ErrorOf<Code::connection_failed>;
using TimedOut = ErrorOf<Code::timed_out>;
using SyncTimeout = ErrorOf<Code::sync_timeout, TimedOut>;
using AuthError = ErrorOf<Code::auth>;
using Forbidden = ErrorOf<Code::forbidden>;
using NotFound = ErrorOf<Code::not_found>;
using Ambiguous = ErrorOf<Code::ambiguous>;
using Stale = ErrorOf<Code::stale>;
using Rejected = ErrorOf<Code::rejected>;
using OutcomeUnknown = ErrorOf<Code::outcome_unknown>;
using Unsupported = ErrorOf<Code::unsupported>;
using Closed = ErrorOf<Code::closed>;
using PathError = ErrorOf<Code::invalid_path>;
using InvalidArgument = ErrorOf<Code::invalid_argument>;
using BadAnswer = ErrorOf<Code::bad_answer>;
using ServerError = ErrorOf<Code::server_error>;
using InternalError = ErrorOf<Code::internal>;

#if defined(__cpp_exceptions)
inline void Error::raise() const
{
    switch (code_) {
    case ISYM_CONFIG: throw ConfigError(*this);
    case ISYM_CONNECTION_FAILED: throw ConnectionFailed(*this);
    case ISYM_TIMED_OUT: throw TimedOut(*this);
    case ISYM_SYNC_TIMEOUT: throw SyncTimeout(*this);
    case ISYM_AUTH: throw AuthError(*this);
    case ISYM_FORBIDDEN: throw Forbidden(*this);
    case ISYM_NOT_FOUND: throw NotFound(*this);
    case ISYM_AMBIGUOUS: throw Ambiguous(*this);
    case ISYM_STALE: throw Stale(*this);
    case ISYM_REJECTED: throw Rejected(*this);
    case ISYM_OUTCOME_UNKNOWN: throw OutcomeUnknown(*this);
    case ISYM_UNSUPPORTED: throw Unsupported(*this);
    case ISYM_CLOSED: throw Closed(*this);
    case ISYM_INVALID_PATH: throw PathError(*this);
    case ISYM_INVALID_ARGUMENT: throw InvalidArgument(*this);
    case ISYM_BAD_ANSWER: throw BadAnswer(*this);
    case ISYM_SERVER_ERROR: throw ServerError(*this);
    case ISYM_INTERNAL: throw InternalError(*this);
    case ISYM_OK: break;
    }
    throw Error(*this);
}
#else
inline void Error::raise() const
{
    std::fprintf(stderr, "isymphony: %s\n", what());
    std::terminate();
}
#endif

/// The last parameter of what can fail: nothing, to have it thrown, or an Error to put it into.
class OnError {
public:
    OnError() noexcept = default;
    OnError(Error &into) noexcept : into_(&into) {}

    /// For the wrappers: where the C interface puts its error ...
    isym_error **slot() noexcept { return &error_; }
    /// ... and what becomes of it. Whether there was none.
    bool check(isym_status status)
    {
        if (status == ISYM_OK) {
            if (into_ != nullptr)
                *into_ = Error();
            return true;
        }
        Error error(status, std::exchange(error_, nullptr));
        if (into_ == nullptr)
            error.raise();
        *into_ = std::move(error);
        return false;
    }

private:
    Error *into_ = nullptr;
    isym_error *error_ = nullptr;
};

/// The id of an instance: 16 bytes, new at every restart of the server. A value; all zero by default.
class Uuid {
public:
    constexpr Uuid() noexcept = default;
    constexpr Uuid(isym_uuid uuid) noexcept : uuid_(uuid) {}
    /// Reads an id from text, with or without hyphens, in either case. Errors: InvalidArgument.
    static Uuid parse(Text text, OnError on = {})
    {
        Uuid uuid;
        on.check(isym_uuid_parse(text.c(), &uuid.uuid_, on.slot()));
        return uuid;
    }
    /// As in "ef2faba9-8557-49c1-9ffc-5a71f41c7a23".
    [[nodiscard]] std::string str() const
    {
        char text[37] = {};
        isym_uuid_format(uuid_, text);
        return text;
    }
    [[nodiscard]] const isym_uuid &c() const noexcept { return uuid_; }

    friend bool operator==(Uuid a, Uuid b) noexcept { return isym_uuid_equal(a.uuid_, b.uuid_); }
    friend bool operator!=(Uuid a, Uuid b) noexcept { return !(a == b); }
    friend bool operator<(Uuid a, Uuid b) noexcept
    {
        return std::memcmp(a.uuid_.bytes, b.uuid_.bytes, sizeof a.uuid_.bytes) < 0;
    }

private:
    isym_uuid uuid_ = {};
};

namespace detail {

/// Goes through a view. Holds it, so that it is valid as long as what the view is borrowed from.
template <class View, class T>
class Iterator {
    struct Arrow {
        T value;
        const T *operator->() const noexcept { return &value; }
    };

public:
    using iterator_concept = std::random_access_iterator_tag;
    using iterator_category = std::input_iterator_tag;  // What it gives is no reference.
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = Arrow;
    using reference = T;

    Iterator() noexcept = default;
    Iterator(View view, std::size_t at) noexcept : view_(view), at_(static_cast<difference_type>(at)) {}

    T operator*() const { return (*this)[0]; }
    Arrow operator->() const { return {**this}; }
    T operator[](difference_type n) const { return view_[static_cast<std::size_t>(at_ + n)]; }
    Iterator &operator++() noexcept { return *this += 1; }
    Iterator &operator--() noexcept { return *this -= 1; }
    Iterator operator++(int) noexcept { return std::exchange(*this, *this + 1); }
    Iterator operator--(int) noexcept { return std::exchange(*this, *this - 1); }
    Iterator &operator+=(difference_type n) noexcept { return at_ += n, *this; }
    Iterator &operator-=(difference_type n) noexcept { return at_ -= n, *this; }
    friend Iterator operator+(Iterator it, difference_type n) noexcept { return it += n; }
    friend Iterator operator+(difference_type n, Iterator it) noexcept { return it += n; }
    friend Iterator operator-(Iterator it, difference_type n) noexcept { return it -= n; }
    friend difference_type operator-(Iterator a, Iterator b) noexcept { return a.at_ - b.at_; }
    friend bool operator==(Iterator a, Iterator b) noexcept { return a.at_ == b.at_; }
    friend bool operator!=(Iterator a, Iterator b) noexcept { return a.at_ != b.at_; }
    friend bool operator<(Iterator a, Iterator b) noexcept { return a.at_ < b.at_; }
    friend bool operator>(Iterator a, Iterator b) noexcept { return a.at_ > b.at_; }
    friend bool operator<=(Iterator a, Iterator b) noexcept { return a.at_ <= b.at_; }
    friend bool operator>=(Iterator a, Iterator b) noexcept { return a.at_ >= b.at_; }

private:
    View view_{};
    difference_type at_ = 0;
};

/// A view that is gone through with `for`: a small value, like its elements borrowed from something else.
template <class Self, class T>
class Iterable {
public:
    using value_type = T;
    using size_type = std::size_t;
    using iterator = Iterator<Self, T>;
    using const_iterator = iterator;
    [[nodiscard]] iterator begin() const noexcept { return {self(), 0}; }
    [[nodiscard]] iterator end() const noexcept { return {self(), self().size()}; }
    [[nodiscard]] bool empty() const noexcept { return self().size() == 0; }

private:
    const Self &self() const noexcept { return static_cast<const Self &>(*this); }
};

/// Some things that the C interface counts and gives by position. One beyond the end is empty.
template <class T, class Of, std::size_t (*Count)(Of), auto At>
class Counted : public Iterable<Counted<T, Of, Count, At>, T> {
public:
    Counted() noexcept : of_() {}
    explicit Counted(Of of) noexcept : of_(of) {}
    [[nodiscard]] std::size_t size() const noexcept { return Count(of_); }
    T operator[](std::size_t position) const
    {
        typename T::c_type found{};
        At(of_, position, &found);
        return T(found);
    }

private:
    Of of_;
};

/// The same, of an object that is owned together with all copies. A temporary one gives nothing that it would take away.
template <class T, class Of, void (*Free)(Of *), std::size_t (*Count)(const Of *), auto At>
class Shared {
    using Elements = Counted<T, const Of *, Count, At>;

public:
    using value_type = T;
    using size_type = std::size_t;
    using iterator = typename Elements::iterator;
    using const_iterator = iterator;

    Shared() noexcept = default;
    explicit Shared(Of *owned) : of_(owned, Free) {}
    [[nodiscard]] iterator begin() const & noexcept { return Elements(c()).begin(); }
    [[nodiscard]] iterator end() const & noexcept { return Elements(c()).end(); }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return Count(c()); }
    T operator[](std::size_t position) const & { return Elements(c())[position]; }
    [[nodiscard]] const Of *c() const noexcept { return of_.get(); }

    iterator begin() const && = delete;
    iterator end() const && = delete;
    T operator[](std::size_t) const && = delete;

private:
    std::shared_ptr<const Of> of_;
};

/// The one thing that the C interface finds, or none.
template <class T, class Find, class... Of>
std::optional<T> one(Find look_up, const Of &...of)
{
    typename T::c_type found{};
    return look_up(of..., &found) == ISYM_OK ? std::optional<T>(T(found)) : std::nullopt;
}

}  // namespace detail

class CoreServer;
class User;
class Login;
class Status;
class Extension;
class CallSegment;
class Queue;
class Agent;
class Statistics;
class ConferenceRoom;
template <class T>
class List;

/// A property with what the server said of it. The texts are borrowed from the snapshot.
struct Property {
    using c_type = isym_property;
    explicit Property(const isym_property &c) noexcept
        : state(static_cast<PropertyState>(c.state)), type(static_cast<Type>(c.value_type)), name(detail::view(c.name)),
          text(detail::view(c.text)), number(c.number), boolean(c.boolean)
    {
    }

    PropertyState state;
    Type type;
    std::string_view name;
    std::string_view text;
    std::int64_t number;
    bool boolean;
};

/// One instance of any kind: a small value to be copied at will, borrowed from its snapshot.
class Resource {
public:
    using c_type = isym_resource;
    using Properties = detail::Counted<Property, isym_resource, isym_resource_property_count, isym_resource_property_at>;

    /// An empty view.
    Resource() noexcept : resource_() {}
    explicit Resource(isym_resource resource) noexcept : resource_(resource) {}

    explicit operator bool() const noexcept { return !isym_resource_is_empty(resource_); }
    [[nodiscard]] Kind kind() const noexcept { return static_cast<Kind>(isym_resource_kind(resource_)); }
    [[nodiscard]] Uuid id() const noexcept { return isym_resource_id(resource_); }
    /// The name that stands behind getByName in a path; empty where the kind has none.
    [[nodiscard]] std::string_view symbolic_name() const noexcept
    {
        return detail::view(isym_resource_name(resource_));
    }
    [[nodiscard]] std::string_view configuration_id() const noexcept
    {
        return detail::view(isym_resource_configuration_id(resource_));
    }
    /// The path by symbolic names, as far as there are any that are not ambiguous.
    [[nodiscard]] std::string path() const { return detail::string(isym_resource_path(resource_)); }
    [[nodiscard]] std::string id_path() const { return detail::string(isym_resource_id_path(resource_)); }
    /// The whole object as JSON, every value as the server sent it.
    [[nodiscard]] std::string raw() const { return detail::string(isym_resource_raw(resource_)); }
    /// What the catalogue does not know, as a JSON object; empty when nothing.
    [[nodiscard]] std::string_view extra() const noexcept { return detail::view(isym_resource_extra(resource_)); }
    /// How long ago the server last confirmed it, computed now; milliseconds::max() for an empty view.
    [[nodiscard]] milliseconds age() const noexcept { return milliseconds(isym_resource_age_ms(resource_)); }
    [[nodiscard]] Time confirmed_at() const noexcept { return detail::time(isym_resource_confirmed_at_ms(resource_)); }
    [[nodiscard]] std::optional<CoreServer> core_server() const;
    /// A property by its JSON name or attribute name; none where the catalogue has no such property.
    [[nodiscard]] std::optional<Property> property(Text name) const
    {
        return detail::one<Property>(isym_resource_property, resource_, name.c());
    }
    [[nodiscard]] PropertyState property_state(Text name) const
    {
        return static_cast<PropertyState>(isym_resource_property_state(resource_, name.c()));
    }
    [[nodiscard]] Properties properties() const noexcept { return Properties(resource_); }
    /// What is below it, for programs that learn their names at run time.
    [[nodiscard]] List<Resource> sub(Text name) const;
    /// The same as a view of its kind, as in `as<isym::Extension>()`; none where it is of another kind.
    template <class T>
    [[nodiscard]] std::optional<T> as() const
    {
        return detail::one<T>(T::as_this, resource_);
    }
    [[nodiscard]] const isym_resource &c() const noexcept { return resource_; }

    /// Whether it is the same instance with the same content; also from different snapshots.
    friend bool operator==(const Resource &a, const Resource &b) noexcept
    {
        return isym_resource_equal(a.resource_, b.resource_);
    }
    friend bool operator!=(const Resource &a, const Resource &b) noexcept { return !(a == b); }

private:
    isym_resource resource_;
};

/// The instances of one list, in the server's order: a small value, borrowed from its snapshot.
template <class T>
class List : public detail::Iterable<List<T>, T> {
public:
    List() noexcept : list_() {}
    explicit List(isym_list list) noexcept : list_(list) {}

    [[nodiscard]] Kind kind() const noexcept { return static_cast<Kind>(isym_list_kind(list_)); }
    [[nodiscard]] std::size_t size() const noexcept { return isym_list_count(list_); }
    /// Whether the server has this list and it is synced; a list that is known may be empty.
    [[nodiscard]] bool is_known() const noexcept { return isym_list_is_known(list_); }
    [[nodiscard]] milliseconds age() const noexcept { return milliseconds(isym_list_age_ms(list_)); }
    /// The instance at a position; an empty view beyond the end.
    T operator[](std::size_t position) const noexcept
    {
        isym_resource found{};
        isym_list_at(list_, position, &found);
        return typed(found);
    }
    /// The only instance with this symbolic name.
    [[nodiscard]] std::optional<T> find(Text name) const { return optional(isym_list_find, name.c()); }
    /// The same, with words where there is none. Errors: NotFound, Ambiguous, Unsupported, InvalidArgument.
    T by_name(Text name, OnError on = {}) const
    {
        isym_resource found{};
        on.check(isym_list_by_name(list_, name.c(), &found, on.slot()));
        return typed(found);
    }
    [[nodiscard]] std::optional<T> by_id(Uuid id) const { return optional(isym_list_by_id, id.c()); }
    [[nodiscard]] const isym_list &c() const noexcept { return list_; }

private:
    static T typed(isym_resource found) noexcept { return T(typename T::c_type{found}); }
    template <class Find, class Key>
    std::optional<T> optional(Find look_up, const Key &key) const
    {
        isym_resource found{};
        return look_up(list_, key, &found) == ISYM_OK ? std::optional<T>(typed(found)) : std::nullopt;
    }
    isym_list list_;
};

/// What the views of all kinds have in common.
template <class C, isym_status (*As)(isym_resource, C *)>
class View : public Resource {
public:
    using c_type = C;
    static isym_status as_this(isym_resource resource, C *out) noexcept { return As(resource, out); }
    View() noexcept = default;
    explicit View(C c) noexcept : Resource(c.resource) {}
    [[nodiscard]] C c() const noexcept { return C{Resource::c()}; }

protected:
    template <isym_str (*Of)(C)>
    std::string_view text() const noexcept
    {
        return detail::view(Of(c()));
    }
};

/// A core server: one PBX that the iSymphony server manages.
class CoreServer : public View<isym_core_server, isym_resource_as_core_server> {
public:
    using View::View;
    /// The short name that stands in paths, as in "default".
    [[nodiscard]] std::string_view slug() const noexcept { return text<isym_core_server_slug>(); }
    [[nodiscard]] std::string_view name() const noexcept { return text<isym_core_server_name>(); }
    [[nodiscard]] List<User> users() const noexcept;
    [[nodiscard]] List<Extension> extensions() const noexcept;
    [[nodiscard]] List<CallSegment> call_segments() const noexcept;
    [[nodiscard]] List<Queue> queues() const noexcept;
    [[nodiscard]] List<ConferenceRoom> conferences() const noexcept;
};

/// A user of iSymphony.
class User : public View<isym_user, isym_resource_as_user> {
public:
    using View::View;
    /// The name a user logs in with: the symbolic name.
    [[nodiscard]] std::string_view user_name() const noexcept { return text<isym_user_user_name>(); }
    [[nodiscard]] std::string_view displayed_name() const noexcept { return text<isym_user_displayed_name>(); }
    [[nodiscard]] std::string_view permission_id() const noexcept { return text<isym_user_permission_id>(); }
    [[nodiscard]] List<Login> logins() const noexcept;
    [[nodiscard]] List<Extension> extensions() const noexcept;
    /// None where a licence or the server has none.
    [[nodiscard]] std::optional<Status> status() const noexcept;
};

/// A client with which a user is logged in now.
class Login : public View<isym_login, isym_resource_as_login> {
public:
    using View::View;
    [[nodiscard]] std::string_view ip() const noexcept { return text<isym_login_ip>(); }
    [[nodiscard]] std::int64_t port() const noexcept { return isym_login_port(c()); }
    [[nodiscard]] std::optional<Time> time_connected() const noexcept
    {
        return detail::moment(isym_login_time_connected_ms(c()));
    }
    [[nodiscard]] std::optional<User> user() const noexcept;
};

/// The status a user shows; in C isym_user_status.
class Status : public View<isym_user_status, isym_resource_as_user_status> {
public:
    using View::View;
    /// What people read, as in "Lunch".
    [[nodiscard]] std::string_view name() const noexcept { return text<isym_user_status_name>(); }
    /// Which icon is shown, as in "away".
    [[nodiscard]] std::string_view type() const noexcept { return text<isym_user_status_type>(); }
    [[nodiscard]] std::string_view note() const noexcept { return text<isym_user_status_note>(); }
    /// When the user means to be back, where that is said.
    [[nodiscard]] std::optional<Time> return_time() const noexcept
    {
        return detail::moment(isym_user_status_return_time_ms(c()));
    }
    [[nodiscard]] bool user_created() const noexcept { return isym_user_status_user_created(c()); }
    [[nodiscard]] std::optional<User> user() const noexcept;
};

/// An extension of the PBX.
class Extension : public View<isym_extension, isym_resource_as_extension> {
public:
    using Users = detail::Counted<User, isym_extension, isym_extension_user_count, isym_extension_user_at>;
    using Agents = detail::Counted<Agent, isym_extension, isym_extension_agent_count, isym_extension_agent_at>;
    using View::View;
    /// The number that is dialled, not always digits: the symbolic name.
    [[nodiscard]] std::string_view extension_number() const noexcept { return text<isym_extension_extension_number>(); }
    [[nodiscard]] std::string_view display_name() const noexcept { return text<isym_extension_display_name>(); }
    [[nodiscard]] std::string_view permission_id() const noexcept { return text<isym_extension_permission_id>(); }
    [[nodiscard]] List<CallSegment> call_segments() const noexcept;
    [[nodiscard]] Users users() const noexcept;
    /// One for each queue it is logged in to.
    [[nodiscard]] Agents agents() const noexcept;
};

/// Who calls. Borrowed from the snapshot.
struct CallerId {
    std::string_view id;
    std::string_view name;
    std::string_view number;
};

/// One leg of a call.
class CallSegment : public View<isym_call_segment, isym_resource_as_call_segment> {
public:
    using View::View;
    /// "INTERNAL", or "EXTERNAL" (inferred).
    [[nodiscard]] std::string_view type() const noexcept { return text<isym_call_segment_type>(); }
    [[nodiscard]] CallerId caller_id() const noexcept
    {
        return {text<isym_call_segment_caller_id_id>(), text<isym_call_segment_caller_id_name>(),
                text<isym_call_segment_caller_id_number>()};
    }
    /// The number that was dialled from outside, where there is one.
    [[nodiscard]] std::string_view did() const noexcept { return text<isym_call_segment_did>(); }
    [[nodiscard]] bool on_hold() const noexcept { return isym_call_segment_on_hold(c()); }
    [[nodiscard]] bool recording() const noexcept { return isym_call_segment_recording(c()); }
    [[nodiscard]] bool incoming() const noexcept { return isym_call_segment_incoming(c()); }
    /// None also where it is not known yet.
    [[nodiscard]] std::optional<Extension> extension() const noexcept;
    [[nodiscard]] std::optional<Queue> queue() const noexcept;
    [[nodiscard]] std::optional<ConferenceRoom> conference() const noexcept;
};

/// A call queue.
class Queue : public View<isym_queue, isym_resource_as_queue> {
public:
    using View::View;
    [[nodiscard]] std::string_view display_name() const noexcept { return text<isym_queue_display_name>(); }
    /// Its number or name on the PBX: the symbolic name.
    [[nodiscard]] std::string_view identifier() const noexcept { return text<isym_queue_identifier>(); }
    [[nodiscard]] std::string_view permission_id() const noexcept { return text<isym_queue_permission_id>(); }
    [[nodiscard]] List<Agent> agents() const noexcept;
    [[nodiscard]] List<CallSegment> call_segments() const noexcept;
};

/// An extension that is logged in to a queue.
class Agent : public View<isym_agent, isym_resource_as_agent> {
public:
    using View::View;
    [[nodiscard]] bool paused() const noexcept { return isym_agent_paused(c()); }
    /// The state of its device, as in "NOT_INUSE".
    [[nodiscard]] std::string_view state() const noexcept { return text<isym_agent_state>(); }
    [[nodiscard]] std::string_view name() const noexcept { return text<isym_agent_name>(); }
    /// Whether it logged in, rather than being configured.
    [[nodiscard]] bool dynamic() const noexcept { return isym_agent_dynamic(c()); }
    [[nodiscard]] std::optional<Queue> queue() const noexcept;
    [[nodiscard]] std::optional<Extension> extension() const noexcept;
    [[nodiscard]] std::optional<Statistics> statistics() const noexcept;
};

/// The statistics of an agent. Nothing is known of their properties: read raw().
class Statistics : public View<isym_statistics, isym_resource_as_statistics> {
public:
    using View::View;
    [[nodiscard]] std::optional<Agent> agent() const noexcept;
};

/// A conference room.
class ConferenceRoom : public View<isym_conference_room, isym_resource_as_conference_room> {
public:
    using View::View;
    [[nodiscard]] std::string_view display_name() const noexcept { return text<isym_conference_room_display_name>(); }
    /// Its number or name on the PBX: the symbolic name (inferred).
    [[nodiscard]] std::string_view identifier() const noexcept { return text<isym_conference_room_identifier>(); }
    /// What is dialled to enter it.
    [[nodiscard]] std::string_view dial_string() const noexcept { return text<isym_conference_room_dial_string>(); }
    [[nodiscard]] bool user_generated() const noexcept { return isym_conference_room_user_generated(c()); }
    [[nodiscard]] std::string_view permission_id() const noexcept { return text<isym_conference_room_permission_id>(); }
    [[nodiscard]] List<CallSegment> call_segments() const noexcept;
};

/// One change. Borrowed from the Changes or the Watch that gave it.
struct Change {
    using c_type = isym_change;
    explicit Change(const isym_change &c) noexcept
        : kind(static_cast<ChangeKind>(c.kind)), resource(c.resource), before(c.before), after(c.after),
          event_type(detail::view(c.event_type)), event(detail::view(c.event))
    {
    }

    ChangeKind kind;
    /// As it is now, or as it was last; empty only for an event.
    Resource resource;
    Resource before;
    Resource after;
    /// As in "hangup"; empty unless it is an event.
    std::string_view event_type;
    /// The text of a JSON object; empty unless it is an event.
    std::string_view event;
};

/// What changed between two snapshots. Holds its own pins of both, together with its copies.
using Changes = detail::Shared<Change, isym_changes, isym_changes_free, isym_changes_count, isym_changes_at>;

/// Everything that is known of the server at one moment. Immutable: all reads of it agree with each other.
///
/// What it gives is valid as long as it, or the copy that was asked; the client may be gone. May be used on any number of
/// threads at once.
class Snapshot {
public:
    /// An empty one, which knows nothing.
    Snapshot() noexcept = default;
    /// Takes a snapshot of the C interface over.
    explicit Snapshot(isym_snapshot *owned) noexcept : snapshot_(owned) {}

    [[nodiscard]] std::uint64_t generation() const noexcept { return isym_snapshot_generation(c()); }
    /// The server's incarnation, counted from 1; 0 before anything was synced.
    [[nodiscard]] std::uint64_t epoch() const noexcept { return isym_snapshot_epoch(c()); }
    [[nodiscard]] bool has_data() const noexcept { return isym_snapshot_has_data(c()); }
    /// How long ago the server last confirmed it, computed now; milliseconds::max() before anything was synced.
    [[nodiscard]] milliseconds age() const noexcept { return milliseconds(isym_snapshot_age_ms(c())); }
    /// When the server last confirmed it, for display; the epoch of the clock before anything was synced.
    [[nodiscard]] Time confirmed_at() const noexcept { return detail::time(isym_snapshot_confirmed_at_ms(c())); }
    [[nodiscard]] Source source() const noexcept { return static_cast<Source>(isym_snapshot_source(c())); }
    [[nodiscard]] std::size_t object_count() const noexcept { return isym_snapshot_object_count(c()); }

    [[nodiscard]] List<CoreServer> core_servers() const & noexcept
    {
        return List<CoreServer>(isym_snapshot_core_servers(c()));
    }
    [[nodiscard]] std::optional<CoreServer> core_server(Text slug) const &
    {
        return detail::one<CoreServer>(isym_snapshot_core_server, c(), slug.c());
    }
    /// By the slug of the core server and the name in it. Allocates nothing; resolve() says in words why there is none.
    [[nodiscard]] std::optional<Extension> extension(Text core_server, Text number) const &
    {
        return detail::one<Extension>(isym_snapshot_extension, c(), core_server.c(), number.c());
    }
    [[nodiscard]] std::optional<User> user(Text core_server, Text user_name) const &
    {
        return detail::one<User>(isym_snapshot_user, c(), core_server.c(), user_name.c());
    }
    [[nodiscard]] std::optional<Queue> queue(Text core_server, Text identifier) const &
    {
        return detail::one<Queue>(isym_snapshot_queue, c(), core_server.c(), identifier.c());
    }
    [[nodiscard]] std::optional<ConferenceRoom> conference(Text core_server, Text identifier) const &
    {
        return detail::one<ConferenceRoom>(isym_snapshot_conference, c(), core_server.c(), identifier.c());
    }
    [[nodiscard]] std::optional<Resource> by_id(Uuid id) const &
    {
        return detail::one<Resource>(isym_snapshot_by_id, c(), id.c());
    }
    /// The instance that a path addresses, as the server would resolve it: any mix of ids and getByName.
    /// Errors: NotFound, Ambiguous, Unsupported, PathError.
    Resource resolve(Text path, OnError on = {}) const &
    {
        isym_resource found{};
        on.check(isym_snapshot_resolve(c(), path.c(), &found, on.slot()));
        return Resource(found);
    }
    /// The list that a path addresses. Errors: as resolve().
    List<Resource> resolve_list(Text path, OnError on = {}) const &
    {
        isym_list found{};
        on.check(isym_snapshot_resolve_list(c(), path.c(), &found, on.slot()));
        return List<Resource>(found);
    }
    /// What changed since an older snapshot of the same client. Errors: InvalidArgument.
    Changes diff(const Snapshot &older, OnError on = {}) const
    {
        isym_changes *made = nullptr;
        on.check(isym_snapshot_diff(c(), older.c(), &made, on.slot()));
        return Changes(made);
    }
    [[nodiscard]] const isym_snapshot *c() const noexcept { return snapshot_.get(); }

    /// What a temporary snapshot gave would be gone at once: give it a name first.
    List<CoreServer> core_servers() const && = delete;
    std::optional<CoreServer> core_server(Text) const && = delete;
    std::optional<Extension> extension(Text, Text) const && = delete;
    std::optional<User> user(Text, Text) const && = delete;
    std::optional<Queue> queue(Text, Text) const && = delete;
    std::optional<ConferenceRoom> conference(Text, Text) const && = delete;
    std::optional<Resource> by_id(Uuid) const && = delete;
    Resource resolve(Text, OnError = {}) const && = delete;
    List<Resource> resolve_list(Text, OnError = {}) const && = delete;

private:
    detail::Cloned<isym_snapshot, isym_snapshot_free, isym_snapshot_clone> snapshot_;
};

/// The settings of a client. Setters may be chained; one that is given something impossible fails and changes nothing.
/// Defaults and limits: see the C function of that name, as in isym_config_set_backoff.
class Config {
public:
    /// The defaults for a server, as in "http://manager:secret@pbx:58080". A bad URL is told by every setter and by Live.
    explicit Config(Text url) : config_(isym_config_new(url.c())) {}

    /// Finds settings that contradict each other; Live does it too. Errors: ConfigError.
    void validate(OnError on = {}) const { on.check(isym_config_validate(c(), on.slot())); }

    Config &credentials(Text user_name, Text password, OnError on = {})
    {
        return on.check(isym_config_set_credentials(config_.get(), user_name.c(), password.c(), on.slot())), *this;
    }
    /// Mirrors only these core servers; none stands for all.
    Config &core_servers(const std::vector<std::string> &slugs, OnError on = {})
    {
        const std::vector<const char *> texts = pointers(slugs);
        return on.check(isym_config_set_core_servers(config_.get(), texts.data(), texts.size(), on.slot())), *this;
    }
    /// Mirrors only these kinds, and core servers.
    Config &kinds(Kinds kinds, OnError on = {})
    {
        std::vector<std::uint32_t> numbers;
        for (std::uint32_t kind = 0; kind < 32; kind++)
            if ((kinds.bits() >> kind & 1) != 0)
                numbers.push_back(kind);
        return on.check(isym_config_set_kinds(config_.get(), numbers.data(), numbers.size(), on.slot())), *this;
    }
    Config &events(bool on_or_off, OnError on = {}) { return set(isym_config_set_events, on_or_off, on); }
    Config &ca_file(Text path, OnError on = {}) { return set(isym_config_set_ca_file, path.c(), on); }
    Config &client_cert(Text cert_pem, Text key_pem, OnError on = {})
    {
        return on.check(isym_config_set_client_cert(config_.get(), cert_pem.c(), key_pem.c(), on.slot())), *this;
    }
    Config &verify(bool on_or_off, OnError on = {}) { return set(isym_config_set_verify, on_or_off, on); }
    /// nullptr: no proxy.
    Config &proxy(Text url, OnError on = {}) { return set(isym_config_set_proxy, url.c(), on); }
    Config &action_path(Kind kind, Text action, Text segment, OnError on = {})
    {
        const auto number = static_cast<std::uint32_t>(kind);
        return on.check(isym_config_set_action_path(config_.get(), number, action.c(), segment.c(), on.slot())), *this;
    }
    Config &action_body_key(Kind kind, Text action, Text argument, Text key, OnError on = {})
    {
        const auto number = static_cast<std::uint32_t>(kind);
        return on.check(isym_config_set_action_body_key(config_.get(), number, action.c(), argument.c(), key.c(),
                                                        on.slot())),
               *this;
    }

    /// Changes rows of the catalogue by the text of an overlay, see docs/overlay.md.
    Config &overlay(Text text, OnError on = {}) { return set(isym_config_overlay, text.c(), on); }
    /// The same by a file, which is read now.
    Config &overlay_file(Text path, OnError on = {}) { return set(isym_config_overlay_file, path.c(), on); }

    Config &max_requests_per_second(double rate, OnError on = {})
    {
        return set(isym_config_set_max_requests_per_second, rate, on);
    }
    Config &connections(std::size_t count, OnError on = {}) { return set(isym_config_set_connections, count, on); }
    Config &body_limit(std::uint64_t bytes, OnError on = {}) { return set(isym_config_set_body_limit, bytes, on); }
    Config &header_limit(std::size_t bytes, OnError on = {}) { return set(isym_config_set_header_limit, bytes, on); }
    Config &text_limit(std::size_t bytes, OnError on = {}) { return set(isym_config_set_text_limit, bytes, on); }
    Config &depth_limit(std::size_t levels, OnError on = {}) { return set(isym_config_set_depth_limit, levels, on); }
    Config &object_limit(std::size_t count, OnError on = {}) { return set(isym_config_set_object_limit, count, on); }

    Config &connect_timeout(milliseconds time, OnError on = {})
    {
        return set(isym_config_set_connect_timeout, time.count(), on);
    }
    Config &first_byte_timeout(milliseconds time, OnError on = {})
    {
        return set(isym_config_set_first_byte_timeout, time.count(), on);
    }
    Config &silence_timeout(milliseconds time, OnError on = {})
    {
        return set(isym_config_set_silence_timeout, time.count(), on);
    }
    Config &request_timeout(milliseconds time, OnError on = {})
    {
        return set(isym_config_set_request_timeout, time.count(), on);
    }
    Config &action_timeout(milliseconds time, OnError on = {})
    {
        return set(isym_config_set_action_timeout, time.count(), on);
    }
    /// How long the events may be silent before the server is asked, and how long it may take to answer.
    Config &event_silence(milliseconds silence, milliseconds answer, OnError on = {})
    {
        return on.check(isym_config_set_event_silence(config_.get(), silence.count(), answer.count(), on.slot())), *this;
    }
    Config &backoff(milliseconds shortest, milliseconds longest, OnError on = {})
    {
        return on.check(isym_config_set_backoff(config_.get(), shortest.count(), longest.count(), on.slot())), *this;
    }
    /// A kind is asked for never more often than every `shortest`, never less often than every `longest`.
    Config &cadence(Kind kind, milliseconds shortest, milliseconds longest, OnError on = {})
    {
        const auto number = static_cast<std::uint32_t>(kind);
        return on.check(isym_config_set_cadence(config_.get(), number, shortest.count(), longest.count(), on.slot())),
               *this;
    }
    [[nodiscard]] const isym_config *c() const noexcept { return config_.get(); }

    /// For the wrappers: the texts as C takes them. NULL, which is refused, for one with a NUL inside.
    static std::vector<const char *> pointers(const std::vector<std::string> &texts)
    {
        std::vector<const char *> all;
        for (const std::string &text : texts)
            all.push_back(text.size() == std::strlen(text.c_str()) ? text.c_str() : nullptr);
        return all;
    }

private:
    template <class Set, class Value>
    Config &set(Set setter, Value value, OnError on)
    {
        return on.check(setter(config_.get(), value, on.slot())), *this;
    }
    detail::Cloned<isym_config, isym_config_free, isym_config_clone> config_;
};

/// How thoroughly a server is examined. 0 stands for the default, which isym_doctor_options tells.
struct DoctorOptions {
    /// How many instances of each kind are looked at.
    std::size_t sample = 0;
    /// How many instances are asked for what is below them, where the first ones have nothing there.
    std::size_t search = 0;
    Limit time_limit = default_timeout;
    /// For a server that may carry something out for a GET.
    bool options_only = false;
};

/// What something that the doctor found means, and what to do. Borrowed from the report.
struct Finding {
    using c_type = isym_doctor_finding;
    explicit Finding(const isym_doctor_finding &c) noexcept
        : severity(static_cast<Severity>(c.severity)), about(detail::view(c.about)), message(detail::view(c.message)),
          advice(detail::view(c.advice))
    {
    }

    Severity severity;
    /// The part of the server it is about, as in "User.status".
    std::string_view about;
    std::string_view message;
    /// Empty when nothing is to be done.
    std::string_view advice;
};

/// What a server has; a range of what the doctor found, the worst first. Immutable; copies share it. Its texts are valid as
/// long as it. No password and no property's value is ever in it.
class DoctorReport : public detail::Shared<Finding, isym_doctor_report, isym_doctor_report_free,
                                           isym_doctor_report_finding_count, isym_doctor_report_finding_at> {
public:
    using Shared::Shared;
    /// Whether nothing is wrong that needs to be mended.
    [[nodiscard]] bool ok() const noexcept { return isym_doctor_report_ok(c()); }
    /// Whether the Live API can be used at all.
    [[nodiscard]] bool is_connected() const noexcept { return isym_doctor_report_is_connected(c()); }
    /// Which server it was, as in "http://pbx:58080".
    [[nodiscard]] std::string_view server() const & noexcept { return detail::view(isym_doctor_report_server(c())); }
    /// A table for people.
    [[nodiscard]] std::string_view text() const & noexcept { return detail::view(isym_doctor_report_text(c())); }
    [[nodiscard]] std::string_view json() const & noexcept { return detail::view(isym_doctor_report_json(c())); }
    /// The text of an overlay that adapts a client to the server, for Config::overlay; empty where there is nothing to adapt.
    [[nodiscard]] std::string_view overlay() const & noexcept { return detail::view(isym_doctor_report_overlay(c())); }

    std::string_view server() const && = delete;
    std::string_view text() const && = delete;
    std::string_view json() const && = delete;
    std::string_view overlay() const && = delete;
};

/// Finds out what the server that the settings name really has, without carrying out or changing anything. Waits until it is
/// done. What goes wrong on the way to the server is in the report. Errors: ConfigError, InvalidArgument.
inline DoctorReport examine(const Config &config, const DoctorOptions &options = {}, OnError on = {})
{
    isym_doctor_options wanted{};
    wanted.sample = options.sample;
    wanted.search = options.search;
    wanted.time_limit_ms = options.time_limit.ms_of_option();
    wanted.options_only = options.options_only;
    isym_doctor_report *made = nullptr;
    on.check(isym_doctor_examine(config.c(), wanted, &made, on.slot()));
    return DoctorReport(made);
}

/// Something that went wrong, and when. `about` is valid as long as `error` or a copy of it.
struct Problem {
    Error error;
    Time at;
    /// The path that was asked.
    std::string_view about;
    /// The kind whose lists fail; Kind::none where it is not about one kind.
    Kind kind;
};

/// A kind whose lists the server has not confirmed in time, and the age of the oldest of them.
struct Overdue {
    Kind kind;
    milliseconds age;
};

/// How a client was doing at one moment. Immutable; copies share it.
class Health {
public:
    /// Takes a health of the C interface over.
    explicit Health(isym_health *owned) : health_(owned, isym_health_free) {}

    [[nodiscard]] State state() const noexcept { return static_cast<State>(isym_health_state(c())); }
    [[nodiscard]] Time since() const noexcept { return detail::time(isym_health_since_ms(c())); }
    [[nodiscard]] bool has_data() const noexcept { return isym_health_has_data(c()); }
    [[nodiscard]] milliseconds age() const noexcept { return milliseconds(isym_health_age_ms(c())); }
    [[nodiscard]] std::uint64_t epoch() const noexcept { return isym_health_epoch(c()); }
    [[nodiscard]] std::uint64_t generation() const noexcept { return isym_health_generation(c()); }
    /// How many snapshots were replaced and were still held by a reader.
    [[nodiscard]] std::uint64_t retired_snapshots() const noexcept { return isym_health_retired_snapshots(c()); }
    /// The last thing that went wrong, also when it has healed since.
    [[nodiscard]] std::optional<Problem> last_problem() const { return problem(isym_health_last_problem); }
    [[nodiscard]] EventsState events() const noexcept { return static_cast<EventsState>(isym_health_events(c())); }
    /// The last thing that went wrong with the events, also when it has healed since.
    [[nodiscard]] std::optional<Problem> events_problem() const { return problem(isym_health_events_problem); }
    /// Each of them makes the state stale; other kinds may be as fresh as ever.
    [[nodiscard]] std::vector<Overdue> overdue() const
    {
        std::vector<Overdue> all;
        isym_kind kind = ISYM_KIND_NONE;
        std::int64_t age = 0;
        for (std::size_t i = 0; i < isym_health_overdue_count(c()); i++)
            if (isym_health_overdue_at(c(), i, &kind, &age) == ISYM_OK)
                all.push_back({static_cast<Kind>(kind), milliseconds(age)});
        return all;
    }
    /// What is wrong with single kinds while the server can be reached.
    [[nodiscard]] std::vector<Problem> failing() const
    {
        std::vector<Problem> all;
        isym_problem found{};
        for (std::size_t i = 0; i < isym_health_failing_count(c()); i++)
            if (isym_health_failing_at(c(), i, &found) == ISYM_OK)
                all.push_back(problem(found));
        return all;
    }
    [[nodiscard]] const isym_health *c() const noexcept { return health_.get(); }

private:
    std::optional<Problem> problem(isym_status (*look_up)(const isym_health *, isym_problem *)) const
    {
        isym_problem found{};
        return look_up(c(), &found) == ISYM_OK ? std::optional<Problem>(problem(found)) : std::nullopt;
    }
    Problem problem(const isym_problem &found) const
    {
        return {Error(std::shared_ptr<const isym_error>(health_, found.error)), detail::time(found.at_ms),
                detail::view(found.about), static_cast<Kind>(found.kind)};
    }
    std::shared_ptr<const isym_health> health_;
};

/// One number that a client counted. The name is borrowed from the Metrics.
struct Metric {
    using c_type = isym_metric;
    explicit Metric(const isym_metric &c) noexcept : name(detail::view(c.name)), value(c.value) {}

    /// As in "requests".
    std::string_view name;
    std::uint64_t value;
};

/// What a client counted since it was opened. Immutable; copies share it.
using Metrics = detail::Shared<Metric, isym_metrics, isym_metrics_free, isym_metrics_count, isym_metrics_at>;

/// One argument of an action: a text, a whole number, a time or an id.
class Arg {
public:
    Arg(std::string_view name, std::string_view value) : name_(name), value_(std::string(value)) {}
    Arg(std::string_view name, std::int64_t value) : name_(name), value_(value) {}
    Arg(std::string_view name, When value) : name_(name), value_(value.ms()) {}
    Arg(std::string_view name, Uuid value) : name_(name), value_(value) {}

    /// For the wrappers: puts it among the arguments of the C interface.
    [[nodiscard]] isym_status put(isym_args *into, isym_error **error) const
    {
        const Text name(name_);
        if (const auto *text = std::get_if<std::string>(&value_))
            return isym_args_set_text(into, name.c(), Text(*text).c(), error);
        if (const auto *number = std::get_if<std::int64_t>(&value_))
            return isym_args_set_int(into, name.c(), *number, error);
        return isym_args_set_uuid(into, name.c(), std::get<Uuid>(value_).c(), error);
    }

private:
    std::string name_;
    std::variant<std::string, std::int64_t, Uuid> value_;
};

/// The arguments of an action, as in `{{"destination", "5551234"}}`.
using Args = std::vector<Arg>;

/// How an action is carried out.
struct ActionOptions {
    /// How long it may take in all, waiting for its turn included.
    Limit timeout = default_timeout;
    /// Whether it is sent although the snapshot says that the target is gone: then the server has the word.
    bool force = false;
};

namespace detail {

inline isym_action_options options(const ActionOptions &given) noexcept
{
    isym_action_options wanted{};
    wanted.timeout_ms = given.timeout.ms_of_option();
    wanted.force = given.force;
    return wanted;
}

/// The arguments as the C interface takes them; none where one of them is refused.
inline Owned<isym_args, isym_args_free> arguments(const Args &args, OnError on)
{
    Owned<isym_args, isym_args_free> made(isym_args_new());
    for (const Arg &arg : args)
        if (!on.check(arg.put(made.get(), on.slot())))
            return nullptr;
    return made;
}

}  // namespace detail

/// An action that was sent. Immutable; copies share it. May be used on any number of threads at once, also after the client
/// is gone.
class Ticket {
public:
    /// An empty one, of an action that was not sent.
    Ticket() noexcept = default;
    /// Takes a ticket of the C interface over.
    explicit Ticket(isym_ticket *owned) : ticket_(owned, isym_ticket_free) {}

    /// Accepted, or uncertain: it may have been carried out. A refusal is an error of the call that acts.
    [[nodiscard]] Outcome outcome() const noexcept { return static_cast<Outcome>(isym_ticket_outcome(c())); }
    /// Why the outcome is uncertain; no error where it is accepted.
    [[nodiscard]] Error error() const
    {
        return Error(std::shared_ptr<const isym_error>(ticket_, isym_ticket_error(c())));
    }
    /// The path that was sent, by ids; valid as long as the ticket.
    [[nodiscard]] std::string_view path() const & noexcept { return detail::view(isym_ticket_path(c())); }
    std::string_view path() const && = delete;
    /// Waits for a snapshot that was read after the action. Errors: TimedOut, Closed.
    Snapshot wait(Limit timeout = forever, OnError on = {}) const
    {
        isym_snapshot *made = nullptr;
        on.check(isym_ticket_wait(c(), timeout.ms(), &made, on.slot()));
        return Snapshot(made);
    }
    /// Waits for the call segments that appeared for an originate: each is the `resource` of one change.
    /// Errors: TimedOut, NotFound, Unsupported, Closed.
    Changes call_segments(Limit timeout = forever, OnError on = {}) const
    {
        isym_changes *made = nullptr;
        on.check(isym_ticket_call_segments(c(), timeout.ms(), &made, on.slot()));
        return Changes(made);
    }
    [[nodiscard]] const isym_ticket *c() const noexcept { return ticket_.get(); }

private:
    std::shared_ptr<const isym_ticket> ticket_;
};

/// To which object a handle is bound, as it was last found.
struct Binding {
    using c_type = isym_binding;
    explicit Binding(const isym_binding &c) noexcept
        : id(c.id), epoch(c.epoch), rebinds(c.rebinds), other_objects(c.other_objects)
    {
    }

    Uuid id;
    std::uint64_t epoch;
    /// How often the handle was bound anew ...
    std::uint64_t rebinds;
    /// ... and how often of these to another object, as far as a configuration id tells.
    std::uint64_t other_objects;
};

class Watch;

/// A reference to an instance by the names along its path, bound anew at every use, so that it survives restarts of the
/// server. `T` is the view it gives, as in Handle<Extension>. May outlive the client; may be used on any number of threads.
template <class T = Resource>
class Handle {
public:
    /// An empty one, which finds nothing.
    Handle() noexcept = default;
    /// Takes a handle of the C interface over, whose kind is that of `T`.
    explicit Handle(isym_handle *owned) noexcept : handle_(owned) {}

    [[nodiscard]] Kind kind() const noexcept { return static_cast<Kind>(isym_handle_kind(c())); }
    [[nodiscard]] std::string path() const { return detail::string(isym_handle_path(c())); }
    /// The instance in a snapshot of the same client, from which it is borrowed. Errors: NotFound, Ambiguous, Unsupported.
    T get(const Snapshot &snapshot, OnError on = {}) const
    {
        isym_resource found{};
        on.check(isym_handle_get(c(), snapshot.c(), &found, on.slot()));
        return T(typename T::c_type{found});
    }
    T get(const Snapshot &&, OnError = {}) const = delete;
    /// The same, if the server confirmed it at most so long ago. Errors: Stale too.
    T get_within(const Snapshot &snapshot, Limit max_age, OnError on = {}) const
    {
        isym_resource found{};
        on.check(isym_handle_get_within(c(), snapshot.c(), max_age.ms(), &found, on.slot()));
        return T(typename T::c_type{found});
    }
    T get_within(const Snapshot &&, Limit, OnError = {}) const = delete;
    /// The same reference, bound for good to the object that it finds now or, where there is none, first: when the name
    /// leads to another object, it is NotFound.
    [[nodiscard]] Handle strict() const { return Handle(isym_handle_strict(c())); }
    [[nodiscard]] bool is_strict() const noexcept { return isym_handle_is_strict(c()); }
    /// None before it found anything.
    [[nodiscard]] std::optional<Binding> binding() const { return detail::one<Binding>(isym_handle_binding, c()); }
    /// The id in the client's current snapshot: new after every restart of the server. Errors: as get().
    Uuid resolve(OnError on = {}) const
    {
        isym_uuid id{};
        on.check(isym_handle_resolve(c(), &id, on.slot()));
        return id;
    }
    /// Carries out an action of the catalogue, at most once, and waits for the server's answer. Every error means that it
    /// surely was not carried out: NotFound, Ambiguous, Rejected, ConnectionFailed, ...
    Ticket act(Text action, const Args &args = {}, Limit timeout = default_timeout, OnError on = {}) const
    {
        const auto arguments = detail::arguments(args, on);
        isym_ticket *made = nullptr;
        if (arguments)
            on.check(isym_handle_act(c(), action.c(), arguments.get(), timeout.ms(), &made, on.slot()));
        return Ticket(made);
    }
    /// The same with options. A forced action on what the snapshot does not have goes to the handle's path.
    Ticket act_with(const ActionOptions &options, Text action, const Args &args = {}, OnError on = {}) const
    {
        const auto arguments = detail::arguments(args, on);
        isym_ticket *made = nullptr;
        if (arguments)
            on.check(isym_handle_act_with(c(), action.c(), arguments.get(), detail::options(options), &made, on.slot()));
        return Ticket(made);
    }
    /// Watches what changes from now on in what it finds, in every snapshot anew: also after a restart of the server, which is
    /// told, too. With `initial`, first gives what is there as ChangeKind::added; with `events`, also the events that name it.
    Watch watch(bool initial = false, bool events = true, OnError on = {}) const;
    [[nodiscard]] const isym_handle *c() const noexcept { return handle_.get(); }

private:
    detail::Cloned<isym_handle, isym_handle_free, isym_handle_clone> handle_;
};

/// What a watch is to tell. By default every change of every kind, and every event.
struct WatchOptions {
    Kinds kinds = {};
    /// The slug of the only core server to watch; empty: all.
    std::string core_server = {};
    /// Whether all that is there comes first, as ChangeKind::added.
    bool initial = false;
    /// Whether the server's events come too, as ChangeKind::event.
    bool events = true;
};

/// A subscription to changes; ends with its object. One thread at a time takes from it. May outlive the client.
///
///     for (const isym::Change &change : watch)        // until the client is closed
///         std::cout << change.resource.path() << '\n';
class [[nodiscard]] Watch {
public:
    /// An empty one, which fails with InvalidArgument.
    Watch() noexcept = default;
    /// Takes a watch of the C interface over.
    explicit Watch(isym_watch *owned) noexcept : watch_(owned) {}

    /// Takes the next change, which is borrowed until the next call; none where none came in time. Errors: Closed once the
    /// client is closed and everything was taken.
    std::optional<Change> next(Limit timeout = forever, OnError on = {}) &
    {
        isym_change change{};
        isym_status status = isym_watch_next(watch_.get(), timeout.ms(), &change, on.slot());
        if (status != ISYM_TIMED_OUT)
            return on.check(status) ? std::optional<Change>(Change(change)) : std::nullopt;
        isym_error_free(std::exchange(*on.slot(), nullptr));
        on.check(ISYM_OK);
        return std::nullopt;
    }
    std::optional<Change> next(Limit = forever, OnError = {}) && = delete;
    /// A descriptor that is readable while there may be something to take with a limit of 0, for poll, epoll or an event
    /// loop. It belongs to the watch. Errors: InternalError where there are no more descriptors; -1 then.
    int fd(OnError on = {}) const &
    {
        int fd = -1;
        on.check(isym_watch_fd(c(), &fd, on.slot()));
        return fd;
    }
    int fd(OnError = {}) const && = delete;
    /// How many snapshots were merged and how many events dropped because the reader was slow.
    [[nodiscard]] std::uint64_t merged() const noexcept { return isym_watch_merged(c()); }
    [[nodiscard]] const isym_watch *c() const noexcept { return watch_.get(); }

    /// Takes one change after another; ends when the client is closed.
    class Iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = Change;
        using difference_type = std::ptrdiff_t;
        using pointer = const Change *;
        using reference = const Change &;

        Iterator() noexcept = default;
        explicit Iterator(Watch &watch) : watch_(&watch) { ++*this; }
        const Change &operator*() const noexcept { return *change_; }
        const Change *operator->() const noexcept { return &*change_; }
        Iterator &operator++()
        {
            Error error;
            change_ = watch_->next(forever, error);
            if (error && error.code() != Code::closed)
                error.raise();
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const Iterator &a, const Iterator &b) noexcept
        {
            return a.change_.has_value() == b.change_.has_value();
        }
        friend bool operator!=(const Iterator &a, const Iterator &b) noexcept { return !(a == b); }

    private:
        Watch *watch_ = nullptr;
        std::optional<Change> change_;
    };
    Iterator begin() & { return Iterator(*this); }
    Iterator end() & noexcept { return Iterator(); }
    Iterator begin() && = delete;
    Iterator end() && = delete;

private:
    detail::Owned<isym_watch, isym_watch_free> watch_;
};

template <class T>
Watch Handle<T>::watch(bool initial, bool events, OnError on) const
{
    isym_watch *made = nullptr;
    on.check(isym_handle_watch(c(), initial, events, &made, on.slot()));
    return Watch(made);
}

/// A client of one iSymphony server: keeps the live state true in the background, and acts by name.
///
/// Closed when it goes; the snapshots, handles, tickets and watches that it gave stay valid. It must not go, nor be moved,
/// while another thread is in a call with it: close() it before.
///
/// The actions wait for the server's answer, are sent at most once, and every error means that it surely was not carried
/// out: NotFound, Ambiguous, Rejected, ConnectionFailed, ... `core_server` is a slug; nullptr: whichever has one of that
/// name.
class Live {
public:
    /// Opens a client and starts to sync; does not wait for the server. On failure it is empty: all it is asked for fails
    /// with InvalidArgument. Errors: ConfigError, InternalError.
    explicit Live(const Config &config, OnError on = {})
    {
        isym_live *made = nullptr;
        on.check(isym_live_open(config.c(), &made, on.slot()));
        live_.reset(made);
    }
    /// Takes a client of the C interface over.
    explicit Live(isym_live *owned) noexcept : live_(owned) {}

    /// Waits for the first whole snapshot. Errors: SyncTimeout, which says what stands in the way; Closed.
    Snapshot wait(Limit timeout = forever, OnError on = {}) const
    {
        return on.check(isym_live_wait(c(), timeout.ms(), on.slot())) ? snapshot(any_age, on) : Snapshot();
    }
    /// Pins the current snapshot; never waits. Empty before the first sync. Errors: Stale where it is older.
    Snapshot snapshot(Limit max_age = any_age, OnError on = {}) const
    {
        isym_snapshot *made = nullptr;
        on.check(isym_live_snapshot(c(), max_age.ms(), &made, on.slot()));
        return Snapshot(made);
    }
    /// Asks for the core servers' lists now and waits until they are read. Errors: TimedOut, SyncTimeout, Closed.
    Snapshot refresh(Limit timeout = forever, OnError on = {}) const
    {
        isym_snapshot *made = nullptr;
        on.check(isym_live_refresh(c(), timeout.ms(), &made, on.slot()));
        return Snapshot(made);
    }
    /// Which server it is, as in "http://pbx:58080"; valid as long as the client.
    [[nodiscard]] std::string_view url() const & noexcept { return detail::view(isym_live_url(c())); }
    std::string_view url() const && = delete;
    [[nodiscard]] State state() const noexcept { return static_cast<State>(isym_live_state(c())); }
    [[nodiscard]] Health health() const { return Health(isym_live_health(c())); }
    [[nodiscard]] Metrics metrics() const { return Metrics(isym_live_metrics(c())); }
    /// Replaces the credentials, from the next request on. Errors: ConfigError.
    void set_credentials(Text user_name, Text password, OnError on = {}) const
    {
        on.check(isym_live_set_credentials(c(), user_name.c(), password.c(), on.slot()));
    }
    /// Ends what is in flight and what waits, with Closed; by default within 90 ms. Any thread, any number of times.
    void close(Limit timeout = default_timeout) const noexcept { isym_live_close(c(), timeout.ms()); }

    /// Watches what changes from now on. Errors: InvalidArgument.
    Watch watch(const WatchOptions &what = {}, OnError on = {}) const
    {
        isym_watch *made = nullptr;
        const char *core_server = what.core_server.empty() ? nullptr : what.core_server.c_str();
        on.check(isym_live_watch(c(), what.kinds.bits(), core_server, what.initial, what.events, &made, on.slot()));
        return Watch(made);
    }

    /// A handle for what a path addresses, whether it is there now or not. Errors: PathError.
    Handle<> handle(Text path, OnError on = {}) const
    {
        isym_handle *made = nullptr;
        on.check(isym_live_handle(c(), path.c(), &made, on.slot()));
        return Handle<>(made);
    }
    /// A handle for an instance that a snapshot gave. Errors: InvalidArgument for an empty view.
    template <class T, class = typename T::c_type>
    Handle<T> handle_of(const T &view, OnError on = {}) const
    {
        isym_handle *made = nullptr;
        const Resource &resource = view;
        on.check(isym_live_handle_of(c(), resource.c(), &made, on.slot()));
        return Handle<T>(made);
    }
    Handle<CoreServer> core_server(Text slug, OnError on = {}) const
    {
        return named<CoreServer>(Kind::core_server, slug, nullptr, on);
    }
    Handle<User> user(Text user_name, Text core_server = nullptr, OnError on = {}) const
    {
        return named<User>(Kind::user, user_name, core_server, on);
    }
    Handle<Extension> extension(Text number, Text core_server = nullptr, OnError on = {}) const
    {
        return named<Extension>(Kind::extension, number, core_server, on);
    }
    Handle<Queue> queue(Text identifier, Text core_server = nullptr, OnError on = {}) const
    {
        return named<Queue>(Kind::queue, identifier, core_server, on);
    }
    Handle<ConferenceRoom> conference(Text identifier, Text core_server = nullptr, OnError on = {}) const
    {
        return named<ConferenceRoom>(Kind::conference_room, identifier, core_server, on);
    }

    /// Rings an extension, then dials the destination.
    Ticket originate(Text number, Text destination, Text core_server = nullptr, OnError on = {}) const
    {
        return sent(on, isym_extension_originate, core_server.c(), number.c(), destination.c());
    }
    Ticket set_dnd(Text number, bool dnd, Text core_server = nullptr, OnError on = {}) const
    {
        return sent(on, isym_extension_set_dnd, core_server.c(), number.c(), dnd);
    }
    /// `name` is what people read, `type` the icon, as in "away".
    Ticket set_status(Text user_name, Text name, Text type, Text note = nullptr, When return_time = {},
                      Text core_server = nullptr, OnError on = {}) const
    {
        return sent(on, isym_user_set_status, core_server.c(), user_name.c(), name.c(), type.c(), note.c(),
                    return_time.ms());
    }
    /// Sets the status of this name as other users show it. Errors: NotFound where none does, Ambiguous where they differ.
    Ticket set_status_like(Text user_name, Text name, Text core_server = nullptr, OnError on = {}) const
    {
        return sent(on, isym_user_set_status_like, core_server.c(), user_name.c(), name.c());
    }
    /// Logs an extension, given by number, id or path, in to a queue as an agent.
    Ticket queue_login(Text queue, Text extension, Text core_server = nullptr, OnError on = {}) const
    {
        return sent(on, isym_queue_login, core_server.c(), queue.c(), extension.c());
    }
    Ticket queue_logout(Text queue, Text extension, Text core_server = nullptr, OnError on = {}) const
    {
        return sent(on, isym_queue_logout, core_server.c(), queue.c(), extension.c());
    }
    Ticket logout(Agent agent, OnError on = {}) const { return sent(on, isym_agent_logout, agent.c()); }
    Ticket pause(Agent agent, OnError on = {}) const { return sent(on, isym_agent_pause, agent.c()); }
    Ticket unpause(Agent agent, OnError on = {}) const { return sent(on, isym_agent_unpause, agent.c()); }
    /// Agents with a lower penalty are called first.
    Ticket set_penalty(Agent agent, std::int64_t penalty, OnError on = {}) const
    {
        return sent(on, isym_agent_set_penalty, agent.c(), penalty);
    }
    /// Transfers a call to an extension, an outside number, a parking lot, a conference room or a queue.
    Ticket transfer(CallSegment segment, Text destination, OnError on = {}) const
    {
        return sent(on, isym_call_segment_transfer, segment.c(), destination.c());
    }
    /// Any action of the catalogue on an instance, by its id: after a restart of the server it fails with NotFound.
    Ticket act(const Resource &resource, Text action, const Args &args = {}, Limit timeout = default_timeout,
               OnError on = {}) const
    {
        const auto arguments = detail::arguments(args, on);
        if (!arguments)
            return Ticket();
        return sent(on, isym_live_act, resource.c(), action.c(), arguments.get(), timeout.ms());
    }
    /// The same with options. A forced action on what is gone goes to the id that it had.
    Ticket act_with(const ActionOptions &options, const Resource &resource, Text action, const Args &args = {},
                    OnError on = {}) const
    {
        const auto arguments = detail::arguments(args, on);
        if (!arguments)
            return Ticket();
        return sent(on, isym_live_act_with, resource.c(), action.c(), arguments.get(), detail::options(options));
    }
    /// What the server has at a path now, as JSON, for what the catalogue does not know. Errors: PathError, NotFound,
    /// BadAnswer, TimedOut, ...
    std::string get_raw(Text path, Limit timeout = default_timeout, OnError on = {}) const
    {
        isym_text *made = nullptr;
        on.check(isym_live_get_raw(c(), path.c(), timeout.ms(), &made, on.slot()));
        return detail::string(made);
    }
    /// A POST on any path, for what the catalogue does not know; `body` is JSON, or nullptr.
    Ticket post(Text path, Text body = nullptr, Limit timeout = default_timeout, OnError on = {}) const
    {
        return sent(on, isym_live_post, path.c(), body.c(), timeout.ms());
    }
    [[nodiscard]] const isym_live *c() const noexcept { return live_.get(); }

private:
    template <class T>
    Handle<T> named(Kind kind, const Text &name, const Text &core_server, OnError on) const
    {
        isym_handle *made = nullptr;
        const auto number = static_cast<std::uint32_t>(kind);
        on.check(isym_live_handle_named(c(), core_server.c(), number, name.c(), &made, on.slot()));
        return Handle<T>(made);
    }
    template <class Send, class... Values>
    Ticket sent(OnError on, Send send, Values... values) const
    {
        isym_ticket *made = nullptr;
        on.check(send(c(), values..., &made, on.slot()));
        return Ticket(made);
    }
    detail::Owned<isym_live, isym_live_free> live_;
};

/// Takes a log line: how much it matters, which part of the library says it, and what it says. Called on several threads at
/// once; the texts are borrowed until it returns. It may call the library. An exception that it lets out is dropped.
using LogFunction = std::function<void(LogLevel level, std::string_view target, std::string_view message)>;

namespace detail {

/// The function of set_log_callback. Never destroyed: the library's threads may log to the very end.
class Log {
public:
    static Log &instance()
    {
        static Log *log = new Log;
        return *log;
    }
    /// Gives the function before back.
    std::shared_ptr<const LogFunction> exchange(std::shared_ptr<const LogFunction> function)
    {
        std::lock_guard<std::mutex> guard(mutex_);
        function_.swap(function);
        return function;
    }
    static void take(isym_log_level level, isym_str target, isym_str message, void *) noexcept
    {
        const std::shared_ptr<const LogFunction> function = instance().current();
        if (function == nullptr)
            return;
#if defined(__cpp_exceptions)
        try {
            (*function)(static_cast<LogLevel>(level), view(target), view(message));
        } catch (...) {
        }
#else
        (*function)(static_cast<LogLevel>(level), view(target), view(message));
#endif
    }

private:
    std::shared_ptr<const LogFunction> current()
    {
        std::lock_guard<std::mutex> guard(mutex_);
        return function_;
    }
    std::mutex mutex_;
    std::shared_ptr<const LogFunction> function_;
};

}  // namespace detail

/// Hands log lines up to `max_level` to a function; an empty one ends it. One for the whole process: the last one counts. A
/// function that was replaced is kept until its last call has returned. Errors: InvalidArgument, Unsupported.
inline void set_log_callback(LogFunction function, LogLevel max_level = LogLevel::info, OnError on = {})
{
    const isym_log_callback callback = function ? detail::Log::take : nullptr;
    std::shared_ptr<const LogFunction> next;
    if (function)
        next = std::make_shared<const LogFunction>(std::move(function));
    std::shared_ptr<const LogFunction> before = detail::Log::instance().exchange(std::move(next));
    const isym_status status =
        isym_set_log_callback(callback, nullptr, static_cast<std::uint32_t>(max_level), on.slot());
    if (status != ISYM_OK)
        detail::Log::instance().exchange(std::move(before));
    on.check(status);
}

/// The settings of a sandbox. Setters may be chained. Defaults and limits: see the C function of that name, as in
/// isym_sandbox_config_set_users. All counts are per core server.
class SandboxConfig {
public:
    SandboxConfig() noexcept : config_(isym_sandbox_config_new()) {}

    SandboxConfig &users(std::uint32_t count, OnError on = {}) { return set(isym_sandbox_config_set_users, count, on); }
    SandboxConfig &lite_users(std::uint32_t count, OnError on = {})
    {
        return set(isym_sandbox_config_set_lite_users, count, on);
    }
    SandboxConfig &extra_extensions(std::uint32_t count, OnError on = {})
    {
        return set(isym_sandbox_config_set_extra_extensions, count, on);
    }
    SandboxConfig &queues(std::uint32_t count, OnError on = {}) { return set(isym_sandbox_config_set_queues, count, on); }
    SandboxConfig &agents_per_queue(std::uint32_t count, OnError on = {})
    {
        return set(isym_sandbox_config_set_agents_per_queue, count, on);
    }
    SandboxConfig &conferences(std::uint32_t count, OnError on = {})
    {
        return set(isym_sandbox_config_set_conferences, count, on);
    }
    SandboxConfig &seed(std::uint64_t seed, OnError on = {}) { return set(isym_sandbox_config_set_seed, seed, on); }
    SandboxConfig &calls_at_start(std::uint32_t count, OnError on = {})
    {
        return set(isym_sandbox_config_set_calls_at_start, count, on);
    }
    SandboxConfig &calls_per_second(double calls, OnError on = {})
    {
        return set(isym_sandbox_config_set_calls_per_second, calls, on);
    }
    SandboxConfig &ring_time(milliseconds time, OnError on = {})
    {
        return set(isym_sandbox_config_set_ring_time, time.count(), on);
    }
    SandboxConfig &call_duration(milliseconds time, OnError on = {})
    {
        return set(isym_sandbox_config_set_call_duration, time.count(), on);
    }
    SandboxConfig &licensing(bool on_or_off, OnError on = {})
    {
        return set(isym_sandbox_config_set_licensing, on_or_off, on);
    }
    SandboxConfig &conferences_enabled(bool on_or_off, OnError on = {})
    {
        return set(isym_sandbox_config_set_conferences_enabled, on_or_off, on);
    }
    SandboxConfig &port(std::uint16_t port, OnError on = {}) { return set(isym_sandbox_config_set_port, port, on); }
    SandboxConfig &max_connections(std::size_t count, OnError on = {})
    {
        return set(isym_sandbox_config_set_max_connections, count, on);
    }
    SandboxConfig &max_requests_kept(std::size_t count, OnError on = {})
    {
        return set(isym_sandbox_config_set_max_requests_kept, count, on);
    }
    SandboxConfig &credentials(Text user_name, Text password, OnError on = {})
    {
        return on.check(isym_sandbox_config_set_credentials(config_.get(), user_name.c(), password.c(), on.slot())),
               *this;
    }
    SandboxConfig &core_servers(const std::vector<std::string> &slugs, OnError on = {})
    {
        const std::vector<const char *> texts = Config::pointers(slugs);
        return on.check(isym_sandbox_config_set_core_servers(config_.get(), texts.data(), texts.size(), on.slot())),
               *this;
    }
    [[nodiscard]] const isym_sandbox_config *c() const noexcept { return config_.get(); }

private:
    template <class Set, class Value>
    SandboxConfig &set(Set setter, Value value, OnError on)
    {
        return on.check(setter(config_.get(), value, on.slot())), *this;
    }
    detail::Owned<isym_sandbox_config, isym_sandbox_config_free> config_;
};

/// One request a sandbox got. The texts are borrowed from the Requests.
struct Request {
    using c_type = isym_request;
    explicit Request(const isym_request &c) noexcept
        : method(detail::view(c.method)), path(detail::view(c.path)), body(detail::view(c.body)), at(c.at_ms),
          status(c.status), authorized(c.authorized)
    {
    }

    std::string_view method;
    std::string_view path;
    std::string_view body;
    /// Since the sandbox started.
    milliseconds at;
    /// The HTTP status of the answer; 0 where a fault left the request without one.
    std::uint16_t status;
    bool authorized;
};

/// The requests a sandbox got, oldest first. Immutable; copies share it.
using Requests = detail::Shared<Request, isym_requests, isym_requests_free, isym_requests_count, isym_requests_at>;

/// One core server of a sandbox, to be moved by a script: calls, people, queues. Shares the sandbox, which lives as long.
/// May be used on any number of threads at once. Errors: NotFound, InvalidArgument, and Rejected where C says so.
class SandboxCoreServer {
public:
    /// A call from outside makes an extension ring; the id of its segment.
    Uuid add_call(Text extension, Text name = "Caller", Text number = "5550100", Text did = nullptr,
                  OnError on = {}) const
    {
        return made(on, isym_sandbox_add_call, extension.c(), name.c(), number.c(), did.c());
    }
    /// A call from outside waits in a queue; a free agent rings.
    Uuid queue_call(Text queue, Text name = "Caller", Text number = "5550100", Text did = nullptr,
                    OnError on = {}) const
    {
        return made(on, isym_sandbox_queue_call, queue.c(), name.c(), number.c(), did.c());
    }
    /// One extension calls another, which rings; the ids of both segments.
    std::pair<Uuid, Uuid> add_internal_call(Text from, Text to, OnError on = {}) const
    {
        isym_uuid caller{}, called{};
        move(on, isym_sandbox_add_internal_call, from.c(), to.c(), &caller, &called);
        return {caller, called};
    }
    Uuid originate(Text extension, Text destination, OnError on = {}) const
    {
        return made(on, isym_sandbox_originate, extension.c(), destination.c());
    }
    void answer(Uuid segment, OnError on = {}) const { move(on, isym_sandbox_answer, segment.c()); }
    void hold(Uuid segment, bool held = true, OnError on = {}) const { move(on, isym_sandbox_hold, segment.c(), held); }
    void record(Uuid segment, bool recorded = true, OnError on = {}) const
    {
        move(on, isym_sandbox_record, segment.c(), recorded);
    }
    void hang_up(Uuid segment, OnError on = {}) const { move(on, isym_sandbox_hang_up, segment.c()); }
    void hang_up_all(OnError on = {}) const { move(on, isym_sandbox_hang_up_all); }
    void join_conference(Uuid segment, Text conference, OnError on = {}) const
    {
        move(on, isym_sandbox_join_conference, segment.c(), conference.c());
    }
    void transfer(Uuid segment, Text destination, OnError on = {}) const
    {
        move(on, isym_sandbox_transfer, segment.c(), destination.c());
    }
    /// The ids of the call segments on an extension, oldest first.
    std::vector<Uuid> call_segments(Text extension, OnError on = {}) const
    {
        isym_uuids *made = nullptr;
        move(on, isym_sandbox_call_segments, extension.c(), &made);
        const detail::Owned<isym_uuids, isym_uuids_free> ids(made);
        std::vector<Uuid> all;
        isym_uuid id{};
        for (std::size_t i = 0; i < isym_uuids_count(made); i++)
            if (isym_uuids_at(made, i, &id) == ISYM_OK)
                all.emplace_back(id);
        return all;
    }
    std::size_t call_segment_count(OnError on = {}) const
    {
        std::size_t count = 0;
        move(on, isym_sandbox_call_segment_count, &count);
        return count;
    }

    Uuid add_user(Text user_name, Text displayed_name, OnError on = {}) const
    {
        return made(on, isym_sandbox_add_user, user_name.c(), displayed_name.c());
    }
    void remove_user(Text user_name, OnError on = {}) const { move(on, isym_sandbox_remove_user, user_name.c()); }
    void rename_user(Text user_name, Text new_user_name, OnError on = {}) const
    {
        move(on, isym_sandbox_rename_user, user_name.c(), new_user_name.c());
    }
    void set_displayed_name(Text user_name, Text displayed_name, OnError on = {}) const
    {
        move(on, isym_sandbox_set_displayed_name, user_name.c(), displayed_name.c());
    }
    void set_full_user(Text user_name, bool full, OnError on = {}) const
    {
        move(on, isym_sandbox_set_full_user, user_name.c(), full);
    }
    Uuid log_in_user(Text user_name, Text ip = "127.0.0.1", std::uint16_t port = 50000, OnError on = {}) const
    {
        return made(on, isym_sandbox_log_in_user, user_name.c(), ip.c(), port);
    }
    void log_out_user(Text user_name, OnError on = {}) const { move(on, isym_sandbox_log_out_user, user_name.c()); }
    void set_status(Text user_name, Text name, Text type, Text note = "", When return_time = {}, OnError on = {}) const
    {
        move(on, isym_sandbox_set_status, user_name.c(), name.c(), type.c(), note.c(), return_time.ms());
    }

    /// nullptr as the user: a licence hides it.
    Uuid add_extension(Text number, Text display_name, Text user_name = nullptr, OnError on = {}) const
    {
        return made(on, isym_sandbox_add_extension, number.c(), display_name.c(), user_name.c());
    }
    void remove_extension(Text number, OnError on = {}) const { move(on, isym_sandbox_remove_extension, number.c()); }
    void rename_extension(Text number, Text new_number, OnError on = {}) const
    {
        move(on, isym_sandbox_rename_extension, number.c(), new_number.c());
    }
    /// The numbers of all extensions, those that a licence hides too.
    std::vector<std::string> extension_numbers(OnError on = {}) const
    {
        isym_texts *made = nullptr;
        move(on, isym_sandbox_extension_numbers, &made);
        return detail::strings(made);
    }
    void set_display_name(Text number, Text display_name, OnError on = {}) const
    {
        move(on, isym_sandbox_set_display_name, number.c(), display_name.c());
    }
    void set_dnd(Text number, bool dnd, OnError on = {}) const { move(on, isym_sandbox_set_dnd, number.c(), dnd); }
    bool dnd(Text number, OnError on = {}) const
    {
        bool dnd = false;
        move(on, isym_sandbox_dnd, number.c(), &dnd);
        return dnd;
    }

    Uuid add_queue(Text identifier, Text display_name, OnError on = {}) const
    {
        return made(on, isym_sandbox_add_queue, identifier.c(), display_name.c());
    }
    void remove_queue(Text identifier, OnError on = {}) const { move(on, isym_sandbox_remove_queue, identifier.c()); }
    void set_queue_enabled(Text identifier, bool enabled, OnError on = {}) const
    {
        move(on, isym_sandbox_set_queue_enabled, identifier.c(), enabled);
    }
    Uuid log_in_agent(Text queue, Text extension, OnError on = {}) const
    {
        return made(on, isym_sandbox_log_in_agent, queue.c(), extension.c());
    }
    void log_out_agent(Text queue, Text extension, OnError on = {}) const
    {
        move(on, isym_sandbox_log_out_agent, queue.c(), extension.c());
    }
    void pause_agent(Text queue, Text extension, bool paused = true, OnError on = {}) const
    {
        move(on, isym_sandbox_pause_agent, queue.c(), extension.c(), paused);
    }
    void set_agent_state(Text queue, Text extension, Text state, OnError on = {}) const
    {
        move(on, isym_sandbox_set_agent_state, queue.c(), extension.c(), state.c());
    }
    Uuid add_conference(Text identifier, Text display_name, OnError on = {}) const
    {
        return made(on, isym_sandbox_add_conference, identifier.c(), display_name.c());
    }
    void remove_conference(Text identifier, OnError on = {}) const
    {
        move(on, isym_sandbox_remove_conference, identifier.c());
    }

    /// The id, of this incarnation, of what has this kind and symbolic name.
    Uuid id_of(Kind kind, Text name, OnError on = {}) const
    {
        return made(on, isym_sandbox_id_of, static_cast<std::uint32_t>(kind), name.c());
    }
    Uuid agent_id(Text queue, Text extension, OnError on = {}) const
    {
        return made(on, isym_sandbox_agent_id, queue.c(), extension.c());
    }
    [[nodiscard]] const isym_sandbox *c() const noexcept { return sandbox_.get(); }

private:
    friend class Sandbox;
    SandboxCoreServer() noexcept = default;
    SandboxCoreServer(std::shared_ptr<const isym_sandbox> sandbox, std::string slug)
        : sandbox_(std::move(sandbox)), slug_(std::move(slug))
    {
    }
    template <class Move, class... Values>
    bool move(OnError on, Move call, Values... values) const
    {
        return on.check(call(c(), slug_ ? slug_->c_str() : nullptr, values..., on.slot()));
    }
    template <class Move, class... Values>
    Uuid made(OnError on, Move call, Values... values) const
    {
        isym_uuid id{};
        move(on, call, values..., &id);
        return id;
    }
    std::shared_ptr<const isym_sandbox> sandbox_;
    /// None stands for the first core server.
    std::optional<std::string> slug_;
};

/// An embedded server of the Live API on a port of the loopback interface, with a telephony server's model behind it. What
/// it has of a core server moves the first one. Ends when it, and every SandboxCoreServer that it gave, is gone.
class Sandbox : public SandboxCoreServer {
public:
    /// Errors: ConfigError, InternalError. On failure it is empty, and has no URL.
    explicit Sandbox(const SandboxConfig &config = {}, OnError on = {})
    {
        isym_sandbox *made = nullptr;
        on.check(isym_sandbox_new(config.c(), &made, on.slot()));
        sandbox_ = std::shared_ptr<const isym_sandbox>(made, [](isym_sandbox *owned) { isym_sandbox_free(owned); });
    }
    Sandbox(Sandbox &&) noexcept = default;
    Sandbox &operator=(Sandbox &&) noexcept = default;

    /// As in "http://127.0.0.1:40123"; valid as long as the sandbox.
    [[nodiscard]] std::string_view url() const & noexcept { return detail::view(isym_sandbox_url(c())); }
    std::string_view url() const && = delete;
    [[nodiscard]] std::uint16_t port() const noexcept { return isym_sandbox_port(c()); }
    /// Another core server, by its slug; the first call with it says where there is none.
    [[nodiscard]] SandboxCoreServer core_server(std::string slug) const { return {sandbox_, std::move(slug)}; }
    /// Restarts the server: every id is new; calls, logins and dynamic agents are gone.
    void restart() const noexcept { isym_sandbox_restart(c()); }
    void restart_at_request(std::uint64_t n) const noexcept { isym_sandbox_restart_at_request(c(), n); }
    [[nodiscard]] std::uint64_t incarnation() const noexcept { return isym_sandbox_incarnation(c()); }
    void stop_listening() const noexcept { isym_sandbox_stop_listening(c()); }
    /// Errors: ConfigError where another program took the port meanwhile.
    void start_listening(OnError on = {}) const { on.check(isym_sandbox_start_listening(c(), on.slot())); }
    [[nodiscard]] std::size_t connections() const noexcept { return isym_sandbox_connections(c()); }
    /// Demands other credentials; none where `user_name` is nullptr.
    void set_credentials(Text user_name, Text password, OnError on = {}) const
    {
        on.check(isym_sandbox_set_credentials(c(), user_name.c(), password.c(), on.slot()));
    }
    void set_denied(bool denied) const noexcept { isym_sandbox_set_denied(c(), denied); }
    void set_demand_tls(bool demanded) const noexcept { isym_sandbox_set_demand_tls(c(), demanded); }
    void set_licensing(bool on_or_off) const noexcept { isym_sandbox_set_licensing(c(), on_or_off); }
    void set_conferences_enabled(bool on_or_off) const noexcept { isym_sandbox_set_conferences_enabled(c(), on_or_off); }
    /// Answers a 200 with this JSON on the requests that fit `on_requests`, in place of the model.
    void serve(Text on_requests, Text json, OnError on = {}) const
    {
        on.check(isym_sandbox_serve(c(), on_requests.c(), json.c(), on.slot()));
    }
    /// The same with any status and any bytes. `content_type` may be nullptr: text/plain.
    void respond(Text on_requests, std::uint16_t status, Text content_type, std::string_view body, OnError on = {}) const
    {
        const auto *bytes = reinterpret_cast<const std::uint8_t *>(body.data());
        on.check(isym_sandbox_respond(c(), on_requests.c(), status, content_type.c(), bytes, body.size(), on.slot()));
    }
    void clear_overrides() const noexcept { isym_sandbox_clear_overrides(c()); }
    /// Sends a text as an event to all who listen, whatever it is.
    void send_event(Text text, OnError on = {}) const { on.check(isym_sandbox_send_event(c(), text.c(), on.slot())); }
    /// The last events as texts of JSON, oldest first, whether anybody listened or not.
    [[nodiscard]] std::vector<std::string> events() const { return detail::strings(isym_sandbox_events(c())); }
    /// Lets something go wrong, as in "status=503; on=*/users; times=3"; see isym_sandbox_fault.
    void fault(Text fault, OnError on = {}) const { on.check(isym_sandbox_fault(c(), fault.c(), on.slot())); }
    void clear_faults() const noexcept { isym_sandbox_clear_faults(c()); }
    [[nodiscard]] Requests requests() const { return Requests(isym_sandbox_requests(c())); }
    [[nodiscard]] std::uint64_t request_count() const noexcept { return isym_sandbox_request_count(c()); }
    void clear_requests() const noexcept { isym_sandbox_clear_requests(c()); }
};

inline std::optional<CoreServer> Resource::core_server() const
{
    return detail::one<CoreServer>(isym_resource_core_server, resource_);
}
inline List<Resource> Resource::sub(Text name) const { return List<Resource>(isym_resource_sub(resource_, name.c())); }

inline List<User> CoreServer::users() const noexcept { return List<User>(isym_core_server_users(c())); }
inline List<Extension> CoreServer::extensions() const noexcept
{
    return List<Extension>(isym_core_server_extensions(c()));
}
inline List<CallSegment> CoreServer::call_segments() const noexcept
{
    return List<CallSegment>(isym_core_server_call_segments(c()));
}
inline List<Queue> CoreServer::queues() const noexcept { return List<Queue>(isym_core_server_queues(c())); }
inline List<ConferenceRoom> CoreServer::conferences() const noexcept
{
    return List<ConferenceRoom>(isym_core_server_conferences(c()));
}

inline List<Login> User::logins() const noexcept { return List<Login>(isym_user_logins(c())); }
inline List<Extension> User::extensions() const noexcept { return List<Extension>(isym_user_extensions(c())); }
inline std::optional<Status> User::status() const noexcept { return detail::one<Status>(isym_user_status_of, c()); }
inline std::optional<User> Login::user() const noexcept { return detail::one<User>(isym_login_user, c()); }
inline std::optional<User> Status::user() const noexcept { return detail::one<User>(isym_user_status_user, c()); }

inline List<CallSegment> Extension::call_segments() const noexcept
{
    return List<CallSegment>(isym_extension_call_segments(c()));
}
inline Extension::Users Extension::users() const noexcept { return Users(c()); }
inline Extension::Agents Extension::agents() const noexcept { return Agents(c()); }

inline std::optional<Extension> CallSegment::extension() const noexcept
{
    return detail::one<Extension>(isym_call_segment_extension, c());
}
inline std::optional<Queue> CallSegment::queue() const noexcept
{
    return detail::one<Queue>(isym_call_segment_queue, c());
}
inline std::optional<ConferenceRoom> CallSegment::conference() const noexcept
{
    return detail::one<ConferenceRoom>(isym_call_segment_conference, c());
}

inline List<Agent> Queue::agents() const noexcept { return List<Agent>(isym_queue_agents(c())); }
inline List<CallSegment> Queue::call_segments() const noexcept
{
    return List<CallSegment>(isym_queue_call_segments(c()));
}
inline std::optional<Queue> Agent::queue() const noexcept { return detail::one<Queue>(isym_agent_queue, c()); }
inline std::optional<Extension> Agent::extension() const noexcept
{
    return detail::one<Extension>(isym_agent_extension, c());
}
inline std::optional<Statistics> Agent::statistics() const noexcept
{
    return detail::one<Statistics>(isym_agent_statistics, c());
}
inline std::optional<Agent> Statistics::agent() const noexcept { return detail::one<Agent>(isym_statistics_agent, c()); }
inline List<CallSegment> ConferenceRoom::call_segments() const noexcept
{
    return List<CallSegment>(isym_conference_room_call_segments(c()));
}

/// The kind with this name: "Extension", or the name of its list, as in "extensions"; Kind::none where there is none.
[[nodiscard]] inline Kind kind_from_name(Text name) noexcept
{
    return static_cast<Kind>(isym_kind_from_name(name.c()));
}

}  // namespace isym

#if defined(__cpp_lib_ranges)
/// Lists and the like are views: their iterators outlive them, and an adaptor copies them.
template <class T>
inline constexpr bool std::ranges::enable_borrowed_range<isym::List<T>> = true;
template <class T>
inline constexpr bool std::ranges::enable_view<isym::List<T>> = true;
template <class T, class Of, std::size_t (*Count)(Of), auto At>
inline constexpr bool std::ranges::enable_borrowed_range<isym::detail::Counted<T, Of, Count, At>> = true;
template <class T, class Of, std::size_t (*Count)(Of), auto At>
inline constexpr bool std::ranges::enable_view<isym::detail::Counted<T, Of, Count, At>> = true;
#endif

template <>
struct std::hash<isym::Uuid> {
    /// Ids are random: any eight bytes of one are a hash.
    std::size_t operator()(isym::Uuid uuid) const noexcept
    {
        std::size_t bytes = 0;
        std::memcpy(&bytes, uuid.c().bytes, sizeof bytes);
        return bytes;
    }
};

#endif
