/** @file
 * isymphony: the live state of an iSymphony telephony server inside your process.
 *
 * Generated from bindings/c by cbindgen; changes belong there. The conventions, which hold for every function here, are in
 * README.md beside this file. In short:
 *
 * - Every function accepts NULL for every pointer and answers with an error or an empty value. Objects are freed by their
 *   own _free. Whoever uses an object after that, or passes what is not an object of the library, is on his own.
 * - A call that can fail returns an isym_status. Where its last argument is `isym_error **error`, a failure puts an error
 *   there that the caller frees with isym_error_free; pass NULL not to want it. Nothing is put there on success, and
 *   nothing is put to the other outputs on failure.
 * - A `const` object may be used on any number of threads at once; an object that is not const by one at a time. What is
 *   borrowed may be used on any number of threads at once, as long as what it is borrowed from is there.
 * - Texts to the library are NUL-terminated UTF-8. Texts from it are isym_str: never NULL, NUL-terminated, borrowed.
 */


#ifndef ISYM_ISYMPHONY_H
#define ISYM_ISYMPHONY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The version of this header; isym_version tells that of the library.
#define ISYM_VERSION "0.1.0"
#define ISYM_VERSION_MAJOR 0
#define ISYM_VERSION_MINOR 1
#define ISYM_VERSION_PATCH 0


/// As a maximal age: an answer of any age will do.
#define ISYM_ANY_AGE -1

/// As a time limit: wait as long as it takes.
#define ISYM_FOREVER -1

/// As a time limit of an action: the action timeout of the settings.
#define ISYM_DEFAULT_TIMEOUT -1

/// What became of a call. The numbers never change their meaning; later versions may add further ones.
typedef enum isym_status {
    /// The call did what it was asked for.
    ISYM_OK = 0,
    /// A setting is invalid or contradicts another one.
    ISYM_CONFIG = 1,
    /// The server could not be reached: name resolution, connect, TLS, or the connection broke.
    ISYM_CONNECTION_FAILED = 2,
    /// A call took longer than its time limit.
    ISYM_TIMED_OUT = 3,
    /// The first whole snapshot did not come within the time the caller wanted to wait.
    ISYM_SYNC_TIMEOUT = 4,
    /// HTTP 401: the user name or the password is wrong.
    ISYM_AUTH = 5,
    /// HTTP 403: this machine is not in the server's white list, or the credentials may not do this.
    ISYM_FORBIDDEN = 6,
    /// Nothing has that name, id or path; or a position is beyond the end.
    ISYM_NOT_FOUND = 7,
    /// More than one object has that name.
    ISYM_AMBIGUOUS = 8,
    /// What is known is older than the caller allows.
    ISYM_STALE = 9,
    /// The server refused an action; its words are in isym_error_server_message.
    ISYM_REJECTED = 10,
    /// An action was sent, and whether it was carried out is not known. It is never sent again by itself.
    ISYM_OUTCOME_UNKNOWN = 11,
    /// The server, the catalogue or this build does not have what was asked for.
    ISYM_UNSUPPORTED = 12,
    /// The client is closed.
    ISYM_CLOSED = 13,
    /// A path is malformed; the message says where and why.
    ISYM_INVALID_PATH = 14,
    /// An argument is NULL, malformed or out of its range; the message names it.
    ISYM_INVALID_ARGUMENT = 15,
    /// The server's answer is not what the Live API promises.
    ISYM_BAD_ANSWER = 16,
    /// The server answered with an error that may pass by itself (5xx, 429).
    ISYM_SERVER_ERROR = 17,
    /// A defect in this library, please report it. Reads of the last snapshot go on.
    ISYM_INTERNAL = 18,
} isym_status;

/// The kinds of resources. The numbers never change their meaning; later versions may add further ones.
typedef enum isym_kind {
    /// No kind: what an empty view answers.
    ISYM_KIND_NONE = 0,
    /// A core server: one PBX that the iSymphony server manages.
    ISYM_KIND_CORE_SERVER = 1,
    /// A user of iSymphony.
    ISYM_KIND_USER = 2,
    /// A client with which a user is logged in now.
    ISYM_KIND_LOGIN = 3,
    /// The status a user shows; in C isym_user_status.
    ISYM_KIND_STATUS = 4,
    /// An extension of the PBX.
    ISYM_KIND_EXTENSION = 5,
    /// One leg of a call.
    ISYM_KIND_CALL_SEGMENT = 6,
    /// A call queue.
    ISYM_KIND_QUEUE = 7,
    /// An extension that is logged in to a queue.
    ISYM_KIND_AGENT = 8,
    /// The statistics of an agent.
    ISYM_KIND_STATISTICS = 9,
    /// A conference room.
    ISYM_KIND_CONFERENCE_ROOM = 10,
} isym_kind;

/// How bad a finding is. The numbers never change their meaning; later versions may add further ones.
typedef enum isym_severity {
    /// No severity.
    ISYM_SEVERITY_NONE = 0,
    /// Worth knowing; nothing need be done.
    ISYM_SEVERITY_INFO = 1,
    /// Something of the catalogue is not as it says; the rest works.
    ISYM_SEVERITY_WARNING = 2,
    /// Nothing works, or what is documented does not.
    ISYM_SEVERITY_ERROR = 3,
} isym_severity;

/// How well a client knows the server. The numbers never change their meaning; later versions may add further ones.
typedef enum isym_state {
    /// No state: the answer for NULL.
    ISYM_STATE_NONE = 0,
    /// Nothing was synced yet.
    ISYM_STATE_CONNECTING = 1,
    /// What is known was confirmed within the cadence.
    ISYM_STATE_LIVE = 2,
    /// Something is known, and its confirmation is overdue: the server cannot be reached, or answers wrongly.
    ISYM_STATE_STALE = 3,
    /// The server refuses this client (401, 403, a demand for TLS), or the client broke. It is tried again, slowly.
    ISYM_STATE_FAILED = 4,
    /// The client was closed.
    ISYM_STATE_CLOSED = 5,
} isym_state;

/// How it stands with the server's events, which only make changes show sooner. The numbers never change their meaning;
/// later versions may add further ones.
typedef enum isym_events_state {
    /// No state: the answer for NULL.
    ISYM_EVENTS_NONE = 0,
    /// They are not listened to, by the settings.
    ISYM_EVENTS_OFF = 1,
    /// The socket is being opened, for the first time or again.
    ISYM_EVENTS_CONNECTING = 2,
    /// They are listened to.
    ISYM_EVENTS_CONNECTED = 3,
    /// The server has no events or refuses them, or cannot be reached. It is tried again, slowly. Everything works all the
    /// same, by asking.
    ISYM_EVENTS_UNAVAILABLE = 4,
} isym_events_state;

/// How much a log line matters.
typedef enum isym_log_level {
    /// Nothing is logged.
    ISYM_LOG_OFF = 0,
    /// Something needs a person.
    ISYM_LOG_ERROR = 1,
    /// Something is wrong and may heal by itself.
    ISYM_LOG_WARN = 2,
    /// What happens: states, restarts, actions.
    ISYM_LOG_INFO = 3,
    /// What the client does.
    ISYM_LOG_DEBUG = 4,
    /// Every request.
    ISYM_LOG_TRACE = 5,
} isym_log_level;

/// Where a snapshot comes from.
typedef enum isym_source {
    /// Nowhere: the answer for NULL.
    ISYM_SOURCE_NONE = 0,
    /// A server, synced by this process.
    ISYM_SOURCE_LIVE = 1,
    /// A file.
    ISYM_SOURCE_SEALED = 2,
    /// A recording.
    ISYM_SOURCE_REPLAY = 3,
} isym_source;

/// The kind of a change. The numbers never change their meaning; later versions may add further ones.
typedef enum isym_change_kind {
    /// No change: what an empty change has.
    ISYM_CHANGE_NONE = 0,
    /// The resource is new.
    ISYM_CHANGE_ADDED = 1,
    /// A property of the resource changed, or it moved: a call segment that is on another extension now.
    ISYM_CHANGE_CHANGED = 2,
    /// The resource is gone.
    ISYM_CHANGE_REMOVED = 3,
    /// The core server restarted: all ids are new. There are no single changes for what is below it.
    ISYM_CHANGE_EPOCH_CHANGED = 4,
    /// The server sent an event. Only a watch tells of events.
    ISYM_CHANGE_EVENT = 5,
} isym_change_kind;

/// What the server said of a property.
typedef enum isym_property_state {
    /// The catalogue knows no property of that name; or the view is empty.
    ISYM_PROPERTY_UNKNOWN = 0,
    /// The property is not in the object.
    ISYM_PROPERTY_MISSING = 1,
    /// The property is null.
    ISYM_PROPERTY_NULL = 2,
    /// The value has another type than the catalogue says: see isym_resource_raw.
    ISYM_PROPERTY_OTHER_TYPE = 3,
    /// The value is there.
    ISYM_PROPERTY_PRESENT = 4,
} isym_property_state;

/// The type of a property's value.
typedef enum isym_type {
    /// No type: what an empty property has.
    ISYM_TYPE_NONE = 0,
    /// A text.
    ISYM_TYPE_TEXT = 1,
    /// A boolean.
    ISYM_TYPE_BOOL = 2,
    /// A whole number.
    ISYM_TYPE_INT = 3,
    /// A time: Unix milliseconds, -1 for none.
    ISYM_TYPE_MILLIS = 4,
} isym_type;

/// What became of an action that was not refused. The numbers never change their meaning.
typedef enum isym_outcome {
    /// No outcome: the answer for NULL.
    ISYM_OUTCOME_NONE = 0,
    /// The server said that it carried it out.
    ISYM_OUTCOME_ACCEPTED = 1,
    /// It was sent, and what the server made of it is not known: the answer was lost, or was an error of the server. It
    /// is never sent again by itself. isym_ticket_error says why.
    ISYM_OUTCOME_UNCERTAIN = 2,
} isym_outcome;

/// The arguments of an action, by name. Setting one again replaces it. The caller frees them with isym_args_free; one
/// object may be used for any number of actions. One thread at a time sets them; actions may take them on any number of
/// threads at once.
typedef struct isym_args isym_args;

/// What changed between two snapshots. Immutable. Holds its own pins of both, so all that it gives stays valid until it
/// is freed, whatever becomes of the snapshots. The caller frees it with isym_changes_free. May be used on any number
/// of threads at once.
typedef struct isym_changes isym_changes;

/// The settings of a client: made with isym_config_new, changed by setters, given to isym_live_open, which copies them.
///
/// A setter that is given something impossible answers at once and changes nothing. The password is wiped from memory
/// when the settings are freed. One thread at a time sets them; any number of threads at once may open clients with
/// them.
typedef struct isym_config isym_config;

/// What a server has. Immutable; the caller frees it with isym_doctor_report_free. No password and no property's value
/// is ever in it. May be used on any number of threads at once.
typedef struct isym_doctor_report isym_doctor_report;

/// What went wrong: a status, the words, and what is known of the server's answer. Immutable.
///
/// Made by a call that failed, and only if its last argument was not NULL. The caller frees it with isym_error_free. No
/// error text ever holds a password. May be used on any number of threads at once.
typedef struct isym_error isym_error;

/// A reference to an instance by its kind and the names along its path, bound anew at every use.
///
/// The name decides, byte for byte. When nothing has the name any more, the configuration id that was seen under it does.
/// When the name changes hands, the handle follows the name; a strict one (isym_handle_strict) refuses. A path that holds
/// ids is made symbolic when it is first found; an instance without a symbolic name (a call segment, an agent) is found by
/// its id only, until the server restarts. The caller frees it with isym_handle_free. It may be used on any number of
/// threads at once.
typedef struct isym_handle isym_handle;

/// How a client was doing at one moment. Immutable; the caller frees it with isym_health_free. May be used on any
/// number of threads at once.
typedef struct isym_health isym_health;

/// A client of one iSymphony server: keeps the live state true in the background, and acts by name.
///
/// All its functions but isym_live_free may be called on any number of threads at once; only those that say so wait.
typedef struct isym_live isym_live;

/// What a client counted since it was opened, at one moment. Immutable; the caller frees it with isym_metrics_free. May
/// be used on any number of threads at once.
typedef struct isym_metrics isym_metrics;

/// The requests a sandbox had got at one moment, oldest first. Immutable; the caller frees it with isym_requests_free.
/// May be used on any number of threads at once.
typedef struct isym_requests isym_requests;

/// An embedded server of the Live API on a port of the loopback interface, with a model of a telephony server behind it:
/// users, extensions, queues with agents, conference rooms, and calls that ring, are linked and end. All actions take
/// effect. Deterministic from a seed.
///
/// All its functions but isym_sandbox_free may be called on any number of threads at once. Those that take a `core_server`
/// take its slug, or NULL for the first one.
typedef struct isym_sandbox isym_sandbox;

/// The settings of a sandbox: made with isym_sandbox_config_new, changed by setters, given to isym_sandbox_new, which
/// copies them and checks that they do not contradict each other. All counts are per core server. The caller frees them
/// with isym_sandbox_config_free. One thread at a time sets them; any number of threads at once may start sandboxes
/// with them.
typedef struct isym_sandbox_config isym_sandbox_config;

/// Everything that is known of the server at one moment. Immutable: all reads of one snapshot agree with each other.
///
/// All views, lists and texts that a snapshot gives stay valid until it is freed, whatever becomes of the client. It may
/// be used on any number of threads at once.
typedef struct isym_snapshot isym_snapshot;

/// A text that was made for the caller, who frees it with isym_text_free. Immutable. May be used on any number of
/// threads at once.
typedef struct isym_text isym_text;

/// Some texts that were made for the caller, who frees them with isym_texts_free. Immutable. May be used on any number of
/// threads at once.
typedef struct isym_texts isym_texts;

/// An action that was sent: its outcome, and what to wait for to see its effect. Immutable; the caller frees it with
/// isym_ticket_free. It may be used on any number of threads at once, also after the client was freed.
typedef struct isym_ticket isym_ticket;

/// Some ids that were made for the caller, who frees them with isym_uuids_free. Immutable. May be used on any number of
/// threads at once.
typedef struct isym_uuids isym_uuids;

/// A subscription to changes. One thread at a time takes from it; the caller frees it with isym_watch_free, also after the
/// client was freed.
typedef struct isym_watch isym_watch;

/// A text in UTF-8, borrowed from the object that gave it.
///
/// `ptr` is never NULL, and a NUL stands behind the last byte: it can be given to printf. `len` does not count that NUL. A
/// text from the server may hold a NUL of its own; then `len` tells the truth and printf stops early.
typedef struct isym_str {
    /// The first byte.
    const char *ptr;
    /// The number of bytes.
    size_t len;
} isym_str;

