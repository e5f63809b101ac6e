--- The settings, which wharf_proxy/settings.py has checked and completed: there are no defaults here.

local M = {}

--- Return a setting as text; nginx does not start without it.
function M.text(name)
    return os.getenv(name) or error(name .. " is not set: start nginx by wharf_proxy.start")
end

--- Return a setting as a number.
function M.number(name)
    return tonumber(M.text(name))
end

return M
