--[[ The live state of a telephony server from Lua, by LuaJIT's FFI: names resolved, a call made and watched.

    luajit demo.lua                            on an embedded sandbox
    luajit demo.lua http://pbx:58080           on a real server: looks, and touches nothing

The credentials come from ISYMPHONY_USERNAME and ISYMPHONY_PASSWORD, or from the URL. ISYMPHONY_CDEF is the file
isymphony.cdef, which is installed beside isymphony.h; ISYMPHONY_LIB is the library. ]]

local ffi = require("ffi")
local cdef = assert(io.open(os.getenv("ISYMPHONY_CDEF") or "/usr/local/include/isymphony.cdef"))
ffi.cdef(cdef:read("*a"))
cdef:close()
-- Global, so that the library is not unloaded before the last object is freed.
isym = ffi.load(os.getenv("ISYMPHONY_LIB") or "libisymphony.so.0")

-- A text of the library as one of Lua's.
local function text(from)
    return ffi.string(from.ptr, from.len)
end

-- Checks a call that can fail, whose last argument is made here, and raises what went wrong.
local function call(name, ...)
    local error_slot = ffi.new("isym_error *[1]")
    local arguments, count = { ... }, select("#", ...)
    arguments[count + 1] = error_slot
    if isym[name](unpack(arguments, 1, count + 1)) ~= isym.ISYM_OK then
        local message = text(isym.isym_error_message(error_slot[0]))
        isym.isym_error_free(error_slot[0])
        error(message, 0)
    end
end

-- Calls a function that can fail and makes an object of this type, which is freed with its last use.
local function made(type, name, ...)
    local slot = ffi.new("isym_" .. type .. " *[1]")
    local arguments, count = { ... }, select("#", ...)
    arguments[count + 1] = slot
    call(name, unpack(arguments, 1, count + 1))
    return ffi.gc(slot[0], isym["isym_" .. type .. "_free"])
end

local function connect(url)
    local config = ffi.gc(isym.isym_config_new(url), isym.isym_config_free)
    local user_name, password = os.getenv("ISYMPHONY_USERNAME"), os.getenv("ISYMPHONY_PASSWORD")
    if user_name and password then
        call("isym_config_set_credentials", config, user_name, password)
    end
    local live = made("live", "isym_live_open", config)
    call("isym_live_wait", live, 10000)
    return live
end

-- Who is 4224?
local function show(live)
    local snapshot = made("snapshot", "isym_live_snapshot", live, isym.ISYM_ANY_AGE)
    local path = "coreServers/getByName/default/extensions/getByName/4224"
    local resource, extension, id = ffi.new("isym_resource"), ffi.new("isym_extension"), ffi.new("char[37]")
    call("isym_snapshot_resolve", snapshot, path, resource)
    isym.isym_resource_as_extension(resource, extension)
    isym.isym_uuid_format(isym.isym_extension_id(extension), id)
    print(path)
    print(("  is %s, %s"):format(ffi.string(id), text(isym.isym_extension_display_name(extension))))
    for i = 0, tonumber(isym.isym_extension_user_count(extension)) - 1 do
        local user = ffi.new("isym_user")
        isym.isym_extension_user_at(extension, i, user)
        print("  of user " .. text(isym.isym_user_user_name(user)))
    end
end

-- Makes a call, and takes changes until it shows.
local function act(live)
    local watch = made("watch", "isym_live_watch", live, 2 ^ tonumber(isym.ISYM_KIND_CALL_SEGMENT), nil, false, false)
    local ticket = made("ticket", "isym_extension_originate", live, nil, "4224", "5551234")
    local accepted = isym.isym_ticket_outcome(ticket) == isym.ISYM_OUTCOME_ACCEPTED
    print("4224 calls 5551234: " .. (accepted and "accepted" or "nobody knows"))
    local change, segment = ffi.new("isym_change"), ffi.new("isym_call_segment")
    call("isym_watch_next", watch, 10000, change)
    isym.isym_resource_as_call_segment(change.resource, segment)
    print("  a new call: " .. text(isym.isym_call_segment_type(segment)))
end

local url = arg[1]
local sandbox = not url and made("sandbox", "isym_sandbox_new", nil)
local live = connect(url or text(isym.isym_sandbox_url(sandbox)))
print("isymphony " .. text(isym.isym_version()) .. " in " .. jit.version)
show(live)
if sandbox then
    act(live)
end
