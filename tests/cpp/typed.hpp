/* The typed accessors and relations by the names that the contract cases use. */
#ifndef TYPED_HPP
#define TYPED_HPP

#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <isymphony.hpp>

using Value = std::variant<std::string, std::int64_t, bool>;

inline Value value(std::string_view text) { return std::string(text); }
inline Value value(std::int64_t number) { return number; }
inline Value value(bool boolean) { return boolean; }
inline Value value(std::optional<isym::Time> time) { return time ? time->time_since_epoch().count() : std::int64_t{-1}; }

template <class T>
void collect(std::vector<isym::Resource> &found, const std::optional<T> &one)
{
    if (one)
        found.push_back(*one);
}
template <class Range>
void collect(std::vector<isym::Resource> &found, const Range &range)
{
    found.insert(found.end(), range.begin(), range.end());
}

/// The view of a resource that has this member.
template <class T, class Result>
T view(Result (T::*)() const noexcept, const isym::Resource &resource)
{
    if constexpr (std::is_same_v<T, isym::Resource>)
        return resource;
    else
        return resource.as<T>().value();
}

template <auto Accessor>
Value read(const isym::Resource &resource)
{
    return value((view(Accessor, resource).*Accessor)());
}
template <std::string_view isym::CallerId::*Part>
Value caller_id(const isym::Resource &resource)
{
    return value(resource.as<isym::CallSegment>()->caller_id().*Part);
}
template <auto Relation>
std::vector<isym::Resource> relation(const isym::Resource &resource)
{
    std::vector<isym::Resource> found;
    collect(found, (view(Relation, resource).*Relation)());
    return found;
}

template <class Result>
using ByName = std::map<std::pair<isym::Kind, std::string_view>, Result (*)(const isym::Resource &)>;

inline const ByName<Value> ACCESSORS = {
    {{isym::Kind::core_server, "slug"}, read<&isym::CoreServer::slug>},
    {{isym::Kind::core_server, "name"}, read<&isym::CoreServer::name>},
    {{isym::Kind::user, "configurationId"}, read<&isym::Resource::configuration_id>},
    {{isym::Kind::user, "userName"}, read<&isym::User::user_name>},
    {{isym::Kind::user, "displayedName"}, read<&isym::User::displayed_name>},
    {{isym::Kind::user, "permissionId"}, read<&isym::User::permission_id>},
    {{isym::Kind::login, "ip"}, read<&isym::Login::ip>},
    {{isym::Kind::login, "port"}, read<&isym::Login::port>},
    {{isym::Kind::login, "timeConnected"}, read<&isym::Login::time_connected>},
    {{isym::Kind::status, "configurationId"}, read<&isym::Resource::configuration_id>},
    {{isym::Kind::status, "name"}, read<&isym::Status::name>},
    {{isym::Kind::status, "type"}, read<&isym::Status::type>},
    {{isym::Kind::status, "note"}, read<&isym::Status::note>},
    {{isym::Kind::status, "returnTime"}, read<&isym::Status::return_time>},
    {{isym::Kind::status, "userCreated"}, read<&isym::Status::user_created>},
    {{isym::Kind::extension, "extensionNumber"}, read<&isym::Extension::extension_number>},
    {{isym::Kind::extension, "displayName"}, read<&isym::Extension::display_name>},
    {{isym::Kind::extension, "configurationId"}, read<&isym::Resource::configuration_id>},
    {{isym::Kind::extension, "permissionId"}, read<&isym::Extension::permission_id>},
    {{isym::Kind::call_segment, "type"}, read<&isym::CallSegment::type>},
    {{isym::Kind::call_segment, "callerId.id"}, caller_id<&isym::CallerId::id>},
    {{isym::Kind::call_segment, "callerId.name"}, caller_id<&isym::CallerId::name>},
    {{isym::Kind::call_segment, "callerId.number"}, caller_id<&isym::CallerId::number>},
    {{isym::Kind::call_segment, "did"}, read<&isym::CallSegment::did>},
    {{isym::Kind::call_segment, "onHold"}, read<&isym::CallSegment::on_hold>},
    {{isym::Kind::call_segment, "recording"}, read<&isym::CallSegment::recording>},
    {{isym::Kind::call_segment, "incoming"}, read<&isym::CallSegment::incoming>},
    {{isym::Kind::queue, "displayName"}, read<&isym::Queue::display_name>},
    {{isym::Kind::queue, "identifier"}, read<&isym::Queue::identifier>},
    {{isym::Kind::queue, "configurationId"}, read<&isym::Resource::configuration_id>},
    {{isym::Kind::queue, "permissionId"}, read<&isym::Queue::permission_id>},
    {{isym::Kind::agent, "paused"}, read<&isym::Agent::paused>},
    {{isym::Kind::agent, "state"}, read<&isym::Agent::state>},
    {{isym::Kind::agent, "name"}, read<&isym::Agent::name>},
    {{isym::Kind::agent, "dynamic"}, read<&isym::Agent::dynamic>},
    {{isym::Kind::conference_room, "configurationId"}, read<&isym::Resource::configuration_id>},
    {{isym::Kind::conference_room, "displayName"}, read<&isym::ConferenceRoom::display_name>},
    {{isym::Kind::conference_room, "identifier"}, read<&isym::ConferenceRoom::identifier>},
    {{isym::Kind::conference_room, "dialString"}, read<&isym::ConferenceRoom::dial_string>},
    {{isym::Kind::conference_room, "userGenerated"}, read<&isym::ConferenceRoom::user_generated>},
    {{isym::Kind::conference_room, "permissionId"}, read<&isym::ConferenceRoom::permission_id>},
};