/// The id of an instance: 16 bytes in the order they are written. New at every restart of the server.
typedef struct isym_uuid {
    /// The bytes.
    uint8_t bytes[16];
} isym_uuid;

/// How thoroughly a server is examined: a value. All zero (`= {0}`) means the defaults.
typedef struct isym_doctor_options {
    /// How many instances of each kind are looked at. 0: 3.
    size_t sample;
    /// How many instances are asked for what is below them, where the first ones have nothing there (most users are not
    /// logged in). 0: 25.
    size_t search;
    /// When the examination ends, done or not. 0 or negative: 60 s. A request that is under way then is waited for.
    int64_t time_limit_ms;
    /// Whether the paths of actions are asked with OPTIONS only, and not with GET where OPTIONS leaves the question open:
    /// for a server that may carry something out for a GET.
    bool options_only;
} isym_doctor_options;

/// What something that the doctor found means, and what to do: a value, borrowed from the isym_doctor_report that gave it.
typedef struct isym_doctor_finding {
    /// How bad it is.
    enum isym_severity severity;
    /// The part of the server it is about, as in "User.status".
    struct isym_str about;
    /// What was found.
    struct isym_str message;
    /// What to do; empty when nothing.
    struct isym_str advice;
} isym_doctor_finding;

/// Something that went wrong: a value, borrowed from the isym_health that gave it.
typedef struct isym_problem {
    /// What went wrong. Not to be freed.
    const struct isym_error *error;
    /// When, as Unix milliseconds, for display.
    int64_t at_ms;
    /// The path that was asked, by ids, below `communication_manager/rest/live/`.
    struct isym_str about;
    /// The kind whose lists fail; ISYM_KIND_NONE where the problem is not about one kind.
    enum isym_kind kind;
} isym_problem;

/// One number: a value, borrowed from the isym_metrics that gave it.
typedef struct isym_metric {
    /// Its name in snake case, as in "requests".
    struct isym_str name;
    /// The number.
    uint64_t value;
} isym_metric;

/// Takes a log line: how much it matters, which part of the library says it (as in "isymphony::action"), what it says, and
/// the pointer that was given to isym_set_log_callback. The texts are borrowed until it returns.
///
/// It is called on the threads that are in a call of the library, and on one of the library's for what its own threads say, on
/// several at once. No lock is held meanwhile, and it may call the library. It must not let an exception out, nor jump out. One
/// that takes its time holds up no sync: 1 000 lines wait for it, and how many were lost beyond that is a line of its own.
typedef void (*isym_log_callback)(enum isym_log_level level,
                                  struct isym_str target,
                                  struct isym_str message,
                                  void *userdata);

/// The instances of one list, in the server's order: a small value to be copied at will, borrowed from the snapshot that
/// gave it.
///
/// Valid until that snapshot is freed, on any number of threads at once. A list that is all zero is empty. The members
/// are private.
typedef struct isym_list {
    /// Private.
    const void *snapshot;
    /// Private.
    const void *collection;
    /// Private.
    uint32_t kind;
} isym_list;

/// One instance of any kind: a small value to be copied at will, borrowed from the snapshot that gave it.
///
/// Valid until that snapshot (or the object that gave it) is freed, on any number of threads at once; the client may be
/// closed and freed before. A view that is all zero is empty: its accessors answer empty, 0 and false. The members are
/// private.
typedef struct isym_resource {
    /// Private.
    const void *snapshot;
    /// Private.
    const void *collection;
    /// Private.
    uint32_t row;
} isym_resource;

/// A core server: one PBX that the iSymphony server manages.
///
/// A small value, see isym_resource: borrowed from a snapshot, to be copied at will; an empty one answers empty, 0
/// and false. An accessor answers the same for a property that is missing, null or of another type than the catalogue
/// says: isym_resource_property_state tells which.
typedef struct isym_core_server {
    /// The same as a resource of any kind.
    struct isym_resource resource;
} isym_core_server;

/// An extension of the PBX. The Live API tells neither its call state nor its do-not-disturb state.
///
/// A small value, see isym_resource: borrowed from a snapshot, to be copied at will; an empty one answers empty, 0
/// and false. An accessor answers the same for a property that is missing, null or of another type than the catalogue
/// says: isym_resource_property_state tells which.
typedef struct isym_extension {
    /// The same as a resource of any kind.
    struct isym_resource resource;
} isym_extension;

/// A user of iSymphony.
///
/// A small value, see isym_resource: borrowed from a snapshot, to be copied at will; an empty one answers empty, 0
/// and false. An accessor answers the same for a property that is missing, null or of another type than the catalogue
/// says: isym_resource_property_state tells which.
typedef struct isym_user {
    /// The same as a resource of any kind.
    struct isym_resource resource;
} isym_user;

/// A call queue.
///
/// A small value, see isym_resource: borrowed from a snapshot, to be copied at will; an empty one answers empty, 0
/// and false. An accessor answers the same for a property that is missing, null or of another type than the catalogue
/// says: isym_resource_property_state tells which.
typedef struct isym_queue {
    /// The same as a resource of any kind.
    struct isym_resource resource;
} isym_queue;

/// A conference room.
///
/// A small value, see isym_resource: borrowed from a snapshot, to be copied at will; an empty one answers empty, 0
/// and false. An accessor answers the same for a property that is missing, null or of another type than the catalogue
/// says: isym_resource_property_state tells which.
typedef struct isym_conference_room {
    /// The same as a resource of any kind.
    struct isym_resource resource;
} isym_conference_room;

/// One change: a value to be copied at will, borrowed from the isym_changes or the isym_watch that gave it.
typedef struct isym_change {
    /// What happened.
    enum isym_change_kind kind;
    /// The resource as it is now, or as it was last; empty only for an event.
    struct isym_resource resource;
    /// The resource before; empty when it was added.
    struct isym_resource before;
    /// The resource after; empty when it was removed.
    struct isym_resource after;
    /// The type of the event, as in `hangup`; empty unless it is one.
    struct isym_str event_type;
    /// The event as it came: the text of a JSON object; empty unless it is one.
    struct isym_str event;
} isym_change;

/// A property of a resource: a value to be copied at will, borrowed from the same snapshot as the resource.
typedef struct isym_property {
    /// What the server said. The value below is there only for ISYM_PROPERTY_PRESENT.
    enum isym_property_state state;
    /// Which of the values below it has.
    enum isym_type value_type;
    /// The value for ISYM_TYPE_TEXT; otherwise empty.
    struct isym_str text;
    /// The value for ISYM_TYPE_INT and ISYM_TYPE_MILLIS; otherwise 0.
    int64_t number;
    /// The value for ISYM_TYPE_BOOL; otherwise false.
    bool boolean;
    /// The JSON name, as in "callerId.name". Lives as long as the library.
    struct isym_str name;
} isym_property;

/// The status a user shows. (isym_status is what a call answers.)
///
/// A small value, see isym_resource: borrowed from a snapshot, to be copied at will; an empty one answers empty, 0
/// and false. An accessor answers the same for a property that is missing, null or of another type than the catalogue
/// says: isym_resource_property_state tells which.
typedef struct isym_user_status {
    /// The same as a resource of any kind.
    struct isym_resource resource;
} isym_user_status;

/// A client with which a user is logged in now.
///
/// A small value, see isym_resource: borrowed from a snapshot, to be copied at will; an empty one answers empty, 0
/// and false. An accessor answers the same for a property that is missing, null or of another type than the catalogue
/// says: isym_resource_property_state tells which.
typedef struct isym_login {
    /// The same as a resource of any kind.
    struct isym_resource resource;
} isym_login;

/// An extension that is logged in to a queue.
///
/// A small value, see isym_resource: borrowed from a snapshot, to be copied at will; an empty one answers empty, 0
/// and false. An accessor answers the same for a property that is missing, null or of another type than the catalogue
/// says: isym_resource_property_state tells which.
typedef struct isym_agent {
    /// The same as a resource of any kind.
    struct isym_resource resource;
} isym_agent;

/// One leg of a call.
///
/// A small value, see isym_resource: borrowed from a snapshot, to be copied at will; an empty one answers empty, 0
/// and false. An accessor answers the same for a property that is missing, null or of another type than the catalogue
/// says: isym_resource_property_state tells which.
typedef struct isym_call_segment {
    /// The same as a resource of any kind.
    struct isym_resource resource;
} isym_call_segment;

/// The statistics of an agent. Nothing is known of their properties: read isym_resource_raw.
///
/// A small value, see isym_resource: borrowed from a snapshot, to be copied at will; an empty one answers empty, 0
/// and false. An accessor answers the same for a property that is missing, null or of another type than the catalogue
/// says: isym_resource_property_state tells which.
typedef struct isym_statistics {
    /// The same as a resource of any kind.
    struct isym_resource resource;
} isym_statistics;

/// To which object a handle is bound, as it was last found: a value.
typedef struct isym_binding {
    /// The id of the object: new after every restart of the server.
    struct isym_uuid id;
    /// The epoch of the snapshot it was found in.
    uint64_t epoch;
    /// How often the handle was bound anew since it was made: to the same object after a restart of the server, or to another
    /// object that has the name now.
    uint64_t rebinds;
    /// How often that was another object, as far as a configuration id tells.
    uint64_t other_objects;
} isym_binding;

/// How an action is carried out: a value. All zero (`= {0}`) means the defaults.
typedef struct isym_action_options {
    /// How long it may take in all, waiting for its turn included. 0 or negative (ISYM_DEFAULT_TIMEOUT): the action timeout
    /// of the settings.
    int64_t timeout_ms;
    /// Whether it is sent although the snapshot says that the target is gone: then the server has the word.
    bool force;
} isym_action_options;

/// One request: a value, borrowed from the isym_requests that gave it.
typedef struct isym_request {
    /// The method, as in "GET".
    struct isym_str method;
    /// The path as it was sent, percent-encoded, without `/communication_manager/rest/live/` if it began with that.
    struct isym_str path;
    /// The body; what is not UTF-8 in it is replaced.
    struct isym_str body;
    /// When the request came, in milliseconds since the sandbox started.
    int64_t at_ms;
    /// The HTTP status of the answer; 0 where a fault left the request without one.
    uint16_t status;
    /// Whether its credentials were right, or none were demanded.
    bool authorized;
} isym_request;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/// The version of the library that is running, as in "0.1.0": compare it with ISYM_VERSION, the version of the header.
///
/// The text lives as long as the library.
struct isym_str isym_version(void);

/// The name of a status in snake case, as in "not_found"; "ok" for ISYM_OK. Empty for a number that is no status.
///
/// The text lives as long as the library.
struct isym_str isym_status_name(uint32_t status);

/// The status of an error; ISYM_OK for NULL.
enum isym_status isym_error_code(const struct isym_error *error);

/// What went wrong, for a person: names the thing, says what to do, and quotes the server. Empty for NULL.
///
/// Borrowed from the error.
struct isym_str isym_error_message(const struct isym_error *error);

/// The HTTP status the server answered with; 0 where it did not answer, and for NULL.
uint16_t isym_error_http_status(const struct isym_error *error);

/// The plain text the server gave as its reason, at most 2048 bytes, without control characters; empty where it gave
/// none, and for NULL.
///
/// Borrowed from the error.
struct isym_str isym_error_server_message(const struct isym_error *error);

/// Whether the same call may work later without a change of settings. False for NULL.
bool isym_error_retryable(const struct isym_error *error);

/// Frees an error. NULL is accepted.
void isym_error_free(struct isym_error *error);

/// The text, borrowed from its object; empty for NULL.
struct isym_str isym_text_str(const struct isym_text *text);

/// Frees a text. NULL is accepted.
void isym_text_free(struct isym_text *text);

/// The number of texts.
size_t isym_texts_count(const struct isym_texts *texts);

/// The text at a position, counted from 0.
///
/// Answers ISYM_NOT_FOUND for a position beyond the end. What is found is borrowed from `texts`.
enum isym_status isym_texts_at(const struct isym_texts *texts,
                               size_t position,
                               struct isym_str *text);

/// Frees texts. NULL is accepted.
void isym_texts_free(struct isym_texts *texts);

/// Writes an id as text, as in "ef2faba9-8557-49c1-9ffc-5a71f41c7a23", with a NUL behind: `out` has room for 37 bytes. Does
/// nothing where it is NULL.
void isym_uuid_format(struct isym_uuid uuid,
                      char *out);

/// Reads an id from text, with or without hyphens, in either case.
///
/// Errors: ISYM_INVALID_ARGUMENT.
enum isym_status isym_uuid_parse(const char *text,
                                 struct isym_uuid *uuid,
                                 struct isym_error **error);

/// Whether two ids are the same.
bool isym_uuid_equal(struct isym_uuid a, struct isym_uuid b);

/// The number of ids.
size_t isym_uuids_count(const struct isym_uuids *uuids);

/// The id at a position, counted from 0.
///
/// Answers ISYM_NOT_FOUND for a position beyond the end.
enum isym_status isym_uuids_at(const struct isym_uuids *uuids,
                               size_t position,
                               struct isym_uuid *uuid);

/// Frees ids. NULL is accepted.
void isym_uuids_free(struct isym_uuids *uuids);

/// The vendor's name of a kind, as in "CallSegment". Empty for a number that is no kind.
///
/// The text lives as long as the library.
struct isym_str isym_kind_name(uint32_t kind);

/// The kind with this name: "Extension", or the name of its list in a path or as an attribute, as in "extensions" and
/// "call_segments". ISYM_KIND_NONE where there is none.
enum isym_kind isym_kind_from_name(const char *name);

/// The default settings for the server at `url`: http or https, a host, a port (default 58080 for http, 55050 for https),
/// and a user name and a password, percent-encoded, as in "http://manager:secret@pbx:58080". It may end in
/// "/communication_manager".
///
/// Never NULL. A bad URL is told by every setter and by isym_live_open, as ISYM_CONFIG or ISYM_INVALID_ARGUMENT; no
/// message repeats a part of the URL. The caller frees the settings with isym_config_free.
struct isym_config *isym_config_new(const char *url);

/// A copy of settings. NULL for NULL.
///
/// Made for the caller, who frees it with isym_config_free.
struct isym_config *isym_config_clone(const struct isym_config *config);

/// Frees settings. NULL is accepted. A client that was opened with them is not concerned.
void isym_config_free(struct isym_config *config);

/// Finds settings that contradict each other; isym_live_open does it too. Files are looked at only there.
///
/// Errors: ISYM_CONFIG that names the settings and says what to do.
enum isym_status isym_config_validate(const struct isym_config *config,
                                      struct isym_error **error);

