--- What delivers a response in place of the registry: the service of lists, and for the bytes of a
-- layer this host's disk, or S3 by itself, if that was chosen.
--
-- What the disk has is right for ever, since a layer is named by its digest; but whether a client may
-- have it changes: it may have been deleted, or be in another repository only. So the registry is
-- asked first, each time, and only the bytes come from elsewhere.

local question = require "wharf.question"

--- A file that is there while the disk is full: wharf_proxy/cache.py watches it.
local FULL = "/var/lib/wharf/cache-full"
--- The part of the cache that one layer may take. While it is fetched it counts for no limit, so
--- that a large one, or several, could fill the disk; such a layer is streamed instead.
local SHARE = 1 / 4
local GIGABYTE = 1024 ^ 3

local M = {}

--- `proxy`, `cache` or `redirect`.
local delivery
--- Bytes.
local largest

--- Read the settings; nginx calls this at start and at each reload.
function M.init()
    delivery = os.getenv("NGINX_BLOB_DELIVERY") or "proxy"
    largest = tonumber(os.getenv("NGINX_CACHE_GIGABYTES") or "10") * GIGABYTE * SHARE
end

local function disk_is_full()
    local flag = io.open(FULL)
    if flag then
        flag:close()
    end
    return flag ~= nil
end

local function from_disk()
    if disk_is_full() then
        return
    end
    local answer = question.ask(ngx.var.uri, ngx.HTTP_HEAD)
    local size = tonumber(answer.header["Content-Length"])
    if answer.status == ngx.HTTP_OK and size and size <= largest then
        return ngx.exec("@cache")
    end
end

--- The URL in S3 is the same for all who may have the layer. The registry of a stack in which this is
-- chosen always answers with one, or with a short error.
local function by_redirect()
    local answer = question.ask(ngx.var.uri, ngx.HTTP_GET)
    if answer.status ~= ngx.HTTP_TEMPORARY_REDIRECT then
        return
    end
    for name, value in pairs(answer.header) do
        ngx.header[name] = value
    end
    ngx.status = answer.status
    ngx.print(answer.body)
    return ngx.exit(ngx.HTTP_OK)
end

local DELIVERIES = { cache = from_disk, redirect = by_redirect }

--- Take over requests for lists, and for a layer that the registry would deliver; leave all others.
function M.check()
    if ngx.var.route == "tags" or ngx.var.route == "catalog" then
        return ngx.exec("@lists")
    end
    local take_over = DELIVERIES[delivery]
    local is_layer = ngx.var.route == "blob" and ngx.var.digest ~= ""
    if take_over and is_layer and ngx.req.get_method() == "GET" then
        return take_over()
    end
end

return M
