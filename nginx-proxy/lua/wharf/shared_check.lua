--- One check for all concurrent requests that need its result.
--
-- When hundreds of servers pull one image, a check serves all requests that came before it began, and none that
-- came later: these wait for the next one. So no result is older than the request that it is for.

local semaphore = require "ngx.semaphore"

--- Seconds to wait for the check of another request; after that each request checks by itself.
local PATIENCE = 10

local M = {}

--- Checks of this worker by name: those that run, and those that begin after them.
local running, coming = {}, {}

--- Whether a request can still wait for a check: the client of its own request may have gone.
local function lives(check)
    return check and ngx.now() - check.start < PATIENCE
end

local function wait_for(check)
    check.waiting = check.waiting + 1
    check.ended:wait(PATIENCE)
    return check.result
end

--- Return the result of `find(...)`, shared by requests with the same name; a result is never nil.
function M.run(name, find, ...)
    if lives(coming[name]) then
        local result = wait_for(coming[name])
        if result == nil then
            result = find(...)
        end
        return result
    end
    local check = { ended = semaphore.new(), waiting = 0, start = ngx.now() }
    coming[name] = check
    if lives(running[name]) then
        wait_for(running[name])
    end
    if coming[name] == check then
        coming[name] = nil
    end
    running[name] = check
    check.result = find(...)
    if running[name] == check then
        running[name] = nil
    end
    if check.waiting > 0 then
        check.ended:post(check.waiting)
    end
    return check.result
end

return M