/// The user name and the password. Default: those of the URL, or none.
///
/// Errors: ISYM_CONFIG where the user name holds a colon or a control character.
enum isym_status isym_config_set_credentials(struct isym_config *config,
                                             const char *user_name,
                                             const char *password,
                                             struct isym_error **error);

/// Mirrors only the core servers with these slugs. Default, and with a `count` of 0: all of them.
///
/// Errors: ISYM_CONFIG where a slug is empty.
enum isym_status isym_config_set_core_servers(struct isym_config *config,
                                              const char *const *slugs,
                                              size_t count,
                                              struct isym_error **error);

/// Mirrors only these kinds of resources (isym_kind), and core servers. Default, and with a `count` of 0: all of them.
///
/// Errors: ISYM_INVALID_ARGUMENT where a number is no kind.
enum isym_status isym_config_set_kinds(struct isym_config *config,
                                       const uint32_t *kinds,
                                       size_t count,
                                       struct isym_error **error);

/// Whether to listen to the server's events as hints, so that changes show sooner. Default: true.
///
/// Errors: none but a bad `config`.
enum isym_status isym_config_set_events(struct isym_config *config,
                                        bool on,
                                        struct isym_error **error);

/// A PEM file with the certificates to trust instead of the system's: a private CA's, or the server's own self-signed one.
/// Default: none, the system's are trusted. NULL is not accepted.
///
/// Errors: none but bad arguments; the file is read when the client is opened.
enum isym_status isym_config_set_ca_file(struct isym_config *config,
                                         const char *path,
                                         struct isym_error **error);

/// The certificate chain and the private key, two PEM files, with which the client shows who it is. Default: none.
///
/// Errors: none but bad arguments; the files are read when the client is opened.
enum isym_status isym_config_set_client_cert(struct isym_config *config,
                                             const char *cert_pem,
                                             const char *key_pem,
                                             struct isym_error **error);

/// Whether the server must prove who it is. Default: true. With false, whoever sits on the way can read the password.
///
/// Errors: none but a bad `config`.
enum isym_status isym_config_set_verify(struct isym_config *config,
                                        bool on,
                                        struct isym_error **error);

/// The HTTP proxy to go through, as in "http://user:password@host:port"; NULL for none. Default: none; proxies that the
/// environment names are ignored.
///
/// Errors: ISYM_CONFIG where the URL is not that of an http or https proxy.
enum isym_status isym_config_set_proxy(struct isym_config *config,
                                       const char *url,
                                       struct isym_error **error);

/// Posts an action to another path than the catalogue's: `segment` stands behind the instance's path. It is plain text,
/// percent-encoded when sent; a slash in it makes two segments.
///
/// Errors: ISYM_INVALID_ARGUMENT where `kind` (isym_kind) is no kind; ISYM_CONFIG where the kind has no such action, or the
/// segment is not a plain path.
enum isym_status isym_config_set_action_path(struct isym_config *config,
                                             uint32_t kind,
                                             const char *action,
                                             const char *segment,
                                             struct isym_error **error);

/// Sends an argument of an action under another key of the JSON body than the catalogue's.
///
/// Errors: ISYM_INVALID_ARGUMENT where `kind` (isym_kind) is no kind; ISYM_CONFIG where the kind has no such action, or the
/// action no such argument.
enum isym_status isym_config_set_action_body_key(struct isym_config *config,
                                                 uint32_t kind,
                                                 const char *action,
                                                 const char *argument,
                                                 const char *key,
                                                 struct isym_error **error);

/// Changes rows of the catalogue by the text of an overlay: TOML that says what the server has otherwise, see
/// docs/overlay.md. Of several overlays the later ones win, row by row. Default: the rows of the catalogue.
///
/// Errors: ISYM_CONFIG with the line, and what is allowed there; then nothing is changed.
enum isym_status isym_config_overlay(struct isym_config *config,
                                     const char *text,
                                     struct isym_error **error);

/// Changes rows of the catalogue by an overlay in a file, which is read now.
///
/// Errors: ISYM_CONFIG where the file cannot be read, is longer than 1 MiB, or as isym_config_overlay.
enum isym_status isym_config_overlay_file(struct isym_config *config,
                                          const char *path,
                                          struct isym_error **error);

/// How many requests a second the server is asked at most. Default: 50 while polling, and the first whole snapshot as
/// fast as the server answers; a limit that is set holds for both.
///
/// Errors: ISYM_CONFIG where it is not a number from 0.001 to 1 000 000.
enum isym_status isym_config_set_max_requests_per_second(struct isym_config *config,
                                                         double rate,
                                                         struct isym_error **error);

/// How many requests are in flight at once, each on a connection that is kept alive. Default: 4.
///
/// Errors: ISYM_CONFIG where it is not from 1 to 64.
enum isym_status isym_config_set_connections(struct isym_config *config,
                                             size_t count,
                                             struct isym_error **error);

/// How many bytes the body of an answer may have, after decompression. Default: 256 MiB.
///
/// Errors: ISYM_CONFIG where it is not from 1 to 2^40.
enum isym_status isym_config_set_body_limit(struct isym_config *config,
                                            uint64_t bytes,
                                            struct isym_error **error);

/// How many bytes the head of an answer may have. Default: 64 KiB.
///
/// Errors: ISYM_CONFIG where it is not from 1024 to 2^20.
enum isym_status isym_config_set_header_limit(struct isym_config *config,
                                              size_t bytes,
                                              struct isym_error **error);

/// How many bytes a text in an answer may have; an item with a longer one is refused. Default: 64 KiB.
///
/// Errors: ISYM_CONFIG where it is not from 256 to 2^30.
enum isym_status isym_config_set_text_limit(struct isym_config *config,
                                            size_t bytes,
                                            struct isym_error **error);

/// How deep the JSON of an answer may be nested. Default: 64.
///
/// Errors: ISYM_CONFIG where it is not from 4 to 120.
enum isym_status isym_config_set_depth_limit(struct isym_config *config,
                                             size_t levels,
                                             struct isym_error **error);

/// How many objects the mirror may hold. Default: 4 000 000.
///
/// Errors: ISYM_CONFIG where it is not from 1 to 2^30.
enum isym_status isym_config_set_object_limit(struct isym_config *config,
                                              size_t count,
                                              struct isym_error **error);

/// How long connecting may take, in milliseconds: name resolution, then TCP, proxy and TLS together. Default: 3 s.
///
/// Errors: ISYM_CONFIG where it is zero or longer than a day, or ISYM_INVALID_ARGUMENT where a time is negative.
enum isym_status isym_config_set_connect_timeout(struct isym_config *config,
                                                 int64_t ms,
                                                 struct isym_error **error);

/// How long the server may take until the head of its answer is in, in milliseconds. Default: 10 s.
///
/// Errors: ISYM_CONFIG where it is zero or longer than a day, or ISYM_INVALID_ARGUMENT where a time is negative.
enum isym_status isym_config_set_first_byte_timeout(struct isym_config *config,
                                                    int64_t ms,
                                                    struct isym_error **error);

/// How long the server may be silent in the middle of an answer, in milliseconds. Default: 10 s.
///
/// Errors: ISYM_CONFIG where it is zero or longer than a day, or ISYM_INVALID_ARGUMENT where a time is negative.
enum isym_status isym_config_set_silence_timeout(struct isym_config *config,
                                                 int64_t ms,
                                                 struct isym_error **error);

/// How long a request may take in all, in milliseconds. Default: 120 s.
///
/// Errors: ISYM_CONFIG where it is zero or longer than a day, or ISYM_INVALID_ARGUMENT where a time is negative.
enum isym_status isym_config_set_request_timeout(struct isym_config *config,
                                                 int64_t ms,
                                                 struct isym_error **error);

/// How long an action may take in all where the call does not say, in milliseconds. Default: 10 s.
///
/// Errors: ISYM_CONFIG where it is zero or longer than a day, or ISYM_INVALID_ARGUMENT where a time is negative.
enum isym_status isym_config_set_action_timeout(struct isym_config *config,
                                                int64_t ms,
                                                struct isym_error **error);

/// How long to wait after a failure, in milliseconds: from `min_ms`, doubling, up to `max_ms`, with full jitter.
/// Default: 0.5 s to 60 s.
///
/// Errors: ISYM_CONFIG where `min_ms` is zero or longer than `max_ms`, or `max_ms` is longer than a day, or
/// ISYM_INVALID_ARGUMENT where a time is negative.
enum isym_status isym_config_set_backoff(struct isym_config *config,
                                         int64_t min_ms,
                                         int64_t max_ms,
                                         struct isym_error **error);

/// How often a kind (isym_kind) is asked for: never more often than every `min_ms`, never less often than every
/// `max_ms`. Defaults: call segments and agents 1 to 5 s; status 2 to 15 s; logins and statistics 5 to 60 s; all
/// others 5 to 30 s.
///
/// Errors: ISYM_CONFIG where `min_ms` is zero or longer than `max_ms`, or `max_ms` is longer than a day, or
/// ISYM_INVALID_ARGUMENT where a time is negative or `kind` is no kind.
enum isym_status isym_config_set_cadence(struct isym_config *config,
                                         uint32_t kind,
                                         int64_t min_ms,
                                         int64_t max_ms,
                                         struct isym_error **error);

/// How long the socket of the events may be silent before the server is asked for a sign of life, and how long it may take
/// to give one before the socket is opened anew, in milliseconds. Default: 30 s and 10 s.
///
/// Errors: ISYM_CONFIG where one of them is zero or longer than a day, or ISYM_INVALID_ARGUMENT where a time is negative.
enum isym_status isym_config_set_event_silence(struct isym_config *config,
                                               int64_t silence_ms,
                                               int64_t answer_ms,
                                               struct isym_error **error);

/// Finds out what the server that the settings name really has of what this library expects, without carrying out or
/// changing anything: over connections of its own, with GET and OPTIONS only.
///
/// Waits until it is done, at most the time limit of the options. Whatever goes wrong on the way to the server is in the
/// report, and no error. `report` is the caller's, who frees it with isym_doctor_report_free.
///
/// Errors: those of isym_config_new where the URL is bad; ISYM_INVALID_ARGUMENT.
enum isym_status isym_doctor_examine(const struct isym_config *config,
                                     struct isym_doctor_options options,
                                     struct isym_doctor_report **report,
                                     struct isym_error **error);

/// Whether nothing is wrong that needs to be mended: no finding is an ISYM_SEVERITY_ERROR. False for NULL.
bool isym_doctor_report_ok(const struct isym_doctor_report *report);

/// Whether the Live API can be used at all. False for NULL.
bool isym_doctor_report_is_connected(const struct isym_doctor_report *report);

/// Which server it was: its scheme, host and port, as in "http://pbx:58080", without credentials. Empty for NULL.
///
/// Borrowed from the report.
struct isym_str isym_doctor_report_server(const struct isym_doctor_report *report);

/// The report as a table for people, at most 100 columns wide; empty for NULL.
///
/// Borrowed from the report.
struct isym_str isym_doctor_report_text(const struct isym_doctor_report *report);

/// The whole report as the text of a JSON object; empty for NULL.
///
/// Borrowed from the report.
struct isym_str isym_doctor_report_json(const struct isym_doctor_report *report);

/// The text of an overlay that adapts a client to the server, for isym_config_overlay or a file. What could not be
/// determined stands in it as a comment. Empty where there is nothing to adapt, and for NULL.
///
/// Borrowed from the report.
struct isym_str isym_doctor_report_overlay(const struct isym_doctor_report *report);

/// How many findings there are.
size_t isym_doctor_report_finding_count(const struct isym_doctor_report *report);

/// The finding at a position, counted from 0, the worst first.
///
/// Answers ISYM_NOT_FOUND for a position beyond the end. What is found is borrowed from `report`.
enum isym_status isym_doctor_report_finding_at(const struct isym_doctor_report *report,
                                               size_t position,
                                               struct isym_doctor_finding *finding);

/// Frees a report. NULL is accepted.
void isym_doctor_report_free(struct isym_doctor_report *report);

/// Opens a client and starts to sync. Does not wait for the server: one that is down is tried until it answers.
///
/// `live` is the caller's, who frees it with isym_live_free. The settings are copied.
///
/// Errors: ISYM_CONFIG when the settings contradict each other or name files that cannot be used; ISYM_INTERNAL when the
/// process may start no more threads.
enum isym_status isym_live_open(const struct isym_config *config,
                                struct isym_live **live,
                                struct isym_error **error);

/// Waits for the first whole snapshot, at most `timeout_ms`; negative (ISYM_FOREVER): as long as it takes.
///
/// Errors: ISYM_SYNC_TIMEOUT, which says what stands in the way; ISYM_CLOSED.
enum isym_status isym_live_wait(const struct isym_live *live,
                                int64_t timeout_ms,
                                struct isym_error **error);

/// Pins the current snapshot if it is not older than `max_age_ms`; negative (ISYM_ANY_AGE): whatever its age, and empty
/// before the first sync. Never waits.
///
/// `snapshot` is the caller's, who frees it with isym_snapshot_free; it outlives the client.
///
/// Errors: ISYM_STALE with the age and what went wrong last.
enum isym_status isym_live_snapshot(const struct isym_live *live,
                                    int64_t max_age_ms,
                                    struct isym_snapshot **snapshot,
                                    struct isym_error **error);

/// Asks for all core servers' own lists now, and waits until they are read, at most `timeout_ms`; negative
/// (ISYM_FOREVER): as long as it takes.
///
/// `snapshot` may be NULL; else it is the caller's, who frees it with isym_snapshot_free.
///
/// Errors: ISYM_TIMED_OUT, ISYM_SYNC_TIMEOUT before the first sync, ISYM_CLOSED.
enum isym_status isym_live_refresh(const struct isym_live *live,
                                   int64_t timeout_ms,
                                   struct isym_snapshot **snapshot,
                                   struct isym_error **error);

/// Which server it is: its scheme, host and port, as in "http://pbx:58080", without credentials. Empty for NULL.
///
/// Borrowed from `live`.
struct isym_str isym_live_url(const struct isym_live *live);

/// How well a client knows the server now. See isym_live_health for why.
enum isym_state isym_live_state(const struct isym_live *live);

/// Replaces the credentials, from the next request on, and tries again at once.
///
/// Errors: ISYM_CONFIG when the user name cannot be sent.
enum isym_status isym_live_set_credentials(const struct isym_live *live,
                                           const char *user_name,
                                           const char *password,
                                           struct isym_error **error);

