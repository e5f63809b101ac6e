--- Errors of the registry that clients do not get as they are: Go's library writes plain text, and
--- distribution writes what it knows of S3, keys of objects included.

--- How an error of S3 begins. distribution 3 has a text as the detail, 2.8 an object. Nothing in it is
--- from a client up to the driver's name, so a client cannot make up an error of S3.
local STORAGE = '^{"errors":%[{"code":"UNKNOWN","message":"unknown error","detail":{?[%a":]*s3aws'
--- Characters of such an error in the log.
local LOGGED = 300

local M = {}

--- Look at a response before the client gets its header.
function M.header()
    if ngx.status < 400 or ngx.req.get_method() == "HEAD" then
        return
    end
    ngx.ctx.failure = { text = not (ngx.header["Content-Type"] or ""):find("json", 1, true) }
    if ngx.ctx.failure.text then
        ngx.header["Content-Length"] = nil
        ngx.header["Content-Type"] = "application/json"
    end
end

--- Spaces after `null` keep the length of the body, which the client has been sent.
local function without(detail)
    if detail:find("s3aws", 1, true) then
        return '"detail":null' .. (" "):rep(#detail - #"null")
    end
end

--- Hold the body back until its end, and rewrite it if need be.
function M.body()
    local failure = ngx.ctx.failure
    if not failure then
        return
    end
    table.insert(failure, ngx.arg[1])
    ngx.arg[1] = nil
    if not ngx.arg[2] then
        return
    end
    local body = table.concat(failure)
    local _, last = body:find(STORAGE)
    if last then
        local text = body:sub(last - #"s3aws" + 1, last + LOGGED)
        ngx.var.failure = text:gsub("[^ -~]", " "):gsub('[%s"%]}]+$', "")
    end
    if failure.text then
        body = ('{"errors":[{%s,"detail":null}]}\n'):format(ngx.var.error_words)
    else
        body = body:gsub('"detail":("s3aws.-[^\\]")', without):gsub('"detail":(%b{})', without)
    end
    ngx.arg[1] = body
end

return M
