--- The page for browsers: who may have its files and facts.

local authentication = require "wharf.authentication"
local limits = require "wharf.limits"
local permissions = require "wharf.permissions"
local settings = require "wharf.settings"

local METHODS = { GET = true, HEAD = true }
--- The user with which the page replaces the login that a browser remembers. Nothing is behind this login.
local NOBODY = "logout"

local M = {}

--- Whether there is a page.
local on

--- Read the setting; nginx calls this at start and at each reload.
function M.init()
    on = settings.text("NGINX_PAGE") == "true"
end

--- Let a browser forget its login: respond without an error to another login, which the browser then remembers.
local function log_out()
    if ngx.var.remote_user ~= NOBODY then
        ngx.header["WWW-Authenticate"] = 'Basic realm="Registry"'
        return ngx.exit(ngx.HTTP_UNAUTHORIZED)
    end
    return ngx.exit(ngx.HTTP_NO_CONTENT)
end

--- Let a request for the page pass, if its user is known.
function M.check()
    if not on or ngx.var.route ~= "page" then
        return ngx.exit(ngx.HTTP_NOT_FOUND)
    elseif not METHODS[ngx.req.get_method()] then
        ngx.header["Allow"] = "GET, HEAD"
        return ngx.exit(ngx.HTTP_NOT_ALLOWED)
    elseif ngx.var.uri == "/page/logout.json" then
        return log_out()
    end
    authentication.check()
    permissions.check()
    limits.check()
    if ngx.var.uri:find("%.json$") then
        -- nginx would write it to the folder of the private key.
        ngx.req.discard_body()
        return ngx.exec("@page")
    end
end

return M