/// A POST on any path below `communication_manager/rest/live/`, for what the catalogue does not know, with a JSON body or,
/// where `body` is NULL, without. At most once. Waits for the server's answer, at most `timeout_ms`; negative
/// (ISYM_DEFAULT_TIMEOUT): the action timeout of the settings.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free.
///
/// Errors: ISYM_INVALID_PATH, ISYM_INVALID_ARGUMENT before anything is sent; then as isym_handle_act.
enum isym_status isym_live_post(const struct isym_live *live,
                                const char *path,
                                const char *body,
                                int64_t timeout_ms,
                                struct isym_ticket **ticket,
                                struct isym_error **error);

/// Asks the server now for what is at a path below `communication_manager/rest/live/`, for what the catalogue does not know,
/// and gives the JSON text of its answer, which is not kept. Takes at most `timeout_ms`; negative (ISYM_DEFAULT_TIMEOUT):
/// the request timeout of the settings.
///
/// Where an overlay says that a sub resource is raw, the path to it may hold names, as in
/// "coreServers/getByName/default/extensions/getByName/4224/voicemails"; any other path is asked for as it stands.
///
/// `json` is the caller's, who frees it with isym_text_free.
///
/// Errors: ISYM_INVALID_PATH; ISYM_NOT_FOUND and ISYM_AMBIGUOUS when the instance is not in the snapshot; ISYM_BAD_ANSWER
/// when the answer is not JSON; ISYM_AUTH and the like as the server answers; ISYM_TIMED_OUT, ISYM_CLOSED.
enum isym_status isym_live_get_raw(const struct isym_live *live,
                                   const char *path,
                                   int64_t timeout_ms,
                                   struct isym_text **json,
                                   struct isym_error **error);

/// Closes a client, within `timeout_ms` whatever hangs; negative (ISYM_DEFAULT_TIMEOUT): 90 ms. Requests in flight are
/// ended, calls that wait answer ISYM_CLOSED. Snapshots stay readable, also those still to be pinned. May be called from
/// any thread, any number of times.
void isym_live_close(const struct isym_live *live,
                     int64_t timeout_ms);

/// Closes a client and frees it. No other thread may be in a call with it. Snapshots, handles and tickets that it gave
/// stay valid; the handles and tickets answer ISYM_CLOSED where they need the server. NULL is accepted.
void isym_live_free(struct isym_live *live);

/// How a client is doing now. Meant for a status display, not for every read. NULL for NULL.
///
/// Made for the caller, who frees it with isym_health_free.
struct isym_health *isym_live_health(const struct isym_live *live);

/// How well the client knew the server.
enum isym_state isym_health_state(const struct isym_health *health);

/// Since when the state held, as Unix milliseconds, for display.
int64_t isym_health_since_ms(const struct isym_health *health);

/// Whether a whole snapshot was ever there.
bool isym_health_has_data(const struct isym_health *health);

/// How many milliseconds before the server had last confirmed the core servers' lists; INT64_MAX without data.
int64_t isym_health_age_ms(const struct isym_health *health);

/// The server's incarnation, counted from 1; 0 without data.
uint64_t isym_health_epoch(const struct isym_health *health);

/// The number of the snapshot of that moment; 0 without data.
uint64_t isym_health_generation(const struct isym_health *health);

/// How many snapshots were replaced and were still held by a reader.
uint64_t isym_health_retired_snapshots(const struct isym_health *health);

/// The last thing that went wrong, also when it has healed since.
///
/// Answers ISYM_NOT_FOUND where nothing ever did. What is found is borrowed from `health`.
enum isym_status isym_health_last_problem(const struct isym_health *health,
                                          struct isym_problem *problem);

/// How many kinds had lists that failed while the server could be reached.
size_t isym_health_failing_count(const struct isym_health *health);

/// What was wrong with one kind, by its position, counted from 0.
///
/// Answers ISYM_NOT_FOUND for a position beyond the end. What is found is borrowed from `health`.
enum isym_status isym_health_failing_at(const struct isym_health *health,
                                        size_t position,
                                        struct isym_problem *problem);

/// How many kinds had lists that the server had not confirmed in time: longer ago than the longest interval of the kind's
/// cadence, the time the server may take to answer, and a second. Any of them makes the state ISYM_STATE_STALE; in the other
/// kinds the data may have been as fresh as ever.
size_t isym_health_overdue_count(const struct isym_health *health);

/// A kind whose lists were overdue, by its position, counted from 0, and the age of the oldest of them in milliseconds.
///
/// Answers ISYM_NOT_FOUND for a position beyond the end. `kind` and `age_ms` may be NULL.
enum isym_status isym_health_overdue_at(const struct isym_health *health,
                                        size_t position,
                                        enum isym_kind *kind,
                                        int64_t *age_ms);

/// How it stood with the server's events.
enum isym_events_state isym_health_events(const struct isym_health *health);

/// The last thing that went wrong with the events, also when it has healed since.
///
/// Answers ISYM_NOT_FOUND where nothing ever did. What is found is borrowed from `health`.
enum isym_status isym_health_events_problem(const struct isym_health *health,
                                            struct isym_problem *problem);

/// Frees a health. NULL is accepted.
void isym_health_free(struct isym_health *health);

/// What a client counted since it was opened. NULL for NULL.
///
/// Made for the caller, who frees it with isym_metrics_free.
struct isym_metrics *isym_live_metrics(const struct isym_live *live);

/// How many numbers there are.
size_t isym_metrics_count(const struct isym_metrics *metrics);

/// The number at a position, counted from 0.
///
/// Answers ISYM_NOT_FOUND for a position beyond the end. What is found is borrowed from `metrics`.
enum isym_status isym_metrics_at(const struct isym_metrics *metrics,
                                 size_t position,
                                 struct isym_metric *metric);

/// Frees metrics. NULL is accepted.
void isym_metrics_free(struct isym_metrics *metrics);

/// Hands log lines up to `max_level` (isym_log_level) to a function; NULL ends it. Default: nothing is logged. One for the
/// whole process: the last one set counts.
///
/// Lines that are being handed over on other threads, or wait for that, may still arrive at the function before for a
/// moment; do not free what `userdata` points to at once. Log lines hold names, numbers and paths, never a password.
///
/// Errors: ISYM_INVALID_ARGUMENT where `max_level` is no level; ISYM_UNSUPPORTED where the program links the library
/// statically together with another logger of Rust.
enum isym_status isym_set_log_callback(isym_log_callback callback,
                                       void *userdata,
                                       uint32_t max_level,
                                       struct isym_error **error);

/// Another pin of the same snapshot. Cheap. NULL for NULL.
///
/// Made for the caller, who frees it with isym_snapshot_free.
struct isym_snapshot *isym_snapshot_clone(const struct isym_snapshot *snapshot);

/// Frees a snapshot. What was borrowed from it must not be used any more. NULL is accepted.
void isym_snapshot_free(struct isym_snapshot *snapshot);

/// The number of a snapshot: 0 before anything was synced, and one more at every publication.
uint64_t isym_snapshot_generation(const struct isym_snapshot *snapshot);

/// The number of the server's incarnation, counted by the client from 1: one more whenever the server restarted and gave
/// all objects new ids. 0 before anything was synced.
uint64_t isym_snapshot_epoch(const struct isym_snapshot *snapshot);

/// Whether anything was synced yet.
bool isym_snapshot_has_data(const struct isym_snapshot *snapshot);

/// How many milliseconds ago the server last confirmed the core servers' own lists, the oldest of them. Computed now, so
/// it grows by itself when nothing is confirmed any more. INT64_MAX before anything was synced.
int64_t isym_snapshot_age_ms(const struct isym_snapshot *snapshot);

/// When the server last confirmed the core servers' own lists, the oldest of them, as Unix milliseconds, for display. 0 before
/// anything was synced.
int64_t isym_snapshot_confirmed_at_ms(const struct isym_snapshot *snapshot);

/// Where a snapshot comes from.
enum isym_source isym_snapshot_source(const struct isym_snapshot *snapshot);

/// How many objects a snapshot knows, of all kinds.
size_t isym_snapshot_object_count(const struct isym_snapshot *snapshot);

/// The core servers.
///
/// Borrowed from `snapshot`.
struct isym_list isym_snapshot_core_servers(const struct isym_snapshot *snapshot);

/// The core server with this slug.
///
/// Answers ISYM_NOT_FOUND, ISYM_AMBIGUOUS, or ISYM_INVALID_ARGUMENT for a text that is NULL, empty or not UTF-8.
/// Allocates nothing, found or not; isym_snapshot_resolve says in words why something was not found.
///
/// What is found is borrowed from `snapshot`.
enum isym_status isym_snapshot_core_server(const struct isym_snapshot *snapshot,
                                           const char *slug,
                                           struct isym_core_server *core_server);

/// The extension with this number in the core server with this slug.
///
/// Answers and costs: as isym_snapshot_core_server. What is found is borrowed from `snapshot`.
enum isym_status isym_snapshot_extension(const struct isym_snapshot *snapshot,
                                         const char *core_server,
                                         const char *number,
                                         struct isym_extension *extension);

/// The user with this user name in the core server with this slug.
///
/// Answers and costs: as isym_snapshot_core_server. What is found is borrowed from `snapshot`.
enum isym_status isym_snapshot_user(const struct isym_snapshot *snapshot,
                                    const char *core_server,
                                    const char *user_name,
                                    struct isym_user *user);

/// The queue with this identifier in the core server with this slug.
///
/// Answers and costs: as isym_snapshot_core_server. What is found is borrowed from `snapshot`.
enum isym_status isym_snapshot_queue(const struct isym_snapshot *snapshot,
                                     const char *core_server,
                                     const char *identifier,
                                     struct isym_queue *queue);

/// The conference room with this identifier in the core server with this slug.
///
/// Answers and costs: as isym_snapshot_core_server. What is found is borrowed from `snapshot`.
enum isym_status isym_snapshot_conference(const struct isym_snapshot *snapshot,
                                          const char *core_server,
                                          const char *identifier,
                                          struct isym_conference_room *conference);

/// The instance that a path addresses, as the server would resolve it: any mix of ids and getByName, with or without
/// `communication_manager/rest/live/` or a whole URL in front, as in
/// "coreServers/getByName/default/extensions/getByName/4224".
///
/// What is found is borrowed from `snapshot`.
///
/// Errors: ISYM_NOT_FOUND that says at which step, ISYM_AMBIGUOUS with the candidates, ISYM_UNSUPPORTED for kinds that are
/// not synced, ISYM_INVALID_PATH that says where and why, also for a path that addresses a list.
enum isym_status isym_snapshot_resolve(const struct isym_snapshot *snapshot,
                                       const char *path,
                                       struct isym_resource *resource,
                                       struct isym_error **error);

/// The list that a path addresses; see isym_snapshot_resolve.
///
/// What is found is borrowed from `snapshot`.
///
/// Errors: as there; ISYM_INVALID_PATH for a path that addresses one instance.
enum isym_status isym_snapshot_resolve_list(const struct isym_snapshot *snapshot,
                                            const char *path,
                                            struct isym_list *list,
                                            struct isym_error **error);

/// The resource with this id, whatever its kind.
///
/// Answers ISYM_NOT_FOUND. What is found is borrowed from `snapshot`.
enum isym_status isym_snapshot_by_id(const struct isym_snapshot *snapshot,
                                     struct isym_uuid id,
                                     struct isym_resource *resource);

/// What changed since an older snapshot of the same client. Each resource occurs at most once. Takes time that follows
/// what changed, not what there is.
///
/// `changes` is the caller's, who frees it with isym_changes_free; it holds its own pins of both snapshots.
///
/// Errors: ISYM_INVALID_ARGUMENT.
enum isym_status isym_snapshot_diff(const struct isym_snapshot *snapshot,
                                    const struct isym_snapshot *older,
                                    struct isym_changes **changes,
                                    struct isym_error **error);

/// The number of changes.
size_t isym_changes_count(const struct isym_changes *changes);

/// The change at a position, counted from 0.
///
/// Answers ISYM_NOT_FOUND for a position beyond the end. What is found is borrowed from `changes`.
enum isym_status isym_changes_at(const struct isym_changes *changes,
                                 size_t position,
                                 struct isym_change *change);

/// Frees changes, and their pins of the snapshots. NULL is accepted.
void isym_changes_free(struct isym_changes *changes);

/// Watches what changes from now on; with `initial`, first gives all that is there as ISYM_CHANGE_ADDED, with no gap to the
/// changes that follow.
///
/// `kinds` says which kinds of resources, as a sum of `1u << kind` (`1u << ISYM_KIND_EXTENSION`); 0: all. `core_server` is a
/// slug, or NULL for all. With `events`, the server's events are handed on as they come (ISYM_CHANGE_EVENT), whatever the
/// kinds. A restart of the server is told whatever the kinds.
///
/// The watch is the caller's, who frees it with isym_watch_free.
///
/// Errors: ISYM_INVALID_ARGUMENT.
enum isym_status isym_live_watch(const struct isym_live *live,
                                 uint32_t kinds,
                                 const char *core_server,
                                 bool initial,
                                 bool events,
                                 struct isym_watch **watch,
                                 struct isym_error **error);

/// Watches what changes from now on in what a handle finds, in every snapshot anew: also after a restart of the server, which
/// is told, too. With `initial`, first gives what is there as ISYM_CHANGE_ADDED, with no gap to the changes that follow; with
/// `events`, the server's events that name it are handed on as they come (ISYM_CHANGE_EVENT).
///
/// The watch is the caller's, who frees it with isym_watch_free; it outlives the handle.
///
/// Errors: ISYM_INVALID_ARGUMENT.
enum isym_status isym_handle_watch(const struct isym_handle *handle,
                                   bool initial,
                                   bool events,
                                   struct isym_watch **watch,
                                   struct isym_error **error);

/// Takes the next change; waits for one at most `timeout_ms`, negative (ISYM_FOREVER): as long as it takes, 0: not at all.
///
/// What is written to `change` is borrowed from the watch, until the next call with it.
///
/// Errors: ISYM_TIMED_OUT when none came in time; ISYM_CLOSED once the client is closed and everything was taken.
enum isym_status isym_watch_next(struct isym_watch *watch,
                                 int64_t timeout_ms,
                                 struct isym_change *change,
                                 struct isym_error **error);

/// A descriptor that is readable while there may be something to take with a time limit of 0, for poll, epoll or an event loop.
/// It belongs to the watch: do not read, write or close it.
///
/// Errors: ISYM_INTERNAL when the process may open no more descriptors; it may work later.
enum isym_status isym_watch_fd(const struct isym_watch *watch,
                               int *fd,
                               struct isym_error **error);

/// How many snapshots were merged into later ones, and how many events were dropped, because the reader was slow: of the
/// resources it gets the latest, of the events the latest 1 000, or the latest 4 MiB where they are large. 0 for NULL.
uint64_t isym_watch_merged(const struct isym_watch *watch);

