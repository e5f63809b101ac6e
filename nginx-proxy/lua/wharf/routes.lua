--- The API of a registry: paths, methods and arguments. The target that is sent on is built here.
--
-- Permissions are checked for a route and a repository, which nginx.conf reads from the client's target.
-- The registry reads targets with other code (Go's net/url, gorilla/mux). It gets a target that is built
-- from what was checked, so nothing else of the client's target can reach it.

--- By route: its path, of repository and reference; its methods, as the registry lists them in
--- `Allow`; and the arguments that are read there, by the registry (`r.FormValue` in its
--- registry/handlers) or by wharf_proxy/service.py.
local ROUTES = {
    version = { path = "/v2/", methods = "GET, HEAD" },
    catalog = { path = "/v2/_catalog", methods = "GET", arguments = { "last", "n" } },
    tags = { path = "/v2/%s/tags/list", methods = "GET", arguments = { "last", "n" } },
    referrers = { path = "/v2/%s/referrers/%s", methods = "GET" },
    manifest = { path = "/v2/%s/manifests/%s", methods = "DELETE, GET, HEAD, PUT" },
    blob = { path = "/v2/%s/blobs/%s", methods = "DELETE, GET, HEAD" },
    uploads = {
        path = "/v2/%s/blobs/uploads/",
        methods = "POST",
        arguments = { "digest", "from", "mount" },
    },
    upload = {
        path = "/v2/%s/blobs/uploads/%s",
        methods = "DELETE, GET, HEAD, PATCH, PUT",
        arguments = { "_state", "digest" },
    },
}
--- ngx.req.get_uri_args stops at 100 arguments unless told otherwise; nginx limits the target to 8 kB.
local ALL = 0

--- All methods of all routes.
local KNOWN = {}
for _, route in pairs(ROUTES) do
    for method in route.methods:gmatch("%u+") do
        KNOWN[method] = true
    end
end

local M = {}

--- Return the known arguments; of a repeated argument the first counts, as in Go.
local function arguments(known)
    local given, kept = ngx.req.get_uri_args(ALL), {}
    for _, name in ipairs(known or {}) do
        local value = given[name]
        kept[name] = type(value) == "table" and value[1] or value
    end
    return kept
end

--- Lengths of the digests that the registry knows, in hexadecimal digits.
local DIGESTS = { sha256 = 64, sha384 = 96, sha512 = 128 }
--- Digits of a number of bytes that Go reads as int64.
local DIGITS = 18
--- Characters of a name that distribution counts, and bytes of name and tag in the longest key of a manifest:
--- docker/registry/v2/repositories/NAME/_manifests/tags/TAG/index/sha256/HEX/link. A key of S3 has 1,024.
local COUNTED, LONGEST = 255, 892

--- Return whether a manifest can have this name: a tag or a digest. With any other name, distribution looks
--- for a key that S3 cannot have, and responds with 500.
local function is_reference(text)
    local algorithm, digits = text:match("^(%w+):([0-9a-f]+)$")
    if algorithm then
        return DIGESTS[algorithm] == #digits
    end
    return #text <= 128 and text:find("^[%w_][%w._-]*$")
end

--- Return whether distribution would read the range of a chunk, instead of responding with 500.
local function is_range(text)
    local first, last = text:match("^(%d+)%-(%d+)$")
    return first and #first <= DIGITS and #last <= DIGITS
end

--- Return whether a repository and a tag can have this name. With any other, distribution responds with 500.
--
-- It counts the characters of a name without the first part, if that could be the domain of a registry. A domain may
-- have a port, but its driver for S3 refuses the colon.
local function is_name(name, tag)
    local path = name:match("^[^/_]+/(.+)$") or name
    return #path <= COUNTED and #name + #tag <= LONGEST and not name:find(":", 1, true)
end

--- Return the status for a client's error to which distribution would respond with 500.
local function fault(route, method, reference)
    if not is_name(ngx.var.repository, route == "manifest" and not reference:find(":", 1, true) and reference or "") then
        ngx.var.flaw = "name"
        return ngx.HTTP_BAD_REQUEST
    elseif route == "manifest" and not is_reference(reference) then
        return ngx.HTTP_NOT_FOUND
    elseif route == "upload" and not reference:find("^[%w._-]+$") then
        return ngx.HTTP_NOT_FOUND
    elseif method == "PATCH" and not is_range(ngx.var.http_content_range or "0-0") then
        return 416
    end
end

--- Headers that a page of another origin may send, beside those that it may always send; and the seconds
--- for which a browser keeps the response to its preflight.
local SENT = "Accept, Authorization, Cache-Control, Content-Range, Content-Type, If-None-Match, Range"
local PREFLIGHT_SECONDS = 3600

--- Respond to a preflight: a browser sends it, without a password, before the request of a page of an allowed
--- origin (wharf_proxy/cors.py).
local function respond_to_preflight(methods)
    ngx.header["Access-Control-Allow-Methods"] = methods
    ngx.header["Access-Control-Allow-Headers"] = SENT
    ngx.header["Access-Control-Max-Age"] = PREFLIGHT_SECONDS
    return ngx.exit(ngx.HTTP_NO_CONTENT)
end

local function is_preflight(method)
    local allowed = ngx.var.allowed_origin or ""
    return method == "OPTIONS" and allowed ~= "" and ngx.var.http_access_control_request_method
end

--- Return whether a page of an origin that is not allowed sends this request, with a login that the browser remembers.
--- A browser sends `Origin` with each request that may change something; other clients do not.
local function is_of_other_page(method)
    local origin, allowed = ngx.var.http_origin, ngx.var.allowed_origin or ""
    return method ~= "GET" and method ~= "HEAD" and origin and allowed == ""
        and origin ~= "https://" .. (ngx.var.http_host or "")
        -- A load balancer in front may change the host; no page can set this header.
        and ngx.var.http_sec_fetch_site ~= "same-origin"
end

--- Return whether a route of the API has this method.
function M.has_method(method)
    return KNOWN[method] or false
end

--- Let a request of the API pass, with the target for the registry; respond to any other.
function M.check()
    local route = ROUTES[ngx.var.route]
    if not route then
        return ngx.exit(ngx.HTTP_NOT_FOUND)
    end
    local method = ngx.req.get_method()
    if is_preflight(method) then
        return respond_to_preflight(route.methods)
    end
    if not (", " .. route.methods .. ","):find(" " .. method .. ",", 1, true) then
        ngx.header["Allow"] = route.methods
        return ngx.exit(ngx.HTTP_NOT_ALLOWED)
    end
    if is_of_other_page(method) then
        return ngx.exit(ngx.HTTP_FORBIDDEN)
    end
    -- nginx.conf lets no other character be escaped.
    local reference = ngx.var.reference:gsub("%%3[Aa]", ":")
    local status = fault(ngx.var.route, method, reference)
    if status then
        return ngx.exit(status)
    end
    ngx.req.set_uri(route.path:format(ngx.var.repository, reference))
    ngx.req.set_uri_args(arguments(route.arguments))
    if route.arguments then
        -- The registry would read a form in the body, and prefer its arguments to these.
        ngx.req.set_header("Content-Type", "application/octet-stream")
    end
end

return M
