--- Limits of concurrent requests, uploads, manifests and lists on this host, by client and user.
--
-- Only requests with a good password count: clients without one cannot take the places of others behind the
-- same address.

local client = require "wharf.client"
local places = require "wharf.places"
local settings = require "wharf.settings"

--- Concurrent lists of one user, of the eight that wharf_proxy/service.py serves. A few more wait.
local LISTS = 4
local LISTS_WAITING = 20
local LIST_PATIENCE = 10

--- For each upload the registry buffers up to a part of 10 MB, and more while the buffer grows; for each manifest, of
--- 4 MB at most, 10 MB while it reads it. A request that waits costs little: its body is not read yet.
local WAITING = 1000
local PATIENCE = 240
--- Bytes of a manifest beyond which it does not fit into the buffers of other responses, by nginx.conf.
local LARGE = 5 * 32 * 1024

local M = {}

--- Concurrent requests of a client; concurrent uploads of the host, and as many manifests.
local requests, uploads

--- Read the settings; nginx calls this at start and at each reload.
function M.init()
    requests = settings.number("NGINX_CONNECTIONS_PER_ADDRESS")
    uploads = settings.number("NGINX_UPLOADS")
end

local function has_room_for_list(user)
    return places.await(
        { { "lists " .. user, LISTS } },
        LIST_PATIENCE,
        { { "lists waiting " .. user, LISTS_WAITING } }
    )
end

--- Return places of the host under this name, of which `owner` has half at most.
local function half(owner, name, limit)
    return { { name .. " of " .. owner, math.max(1, math.floor(limit / 2)) }, { name, limit } }
end

--- One user behind one address has half of the places: a fleet of servers may share a user.
local function shared(name)
    return half(client.network() .. ngx.var.remote_user, name, uploads)
end

local function has_room(name)
    return places.await(shared(name), PATIENCE, half(ngx.var.remote_user, name .. " waiting", WAITING))
end

--- Let the request pass if there is room for it, at once or soon, else respond with 429.
function M.check()
    local route = ngx.var.route
    local room = places.take({ { "requests " .. client.network(), requests } })
    if room and (route == "tags" or route == "catalog" or route == "page") then
        room = has_room_for_list(ngx.var.remote_user)
    elseif room and (route == "upload" or route == "manifest") and ngx.var.has_body == "1" then
        room = has_room("uploads")
    end
    if not room then
        return ngx.exit(ngx.HTTP_TOO_MANY_REQUESTS)
    end
end

--- Wait until the registry may read a manifest for this request, else respond with 429.
function M.wait_for_manifest()
    if not has_room("manifests") then
        return ngx.exit(ngx.HTTP_TOO_MANY_REQUESTS)
    end
end

--- Let the next request have the place of a manifest, and take one for the client of a large manifest, else respond
-- with 429; nginx calls this before the client gets the header. The registry is done with a manifest as soon as nginx
-- has all of it, but a client that reads a large one slowly takes memory of nginx.
function M.header()
    places.give_back(shared("manifests"))
    local size = tonumber(ngx.header["Content-Length"]) or 0
    local large = size > LARGE and ngx.req.get_method() == "GET"
    if large and not places.take(shared("large manifests")) then
        ngx.status = ngx.HTTP_TOO_MANY_REQUESTS
        for _, name in ipairs({ "Content-Length", "Docker-Content-Digest", "ETag" }) do
            ngx.header[name] = nil
        end
        ngx.header["Content-Type"] = "text/plain"
        ngx.header["Retry-After"] = 1
    end
end

return M
