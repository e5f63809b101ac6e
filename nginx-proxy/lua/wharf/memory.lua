--- Memory that a flood of connections took, and that the C library keeps: given back to the host.
--
-- A connection in its TLS handshake takes 50 to 70 kB, in many small pieces. When they are free, a piece
-- that is still in use lies behind them (a session, a log buffer), so the heap does not shrink by itself.

local ffi = require "ffi"

ffi.cdef "int malloc_trim(size_t pad);"

--- Seconds.
local INTERVAL = 30

local M = {}

--- Return free pages of this worker from now on; nginx calls this in each worker.
function M.init()
    assert(ngx.timer.every(INTERVAL, function()
        ffi.C.malloc_trim(0)
    end))
end

return M
