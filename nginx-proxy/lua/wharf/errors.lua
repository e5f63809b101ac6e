--- Errors of the registry that clients do not get as they are: Go's library writes plain text, and
--- distribution writes details of S3, keys of objects included.
--
-- An error's line in the log has `failure`: it begins with "s3aws" if S3 failed, and with "client" if a client has
-- caused a response 500 of distribution. The alarms read these words (modules/metrics.py).

--- How distribution begins an error for which the API has no code. Up to the text of an error of S3, nothing is from a
--- client, so a client cannot make one up.
local UNKNOWN = '{"code":"UNKNOWN","message":"unknown error"'
--- How errors of S3 begin that clients cause: by requests that contradict each other about one upload, and by hanging
--- up.
local OF_CLIENTS = {
    "^NoSuchUpload: ",
    "^InvalidPart: ",
    "^RequestCanceled: ",
    "^Path not found: %S+/_uploads/",
    "^append to zero%-size path ",
}
--- Characters of an error in the log.
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

local function begins(text, beginning)
    return text:sub(1, #beginning) == beginning
end

--- Return the detail of an error for which the API has no code, or nil. distribution 3 writes a text, 2.8 an object.
local function unknown_error(body)
    -- For a manifest the first of several errors has no detail.
    for _, start in ipairs({ '{"errors":[' .. UNKNOWN, "}," .. UNKNOWN }) do
        if begins(body, start) then
            body = body:sub(#start + 1)
        end
    end
    return body:match('^,"detail":(.*)$')
end

--- Return the text of an error of S3, without what the driver writes before it, or nil.
local function error_of_s3(detail)
    local object = detail:match('^{"DriverName":"s3aws",(.*)$')
    if object then
        return object
    end
    local text, named = detail:sub(2):gsub("^flush: ", ""):gsub("^upload part: ", ""):gsub("^s3aws: ", "")
    -- The writer of an upload does not name the driver. The errors of AWS's library begin with a code.
    if named > 0 or (ngx.var.route == "upload" and text:find("^%u%a+: ")) then
        return (text:gsub("^s3aws: ", ""))
    end
end

--- Return the text for the log of an error, or nil.
local function failure_of(detail)
    local text = error_of_s3(detail)
    if not text then
        -- distribution has read the manifest, and refuses it.
        local refused = ngx.var.route == "manifest" and ngx.req.get_method() == "PUT"
        return refused and "client: " .. (detail:match('^"(.-)"[,}]') or "") or nil
    end
    for _, beginning in ipairs(OF_CLIENTS) do
        if text:find(beginning) then
            return "client: s3aws: " .. text
        end
    end
    return "s3aws: " .. text
end

--- Return `text` with spaces behind it, as long as another text: the client already has the length of the body.
local function as_long(text, other)
    return text .. (" "):rep(#other - #text)
end

local function without(detail)
    if detail:find("s3aws", 1, true) then
        return as_long('"detail":null', '"detail":' .. detail)
    end
end

--- Return the body of an error for the client.
local function shown(body, failure)
    if (failure or ""):find("s3aws", 1, true) then
        return as_long('{"errors":[' .. UNKNOWN .. ',"detail":null}]}', body)
    end
    return (body:gsub('"detail":("s3aws.-[^\\]")', without):gsub('"detail":(%b{})', without))
end

--- Hold the body back until its end, and rewrite it if need be.
function M.body()
    local response = ngx.ctx.failure
    if not response then
        return
    end
    if response.text then
        -- Nothing of it is shown, so nothing of it is kept.
        ngx.arg[1] = ngx.arg[2] and ('{"errors":[{%s,"detail":null}]}\n'):format(ngx.var.error_words) or nil
        return
    end
    table.insert(response, ngx.arg[1])
    ngx.arg[1] = nil
    if not ngx.arg[2] then
        return
    end
    local body = table.concat(response)
    local detail = unknown_error(body)
    local failure = detail and failure_of(detail)
    if failure then
        ngx.var.failure = failure:sub(1, LOGGED):gsub("[^ -~]", " "):gsub('[%s"%]}]+$', "")
    end
    ngx.arg[1] = shown(body, failure)
end

return M
