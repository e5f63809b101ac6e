--- Whether the registry would deliver a layer or a manifest now, read from S3 as distribution reads it.
--
-- distribution needs seven requests to S3 for a layer, one after the other. The same objects are read here
-- concurrently. Where they are not just as expected, this module returns `false`, and the registry responds.
-- https://github.com/distribution/distribution/blob/v3.1.1/registry/storage/paths.go

local cjson = require "cjson"
local accept = require "wharf.accept"
local shared_check = require "wharf.shared_check"
local settings = require "wharf.settings"
local storage = require "wharf.storage"

local ROOT = "docker/registry/v2/"
--- Bytes that are read of a manifest; the registry responds with one that has as many or more.
local LARGEST_MANIFEST = 65536
--- By media type of a manifest, true.
local MEDIA_TYPES = {}
for _, name in ipairs(accept.TYPES) do
    MEDIA_TYPES[name] = true
end

--- What was found, for later requests: `layer REPOSITORY DIGEST` with its size, `manifest REPOSITORY DIGEST` with
--- its media type and content.
local found = ngx.shared.stored
--- Seconds for which it serves later requests.
local life

local M = {}

--- A pattern for digests.
M.DIGEST = "^sha256:" .. ("[0-9a-f]"):rep(64) .. "$"

--- Read the setting; nginx calls this at start and at each reload.
function M.init()
    life = settings.number("NGINX_CHECK_SECONDS")
end

--- Keep a value for later requests, for as long as the setting says from `start` of the check on; return it.
local function keep(name, value, start)
    local left = start + life - ngx.now()
    if left > 0 then
        found:add(name, value, left)
    end
    return value
end

function M.blob_key(digest)
    local hex = digest:sub(8)
    return ("%sblobs/sha256/%s/%s/data"):format(ROOT, hex:sub(1, 2), hex)
end

local function link_key(repository, kind, digest)
    return ("%srepositories/%s/%s/sha256/%s/link"):format(ROOT, repository, kind, digest:sub(8))
end

local function find_layer(name, repository, digest)
    -- Another request may have found it since this one came.
    local kept = found:get(name)
    if kept then
        return kept
    end
    local start = ngx.now()
    local link, blob = storage.send(
        { "GET " .. link_key(repository, "_layers", digest) }, { "HEAD " .. M.blob_key(digest) })
    local size = tonumber(blob.header["Content-Length"])
    if link.status == ngx.HTTP_OK and link.body == digest and blob.status == ngx.HTTP_OK and size then
        return keep(name, size, start)
    end
    return false
end

--- Return the size of a layer in bytes if it may be delivered from this repository, else false.
function M.layer(repository, digest)
    local name = "layer " .. repository .. " " .. digest
    return found:get(name) or shared_check.run(name, find_layer, name, repository, digest)
end

--- Return the media type that distribution reads, nil where its reading may differ. Go's JSON ignores case.
local function media_type(content)
    local read, manifest = pcall(cjson.decode, content)
    if not read or type(manifest) ~= "table" then
        return nil
    end
    for key in pairs(manifest) do
        if key ~= "mediaType" and tostring(key):lower() == "mediatype" then
            return nil
        end
    end
    return MEDIA_TYPES[manifest.mediaType] and manifest.mediaType
end

local function find_manifest(repository, digest, fresh)
    local name = "manifest " .. repository .. " " .. digest
    local kept = not fresh and found:get(name)
    if kept then
        return kept
    end
    local start = ngx.now()
    local link, blob = storage.send(
        { "GET " .. link_key(repository, "_manifests/revisions", digest) },
        { "GET " .. M.blob_key(digest), "bytes=0-" .. LARGEST_MANIFEST - 1 })
    local complete = blob.status == 206 and not blob.truncated and #blob.body < LARGEST_MANIFEST
    if link.status ~= ngx.HTTP_OK or link.body ~= digest or not complete then
        return false
    end
    local kind = media_type(blob.body)
    return kind and keep(name, kind .. "\n" .. blob.body, start) or false
end

local function find_tag(repository, tag)
    local link = storage.send(
        { ("GET %srepositories/%s/_manifests/tags/%s/current/link"):format(ROOT, repository, tag) })
    return link.status == ngx.HTTP_OK and link.body:match(M.DIGEST) or false
end

local function find_tagged(repository, tag, fresh)
    local digest = find_tag(repository, tag)
    return digest and { digest, find_manifest(repository, digest, fresh) }
end

--- Return digest, media type and content of a manifest, by tag or digest; nil if the registry has to respond.
--
-- `fresh`: what an earlier request found does not count. A tag is read each time.
function M.manifest(repository, reference, fresh)
    local digest, text = reference:match(M.DIGEST), nil
    -- A fresh request must not share the check of one that is not.
    local name = ("%s %s %s"):format(fresh and "fresh manifest" or "manifest", repository, reference)
    if digest then
        text = not fresh and found:get(name) or shared_check.run(name, find_manifest, repository, digest, fresh)
    else
        digest, text = unpack(shared_check.run(name, find_tagged, repository, reference, fresh) or {})
    end
    if text then
        return digest, text:match("^([^\n]+)\n(.*)$")
    end
end

--- Forget what was found of a layer or manifest, which was deleted through this host, and keep nothing that other
--- requests found before.
function M.forget(repository, digest)
    if life > 0 then
        found:set("layer " .. repository .. " " .. digest, false, life)
        found:set("manifest " .. repository .. " " .. digest, false, life)
    end
end

return M
