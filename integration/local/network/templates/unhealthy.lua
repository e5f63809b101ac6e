-- Ends the connections of targets that have been unhealthy for as long as their target group lets them be:
-- HAProxy itself ends them at once or never. A door follows the target that it leads to.
core.register_task(function()
  while true do
    for name, backend in pairs(core.backends) do
      local listener = name:match("_(%d+)$")
      local seconds = listener and tonumber(os.getenv("UNHEALTHY_DRAIN_targets_" .. listener))
      for _, server in pairs(seconds and backend.servers or {}) do
        local stats = server:get_stats()
        if stats.status:find("^DOWN") and stats.lastchg >= seconds then
          server:shut_sess()
        end
      end
    end
    core.msleep(1000)
  end
end)
