--- Places of which there are so many on this host, and which requests hold until they end.
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

--- Names of the places that each request of this worker holds, by the request's number.
local held = {}

--- The second count, of the worker with this process number. No place begins with "worker".
local function ledger(process, name)
    return "worker " .. process .. " " .. name
end

local function add(name, change)
    counts:incr(ledger(ngx.worker.pid(), name), change, 0)
    return counts:incr(name, change, 0)
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
            counts:incr(name, -(counts:get(key) or 0))
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

--- Let the request hold a place under each of these names until it ends, or under none. `places` is a
--- list of names and limits. Return whether there was room.
function M.take(places)
    local request = ngx.var.request_id
    local mine = held[request] or {}
    held[request] = mine
    local before = #mine
    for _, place in ipairs(places) do
        local name, limit = unpack(place)
        if not try(name, limit) then
            heal()
            if not try(name, limit) then
                M.give_back(before)
                return false
            end
        end
        table.insert(mine, name)
    end
    return true
end

--- The same, but wait for room for some seconds. So many requests wait under the name of `waiting`.
function M.await(places, seconds, waiting)
    local name, limit = unpack(waiting)
    local found = M.take(places)
    if found or not try(name, limit) then
        return found
    end
    local deadline = ngx.now() + seconds
    while not found and ngx.now() < deadline do
        ngx.sleep(POLL)
        found = M.take(places)
    end
    add(name, -1)
    return found
end

--- Give back what the request holds, but for its first places; nginx calls this when it ends.
function M.give_back(first)
    local request = ngx.var.request_id
    local mine = held[request] or {}
    while #mine > (first or 0) do
        add(table.remove(mine), -1)
    end
    if #mine == 0 then
        held[request] = nil
    end
end

return M
