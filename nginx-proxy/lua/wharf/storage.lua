--- Requests of nginx to S3, signed by wharf_proxy/signing.py.
--
-- The subrequest `/.storage` sends them over kept connections. Whatever fails here fails for the caller, which
-- leaves the client's request to the registry.

local balancer = require "ngx.balancer"

--- Seconds for which nginx keeps a signature, and the addresses of S3. Both are valid for longer.
local KEPT = 60
--- In place of a response of S3.
local UNSIGNED = { status = 0, header = {}, body = "" }

local signed = ngx.shared.signed

local M = {}

--- Sign requests (`METHOD KEY`). Return their targets, and scheme, host and addresses of S3; nil if that failed.
local function sign(requests)
    local targets, place = {}, signed:get("place")
    local complete = place
    for index, request in ipairs(requests) do
        targets[index] = signed:get(request)
        complete = complete and targets[index]
    end
    if not complete then
        local response = ngx.location.capture("/.sign", {
            vars = { signed_requests = table.concat(requests, ",") },
        })
        if response.status ~= ngx.HTTP_NO_CONTENT then
            return nil
        end
        local header = response.header
        place = ("%s %s %s"):format(
            header["X-Wharf-Scheme"], header["X-Wharf-Host"], header["X-Wharf-Addresses"])
        signed:set("place", place, KEPT)
        for index, request in ipairs(requests) do
            targets[index] = header["X-Wharf-Target-" .. index]
            signed:set(request, targets[index], KEPT)
        end
    end
    return targets, place:match("^(%S+) (%S+) (%S+)$")
end

--- Return the URL of a signed request, or nil.
function M.url(request)
    local targets, scheme, host = sign({ request })
    return targets and ("%s://%s%s"):format(scheme, host, targets[1])
end

--- Return the variables of nginx for a signed request.
local function variables(scheme, host, addresses, target, range)
    return {
        -- The upstream of storage.conf.
        storage_url = scheme .. "://storage" .. target,
        storage_host = host,
        storage_addresses = addresses,
        storage_range = range,
    }
end

--- Send one or two requests concurrently; return the responses of `ngx.location.capture_multi`. `status` is 0 where
--- nothing could be signed.
--
-- A request is `{ "METHOD KEY", range }`.
function M.send(...)
    local requests = { ... }
    local names = {}
    for index, request in ipairs(requests) do
        names[index] = request[1]
    end
    local targets, scheme, host, addresses = sign(names)
    if not targets then
        return UNSIGNED, UNSIGNED
    end
    local captures = {}
    for index, request in ipairs(requests) do
        captures[index] = { "/.storage", {
            method = request[1]:find("^HEAD ") and ngx.HTTP_HEAD or ngx.HTTP_GET,
            vars = variables(scheme, host, addresses, targets[index], request[2] or ""),
        } }
    end
    return ngx.location.capture_multi(captures)
end

--- Set the variables of this request for a way to S3 of its own; return whether it was signed.
function M.prepare(request)
    local targets, scheme, host, addresses = sign({ request })
    if not targets then
        return false
    end
    for name, value in pairs(variables(scheme, host, addresses, targets[1])) do
        ngx.var[name] = value
    end
    return true
end

local turn = 0

--- Choose the next address of S3; nginx calls this for each connection, and again after one that failed.
function M.connect()
    local addresses = {}
    for address, port in ngx.var.storage_addresses:gmatch("([%d.]+):(%d+)") do
        table.insert(addresses, { address, tonumber(port) })
    end
    if not balancer.get_last_failure() then
        balancer.set_more_tries(1)
    end
    turn = turn % #addresses + 1
    assert(balancer.set_current_peer(addresses[turn][1], addresses[turn][2]))
end

return M
