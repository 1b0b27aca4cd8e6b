/* The typed accessors and relations by the names that the contract cases use. */
#ifndef TYPED_H
#define TYPED_H

#include <string.h>

#include <isymphony.h>

/* One accessor: the view's name, the JSON name, what the accessor is called. */
#define TYPED(VIEW, KIND, JSON, ACCESSOR)                                                    \
    if (kind == ISYM_KIND_##KIND && strcmp(name, JSON) == 0) {                               \
        *value = isym_##VIEW##_##ACCESSOR((isym_##VIEW){resource});                          \
        return 1;                                                                            \
    }

static int typed_text(isym_resource resource, const char *name, isym_str *value)
{
    isym_kind kind = isym_resource_kind(resource);
    TYPED(core_server, CORE_SERVER, "slug", slug)
    TYPED(core_server, CORE_SERVER, "name", name)
    TYPED(user, USER, "configurationId", configuration_id)
    TYPED(user, USER, "userName", user_name)
    TYPED(user, USER, "displayedName", displayed_name)
    TYPED(user, USER, "permissionId", permission_id)
    TYPED(login, LOGIN, "ip", ip)
    TYPED(user_status, STATUS, "configurationId", configuration_id)
    TYPED(user_status, STATUS, "name", name)
    TYPED(user_status, STATUS, "type", type)
    TYPED(user_status, STATUS, "note", note)
    TYPED(extension, EXTENSION, "extensionNumber", extension_number)
    TYPED(extension, EXTENSION, "displayName", display_name)
    TYPED(extension, EXTENSION, "configurationId", configuration_id)
    TYPED(extension, EXTENSION, "permissionId", permission_id)
    TYPED(call_segment, CALL_SEGMENT, "type", type)
    TYPED(call_segment, CALL_SEGMENT, "callerId.id", caller_id_id)
    TYPED(call_segment, CALL_SEGMENT, "callerId.name", caller_id_name)
    TYPED(call_segment, CALL_SEGMENT, "callerId.number", caller_id_number)
    TYPED(call_segment, CALL_SEGMENT, "did", did)
    TYPED(queue, QUEUE, "displayName", display_name)
    TYPED(queue, QUEUE, "identifier", identifier)
    TYPED(queue, QUEUE, "configurationId", configuration_id)
    TYPED(queue, QUEUE, "permissionId", permission_id)
    TYPED(agent, AGENT, "state", state)
    TYPED(agent, AGENT, "name", name)
    TYPED(conference_room, CONFERENCE_ROOM, "configurationId", configuration_id)
    TYPED(conference_room, CONFERENCE_ROOM, "displayName", display_name)
    TYPED(conference_room, CONFERENCE_ROOM, "identifier", identifier)
    TYPED(conference_room, CONFERENCE_ROOM, "dialString", dial_string)
    TYPED(conference_room, CONFERENCE_ROOM, "permissionId", permission_id)
    return 0;
}

static int typed_int(isym_resource resource, const char *name, int64_t *value)
{
    isym_kind kind = isym_resource_kind(resource);
    TYPED(login, LOGIN, "port", port)
    TYPED(login, LOGIN, "timeConnected", time_connected_ms)
    TYPED(user_status, STATUS, "returnTime", return_time_ms)
    return 0;
}

static int typed_bool(isym_resource resource, const char *name, bool *value)
{
    isym_kind kind = isym_resource_kind(resource);
    TYPED(user_status, STATUS, "userCreated", user_created)
    TYPED(call_segment, CALL_SEGMENT, "onHold", on_hold)
    TYPED(call_segment, CALL_SEGMENT, "recording", recording)
    TYPED(call_segment, CALL_SEGMENT, "incoming", incoming)
    TYPED(agent, AGENT, "paused", paused)
    TYPED(agent, AGENT, "dynamic", dynamic)
    TYPED(conference_room, CONFERENCE_ROOM, "userGenerated", user_generated)
    return 0;
}

#define RELATED_MAX 256

#define RELATED_LIST(VIEW, KIND, RELATION)                                                   \
    if (kind == ISYM_KIND_##KIND && strcmp(name, #RELATION) == 0) {                          \
        isym_list list = isym_##VIEW##_##RELATION((isym_##VIEW){resource});                  \
        for (size_t i = 0; i < isym_list_count(list) && count < RELATED_MAX; i++)            \
            if (isym_list_at(list, i, &found[count]) == ISYM_OK)                             \
                count++;                                                                     \
        return count;                                                                        \
    }

#define RELATED_ONE(VIEW, KIND, NAME, RELATION, TARGET)                                      \
    if (kind == ISYM_KIND_##KIND && strcmp(name, NAME) == 0) {                               \
        isym_##TARGET target;                                                                \
        if (isym_##VIEW##_##RELATION((isym_##VIEW){resource}, &target) == ISYM_OK)           \
            found[count++] = isym_##TARGET##_resource(target);                               \
        return count;                                                                        \
    }

#define RELATED_MANY(VIEW, KIND, NAME, TARGET)                                               \
    if (kind == ISYM_KIND_##KIND && strcmp(name, NAME) == 0) {                               \
        isym_##TARGET target;                                                                \
        size_t many = isym_##VIEW##_##TARGET##_count((isym_##VIEW){resource});               \
        for (size_t i = 0; i < many && count < RELATED_MAX; i++)                             \
            if (isym_##VIEW##_##TARGET##_at((isym_##VIEW){resource}, i, &target) == ISYM_OK) \
                found[count++] = isym_##TARGET##_resource(target);                           \
        return count;                                                                        \
    }

/* How many resources a relation gives; -1 where there is no such relation. */
static int related(isym_resource resource, const char *name, isym_resource found[RELATED_MAX])
{
    isym_kind kind = isym_resource_kind(resource);
    int count = 0;
    RELATED_LIST(core_server, CORE_SERVER, users)
    RELATED_LIST(core_server, CORE_SERVER, extensions)
    RELATED_LIST(core_server, CORE_SERVER, call_segments)
    RELATED_LIST(core_server, CORE_SERVER, queues)
    RELATED_LIST(core_server, CORE_SERVER, conferences)
    RELATED_ONE(user, USER, "status", status_of, user_status)
    RELATED_LIST(user, USER, logins)
    RELATED_LIST(user, USER, extensions)
    RELATED_ONE(login, LOGIN, "user", user, user)
    RELATED_ONE(user_status, STATUS, "user", user, user)
    RELATED_MANY(extension, EXTENSION, "users", user)
    RELATED_MANY(extension, EXTENSION, "agents", agent)
    RELATED_LIST(extension, EXTENSION, call_segments)
    RELATED_ONE(call_segment, CALL_SEGMENT, "extension", extension, extension)
    RELATED_ONE(call_segment, CALL_SEGMENT, "queue", queue, queue)
    RELATED_ONE(call_segment, CALL_SEGMENT, "conference", conference, conference_room)
    RELATED_LIST(queue, QUEUE, agents)
    RELATED_LIST(queue, QUEUE, call_segments)
    RELATED_ONE(agent, AGENT, "queue", queue, queue)
    RELATED_ONE(agent, AGENT, "extension", extension, extension)
    RELATED_ONE(agent, AGENT, "statistics", statistics, statistics)
    RELATED_ONE(statistics, STATISTICS, "agent", agent, agent)
    RELATED_LIST(conference_room, CONFERENCE_ROOM, call_segments)
    return -1;
}

#endif
