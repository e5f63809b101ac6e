--- Turns at the verifier and at the service of identities, for logins that are not known to be good.

local semaphore = require "ngx.semaphore"

--- Verifications that one worker has under way: so many can pass the limit of failures together, and the
--- verifier is kept free for others. One client has at most its share of them.
local GATE = { gate = 4, share = 2 }
--- By kind, where it is another. An AWS proof waits for STS and computes nothing. Each server has its own, where a
--- password is verified once for all: behind one address there may be a thousand that are new.
local GATES = { aws = { gate = 8, share = 6 } }
--- Seconds to wait for a turn.
local PATIENCE = 10

local M = {}

--- By kind of login: while STS does not respond, passwords and tokens have their turns all the same.
local gates = {}
--- By client its share of the gate, and how many of its requests use the share or wait for it.
local queues = {}

--- Wait at a gate, and return the status of `work`; whatever goes wrong in it, the gate is opened again.
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
function M.take(kind, network, work, argument)
    local sizes = GATES[kind] or GATE
    gates[kind] = gates[kind] or semaphore.new(sizes.gate)
    local queue = queues[network] or { share = semaphore.new(sizes.share), users = 0 }
    queues[network] = queue
    queue.users = queue.users + 1
    local status = pass(queue.share, pass, gates[kind], work, argument)
    queue.users = queue.users - 1
    if queue.users == 0 then
        queues[network] = nil
    end
    return status
end

return M