inline const ByName<std::vector<isym::Resource>> RELATIONS = {
    {{isym::Kind::core_server, "users"}, relation<&isym::CoreServer::users>},
    {{isym::Kind::core_server, "extensions"}, relation<&isym::CoreServer::extensions>},
    {{isym::Kind::core_server, "call_segments"}, relation<&isym::CoreServer::call_segments>},
    {{isym::Kind::core_server, "queues"}, relation<&isym::CoreServer::queues>},
    {{isym::Kind::core_server, "conferences"}, relation<&isym::CoreServer::conferences>},
    {{isym::Kind::user, "status"}, relation<&isym::User::status>},
    {{isym::Kind::user, "logins"}, relation<&isym::User::logins>},
    {{isym::Kind::user, "extensions"}, relation<&isym::User::extensions>},
    {{isym::Kind::login, "user"}, relation<&isym::Login::user>},
    {{isym::Kind::status, "user"}, relation<&isym::Status::user>},
    {{isym::Kind::extension, "users"}, relation<&isym::Extension::users>},
    {{isym::Kind::extension, "agents"}, relation<&isym::Extension::agents>},
    {{isym::Kind::extension, "call_segments"}, relation<&isym::Extension::call_segments>},
    {{isym::Kind::call_segment, "extension"}, relation<&isym::CallSegment::extension>},
    {{isym::Kind::call_segment, "queue"}, relation<&isym::CallSegment::queue>},
    {{isym::Kind::call_segment, "conference"}, relation<&isym::CallSegment::conference>},
    {{isym::Kind::queue, "agents"}, relation<&isym::Queue::agents>},
    {{isym::Kind::queue, "call_segments"}, relation<&isym::Queue::call_segments>},
    {{isym::Kind::agent, "queue"}, relation<&isym::Agent::queue>},
    {{isym::Kind::agent, "extension"}, relation<&isym::Agent::extension>},
    {{isym::Kind::agent, "statistics"}, relation<&isym::Agent::statistics>},
    {{isym::Kind::statistics, "agent"}, relation<&isym::Statistics::agent>},
    {{isym::Kind::conference_room, "call_segments"}, relation<&isym::ConferenceRoom::call_segments>},
};

#endif
