--- Manifests that clients push. distribution refuses some of them with 500, as if it had failed.

--- Patterns of the detail in distribution's response, each with the message for the client. 2.8 has no text for
--- any of them. If S3 fails, the detail names the driver (wharf.errors).
local REFUSALS = {
    ['"invalid URL on layer"'] = "a layer has a URL that this registry does not allow (its setting foreign_layer_urls)",
    ['"missing URL on layer"'] = "a foreign layer has no URL",
    ['"unrecognized manifest [%a ]*schema version %d+[%w, ]*"'] = "the schema version is not 2",
    ['"invalid checksum digest length"'] = "a digest has the wrong length",
    ['"unsupported digest algorithm"'] = "a digest has an algorithm that this registry does not know",
    ["{}"] = "the schema version is not 2, a digest is malformed, or a layer has a URL that this registry does not"
        .. " allow (its setting foreign_layer_urls)",
}

--- Bytes: distribution's limit. In a named location nginx does not compare client_max_body_size with Content-Length.
local LARGEST = 4 * 1024 ^ 2

local M = {}

--- Return the response to a manifest that is refused, or nil if the registry has failed by itself. In
--- distribution's JSON no text of a client can have a quote of its own.
local function refusal(body)
    if body:find("s3aws", 1, true) then
        return
    end
    for text, message in pairs(REFUSALS) do
        local detail = body:match('"detail":(' .. text .. ")")
        if detail then
            return ('{"errors":[{"code":"MANIFEST_INVALID","message":"%s","detail":%s}]}\n'):format(message, detail)
        end
    end
end

--- Pass the manifest on, and its response back; one that is refused gets 400.
function M.put()
    if tonumber(ngx.var.http_content_length) > LARGEST then
        return ngx.exit(413)
    end
    ngx.req.read_body()
    local start = ngx.now()
    local response = ngx.location.capture("/.manifest" .. ngx.var.uri, { method = ngx.HTTP_PUT })
    ngx.var.captured_seconds = ("%.3f"):format(ngx.now() - start)
    local refused = response.status == ngx.HTTP_INTERNAL_SERVER_ERROR and refusal(response.body)
    for name, value in pairs(response.header) do
        ngx.header[name] = value
    end
    ngx.status = refused and ngx.HTTP_BAD_REQUEST or response.status
    ngx.header["Content-Length"] = #(refused or response.body)
    ngx.print(refused or response.body)
end

return M