/// Ends a watch and frees it; the client goes on. NULL is accepted.
void isym_watch_free(struct isym_watch *watch);

/// The kind of what is in a list.
enum isym_kind isym_list_kind(struct isym_list list);

/// The number of instances in a list.
size_t isym_list_count(struct isym_list list);

/// Whether the server has this list and it is synced; a list that is known may be empty.
bool isym_list_is_known(struct isym_list list);

/// How many milliseconds ago the server last confirmed a list; INT64_MAX where it is not known.
int64_t isym_list_age_ms(struct isym_list list);

/// The instance at a position, counted from 0.
///
/// Answers ISYM_NOT_FOUND for a position beyond the end. What is found is borrowed from the same snapshot.
enum isym_status isym_list_at(struct isym_list list,
                              size_t position,
                              struct isym_resource *resource);

/// The instance with this symbolic name, compared byte for byte. Allocates nothing, found or not.
///
/// Answers ISYM_NOT_FOUND, ISYM_AMBIGUOUS, or ISYM_INVALID_ARGUMENT for a name that is NULL, empty or not UTF-8. What
/// is found is borrowed from the same snapshot.
enum isym_status isym_list_find(struct isym_list list,
                                const char *name,
                                struct isym_resource *resource);

/// As isym_list_find, with an error that says why not: the candidates of an ambiguous name, or that the kind is not
/// synced.
///
/// What is found is borrowed from the same snapshot.
///
/// Errors: ISYM_NOT_FOUND, ISYM_AMBIGUOUS, ISYM_UNSUPPORTED, ISYM_INVALID_ARGUMENT.
enum isym_status isym_list_by_name(struct isym_list list,
                                   const char *name,
                                   struct isym_resource *resource,
                                   struct isym_error **error);

/// The instance with this id.
///
/// Answers ISYM_NOT_FOUND. What is found is borrowed from the same snapshot.
enum isym_status isym_list_by_id(struct isym_list list,
                                 struct isym_uuid id,
                                 struct isym_resource *resource);

/// The kind of a resource.
enum isym_kind isym_resource_kind(struct isym_resource resource);

/// The id of a resource: new at every restart of the server. All zero for an empty view.
struct isym_uuid isym_resource_id(struct isym_resource resource);

/// The symbolic name of a resource: the slug, user name, number or identifier that stands behind getByName in a path.
/// Empty where the kind has none.
///
/// Borrowed from the snapshot.
struct isym_str isym_resource_name(struct isym_resource resource);

/// The id of a resource in the Configuration API, which should survive a restart of the server (inferred). Empty where
/// the kind has none.
///
/// Borrowed from the snapshot.
struct isym_str isym_resource_configuration_id(struct isym_resource resource);

/// The path of a resource, by symbolic names as far as there are any that are not ambiguous, otherwise by ids.
///
/// Made for the caller, who frees it with isym_text_free. NULL for an empty view.
struct isym_text *isym_resource_path(struct isym_resource resource);

/// The path of a resource by ids only: valid until the server restarts, and never another object's.
///
/// Made for the caller, who frees it with isym_text_free. NULL for an empty view.
struct isym_text *isym_resource_id_path(struct isym_resource resource);

/// The whole object as JSON: every value as the server sent it, the properties of the catalogue first.
///
/// Made for the caller, who frees it with isym_text_free. NULL for an empty view.
struct isym_text *isym_resource_raw(struct isym_resource resource);

/// What the catalogue does not know of a resource, as a JSON object; empty when nothing.
///
/// Borrowed from the snapshot.
struct isym_str isym_resource_extra(struct isym_resource resource);

/// How many milliseconds ago the server last confirmed a resource: computed now, so it grows by itself when nothing is
/// confirmed any more. INT64_MAX for an empty view.
int64_t isym_resource_age_ms(struct isym_resource resource);

/// When the server last confirmed a resource, as Unix milliseconds, for display. 0 for an empty view.
int64_t isym_resource_confirmed_at_ms(struct isym_resource resource);

/// The core server a resource is below; itself for a core server.
///
/// Answers ISYM_NOT_FOUND for an empty view. What is found is borrowed from the same snapshot.
enum isym_status isym_resource_core_server(struct isym_resource resource,
                                           struct isym_core_server *core_server);

/// Whether two resources are the same instance with the same content; they may come from different snapshots. False for
/// an empty view.
bool isym_resource_equal(struct isym_resource a,
                         struct isym_resource b);

/// Whether a view is empty: all zero.
bool isym_resource_is_empty(struct isym_resource resource);

/// What is below a resource, by the name of the sub resource in a path or as an attribute, as in "callSegments" and
/// "call_segments": for programs that learn their names at run time. A singleton is a list of one. Empty where the kind
/// has no such sub resource.
///
/// Borrowed from the same snapshot.
struct isym_list isym_resource_sub(struct isym_resource resource,
                                   const char *name);

/// What the server said of a property, which is given by its JSON name or attribute name, as in "callerId.name" and
/// "caller_id_name". ISYM_PROPERTY_UNKNOWN where the catalogue has no such property.
enum isym_property_state isym_resource_property_state(struct isym_resource resource,
                                                      const char *name);

/// A property with its value, given by its JSON name or attribute name.
///
/// Answers ISYM_NOT_FOUND where the catalogue has no such property, and for an empty view. What is found is borrowed
/// from the same snapshot.
enum isym_status isym_resource_property(struct isym_resource resource,
                                        const char *name,
                                        struct isym_property *property);

/// How many properties the catalogue knows of the kind of a resource; `id` is not counted.
size_t isym_resource_property_count(struct isym_resource resource);

/// A property with its value, by its position in the catalogue.
///
/// Answers ISYM_NOT_FOUND for a position beyond the end. What is found is borrowed from the same snapshot.
enum isym_status isym_resource_property_at(struct isym_resource resource,
                                           size_t position,
                                           struct isym_property *property);

/// The resource as a core server.
///
/// Answers ISYM_NOT_FOUND where it is of another kind, and for an empty view. What is found is borrowed from the same
/// snapshot.
enum isym_status isym_resource_as_core_server(struct isym_resource resource,
                                              struct isym_core_server *core_server);

/// The same as a resource of any kind.
///
/// Borrowed from the same snapshot.
struct isym_resource isym_core_server_resource(struct isym_core_server core_server);

/// The id of a core server: new at every restart of the server. All zero for an empty view.
struct isym_uuid isym_core_server_id(struct isym_core_server core_server);

/// The short name of a core server that stands in paths, as in "default".
///
/// Borrowed from the snapshot.
struct isym_str isym_core_server_slug(struct isym_core_server core_server);

/// The name of a core server for people.
///
/// Borrowed from the snapshot.
struct isym_str isym_core_server_name(struct isym_core_server core_server);

/// The users below a core server.
///
/// Borrowed from the snapshot.
struct isym_list isym_core_server_users(struct isym_core_server core_server);

/// The extensions below a core server.
///
/// Borrowed from the snapshot.
struct isym_list isym_core_server_extensions(struct isym_core_server core_server);

/// The call segments below a core server.
///
/// Borrowed from the snapshot.
struct isym_list isym_core_server_call_segments(struct isym_core_server core_server);

/// The queues below a core server.
///
/// Borrowed from the snapshot.
struct isym_list isym_core_server_queues(struct isym_core_server core_server);

/// The conference rooms below a core server.
///
/// Borrowed from the snapshot.
struct isym_list isym_core_server_conferences(struct isym_core_server core_server);

/// The resource as a user.
///
/// Answers ISYM_NOT_FOUND where it is of another kind, and for an empty view. What is found is borrowed from the same
/// snapshot.
enum isym_status isym_resource_as_user(struct isym_resource resource,
                                       struct isym_user *user);

/// The same as a resource of any kind.
///
/// Borrowed from the same snapshot.
struct isym_resource isym_user_resource(struct isym_user user);

/// The id of a user: new at every restart of the server. All zero for an empty view.
struct isym_uuid isym_user_id(struct isym_user user);

/// The id of a user in the Configuration API, which should survive a restart of the server (inferred).
///
/// Borrowed from the snapshot.
struct isym_str isym_user_configuration_id(struct isym_user user);

/// The name a user logs in with: the symbolic name.
///
/// Borrowed from the snapshot.
struct isym_str isym_user_user_name(struct isym_user user);

/// The name of a user for people.
///
/// Borrowed from the snapshot.
struct isym_str isym_user_displayed_name(struct isym_user user);

/// The id of the permission that guards a user.
///
/// Borrowed from the snapshot.
struct isym_str isym_user_permission_id(struct isym_user user);

/// The clients a user is logged in with now.
///
/// Borrowed from the snapshot.
struct isym_list isym_user_logins(struct isym_user user);

/// A user's extensions.
///
/// Borrowed from the snapshot.
struct isym_list isym_user_extensions(struct isym_user user);

/// The status of a user; not found where a licence or the server has none.
///
/// Answers ISYM_NOT_FOUND. What is found is borrowed from the snapshot.
enum isym_status isym_user_status_of(struct isym_user user, struct isym_user_status *status);

/// The resource as a login.
///
/// Answers ISYM_NOT_FOUND where it is of another kind, and for an empty view. What is found is borrowed from the same
/// snapshot.
enum isym_status isym_resource_as_login(struct isym_resource resource,
                                        struct isym_login *login);

/// The same as a resource of any kind.
///
/// Borrowed from the same snapshot.
struct isym_resource isym_login_resource(struct isym_login login);

/// The id of a login: new at every restart of the server. All zero for an empty view.
struct isym_uuid isym_login_id(struct isym_login login);

/// The address a client connected from.
///
/// Borrowed from the snapshot.
struct isym_str isym_login_ip(struct isym_login login);

/// The port a client connected from.
int64_t isym_login_port(struct isym_login login);

/// When a client connected, as Unix milliseconds.
int64_t isym_login_time_connected_ms(struct isym_login login);

/// The user who is logged in.
///
/// Answers ISYM_NOT_FOUND. What is found is borrowed from the snapshot.
enum isym_status isym_login_user(struct isym_login login, struct isym_user *user);

/// The resource as a status.
///
/// Answers ISYM_NOT_FOUND where it is of another kind, and for an empty view. What is found is borrowed from the same
/// snapshot.
enum isym_status isym_resource_as_user_status(struct isym_resource resource,
                                              struct isym_user_status *status);

/// The same as a resource of any kind.
///
/// Borrowed from the same snapshot.
struct isym_resource isym_user_status_resource(struct isym_user_status status);

/// The id of a status: new at every restart of the server. All zero for an empty view.
struct isym_uuid isym_user_status_id(struct isym_user_status status);

/// The id of a status in the Configuration API, which should survive a restart of the server (inferred).
///
/// Borrowed from the snapshot.
struct isym_str isym_user_status_configuration_id(struct isym_user_status status);

/// The name of a status, as in "Lunch".
///
/// Borrowed from the snapshot.
struct isym_str isym_user_status_name(struct isym_user_status status);

/// Which icon is shown for a status, as in "away"; it changes no call flow.
///
/// Borrowed from the snapshot.
struct isym_str isym_user_status_type(struct isym_user_status status);

/// A note the user wrote; empty also when there is none.
///
/// Borrowed from the snapshot.
struct isym_str isym_user_status_note(struct isym_user_status status);

/// When the user means to be back, as Unix milliseconds; -1 when not said.
int64_t isym_user_status_return_time_ms(struct isym_user_status status);

/// Whether the user made this status up.
bool isym_user_status_user_created(struct isym_user_status status);

/// The user whose status it is.
///
/// Answers ISYM_NOT_FOUND. What is found is borrowed from the snapshot.
enum isym_status isym_user_status_user(struct isym_user_status status, struct isym_user *user);

/// The resource as an extension.
///
/// Answers ISYM_NOT_FOUND where it is of another kind, and for an empty view. What is found is borrowed from the same
/// snapshot.
enum isym_status isym_resource_as_extension(struct isym_resource resource,
                                            struct isym_extension *extension);

/// The same as a resource of any kind.
///
/// Borrowed from the same snapshot.
struct isym_resource isym_extension_resource(struct isym_extension extension);

/// The id of an extension: new at every restart of the server. All zero for an empty view.
struct isym_uuid isym_extension_id(struct isym_extension extension);

/// The number that is dialled, not always digits ("*72"): the symbolic name.
///
/// Borrowed from the snapshot.
struct isym_str isym_extension_extension_number(struct isym_extension extension);

/// The name of an extension for people.
///
/// Borrowed from the snapshot.
struct isym_str isym_extension_display_name(struct isym_extension extension);

/// The id of an extension in the Configuration API, which should survive a restart of the server (inferred).
///
/// Borrowed from the snapshot.
struct isym_str isym_extension_configuration_id(struct isym_extension extension);

/// The id of the permission that guards an extension.
///
/// Borrowed from the snapshot.
struct isym_str isym_extension_permission_id(struct isym_extension extension);

/// The call segments on an extension.
///
/// Borrowed from the snapshot.
struct isym_list isym_extension_call_segments(struct isym_extension extension);

/// How many users have an extension.
size_t isym_extension_user_count(struct isym_extension extension);

/// One of the users who have an extension, by its position, counted from 0.
///
/// Answers ISYM_NOT_FOUND for a position beyond the end. What is found is borrowed from the snapshot.
enum isym_status isym_extension_user_at(struct isym_extension extension,
                                        size_t position,
                                        struct isym_user *user);

/// How many agents an extension has: one for each queue it is logged in to.
size_t isym_extension_agent_count(struct isym_extension extension);

/// One of the agents of an extension, one for each queue it is logged in to, by its position, counted from 0.
///
/// Answers ISYM_NOT_FOUND for a position beyond the end. What is found is borrowed from the snapshot.
enum isym_status isym_extension_agent_at(struct isym_extension extension,
                                         size_t position,
                                         struct isym_agent *agent);

/// The resource as a call segment.
///
/// Answers ISYM_NOT_FOUND where it is of another kind, and for an empty view. What is found is borrowed from the same
/// snapshot.
enum isym_status isym_resource_as_call_segment(struct isym_resource resource,
                                               struct isym_call_segment *segment);

/// The same as a resource of any kind.
///
/// Borrowed from the same snapshot.
struct isym_resource isym_call_segment_resource(struct isym_call_segment segment);

/// The id of a call segment: new at every restart of the server. All zero for an empty view.
struct isym_uuid isym_call_segment_id(struct isym_call_segment segment);

/// "INTERNAL", or "EXTERNAL" (inferred).
///
/// Borrowed from the snapshot.
struct isym_str isym_call_segment_type(struct isym_call_segment segment);

