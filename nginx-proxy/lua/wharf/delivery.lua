--- Where the bytes of a layer come from: this host's disk, if that was chosen.
--
-- What the disk has is right for ever, since a layer is named by its digest; but whether a client may
-- have it changes: it may have been deleted, or be in another repository only. So the registry is
-- asked first, each time, and only the bytes come from the disk.

--- A file that is there while the disk is full: wharf_proxy/cache.py watches it.
local FULL = "/var/lib/wharf/cache-full"
--- The part of the cache that one layer may take. While it is fetched it counts for no limit, so
--- that a large one, or several, could fill the disk; such a layer is streamed instead.
local SHARE = 1 / 4
local GIGABYTE = 1024 ^ 3

local M = {}

local from_disk
--- Bytes.
local largest

--- Read the settings; nginx calls this at start and at each reload.
function M.init()
    from_disk = os.getenv("NGINX_BLOB_DELIVERY") == "cache"
    largest = tonumber(os.getenv("NGINX_CACHE_GIGABYTES") or "10") * GIGABYTE * SHARE
end

local function disk_is_full()
    local flag = io.open(FULL)
    if flag then
        flag:close()
    end
    return flag ~= nil
end

--- Take over the request for a layer that the registry would deliver; leave it all others.
function M.check()
    local is_layer = ngx.var.route == "blob" and ngx.var.digest ~= ""
    if not from_disk or not is_layer or ngx.req.get_method() ~= "GET" or disk_is_full() then
        return
    end
    local answer = ngx.location.capture("/.registry" .. ngx.var.uri, { method = ngx.HTTP_HEAD })
    local size = tonumber(answer.header["Content-Length"])
    if answer.status == ngx.HTTP_OK and size and size <= largest then
        return ngx.exec("@cache")
    end
end

return M
