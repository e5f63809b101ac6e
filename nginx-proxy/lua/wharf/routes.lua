--- What the API of a registry knows: its paths, which nginx.conf names, and their methods.

--- As the registry lists them in `Allow`.
local METHODS = {
    version = "GET, HEAD",
    catalog = "GET",
    tags = "GET",
    referrers = "GET",
    manifest = "DELETE, GET, HEAD, PUT",
    blob = "DELETE, GET, HEAD",
    uploads = "POST",
    upload = "DELETE, GET, HEAD, PATCH, PUT",
}

--- All methods of all routes.
local KNOWN = {}
for _, methods in pairs(METHODS) do
    for method in methods:gmatch("%u+") do
        KNOWN[method] = true
    end
end

local M = {}

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

--- The status for a request that distribution would answer with 500, though it is the client's error.
local function fault(route, method)
    -- A pattern without a beginning, such as "[^/]+$", takes the square of a long path's length.
    local name = ngx.var.logged_path:match("^.*/(.*)$"):gsub("%%3[Aa]", ":")
    if route == "manifest" and not is_reference(name) then
        return ngx.HTTP_NOT_FOUND
    elseif route == "upload" and not name:find("^[%w._-]+$") then
        return ngx.HTTP_NOT_FOUND
    elseif route == "upload" and method == "PATCH" then
        local kind = ngx.var.http_content_type or ""
        if kind ~= "" and kind ~= "application/octet-stream" then
            return 415
        elseif not is_range(ngx.var.http_content_range or "0-0") then
            return 416
        end
    end
end

--- Whether a route of the API has this method.
function M.has_method(method)
    return KNOWN[method] or false
end

--- Let the request pass if it is one of the API, else answer it.
function M.check()
    local methods = METHODS[ngx.var.route]
    if not methods then
        return ngx.exit(ngx.HTTP_NOT_FOUND)
    end
    local method = ngx.req.get_method()
    if not (", " .. methods .. ","):find(" " .. method .. ",", 1, true) then
        ngx.header["Allow"] = methods
        return ngx.exit(ngx.HTTP_NOT_ALLOWED)
    end
    local status = fault(ngx.var.route, method)
    if status then
        return ngx.exit(status)
    end
end

return M
