--- Proofs of identity in the place of a password: the user's name says which kind it is.
--
-- The service in wharf_proxy/identity_service.py verifies them; nothing here does cryptography.

local IDENTITIES = "/var/lib/wharf/files/identities.toml"
--- Names of users, as in wharf_proxy/identities_file.py.
local KINDS = { aws = true, oidc = true }
--- Bytes of a proof: in base64 its header fits into the 8 kB that nginx reads of one.
local LONGEST = 5800

local M = {}

--- Whether there is a file of identities. Without one, the names of kinds are names like all others.
local accepted

--- Look for the file; nginx calls this at start and at each reload.
function M.init()
    local file = io.open(IDENTITIES)
    accepted = file ~= nil
    if file then
        file:close()
    end
end

--- Return whether the password of a user of this name is a proof.
function M.has_kind(name)
    return accepted and KINDS[name] or false
end

--- Return whether a text can be a proof: both kinds are base64url, tokens with dots.
function M.is_wellformed(text)
    return #text <= LONGEST and text:find("^[%w_.-]+$") ~= nil
end

--- Return what later proofs of the same client are known by: of AWS the key that has signed it.
function M.signer(login)
    local url = login.name == "aws" and ngx.decode_base64((login.password:gsub("[-_]", { ["-"] = "+", _ = "/" })))
    return url and url:match("[?&]X%-Amz%-Credential=(%w+)") or login.password
end

--- Return whether verification takes more than computation.
function M.is_costly(login)
    return login.name == "aws"
end

--- Verify a login. Return the status of the service; `login.identity` has what it has found.
function M.verify(login)
    local variables = { credentials = login.password, proof_kind = login.name }
    local response = ngx.location.capture("/.identity", { vars = variables })
    if response.status == ngx.HTTP_NO_CONTENT then
        local found = response.header
        login.identity = ("%s %s %d"):format(found["X-Wharf-User"], found["X-Wharf-Identity"], found["X-Wharf-End"])
    end
    return response.status
end

--- Return the seconds until the proof of an identity ends.
function M.lasts(identity)
    return tonumber(identity:match("%d+$")) - ngx.now()
end

--- Let the request be that of the user, in the place of the kind: permissions, limits and the log read
-- `$remote_user`. `identity` is of `verify`; both of its texts are escaped.
function M.adopt(identity)
    local user, principal = identity:match("^(%S+) (%S+) ")
    ngx.req.set_header("Authorization", "Basic " .. ngx.encode_base64(ngx.unescape_uri(user) .. ":"))
    ngx.var.identity = ngx.unescape_uri(principal)
end

return M