/// The id of the caller id itself.
///
/// Borrowed from the snapshot.
struct isym_str isym_call_segment_caller_id_id(struct isym_call_segment segment);

/// The caller's name.
///
/// Borrowed from the snapshot.
struct isym_str isym_call_segment_caller_id_name(struct isym_call_segment segment);

/// The caller's number.
///
/// Borrowed from the snapshot.
struct isym_str isym_call_segment_caller_id_number(struct isym_call_segment segment);

/// The number that was dialled from outside, where there is one; not always a number ("s").
///
/// Borrowed from the snapshot.
struct isym_str isym_call_segment_did(struct isym_call_segment segment);

/// Whether a call segment is on hold.
bool isym_call_segment_on_hold(struct isym_call_segment segment);

/// Whether a call segment is recorded.
bool isym_call_segment_recording(struct isym_call_segment segment);

/// Whether the call came in to this side.
bool isym_call_segment_incoming(struct isym_call_segment segment);

/// The extension a call segment is on; not found where that is not known (yet): it is known only through the
/// extension's own list.
///
/// Answers ISYM_NOT_FOUND. What is found is borrowed from the snapshot.
enum isym_status isym_call_segment_extension(struct isym_call_segment segment,
                                             struct isym_extension *extension);

/// The queue a call segment is in.
///
/// Answers ISYM_NOT_FOUND. What is found is borrowed from the snapshot.
enum isym_status isym_call_segment_queue(struct isym_call_segment segment,
                                         struct isym_queue *queue);

/// The conference room a call segment is in.
///
/// Answers ISYM_NOT_FOUND. What is found is borrowed from the snapshot.
enum isym_status isym_call_segment_conference(struct isym_call_segment segment,
                                              struct isym_conference_room *conference);

/// The resource as a queue.
///
/// Answers ISYM_NOT_FOUND where it is of another kind, and for an empty view. What is found is borrowed from the same
/// snapshot.
enum isym_status isym_resource_as_queue(struct isym_resource resource,
                                        struct isym_queue *queue);

/// The same as a resource of any kind.
///
/// Borrowed from the same snapshot.
struct isym_resource isym_queue_resource(struct isym_queue queue);

/// The id of a queue: new at every restart of the server. All zero for an empty view.
struct isym_uuid isym_queue_id(struct isym_queue queue);

/// The name of a queue for people.
///
/// Borrowed from the snapshot.
struct isym_str isym_queue_display_name(struct isym_queue queue);

/// The number or name of a queue on the PBX: the symbolic name.
///
/// Borrowed from the snapshot.
struct isym_str isym_queue_identifier(struct isym_queue queue);

/// The id of a queue in the Configuration API, which should survive a restart of the server (inferred).
///
/// Borrowed from the snapshot.
struct isym_str isym_queue_configuration_id(struct isym_queue queue);

/// The id of the permission that guards a queue.
///
/// Borrowed from the snapshot.
struct isym_str isym_queue_permission_id(struct isym_queue queue);

/// The agents that are logged in to a queue.
///
/// Borrowed from the snapshot.
struct isym_list isym_queue_agents(struct isym_queue queue);

/// The call segments in a queue.
///
/// Borrowed from the snapshot.
struct isym_list isym_queue_call_segments(struct isym_queue queue);

/// The resource as an agent.
///
/// Answers ISYM_NOT_FOUND where it is of another kind, and for an empty view. What is found is borrowed from the same
/// snapshot.
enum isym_status isym_resource_as_agent(struct isym_resource resource,
                                        struct isym_agent *agent);

/// The same as a resource of any kind.
///
/// Borrowed from the same snapshot.
struct isym_resource isym_agent_resource(struct isym_agent agent);

/// The id of an agent: new at every restart of the server. All zero for an empty view.
struct isym_uuid isym_agent_id(struct isym_agent agent);

/// Whether an agent is paused.
bool isym_agent_paused(struct isym_agent agent);

/// The state of an agent's device, as in "NOT_INUSE".
///
/// Borrowed from the snapshot.
struct isym_str isym_agent_state(struct isym_agent agent);

/// An agent's name.
///
/// Borrowed from the snapshot.
struct isym_str isym_agent_name(struct isym_agent agent);

/// Whether an agent logged in, rather than being configured.
bool isym_agent_dynamic(struct isym_agent agent);

/// The queue an agent is logged in to.
///
/// Answers ISYM_NOT_FOUND. What is found is borrowed from the snapshot.
enum isym_status isym_agent_queue(struct isym_agent agent, struct isym_queue *queue);

/// The extension that is logged in as an agent.
///
/// Answers ISYM_NOT_FOUND. What is found is borrowed from the snapshot.
enum isym_status isym_agent_extension(struct isym_agent agent, struct isym_extension *extension);

/// The statistics of an agent.
///
/// Answers ISYM_NOT_FOUND. What is found is borrowed from the snapshot.
enum isym_status isym_agent_statistics(struct isym_agent agent, struct isym_statistics *statistics);

/// The resource as statistics.
///
/// Answers ISYM_NOT_FOUND where it is of another kind, and for an empty view. What is found is borrowed from the same
/// snapshot.
enum isym_status isym_resource_as_statistics(struct isym_resource resource,
                                             struct isym_statistics *statistics);

/// The same as a resource of any kind.
///
/// Borrowed from the same snapshot.
struct isym_resource isym_statistics_resource(struct isym_statistics statistics);

/// The id of statistics: new at every restart of the server. All zero for an empty view.
struct isym_uuid isym_statistics_id(struct isym_statistics statistics);

/// The agent whose statistics they are.
///
/// Answers ISYM_NOT_FOUND. What is found is borrowed from the snapshot.
enum isym_status isym_statistics_agent(struct isym_statistics statistics, struct isym_agent *agent);

/// The resource as a conference room.
///
/// Answers ISYM_NOT_FOUND where it is of another kind, and for an empty view. What is found is borrowed from the same
/// snapshot.
enum isym_status isym_resource_as_conference_room(struct isym_resource resource,
                                                  struct isym_conference_room *room);

/// The same as a resource of any kind.
///
/// Borrowed from the same snapshot.
struct isym_resource isym_conference_room_resource(struct isym_conference_room room);

/// The id of a conference room: new at every restart of the server. All zero for an empty view.
struct isym_uuid isym_conference_room_id(struct isym_conference_room room);

/// The id of a conference room in the Configuration API, which should survive a restart of the server (inferred).
///
/// Borrowed from the snapshot.
struct isym_str isym_conference_room_configuration_id(struct isym_conference_room room);

/// The name of a conference room for people.
///
/// Borrowed from the snapshot.
struct isym_str isym_conference_room_display_name(struct isym_conference_room room);

/// The number or name of a conference room on the PBX: the symbolic name (inferred).
///
/// Borrowed from the snapshot.
struct isym_str isym_conference_room_identifier(struct isym_conference_room room);

/// What is dialled to enter a conference room.
///
/// Borrowed from the snapshot.
struct isym_str isym_conference_room_dial_string(struct isym_conference_room room);

/// Whether a user made a conference room.
bool isym_conference_room_user_generated(struct isym_conference_room room);

/// The id of the permission that guards a conference room.
///
/// Borrowed from the snapshot.
struct isym_str isym_conference_room_permission_id(struct isym_conference_room room);

/// The call segments in a conference room.
///
/// Borrowed from the snapshot.
struct isym_list isym_conference_room_call_segments(struct isym_conference_room room);

/// A handle for what a path addresses, whether it is there now or not.
///
/// `handle` is the caller's, who frees it with isym_handle_free; it outlives the client.
///
/// Errors: ISYM_INVALID_PATH when it is not the path of one object.
enum isym_status isym_live_handle(const struct isym_live *live,
                                  const char *path,
                                  struct isym_handle **handle,
                                  struct isym_error **error);

/// A handle for an instance that a snapshot gave: by symbolic names as far as it has any.
///
/// `handle` is the caller's, who frees it with isym_handle_free; it outlives snapshot and client.
///
/// Errors: ISYM_INVALID_ARGUMENT for an empty view.
enum isym_status isym_live_handle_of(const struct isym_live *live,
                                     struct isym_resource resource,
                                     struct isym_handle **handle,
                                     struct isym_error **error);

/// A handle for the instance of a kind (isym_kind) with this symbolic name, in a core server; where `core_server` is NULL,
/// in whichever has one of that name.
///
/// `handle` is the caller's, who frees it with isym_handle_free; it outlives the client.
///
/// Errors: ISYM_INVALID_ARGUMENT where the kind has no symbolic names.
enum isym_status isym_live_handle_named(const struct isym_live *live,
                                        const char *core_server,
                                        uint32_t kind,
                                        const char *name,
                                        struct isym_handle **handle,
                                        struct isym_error **error);

/// Another handle for the same. NULL for NULL.
///
/// Made for the caller, who frees it with isym_handle_free.
struct isym_handle *isym_handle_clone(const struct isym_handle *handle);

/// The same reference, bound for good to the object that it finds now or, where there is none, first: when the name leads to
/// another object, all that is asked of it answers ISYM_NOT_FOUND. An object is the same as long as it has its configuration
/// id, also after a restart of the server; where its kind has none, as long as it has its id. NULL for NULL.
///
/// Made for the caller, who frees it with isym_handle_free.
struct isym_handle *isym_handle_strict(const struct isym_handle *handle);

/// Whether a handle refuses another object than the one it is bound to.
bool isym_handle_is_strict(const struct isym_handle *handle);

/// To which object a handle is bound.
///
/// Answers ISYM_NOT_FOUND before it found anything.
enum isym_status isym_handle_binding(const struct isym_handle *handle,
                                     struct isym_binding *binding);

/// Frees a handle. NULL is accepted.
void isym_handle_free(struct isym_handle *handle);

/// The kind of the instance.
enum isym_kind isym_handle_kind(const struct isym_handle *handle);

/// The path, by symbolic names as far as there are any. NULL for NULL.
///
/// Made for the caller, who frees it with isym_text_free.
struct isym_text *isym_handle_path(const struct isym_handle *handle);

/// The instance in a snapshot of the same client.
///
/// What is found is borrowed from `snapshot`.
///
/// Errors: ISYM_NOT_FOUND, ISYM_AMBIGUOUS with the candidates, ISYM_UNSUPPORTED for kinds that are not synced.
enum isym_status isym_handle_get(const struct isym_handle *handle,
                                 const struct isym_snapshot *snapshot,
                                 struct isym_resource *resource,
                                 struct isym_error **error);

/// As isym_handle_get, if the server confirmed the instance at most `max_age_ms` ago; negative (ISYM_ANY_AGE): whenever.
///
/// What is found is borrowed from `snapshot`.
///
/// Errors: ISYM_STALE with the age and what went wrong last; otherwise as isym_handle_get.
enum isym_status isym_handle_get_within(const struct isym_handle *handle,
                                        const struct isym_snapshot *snapshot,
                                        int64_t max_age_ms,
                                        struct isym_resource *resource,
                                        struct isym_error **error);

/// The id of the instance in the client's current snapshot: new after every restart of the server.
///
/// Errors: as isym_handle_get.
enum isym_status isym_handle_resolve(const struct isym_handle *handle,
                                     struct isym_uuid *id,
                                     struct isym_error **error);

/// Carries out an action of the catalogue on the instance, at most once, given by its name, as in "originate" with the
/// argument "destination". Waits for the server's answer, at most `timeout_ms`; negative (ISYM_DEFAULT_TIMEOUT): the
/// action timeout of the settings. `args` may be NULL.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free. What may have been carried out gives a
/// ticket whose outcome is ISYM_OUTCOME_UNCERTAIN, and ISYM_OK.
///
/// Errors: ISYM_NOT_FOUND and the like when the target is not there; ISYM_UNSUPPORTED, ISYM_INVALID_ARGUMENT before
/// anything is sent; ISYM_REJECTED and the like with the server's words; ISYM_CONNECTION_FAILED when nothing could be
/// sent; ISYM_CLOSED. Each of them means that it surely was not carried out.
enum isym_status isym_handle_act(const struct isym_handle *handle,
                                 const char *action,
                                 const struct isym_args *args,
                                 int64_t timeout_ms,
                                 struct isym_ticket **ticket,
                                 struct isym_error **error);

/// As isym_handle_act, with options. A forced action on what the snapshot does not have goes to the handle's path.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free.
///
/// Errors: as isym_handle_act.
enum isym_status isym_handle_act_with(const struct isym_handle *handle,
                                      const char *action,
                                      const struct isym_args *args,
                                      struct isym_action_options options,
                                      struct isym_ticket **ticket,
                                      struct isym_error **error);

/// Carries out an action on an instance that a snapshot gave, by its id: after a restart of the server it is refused with
/// ISYM_NOT_FOUND. Waits as isym_handle_act.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free.
///
/// Errors: as isym_handle_act.
enum isym_status isym_live_act(const struct isym_live *live,
                               struct isym_resource resource,
                               const char *action,
                               const struct isym_args *args,
                               int64_t timeout_ms,
                               struct isym_ticket **ticket,
                               struct isym_error **error);

/// As isym_live_act, with options. A forced action on what is gone goes to the id that it had.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free.
///
/// Errors: as isym_handle_act.
enum isym_status isym_live_act_with(const struct isym_live *live,
                                    struct isym_resource resource,
                                    const char *action,
                                    const struct isym_args *args,
                                    struct isym_action_options options,
                                    struct isym_ticket **ticket,
                                    struct isym_error **error);

/// No arguments yet. Never NULL. The caller frees them with isym_args_free.
struct isym_args *isym_args_new(void);

/// Frees arguments. NULL is accepted.
void isym_args_free(struct isym_args *args);

/// Sets an argument to a text, which may be empty.
///
/// Errors: ISYM_INVALID_ARGUMENT.
enum isym_status isym_args_set_text(struct isym_args *args,
                                    const char *name,
                                    const char *value,
                                    struct isym_error **error);

/// Sets an argument to a whole number; times are Unix milliseconds, -1 for none.
///
/// Errors: ISYM_INVALID_ARGUMENT.
enum isym_status isym_args_set_int(struct isym_args *args,
                                   const char *name,
                                   int64_t value,
                                   struct isym_error **error);

/// Sets an argument to an id.
///
/// Errors: ISYM_INVALID_ARGUMENT.
enum isym_status isym_args_set_uuid(struct isym_args *args,
                                    const char *name,
                                    struct isym_uuid value,
                                    struct isym_error **error);

/// What became of an action. (A refusal is an error of the call that acts, and gives no ticket.)
enum isym_outcome isym_ticket_outcome(const struct isym_ticket *ticket);

/// Why the outcome is not known; NULL where it is.
///
/// Borrowed from the ticket, not to be freed.
const struct isym_error *isym_ticket_error(const struct isym_ticket *ticket);

