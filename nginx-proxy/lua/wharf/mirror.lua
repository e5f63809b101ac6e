--- Repositories of mirrored registries: what a client wants of them is fetched before the registry is asked.
--
-- The settings have the hosts; wharf_proxy/mirror_service.py fetches. What is there already goes its usual way:
-- by a digest without a look at the upstream, by a tag for as long as the setting of its host says.

local settings = require "wharf.settings"
local stored = require "wharf.stored"

--- Seconds until the first repetition of a request whose result is not there yet. Each next one waits for a tenth of
--- the time so far, up to a limit: each costs memory until the client's request ends. A result of a tag may be kept
--- for a second only.
local FIRST, LONGEST = 0.02, { tag = 0.5, manifest = 0.5, layer = 4 }
--- Seconds after which a client gets an error, to try again; the fetch goes on.
local DEADLINE, LATER = 900, 30
--- Seconds that the service has for its start: nginx may be ready before it.
local PATIENCE = 20

--- The state of each tag that was looked up, and when it was seen if it may be out of date.
local looked_up = ngx.shared.mirrored

local M = {}

--- The hosts, each with the value true.
local hosts

--- Read the setting; nginx calls this at start and at each reload.
function M.init()
    hosts = {}
    for host in settings.text("NGINX_MIRRORS"):gmatch("([^%s=]+)=%S+") do
        hosts[host] = true
    end
end

local function refuse(status, flaw)
    ngx.var.flaw = flaw
    return ngx.exit(status)
end

--- Return the response of the service, which has a result.
local function ask(kind, repository, reference)
    local start = ngx.now()
    while ngx.now() - start < DEADLINE do
        local response = ngx.location.capture("/.mirror", {
            vars = { mirror_kind = kind, mirror_repository = repository, mirror_reference = reference },
        })
        local starts = response.status == ngx.HTTP_BAD_GATEWAY and ngx.now() - start < PATIENCE
        if response.status ~= ngx.HTTP_ACCEPTED and not starts then
            return response
        end
        ngx.sleep(math.max(FIRST, math.min((ngx.now() - start) / 10, LONGEST[kind])))
    end
    return {
        status = ngx.HTTP_SERVICE_UNAVAILABLE,
        header = { ["X-Wharf-State"] = "late", ["X-Wharf-Seconds"] = LATER },
        body = "",
    }
end

--- Respond with the error of the service.
local function fail(response)
    local header = response.header
    ngx.var.mirror_state = header["X-Wharf-State"] or "broken"
    -- The alarm for errors of the registry does not count these; the mirror has its own, which a service that does
    -- not respond cannot raise.
    if header["X-Wharf-State"] then
        ngx.var.failure = "mirror"
    end
    if response.status ~= ngx.HTTP_NOT_FOUND and response.status ~= ngx.HTTP_FORBIDDEN then
        ngx.header["Retry-After"] = header["X-Wharf-Seconds"] or 1
    end
    if response.body == "" or not header["X-Wharf-State"] then
        return ngx.exit(ngx.HTTP_SERVICE_UNAVAILABLE)
    end
    ngx.status = response.status
    ngx.header["Content-Type"] = "application/json"
    ngx.header["Content-Length"] = #response.body
    if ngx.req.get_method() ~= "HEAD" then
        ngx.print(response.body)
    end
    return ngx.exit(ngx.HTTP_OK)
end

--- Put the state into the header and the log: `stale` has a time behind it.
local function note(state)
    ngx.var.mirror_state = state:match("^%a+")
    ngx.header["Wharf-Mirror"] = state
end

--- Let the tag name here what it names at the upstream, or leave what it named before.
local function look_up(repository, tag)
    local name = repository .. ":" .. tag
    local state = looked_up:get(name)
    if not state then
        local response = ask("tag", repository, tag)
        if response.status ~= ngx.HTTP_NO_CONTENT then
            return fail(response)
        end
        local header = response.header
        state = header["X-Wharf-State"]
        -- Later requests find what was fetched for this one.
        local kept = "hit"
        if state == "stale" then
            state = "stale; seen=" .. header["X-Wharf-Seen"]
            kept = state
        end
        looked_up:set(name, kept, tonumber(header["X-Wharf-Seconds"]))
    end
    note(state)
end

--- Fetch a manifest or a layer unless it is there.
--
-- For `HEAD` of a manifest a kept check does not count, as in wharf.delivery.
local function fetch(kind, repository, digest)
    local found
    if kind == "layer" then
        found = stored.layer(repository, digest)
    else
        found = stored.manifest(repository, digest, ngx.req.get_method() == "HEAD")
    end
    if found then
        return note("hit")
    end
    local response = ask(kind, repository, digest)
    if response.status ~= ngx.HTTP_NO_CONTENT then
        return fail(response)
    end
    note(response.header["X-Wharf-State"])
end

--- Fetch what the request wants if its repository is that of a mirrored registry; refuse to change it.
function M.check()
    local var, method = ngx.var, ngx.req.get_method()
    local namespace = var.namespace
    -- containerd names the registry whose images it wants, if this is another one.
    if next(hosts) and namespace ~= "" and not hosts[namespace] and namespace ~= var.http_host then
        return refuse(ngx.HTTP_NOT_FOUND, "namespace")
    end
    local host = var.repository:match("^([^/]+)/")
    if not host or not hosts[host] then
        return
    end
    var.mirror_host = host
    local route = var.route
    if route == "uploads" or route == "upload" or method == "PUT" then
        return refuse(ngx.HTTP_FORBIDDEN, "mirror")
    elseif method ~= "GET" and method ~= "HEAD" then
        return
    end
    -- A page in a browser looks at what is here: to fetch would change what tags name, and spend the upstream's limit.
    if var.http_sec_fetch_site then
        return
    end
    local reference = var.uri:match("[^/]+$")
    local is_digest = reference:match(stored.DIGEST)
    if route == "manifest" and not reference:find(":", 1, true) then
        look_up(var.repository, reference)
    elseif route == "manifest" and is_digest then
        fetch("manifest", var.repository, reference)
    elseif route == "blob" and is_digest then
        fetch("layer", var.repository, reference)
    end
end

return M
