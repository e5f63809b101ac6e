--- A client: an address of IPv4, or a /64 of IPv6, which a subscriber has as a whole.

local PREFIX_BYTES = 8
local IPV6_BYTES = 16

local M = {}

--- Return the client's address, or its network, as bytes.
function M.network()
    local address = ngx.var.binary_remote_addr
    return #address == IPV6_BYTES and address:sub(1, PREFIX_BYTES) or address
end

return M