/// The path that was sent, by ids, below `communication_manager/rest/live/`; empty for NULL.
///
/// Borrowed from the ticket.
struct isym_str isym_ticket_path(const struct isym_ticket *ticket);

/// Waits for a snapshot in which everything the action may have touched was read after it was carried out, at most
/// `timeout_ms`; negative (ISYM_FOREVER): as long as it takes.
///
/// `snapshot` may be NULL; else it is the caller's, who frees it with isym_snapshot_free.
///
/// Errors: ISYM_TIMED_OUT, ISYM_CLOSED.
enum isym_status isym_ticket_wait(const struct isym_ticket *ticket,
                                  int64_t timeout_ms,
                                  struct isym_snapshot **snapshot,
                                  struct isym_error **error);

/// Waits for the call segments that appeared for an originate, at most `timeout_ms`; negative (ISYM_FOREVER): as long as it
/// takes. They are those on the extension that the snapshot did not have before; a call that began at the same moment on the
/// same extension, or just before and was not known yet, is among them.
///
/// `segments` is the caller's, who frees it with isym_changes_free: each call segment is the `resource` of one change, of the
/// kind ISYM_CHANGE_ADDED, and stays valid until then. There is at least one.
///
/// Errors: ISYM_TIMED_OUT where none appeared, ISYM_NOT_FOUND where the extension is gone or the server restarted meanwhile,
/// ISYM_UNSUPPORTED where the action starts no calls or call segments are not synced, ISYM_CLOSED.
enum isym_status isym_ticket_call_segments(const struct isym_ticket *ticket,
                                           int64_t timeout_ms,
                                           struct isym_changes **segments,
                                           struct isym_error **error);

/// Frees a ticket. The action is not concerned. NULL is accepted.
void isym_ticket_free(struct isym_ticket *ticket);

/// Rings the extension with this number, then dials the destination: a number, or an extension, a queue or a conference
/// room by its path.
///
/// `core_server` is a slug; NULL: whichever core server has one of that name.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free. At most once; waits as
/// isym_handle_act.
///
/// Errors: as isym_handle_act.
enum isym_status isym_extension_originate(const struct isym_live *live,
                                          const char *core_server,
                                          const char *number,
                                          const char *destination,
                                          struct isym_ticket **ticket,
                                          struct isym_error **error);

/// Turns do-not-disturb of the extension with this number on or off.
///
/// `core_server` is a slug; NULL: whichever core server has one of that name.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free. At most once; waits as
/// isym_handle_act.
///
/// Errors: as isym_handle_act.
enum isym_status isym_extension_set_dnd(const struct isym_live *live,
                                        const char *core_server,
                                        const char *number,
                                        bool on,
                                        struct isym_ticket **ticket,
                                        struct isym_error **error);

/// Sets the status of the user with this user name. `name` is what people read, `status_type` the icon: one of
/// available, unavailable, away, xa, dnd, chat, altblue, altgreen, altpink, altpurple, altred. `note` may be NULL or
/// empty. `return_time_ms` is Unix time in milliseconds, -1 for none.
///
/// `core_server` is a slug; NULL: whichever core server has one of that name.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free. At most once; waits as
/// isym_handle_act.
///
/// Errors: as isym_handle_act.
enum isym_status isym_user_set_status(const struct isym_live *live,
                                      const char *core_server,
                                      const char *user_name,
                                      const char *name,
                                      const char *status_type,
                                      const char *note,
                                      int64_t return_time_ms,
                                      struct isym_ticket **ticket,
                                      struct isym_error **error);

/// Sets the status of this name as the users of the same core server show it: its type and note are theirs.
///
/// `core_server` is a slug; NULL: whichever core server has one of that name.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free. At most once; waits as
/// isym_handle_act.
///
/// Errors: ISYM_NOT_FOUND where no user shows a status of that name, ISYM_AMBIGUOUS where two show different ones, both
/// before anything is sent; then as isym_handle_act.
enum isym_status isym_user_set_status_like(const struct isym_live *live,
                                           const char *core_server,
                                           const char *user_name,
                                           const char *name,
                                           struct isym_ticket **ticket,
                                           struct isym_error **error);

/// Logs an extension in to the queue with this identifier, as an agent. The extension is given by its number in the
/// core server of the queue, by its id or by its path.
///
/// `core_server` is a slug; NULL: whichever core server has one of that name.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free. At most once; waits as
/// isym_handle_act.
///
/// Errors: as isym_handle_act.
enum isym_status isym_queue_login(const struct isym_live *live,
                                  const char *core_server,
                                  const char *queue,
                                  const char *extension,
                                  struct isym_ticket **ticket,
                                  struct isym_error **error);

/// Logs an extension out of the queue with this identifier. The extension is given by its number in the core server
/// of the queue, by its id or by its path.
///
/// `core_server` is a slug; NULL: whichever core server has one of that name.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free. At most once; waits as
/// isym_handle_act.
///
/// Errors: as isym_handle_act.
enum isym_status isym_queue_logout(const struct isym_live *live,
                                   const char *core_server,
                                   const char *queue,
                                   const char *extension,
                                   struct isym_ticket **ticket,
                                   struct isym_error **error);

/// Logs an agent out of the queue.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free. At most once; waits as
/// isym_handle_act.
///
/// Errors: as isym_handle_act.
enum isym_status isym_agent_logout(const struct isym_live *live,
                                   struct isym_agent agent,
                                   struct isym_ticket **ticket,
                                   struct isym_error **error);

/// Pauses an agent.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free. At most once; waits as
/// isym_handle_act.
///
/// Errors: as isym_handle_act.
enum isym_status isym_agent_pause(const struct isym_live *live,
                                  struct isym_agent agent,
                                  struct isym_ticket **ticket,
                                  struct isym_error **error);

/// Ends an agent's pause.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free. At most once; waits as
/// isym_handle_act.
///
/// Errors: as isym_handle_act.
enum isym_status isym_agent_unpause(const struct isym_live *live,
                                    struct isym_agent agent,
                                    struct isym_ticket **ticket,
                                    struct isym_error **error);

/// Sets the penalty of an agent, which is not negative: agents with a lower one are called first.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free. At most once; waits as
/// isym_handle_act.
///
/// Errors: as isym_handle_act.
enum isym_status isym_agent_set_penalty(const struct isym_live *live,
                                        struct isym_agent agent,
                                        int64_t penalty,
                                        struct isym_ticket **ticket,
                                        struct isym_error **error);

/// Transfers a call to an extension, an outside number, a parking lot, a conference room or a queue: a number, or an
/// extension, a queue or a conference room by its path.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free. At most once; waits as
/// isym_handle_act.
///
/// Errors: as isym_handle_act.
enum isym_status isym_call_segment_transfer(const struct isym_live *live,
                                            struct isym_call_segment segment,
                                            const char *destination,
                                            struct isym_ticket **ticket,
                                            struct isym_error **error);

/// The defaults: 20 users, 3 queues, 2 conference rooms, the core server "default", no calls, no authentication. Never NULL.
/// The caller frees them with isym_sandbox_config_free.
struct isym_sandbox_config *isym_sandbox_config_new(void);

/// Frees settings. NULL is accepted. A sandbox that was started with them is not concerned.
void isym_sandbox_config_free(struct isym_sandbox_config *config);

/// How many users there are, each with one extension. Default 20, at most 1 000 000. The first is the user 4224 with
/// extension 4224, the second is mike.
///
/// Errors: none but a bad `config`.
enum isym_status isym_sandbox_config_set_users(struct isym_sandbox_config *config,
                                               uint32_t count,
                                               struct isym_error **error);

/// How many of the users, counted from the last, have a lite licence: they have no status, and lists leave out the
/// extensions that only they have. Default 0.
///
/// Errors: none but a bad `config`.
enum isym_status isym_sandbox_config_set_lite_users(struct isym_sandbox_config *config,
                                                    uint32_t count,
                                                    struct isym_error **error);

/// How many further extensions there are, shared out among the users in turn. Default 0.
///
/// Errors: none but a bad `config`.
enum isym_status isym_sandbox_config_set_extra_extensions(struct isym_sandbox_config *config,
                                                          uint32_t count,
                                                          struct isym_error **error);

/// How many queues there are, numbered from 5001. Default 3, at most 2 999.
///
/// Errors: none but a bad `config`.
enum isym_status isym_sandbox_config_set_queues(struct isym_sandbox_config *config,
                                                uint32_t count,
                                                struct isym_error **error);

/// How many agents each queue starts with. Default 4.
///
/// Errors: none but a bad `config`.
enum isym_status isym_sandbox_config_set_agents_per_queue(struct isym_sandbox_config *config,
                                                          uint32_t count,
                                                          struct isym_error **error);

/// How many conference rooms there are, numbered from 8001. Default 2, at most 1 999.
///
/// Errors: none but a bad `config`.
enum isym_status isym_sandbox_config_set_conferences(struct isym_sandbox_config *config,
                                                     uint32_t count,
                                                     struct isym_error **error);

/// What names, ids and the calls of the background follow from. Default 0.
///
/// Errors: none but a bad `config`.
enum isym_status isym_sandbox_config_set_seed(struct isym_sandbox_config *config,
                                              uint64_t seed,
                                              struct isym_error **error);

/// How many linked calls there are at the start. Default 0.
///
/// Errors: none but a bad `config`.
enum isym_status isym_sandbox_config_set_calls_at_start(struct isym_sandbox_config *config,
                                                        uint32_t count,
                                                        struct isym_error **error);

/// How many calls a second the background makes; they ring, are answered and end. Default 0, at most 10 000.
///
/// Errors: none but a bad `config`.
enum isym_status isym_sandbox_config_set_calls_per_second(struct isym_sandbox_config *config,
                                                          double calls,
                                                          struct isym_error **error);

/// How long a phone rings before it is answered, in milliseconds. Default 200.
///
/// Errors: ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_config_set_ring_time(struct isym_sandbox_config *config,
                                                   int64_t ms,
                                                   struct isym_error **error);

/// How long a call lasts that an action or the background made, in milliseconds. Default 30 000.
///
/// Errors: ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_config_set_call_duration(struct isym_sandbox_config *config,
                                                       int64_t ms,
                                                       struct isym_error **error);

/// Whether the licensing rules hide what they hide on a real server. Default true.
///
/// Errors: none but a bad `config`.
enum isym_status isym_sandbox_config_set_licensing(struct isym_sandbox_config *config,
                                                   bool on,
                                                   struct isym_error **error);

/// Whether conference rooms are enabled. Default true.
///
/// Errors: none but a bad `config`.
enum isym_status isym_sandbox_config_set_conferences_enabled(struct isym_sandbox_config *config,
                                                             bool on,
                                                             struct isym_error **error);

/// The loopback port to listen on; 0 picks a free one. Default 0.
///
/// Errors: none but a bad `config`.
enum isym_status isym_sandbox_config_set_port(struct isym_sandbox_config *config,
                                              uint16_t port,
                                              struct isym_error **error);

/// How many connections are served at the same time. Default 256.
///
/// Errors: none but a bad `config`.
enum isym_status isym_sandbox_config_set_max_connections(struct isym_sandbox_config *config,
                                                         size_t count,
                                                         struct isym_error **error);

/// How many requests isym_sandbox_requests remembers. Default 100 000.
///
/// Errors: none but a bad `config`.
enum isym_status isym_sandbox_config_set_max_requests_kept(struct isym_sandbox_config *config,
                                                           size_t count,
                                                           struct isym_error **error);

/// Demands HTTP Basic authentication. Default: none is demanded. The user name must not hold a colon.
///
/// Errors: ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_config_set_credentials(struct isym_sandbox_config *config,
                                                     const char *user_name,
                                                     const char *password,
                                                     struct isym_error **error);

/// The slugs of the core servers. Default one, "default". The first one is what a call of the sandbox means that
/// names none.
///
/// Errors: ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_config_set_core_servers(struct isym_sandbox_config *config,
                                                      const char *const *slugs,
                                                      size_t count,
                                                      struct isym_error **error);

/// Builds the world and listens. `config` may be NULL: the defaults.
///
/// `sandbox` is the caller's, who frees it with isym_sandbox_free.
///
/// Errors: ISYM_CONFIG for settings that contradict each other, or a port that is taken; ISYM_INTERNAL where the system
/// gives no thread.
enum isym_status isym_sandbox_new(const struct isym_sandbox_config *config,
                                  struct isym_sandbox **sandbox,
                                  struct isym_error **error);

/// Ends a sandbox: all connections are cut, all threads end, whatever hangs. No other thread may be in a call with it. In a
/// forked child it only frees: the server is the parent's. NULL is accepted.
void isym_sandbox_free(struct isym_sandbox *sandbox);

/// Where a sandbox listens, as in "http://127.0.0.1:40123". Stays the same for its life; empty for NULL.
///
/// Borrowed from the sandbox.
struct isym_str isym_sandbox_url(const struct isym_sandbox *sandbox);

/// The port a sandbox listens on.
uint16_t isym_sandbox_port(const struct isym_sandbox *sandbox);

/// Restarts the server: every id is new, all connections are cut, calls, logins and dynamic agents are gone. Faults, given
/// answers and the log of requests stay.
void isym_sandbox_restart(const struct isym_sandbox *sandbox);

/// Restarts the server just before the answer to the n-th request from now; 1 is the next one.
void isym_sandbox_restart_at_request(const struct isym_sandbox *sandbox, uint64_t n);

/// How often the server was started: 1, and one more after each restart. 0 for NULL.
uint64_t isym_sandbox_incarnation(const struct isym_sandbox *sandbox);

/// The server is down: connections are cut, and new ones are refused. The model moves on.
void isym_sandbox_stop_listening(const struct isym_sandbox *sandbox);

/// The server is up again, on the same port.
///
/// Errors: ISYM_CONFIG where another program took the port meanwhile.
enum isym_status isym_sandbox_start_listening(const struct isym_sandbox *sandbox,
                                              struct isym_error **error);

/// How many connections are open.
size_t isym_sandbox_connections(const struct isym_sandbox *sandbox);

/// Demands other credentials from the next request on; none where `user_name` is NULL.
///
/// Errors: ISYM_CONFIG where the user name holds a colon.
enum isym_status isym_sandbox_set_credentials(const struct isym_sandbox *sandbox,
                                              const char *user_name,
                                              const char *password,
                                              struct isym_error **error);

/// Whether this machine is missing in the server's white list: every request gets a 403. At first it is not.
void isym_sandbox_set_denied(const struct isym_sandbox *sandbox,
                             bool denied);

