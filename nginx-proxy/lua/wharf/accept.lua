--- The media types that a client accepts for a manifest, written out for distribution.
--
-- distribution looks for the four types by their names and knows no wildcard. For a client that sends
-- `*/*`, or no `Accept` at all, it converts a Docker manifest list or fails, and hides OCI manifests.
-- https://www.rfc-editor.org/rfc/rfc9110#name-accept

--- ngx.req.get_headers stops at 100 headers unless told otherwise; nginx limits their size to 32 kB.
local ALL = 0

local M = {}

--- Media types of manifests that distribution delivers as they are:
-- https://github.com/opencontainers/image-spec/blob/main/media-types.md
M.TYPES = {
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
}
local MANIFESTS = table.concat(M.TYPES, ", ")

--- Return the media types that the client sends, with commas between them.
function M.sent()
    local sent = ngx.req.get_headers(ALL)["accept"] or ""
    return type(sent) == "table" and table.concat(sent, ", ") or sent
end

--- Add the media types of manifests where the client accepts every type.
function M.complete()
    local method = ngx.req.get_method()
    if ngx.var.route ~= "manifest" or (method ~= "GET" and method ~= "HEAD") then
        return
    end
    local accepted = M.sent()
    if accepted:match("^[%s,]*$") then
        ngx.req.set_header("Accept", MANIFESTS)
    elseif accepted:find("*/*", 1, true) then
        ngx.req.set_header("Accept", accepted .. ", " .. MANIFESTS)
    end
end

return M
