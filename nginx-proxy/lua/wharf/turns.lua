--- Turns at the verifier, for passwords that are not known to be good.

local semaphore = require "ngx.semaphore"

--- Verifications that one worker has under way: so many can pass the limit of failures together, and
--- the verifier is kept free for others. One client has at most SHARE of them.
local GATE = 4
local SHARE = 2
--- Seconds to wait for a turn.
local PATIENCE = 10

local M = {}

local gate
--- By client its share of the gate, and how many of its requests use the share or wait for it.
local queues = {}

--- Whatever goes wrong in `work`, the gate has to be opened again.
local function pass(opening, work, ...)
    -- Clients can cause this without a password, so it is no error of the server.
    if not opening:wait(PATIENCE) then
        return ngx.HTTP_TOO_MANY_REQUESTS
    end
    local fine, status = pcall(work, ...)
    opening:post(1)
    return fine and status or ngx.HTTP_SERVICE_UNAVAILABLE
end

--- Return the status that `work` returns with `argument`, in the client's turn, or 429.
function M.take(network, work, argument)
    gate = gate or semaphore.new(GATE)
    local queue = queues[network] or { share = semaphore.new(SHARE), users = 0 }
    queues[network] = queue
    queue.users = queue.users + 1
    local status = pass(queue.share, pass, gate, work, argument)
    queue.users = queue.users - 1
    if queue.users == 0 then
        queues[network] = nil
    end
    return status
end

return M
