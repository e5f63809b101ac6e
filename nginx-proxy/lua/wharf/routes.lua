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
    if not (", " .. methods .. ","):find(" " .. ngx.req.get_method() .. ",", 1, true) then
        ngx.header["Allow"] = methods
        return ngx.exit(ngx.HTTP_NOT_ALLOWED)
    end
end

return M
