--- The user name and the password of a request, in one spelling.
--
-- A header can spell the same credentials in many ways: spaces, the case of "Basic", the padding of
-- base64, and what a kind of hash ignores of a password. Each spelling would be verified anew.

local proofs = require "wharf.proofs"

local FILE = "/var/lib/wharf/files/nginx.htpasswd"
--- bcrypt ignores what follows these bytes of a password.
local BCRYPT_BYTES = 72
--- Bytes of other passwords: SHA takes eight times as long for 511 as for 12, and crypt(3) fails at once
--- beyond.
local LONGEST = 128

local M = {}

--- Names of users in the order of the file; by name whether the hash is bcrypt.
local names, bcrypt

--- Read the users file; nginx calls this at start and at each reload.
function M.init()
    names, bcrypt = {}, {}
    for line in io.lines(FILE) do
        local name, hash = line:match("^([^#:][^:]*):(.*)$")
        if name then
            table.insert(names, name)
            bcrypt[name] = hash:sub(1, 2) == "$2"
        end
    end
end

--- Return whether the users file has this name.
function M.knows(name)
    return bcrypt[name] ~= nil
end

--- Return the user with whose hash a name is verified: for a name that is in no file a user of the file,
--- the same one for the same `key` and name.
local function model(key, name)
    if M.knows(name) then
        return name
    end
    local first, second, third = ngx.hmac_sha1(key, name):byte(1, 3)
    local number = (first * 256 + second) * 256 + third
    return names[number % #names + 1]
end

--- Read the credentials of the request and write them back in the one spelling, so that nginx, which
-- reads them for `$remote_user`, reads the same. Return name and password, nil if there are none.
--
-- A name that is in no file is treated as its model, so that nothing tells them apart. Control characters
-- are forbidden by RFC 7617, section 2; verification would end at a NUL.
function M.read(key)
    local scheme, token = (ngx.var.http_authorization or ""):match("^(%a+) +(%S+)$")
    if not scheme or scheme:lower() ~= "basic" then
        return nil
    end
    local name, password = (ngx.decode_base64(token) or ""):match("^([^:%c]+):(%C*)$")
    if not name then
        return nil
    end
    if proofs.has_kind(name) then
        return proofs.is_wellformed(password) and name or nil, password
    elseif #names == 0 then
        return nil
    end
    if bcrypt[model(key, name)] then
        password = password:sub(1, BCRYPT_BYTES)
    elseif #password > LONGEST then
        return nil
    end
    ngx.req.set_header("Authorization", "Basic " .. ngx.encode_base64(name .. ":" .. password))
    return name, password
end

--- Return what the verifier is asked for a name that is in no file: its model, and a password of the same
-- length. So the response takes as long.
function M.stand_in(key, name, password)
    return model(key, name) .. ":" .. ("x"):rep(#password)
end

return M
