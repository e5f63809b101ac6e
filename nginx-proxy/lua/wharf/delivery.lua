--- What responds in place of the registry: the service of lists; this nginx for manifests and, by the setting
-- `blob_delivery`, for layers, whose bytes come from this host's disk or from S3.
--
-- What is named by a digest never changes; but whether a client may have it changes: it may have been deleted,
-- or be in another repository only. So wharf.stored looks each time, or for as long as the setting
-- NGINX_CHECK_SECONDS allows, and only the bytes are kept.

local accept = require "wharf.accept"
local limits = require "wharf.limits"
local settings = require "wharf.settings"
local storage = require "wharf.storage"
local stored = require "wharf.stored"

--- A file that exists while the disk is full: wharf_proxy/cache.py watches it.
local FULL = "/var/lib/wharf/cache-full"
--- The part of the cache that one layer may take. A layer that is larger would evict too many others, so it is
--- streamed instead.
local SHARE = 1 / 4
local GIGABYTE = 1024 ^ 3

local M = {}

--- `proxy`, `cache` or `redirect`.
local delivery
--- Bytes.
local largest

--- Read the settings; nginx calls this at start and at each reload.
function M.init()
    delivery = settings.text("NGINX_BLOB_DELIVERY")
    largest = settings.number("NGINX_CACHE_GIGABYTES") * GIGABYTE * SHARE
end

local function disk_is_full()
    local flag = io.open(FULL)
    if flag then
        flag:close()
    end
    return flag ~= nil
end

--- Digits of a number that Lua and nginx read alike.
local DIGITS = 15

--- Whether nginx delivers from the disk what the registry would deliver: all of a layer, or one range within
--- it. The registry and nginx differ in all other ranges.
local function is_alike(size)
    local range = ngx.var.http_range
    if not range then
        return true
    end
    local first, last = range:match("^bytes=(%d*)%-(%d*)$")
    if not first or #first > DIGITS or #last > DIGITS then
        return false
    end
    first, last = tonumber(first), tonumber(last)
    if first then
        return first < size and first <= (last or first)
    end
    return last and last > 0
end

local function from_disk(repository, digest)
    if disk_is_full() then
        return
    end
    local size = stored.layer(repository, digest)
    -- S3 has no range of an empty object.
    if size and size > 0 and size <= largest and is_alike(size) then
        return ngx.exec("@cache")
    end
end

--- Bytes of a configuration that the page may get through this host. A page cannot follow a redirect to S3.
local CONFIGURATION = 1024 ^ 2

local function by_redirect(repository, digest)
    local bytes = stored.layer(repository, digest)
    if bytes and bytes <= CONFIGURATION and ngx.var.http_sec_fetch_site == "same-origin" then
        return ngx.exec("@layer")
    end
    local url = bytes and storage.url("GET " .. stored.blob_key(digest))
    if url then
        ngx.header["Location"] = url
        ngx.header["Docker-Content-Digest"] = digest
        ngx.header["Content-Type"] = "application/octet-stream"
        ngx.header["Content-Length"] = 0
        ngx.status = ngx.HTTP_TEMPORARY_REDIRECT
        ngx.send_headers()
        return ngx.exit(ngx.HTTP_OK)
    end
end

--- Whether the client sets a condition. The registry and nginx differ in conditions.
local function is_conditional()
    local var = ngx.var
    return var.http_if_match or var.http_if_none_match or var.http_if_modified_since
        or var.http_if_unmodified_since or var.http_if_range
end

local LAYERS = { cache = from_disk, redirect = by_redirect }

--- Whether the client names this media type, without parameters. (wharf.accept has written out wildcards.)
local function accepts(media_type)
    for item in accept.sent():gmatch("[^,]+") do
        if item:match("^%s*(.-)%s*$") == media_type then
            return true
        end
    end
    return false
end

local function manifest(repository, reference, method)
    local digest, media_type, content = stored.manifest(repository, reference, method == "HEAD")
    if not content or not accepts(media_type) then
        return
    end
    ngx.header["Docker-Content-Digest"] = digest
    ngx.header["ETag"] = ('"%s"'):format(digest)
    ngx.header["Content-Type"] = media_type
    ngx.header["Content-Length"] = #content
    ngx.header["X-Content-Type-Options"] = "nosniff"
    ngx.print(content)
    return ngx.exit(ngx.HTTP_OK)
end

--- Say in a part of a layer from the disk, as in a whole one, that there are ranges, and end a transfer of which a slice
-- broke off; nginx calls this, for each slice.
function M.header()
    -- nginx would go on with the next slice behind one that broke off. The first slice ends the connection by itself.
    if ngx.is_subrequest then
        if ngx.var.open_slice ~= "" then
            return ngx.exit(ngx.ERROR)
        end
        ngx.var.open_slice = "1"
    end
    -- nginx makes the parts later, and says it itself of whole ones.
    if ngx.var.http_range then
        ngx.header["Accept-Ranges"] = "bytes"
    end
end

--- Break off a layer of which a slice broke off; nginx calls this for each part of a slice.
function M.body()
    if not ngx.arg[2] then
        return
    elseif ngx.is_subrequest then
        ngx.var.open_slice = ""
    elseif ngx.var.open_slice ~= "" then
        return ngx.ERROR
    end
end

--- Forget what was found of a layer or manifest that a client deletes; nginx calls this before the client
--- gets the response.
function M.forget()
    local var = ngx.var
    if ngx.req.get_method() == "DELETE" and (var.route == "manifest" or var.route == "blob") then
        stored.forget(var.repository, var.uri:match("[^/]+$"))
    end
end

--- Take over requests for lists, manifests, and layers that the registry would deliver; leave all others.
function M.check()
    local var, method = ngx.var, ngx.req.get_method()
    local route, repository = var.route, var.repository
    -- wharf.routes has built the path that the registry gets.
    local reference = var.uri:match("[^/]+$")
    local reads = method == "GET" or method == "HEAD"
    if route == "manifest" and method == "PUT" and var.http_content_length then
        return ngx.exec("@pushed_manifest")
    elseif route == "tags" or route == "catalog" then
        -- With a body, too: the registry knows no permissions, and would list everything. nginx would write the body
        -- to the folder of the private key.
        ngx.req.discard_body()
        return ngx.exec("@lists")
    elseif var.has_body == "1" then
        return
    elseif route == "manifest" and reads then
        if not is_conditional() then
            manifest(repository, reference, method)
        end
        limits.wait_for_manifest()
        return ngx.exec("@manifest")
    elseif route == "blob" and method == "GET" and var.digest ~= "" and LAYERS[delivery] then
        if not is_conditional() then
            return LAYERS[delivery](repository, reference)
        end
    end
end

return M
