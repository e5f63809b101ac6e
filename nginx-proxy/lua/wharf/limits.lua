--- How many requests, uploads and lists one client or user has on this host at a time.
--
-- Only requests that passed the password count: whoever knows none takes no place of a client behind the
-- same address.

local client = require "wharf.client"
local places = require "wharf.places"

--- Concurrent lists of one user, of the eight that wharf_proxy/service.py serves. A few more wait.
local LISTS = 4
local LISTS_WAITING = 20
local LIST_PATIENCE = 10

--- The registry buffers up to a part of 10 MB for each upload, and more while the buffer grows. An upload
--- that waits costs little: its body is not read yet.
local UPLOADS_WAITING = 1000
local UPLOAD_PATIENCE = 240

local M = {}

--- Concurrent requests of a client; concurrent uploads of the host.
local requests, uploads

--- Read the settings; nginx calls this at start and at each reload.
function M.init()
    requests = tonumber(os.getenv("NGINX_CONNECTIONS_PER_ADDRESS") or "1000")
    uploads = tonumber(os.getenv("NGINX_UPLOADS") or "50")
end

local function has_room_for_list(user)
    return places.await({ { "lists " .. user, LISTS } }, LIST_PATIENCE, { "lists waiting " .. user, LISTS_WAITING })
end

--- One user behind one address has half of the places at most.
local function has_room_for_upload(user, network)
    local share = math.max(1, math.floor(uploads / 2))
    return places.await(
        { { "uploads of " .. network .. user, share }, { "uploads", uploads } },
        UPLOAD_PATIENCE,
        { "uploads waiting", UPLOADS_WAITING }
    )
end

--- Let the request pass if there is room for it, at once or soon, else answer it.
function M.check()
    local route, user, network = ngx.var.route, ngx.var.remote_user, client.network()
    local room = places.take({ { "requests " .. network, requests } })
    if room and (route == "tags" or route == "catalog") then
        room = has_room_for_list(user)
    elseif room and (route == "upload" or route == "manifest") and ngx.var.has_body == "1" then
        room = has_room_for_upload(user, network)
    end
    if not room then
        return ngx.exit(ngx.HTTP_TOO_MANY_REQUESTS)
    end
end

return M
