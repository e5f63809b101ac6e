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

--- The known arguments; of one that is repeated the first counts, as in Go.
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

--- Whether a manifest can have this name: a tag or a digest. With any other, distribution looks for a
--- key that S3 cannot have, and answers 500.
local function is_reference(text)
    local algorithm, digits = text:match("^(%w+):([0-9a-f]+)$")
    if algorithm then
        return DIGESTS[algorithm] == #digits
    end
    return #text <= 128 and text:find("^[%w_][%w._-]*$")
end

--- Whether distribution would read the range of a chunk, instead of answering 500.
local function is_range(text)
    local first, last = text:match("^(%d+)%-(%d+)$")
    return first and #first <= DIGITS and #last <= DIGITS
end

--- Return the status for a request that distribution would answer with 500, though it is the client's error.
local function fault(route, method, reference)
    if route == "manifest" and not is_reference(reference) then
        return ngx.HTTP_NOT_FOUND
    elseif route == "upload" and not reference:find("^[%w._-]+$") then
        return ngx.HTTP_NOT_FOUND
    elseif method == "PATCH" and not is_range(ngx.var.http_content_range or "0-0") then
        return 416
    end
end

--- Whether a route of the API has this method.
function M.has_method(method)
    return KNOWN[method] or false
end

--- Let the request pass, with the target that the registry gets, if it is one of the API, else answer it.
function M.check()
    local route = ROUTES[ngx.var.route]
    if not route then
        return ngx.exit(ngx.HTTP_NOT_FOUND)
    end
    local method = ngx.req.get_method()
    if not (", " .. route.methods .. ","):find(" " .. method .. ",", 1, true) then
        ngx.header["Allow"] = route.methods
        return ngx.exit(ngx.HTTP_NOT_ALLOWED)
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