/// Whether the server demands TLS: every request gets a 302. At first it does not.
void isym_sandbox_set_demand_tls(const struct isym_sandbox *sandbox, bool demanded);

/// Whether the licensing rules hold.
void isym_sandbox_set_licensing(const struct isym_sandbox *sandbox, bool on);

/// Whether conference rooms are enabled.
void isym_sandbox_set_conferences_enabled(const struct isym_sandbox *sandbox, bool on);

/// Answers a 200 with this text as JSON, whatever it is, on the requests that fit `on`, in place of the model.
///
/// `on` is a path below `communication_manager/rest/live/` as it is sent, in which `*` is any text, slashes too; a method
/// may stand before it, as in "POST */originate". The newest rule that fits wins; the same `on` replaces.
///
/// Errors: ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_serve(const struct isym_sandbox *sandbox,
                                    const char *on,
                                    const char *json,
                                    struct isym_error **error);

/// Answers this status with `length` bytes of this body, which need be neither text nor JSON, on the requests that fit `on`;
/// see isym_sandbox_serve. `content_type` may be NULL: text/plain in UTF-8.
///
/// Errors: ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_respond(const struct isym_sandbox *sandbox,
                                      const char *on,
                                      uint16_t status,
                                      const char *content_type,
                                      const uint8_t *body,
                                      size_t length,
                                      struct isym_error **error);

/// Takes back all of isym_sandbox_serve and isym_sandbox_respond.
void isym_sandbox_clear_overrides(const struct isym_sandbox *sandbox);

/// Sends a text as an event to all who listen, whatever it is: a type that nobody knows, what is not JSON.
///
/// Errors: ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_send_event(const struct isym_sandbox *sandbox,
                                         const char *text,
                                         struct isym_error **error);

/// The last 10 000 events as texts of JSON, oldest first, whether anybody listened or not. NULL for NULL.
///
/// Made for the caller, who frees them with isym_texts_free.
struct isym_texts *isym_sandbox_events(const struct isym_sandbox *sandbox);

/// Lets something go wrong: `key=value` pairs with `;` between them, as in "status=503; retry_after=1; on=*/users; times=3".
///
/// One of them is the fault: `delay=200ms`, `stall=before_head|within_head|within_body`, `cut=BYTES`, `reset=BYTES`, `drop`,
/// `length=longer|shorter|negative|twice`, `chunks=bad_size|huge_size|cut|no_end`, `garbage=BYTES`,
/// `body=html|object|list|null|empty`, `text=TEXT`, `status=503` (then maybe `retry_after=SECONDS`), `redirect=URL` (then
/// maybe `code=307`), `drip=BYTES`, `oversized=BYTES`, `nested=DEPTH`, `gzip_bomb=BYTES`, `headers=COUNT`,
/// `header_bytes=BYTES`; or the true answer with something untrue in it: `wrong_types` (values of other JSON types),
/// `duplicate_ids`, `dangling_parents` (references to what does not exist). Beside it may stand `on=` (see
/// isym_sandbox_serve), `method=POST`, and `times=COUNT` or `for=DURATION`; without them it strikes every request until
/// isym_sandbox_clear_faults.
///
/// Errors: ISYM_INVALID_ARGUMENT; the message says which part is wrong.
enum isym_status isym_sandbox_fault(const struct isym_sandbox *sandbox,
                                    const char *fault,
                                    struct isym_error **error);

/// Takes back all faults, and a restart that is still to come.
void isym_sandbox_clear_faults(const struct isym_sandbox *sandbox);

/// The requests a sandbox got, as many as its settings say. A request is in it before its answer is sent. NULL for NULL.
///
/// Made for the caller, who frees it with isym_requests_free.
struct isym_requests *isym_sandbox_requests(const struct isym_sandbox *sandbox);

/// How many requests a sandbox got since the start or the last isym_sandbox_clear_requests, forgotten ones too.
uint64_t isym_sandbox_request_count(const struct isym_sandbox *sandbox);

/// Forgets the requests and sets their count to 0.
void isym_sandbox_clear_requests(const struct isym_sandbox *sandbox);

/// The number of requests.
size_t isym_requests_count(const struct isym_requests *requests);

/// The request at a position, counted from 0.
///
/// Answers ISYM_NOT_FOUND for a position beyond the end. What is found is borrowed from `requests`.
enum isym_status isym_requests_at(const struct isym_requests *requests,
                                  size_t position,
                                  struct isym_request *request);

/// Frees requests. NULL is accepted.
void isym_requests_free(struct isym_requests *requests);

/// A call from outside makes an extension ring, until isym_sandbox_answer or isym_sandbox_hang_up. `did` is the
/// number that was dialled; NULL: not known. `id`, which may be NULL, gets the id of the segment.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_add_call(const struct isym_sandbox *sandbox,
                                       const char *core_server,
                                       const char *extension,
                                       const char *caller_name,
                                       const char *caller_number,
                                       const char *did,
                                       struct isym_uuid *id,
                                       struct isym_error **error);

/// A call from outside waits in a queue; a free agent rings until isym_sandbox_answer. `did` is the number that was
/// dialled; NULL: not known. `id`, which may be NULL, gets the id of the segment.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_queue_call(const struct isym_sandbox *sandbox,
                                         const char *core_server,
                                         const char *queue,
                                         const char *caller_name,
                                         const char *caller_number,
                                         const char *did,
                                         struct isym_uuid *id,
                                         struct isym_error **error);

/// One extension calls another, which rings until isym_sandbox_answer. `caller` and `called`, which may be NULL, get
/// the ids of the two segments.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT, ISYM_REJECTED where do-not-disturb is on.
enum isym_status isym_sandbox_add_internal_call(const struct isym_sandbox *sandbox,
                                                const char *core_server,
                                                const char *from,
                                                const char *to,
                                                struct isym_uuid *caller,
                                                struct isym_uuid *called,
                                                struct isym_error **error);

/// Does what the action does: rings the extension, then calls the destination; goes on by itself. `id`, which may be
/// NULL, gets the id of the extension's segment.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_originate(const struct isym_sandbox *sandbox,
                                        const char *core_server,
                                        const char *extension,
                                        const char *destination,
                                        struct isym_uuid *id,
                                        struct isym_error **error);

/// Answers a ringing segment; for a caller in a queue, the agent that rings for him.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT, ISYM_REJECTED where nothing rings.
enum isym_status isym_sandbox_answer(const struct isym_sandbox *sandbox,
                                     const char *core_server,
                                     struct isym_uuid segment,
                                     struct isym_error **error);

/// Puts a segment on hold, or takes it back.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_hold(const struct isym_sandbox *sandbox,
                                   const char *core_server,
                                   struct isym_uuid segment,
                                   bool on,
                                   struct isym_error **error);

/// Starts or ends recording a segment.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_record(const struct isym_sandbox *sandbox,
                                     const char *core_server,
                                     struct isym_uuid segment,
                                     bool on,
                                     struct isym_error **error);

/// Ends a segment, and the one it talks to.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_hang_up(const struct isym_sandbox *sandbox,
                                      const char *core_server,
                                      struct isym_uuid segment,
                                      struct isym_error **error);

/// Ends all calls.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_hang_up_all(const struct isym_sandbox *sandbox,
                                          const char *core_server,
                                          struct isym_error **error);

/// Puts a segment into a conference room.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_join_conference(const struct isym_sandbox *sandbox,
                                              const char *core_server,
                                              struct isym_uuid segment,
                                              const char *conference,
                                              struct isym_error **error);

/// Moves a segment to an extension, a queue, a conference room or an outside number, as the action does.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_transfer(const struct isym_sandbox *sandbox,
                                       const char *core_server,
                                       struct isym_uuid segment,
                                       const char *destination,
                                       struct isym_error **error);

/// The ids of the call segments on an extension, oldest first.
///
/// `segments` is the caller's, who frees them with isym_uuids_free.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_call_segments(const struct isym_sandbox *sandbox,
                                            const char *core_server,
                                            const char *extension,
                                            struct isym_uuids **segments,
                                            struct isym_error **error);

/// How many call segments there are.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_call_segment_count(const struct isym_sandbox *sandbox,
                                                 const char *core_server,
                                                 size_t *count,
                                                 struct isym_error **error);

/// A new user with a full licence and no extension. `id`, which may be NULL, gets its id.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_add_user(const struct isym_sandbox *sandbox,
                                       const char *core_server,
                                       const char *user_name,
                                       const char *displayed_name,
                                       struct isym_uuid *id,
                                       struct isym_error **error);

/// Removes a user, with logins and status. The extensions stay.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_remove_user(const struct isym_sandbox *sandbox,
                                          const char *core_server,
                                          const char *user_name,
                                          struct isym_error **error);

/// Gives a user another user name; the id stays.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_rename_user(const struct isym_sandbox *sandbox,
                                          const char *core_server,
                                          const char *user_name,
                                          const char *new_user_name,
                                          struct isym_error **error);

/// Sets the displayed name of a user.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_set_displayed_name(const struct isym_sandbox *sandbox,
                                                 const char *core_server,
                                                 const char *user_name,
                                                 const char *displayed_name,
                                                 struct isym_error **error);

/// Gives a user a full licence, or a lite one.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_set_full_user(const struct isym_sandbox *sandbox,
                                            const char *core_server,
                                            const char *user_name,
                                            bool full,
                                            struct isym_error **error);

/// A user's client connects. `id`, which may be NULL, gets the id of the login.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_log_in_user(const struct isym_sandbox *sandbox,
                                          const char *core_server,
                                          const char *user_name,
                                          const char *ip,
                                          uint16_t port,
                                          struct isym_uuid *id,
                                          struct isym_error **error);

/// All of a user's clients disconnect.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_log_out_user(const struct isym_sandbox *sandbox,
                                           const char *core_server,
                                           const char *user_name,
                                           struct isym_error **error);

/// Sets a user's status, as the user would; see isym_user_set_status.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_set_status(const struct isym_sandbox *sandbox,
                                         const char *core_server,
                                         const char *user_name,
                                         const char *name,
                                         const char *status_type,
                                         const char *note,
                                         int64_t return_time_ms,
                                         struct isym_error **error);

/// A new extension, bound to a user; where `user_name` is NULL to none, so that a licence hides it. `id`, which may
/// be NULL, gets its id.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_add_extension(const struct isym_sandbox *sandbox,
                                            const char *core_server,
                                            const char *number,
                                            const char *display_name,
                                            const char *user_name,
                                            struct isym_uuid *id,
                                            struct isym_error **error);

/// Removes an extension; its calls end, its agents are logged out.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_remove_extension(const struct isym_sandbox *sandbox,
                                               const char *core_server,
                                               const char *number,
                                               struct isym_error **error);

/// Gives an extension another number; the id stays.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_rename_extension(const struct isym_sandbox *sandbox,
                                               const char *core_server,
                                               const char *number,
                                               const char *new_number,
                                               struct isym_error **error);

/// Sets the display name of an extension.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_set_display_name(const struct isym_sandbox *sandbox,
                                               const char *core_server,
                                               const char *number,
                                               const char *display_name,
                                               struct isym_error **error);

/// The numbers of all extensions, in the order of the server's list; those that a licence hides too.
///
/// `numbers` is the caller's, who frees them with isym_texts_free.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_extension_numbers(const struct isym_sandbox *sandbox,
                                                const char *core_server,
                                                struct isym_texts **numbers,
                                                struct isym_error **error);

/// Turns do-not-disturb on or off.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_set_dnd(const struct isym_sandbox *sandbox,
                                      const char *core_server,
                                      const char *number,
                                      bool on,
                                      struct isym_error **error);

/// Whether do-not-disturb is on, which the Live API does not show.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_dnd(const struct isym_sandbox *sandbox,
                                  const char *core_server,
                                  const char *number,
                                  bool *on,
                                  struct isym_error **error);

/// A new queue without agents. `id`, which may be NULL, gets its id.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_add_queue(const struct isym_sandbox *sandbox,
                                        const char *core_server,
                                        const char *identifier,
                                        const char *display_name,
                                        struct isym_uuid *id,
                                        struct isym_error **error);

/// Removes a queue; its callers are hung up, its agents are logged out.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_remove_queue(const struct isym_sandbox *sandbox,
                                           const char *core_server,
                                           const char *identifier,
                                           struct isym_error **error);

/// Enables or disables a queue; a disabled one and its agents are not shown.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_set_queue_enabled(const struct isym_sandbox *sandbox,
                                                const char *core_server,
                                                const char *identifier,
                                                bool enabled,
                                                struct isym_error **error);

/// Logs an extension in to a queue. `id`, which may be NULL, gets the agent's id.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT, ISYM_REJECTED where it is logged in already.
enum isym_status isym_sandbox_log_in_agent(const struct isym_sandbox *sandbox,
                                           const char *core_server,
                                           const char *queue,
                                           const char *extension,
                                           struct isym_uuid *id,
                                           struct isym_error **error);

/// Logs an extension out of a queue.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_log_out_agent(const struct isym_sandbox *sandbox,
                                            const char *core_server,
                                            const char *queue,
                                            const char *extension,
                                            struct isym_error **error);

/// Pauses an agent, or ends the pause.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_pause_agent(const struct isym_sandbox *sandbox,
                                          const char *core_server,
                                          const char *queue,
                                          const char *extension,
                                          bool paused,
                                          struct isym_error **error);

/// Sets an agent's state, until the next call of its extension changes it.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_set_agent_state(const struct isym_sandbox *sandbox,
                                              const char *core_server,
                                              const char *queue,
                                              const char *extension,
                                              const char *state,
                                              struct isym_error **error);

/// A new conference room. `id`, which may be NULL, gets its id.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_add_conference(const struct isym_sandbox *sandbox,
                                             const char *core_server,
                                             const char *identifier,
                                             const char *display_name,
                                             struct isym_uuid *id,
                                             struct isym_error **error);

/// Removes a conference room; who is in it is hung up.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_remove_conference(const struct isym_sandbox *sandbox,
                                                const char *core_server,
                                                const char *identifier,
                                                struct isym_error **error);

/// The id, of this incarnation, of what has this symbolic name and is of this kind (isym_kind). For
/// ISYM_KIND_CORE_SERVER the name is not looked at.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_id_of(const struct isym_sandbox *sandbox,
                                    const char *core_server,
                                    uint32_t kind,
                                    const char *name,
                                    struct isym_uuid *id,
                                    struct isym_error **error);

/// The id of an extension's agent in a queue.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
enum isym_status isym_sandbox_agent_id(const struct isym_sandbox *sandbox,
                                       const char *core_server,
                                       const char *queue,
                                       const char *extension,
                                       struct isym_uuid *id,
                                       struct isym_error **error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* ISYM_ISYMPHONY_H */
