--- Places: limited in number on this host, and held by requests until they end.
--
-- A worker that is killed gives nothing back. So each worker keeps a second count of what it holds, and
-- before a request is refused, the places of workers that have ended are given back.

--- Seconds between two looks for a free place by a request that waits, and between two looks for places
--- of ended workers.
local POLL = 0.2
local HEAL = 1
--- The error number of a file that does not exist. With any other error a worker may live.
local ENOENT = 2

local counts = ngx.shared.places

local M = {}

--- By number of a request of this worker the set of the names of places that it holds.
local held = {}

--- The second count, of the worker with this process number. No place begins with "worker".
local function ledger(process, name)
    return "worker " .. process .. " " .. name
end

--- A count that is back at 0 takes no memory: clients come and go, the memory for counts is fixed, and where it is
--- full, the oldest count is forgotten, however high. If another worker takes a place just before its count is
--- deleted, one place too many is free until a place is given back.
local function change_by(change, key)
    local count = counts:incr(key, change, 0)
    if change < 0 and count <= 0 then
        counts:delete(key)
    end
    return count
end

local function add(name, change)
    change_by(change, ledger(ngx.worker.pid(), name))
    return change_by(change, name)
end

local function has_ended(process)
    local status, _, code = io.open("/proc/" .. process .. "/stat")
    if status then
        status:close()
    end
    return code == ENOENT
end

--- Give back what ended workers hold.
local function heal()
    if not counts:add("worker healed", true, HEAL) then
        return
    end
    for _, key in ipairs(counts:get_keys(0)) do
        local process, name = key:match("^worker (%d+) (.*)$")
        if process and has_ended(process) then
            change_by(-(counts:get(key) or 0), name)
            counts:delete(key)
        end
    end
end

local function try(name, limit)
    if add(name, 1) <= limit then
        return true
    end
    add(name, -1)
    return false
end

local function try_twice(name, limit)
    if try(name, limit) then
        return true
    end
    heal()
    return try(name, limit)
end

--- Let the request hold a place under each of these names until it ends, or under none. `places` is a
--- list of names and limits. Return whether there was room.
function M.take(places)
    local request, taken = ngx.var.request_id, {}
    held[request] = held[request] or {}
    for _, place in ipairs(places) do
        local name, limit = unpack(place)
        if not try_twice(name, limit) then
            M.give_back(taken)
            return false
        end
        held[request][name] = true
        table.insert(taken, place)
    end
    return true
end

--- Take places as `take` does, but wait for room for some seconds. Meanwhile the request holds the places of
--- `waiting`.
function M.await(places, seconds, waiting)
    local found = M.take(places)
    if found or not M.take(waiting) then
        return found
    end
    local deadline = ngx.now() + seconds
    while not found and ngx.now() < deadline do
        ngx.sleep(POLL)
        found = M.take(places)
    end
    M.give_back(waiting)
    return found
end

--- Give back these places, as far as the request holds them.
function M.give_back(places)
    local mine = held[ngx.var.request_id] or {}
    for _, place in ipairs(places) do
        local name = place[1]
        if mine[name] then
            mine[name] = nil
            add(name, -1)
        end
    end
end

--- Give back all that the request holds; nginx calls this when it ends.
function M.give_all_back()
    local request = ngx.var.request_id
    for name in pairs(held[request] or {}) do
        add(name, -1)
    end
    held[request] = nil
end

return M
