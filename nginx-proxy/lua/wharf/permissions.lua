--- The rights of users, by the lines of the permissions file: user, right, repositories.
--
-- wharf_proxy/permissions_file.py describes and checks the file; without a file, every user may do
-- everything.

local FILE = "/var/lib/wharf/files/nginx.permissions"
--- The error number of a file that does not exist.
local ENOENT = 2

--- A right includes those below it.
local PULL, PUSH, DELETE = 1, 2, 3
local RIGHTS = { pull = PULL, push = PUSH, delete = DELETE }

local M = {}

--- By user a list of rights and repositories; nil without a file.
local grants

--- Read the file; nginx calls this at start and at each reload.
function M.init()
    grants = nil
    local file, problem, code = io.open(FILE)
    if not file then
        -- One that is there and cannot be read must not let everybody do everything.
        assert(code == ENOENT, problem)
        return
    end
    grants = {}
    for line in file:lines() do
        local user, right, repositories = line:match("^%s*([^#%s]%S*)%s+(%S+)%s+(%S+)%s*$")
        -- A word that is no right must not break the requests of all users.
        if RIGHTS[right] then
            grants[user] = grants[user] or {}
            table.insert(grants[user], { right = RIGHTS[right], repositories = repositories })
        end
    end
    file:close()
end

local function covers(repositories, name)
    if repositories == "*" or repositories == name then
        return true
    end
    local prefix = repositories:match("^(.+/)%*$")
    return prefix ~= nil and name:sub(1, #prefix) == prefix
end

local function allows(user, right, name)
    for _, subject in ipairs({ user, "*" }) do
        for _, grant in ipairs(grants[subject] or {}) do
            if grant.right >= right and covers(grant.repositories, name) then
                return true
            end
        end
    end
    return false
end

--- Return the repositories of which a user has a right, as the permissions file has them.
local function granted(user, right)
    local found = {}
    for _, subject in ipairs({ user, "*" }) do
        for _, grant in ipairs(grants[subject] or {}) do
            if grant.right >= right then
                table.insert(found, grant.repositories)
            end
        end
    end
    return table.concat(found, " ")
end

--- Return the right that a request needs, and its repository.
local function needs(method)
    local route, name = ngx.var.route, ngx.var.repository
    if method == "DELETE" and route ~= "upload" then
        return DELETE, name
    end
    local reads = method == "GET" or method == "HEAD"
    return (reads and route ~= "upload") and PULL or PUSH, name
end

--- A mount copies a layer out of another repository, so it needs the right to pull from that repository.
--- Without the right, the request becomes one for a plain upload, to which the registry responds as if the
--- layer were missing. routes.lua has written the arguments.
local function forget_forbidden_mount(user)
    local arguments = ngx.req.get_uri_args()
    if arguments.mount and not allows(user, PULL, tostring(arguments.from or "")) then
        ngx.req.set_uri_args({})
    end
end

--- Let the request pass if its user may send it, else respond with 403. The page is for each user; its facts are
--- about the repositories that the user may read.
function M.check()
    if not grants then
        ngx.var.readable, ngx.var.deletable = "*", "*"
        return
    elseif ngx.var.route == "version" then
        return
    end
    local user, method = ngx.var.remote_user, ngx.req.get_method()
    if ngx.var.route == "catalog" or ngx.var.route == "page" then
        ngx.var.readable = granted(user, PULL)
        ngx.var.deletable = granted(user, DELETE)
        if ngx.var.route == "catalog" and ngx.var.readable == "" then
            return ngx.exit(ngx.HTTP_FORBIDDEN)
        end
        return
    end
    local right, name = needs(method)
    if not allows(user, right, name) then
        return ngx.exit(ngx.HTTP_FORBIDDEN)
    end
    if method == "POST" then
        forget_forbidden_mount(user)
    end
end

return M
