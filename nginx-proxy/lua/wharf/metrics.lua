--- Counters for Prometheus, in its text format, version 0.0.4.
-- https://prometheus.io/docs/instrumenting/exposition_formats/

local routes = require "wharf.routes"

--- The metrics of wharf_proxy: certificate, configuration, disk; and the upstreams of mirrors.
local FILES = { "/var/lib/wharf/metrics.prom", "/var/lib/wharf/mirrors.prom" }

--- Seconds. A layer takes as long as it takes, so they go far.
local BUCKETS = { 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 300, math.huge }

--- Name, type and description.
local METRICS = {
    { "wharf_requests_total", "counter", "Requests that have ended." },
    { "wharf_request_seconds", "histogram", "Time from a request's first byte to the response's last." },
    { "wharf_registry_seconds_total", "counter", "Time that the registry, or the service of lists, took for responses." },
    { "wharf_received_bytes_total", "counter", "Bytes that clients sent." },
    { "wharf_sent_bytes_total", "counter", "Bytes that clients were sent." },
    { "wharf_cache_requests_total", "counter", "Layers that the cache was asked for." },
    { "wharf_logins_total", "counter", "Logins that were verified, and not remembered from before." },
    { "wharf_mirror_requests_total", "counter", "Requests for manifests and layers of mirrored registries." },
    { "wharf_connections", "gauge", "Connections of clients now." },
    { "wharf_metrics_dropped_total", "counter", "Values that were not counted because the memory for series was full." },
}
--- The series of the last metric. It has no labels, and is there from the start, when there is room.
local DROPPED = "wharf_metrics_dropped_total{}"

local counts = ngx.shared.metrics

local M = {}

--- Reserve room for the series that says that there is no room; nginx calls this at start and at each reload.
function M.init()
    counts:safe_add(DROPPED, 0)
end

--- Add to a series. A series that exists always counts: a new series for which there is no room is
--- dropped, and nothing is evicted. (`incr` with an initial value, and `set`, would evict.)
local function add(name, labels, value)
    local key = name .. "{" .. labels .. "}"
    if counts:incr(key, value) then
        return
    end
    local added, problem = counts:safe_add(key, value)
    if problem == "no memory" then
        counts:incr(DROPPED, 1)
    elseif not added then
        -- Another worker has added the series since.
        counts:incr(key, value)
    end
end

--- Return the seconds that upstreams took: the variable has a number for each of them.
local function registry_seconds()
    local sum = 0
    local upstreams = (ngx.var.upstream_response_time or "") .. " " .. (ngx.var.captured_seconds or "")
    for number in upstreams:gmatch("[%d.]+") do
        sum = sum + tonumber(number)
    end
    return sum
end

local function label(limit)
    return limit == math.huge and "+Inf" or limit
end

local function bucket(seconds)
    for _, limit in ipairs(BUCKETS) do
        if seconds <= limit then
            return label(limit)
        end
    end
end

--- Count a request that has ended. Labels come from closed lists: routes and methods from
--- wharf.routes, the status from nginx or the registry. A client could make up anything else.
function M.count()
    local var = ngx.var
    local route = ('route="%s"'):format(var.route ~= "" and var.route or "other")
    local method = routes.has_method(var.logged_method) and var.logged_method or "other"
    local seconds = tonumber(var.request_time)
    add("wharf_requests_total", ('%s,method="%s",status="%d"'):format(route, method, ngx.status), 1)
    add("wharf_request_seconds_bucket", ('%s,le="%s"'):format(route, bucket(seconds)), 1)
    add("wharf_request_seconds_sum", route, seconds)
    add("wharf_registry_seconds_total", route, registry_seconds())
    add("wharf_received_bytes_total", route, tonumber(var.request_length))
    add("wharf_sent_bytes_total", route, tonumber(var.bytes_sent))
    if (var.mirror_state or "") ~= "" then
        add("wharf_mirror_requests_total", ('mirror="%s",state="%s"'):format(var.mirror_host, var.mirror_state), 1)
    end
    if var.upstream_cache_status then
        add("wharf_cache_requests_total", ('status="%s"'):format(var.upstream_cache_status), 1)
    end
end

--- Results of a verification by the status of the verifier; any other is "failed".
local RESULTS = {
    [ngx.HTTP_NO_CONTENT] = "right",
    [ngx.HTTP_UNAUTHORIZED] = "wrong",
    [ngx.HTTP_TOO_MANY_REQUESTS] = "limited",
}

--- Count a login that was verified, or that waits for its turn in vain. `kind` is "password" or the kind of a proof.
function M.count_login(kind, status)
    add("wharf_logins_total", ('kind="%s",result="%s"'):format(kind, RESULTS[status] or "failed"), 1)
end

--- Return all counts of a metric, as lines.
local function lines(name, keys)
    local found = {}
    for _, key in ipairs(keys) do
        if key:sub(1, #name + 1) == name .. "{" then
            table.insert(found, ("%s %s"):format(key:gsub("{}$", ""), counts:get(key)))
        end
    end
    return found
end

--- Return the counts of a histogram: each bucket includes those below it, and the last is the count.
local function histogram(name, keys)
    local found = lines(name .. "_sum", keys)
    for _, key in ipairs(keys) do
        local route = key:match("^" .. name .. "_sum{(.*)}$")
        local sum = 0
        for _, limit in ipairs(route and BUCKETS or {}) do
            local labels = ('{%s,le="%s"}'):format(route, label(limit))
            sum = sum + (counts:get(name .. "_bucket" .. labels) or 0)
            table.insert(found, ("%s_bucket%s %d"):format(name, labels, sum))
        end
        if route then
            table.insert(found, ("%s_count{%s} %d"):format(name, route, sum))
        end
    end
    return found
end

local function connections(name)
    local found = {}
    for _, state in ipairs({ "active", "reading", "writing", "waiting" }) do
        local number = ngx.var["connections_" .. state]
        table.insert(found, ('%s{state="%s"} %s'):format(name, state, number))
    end
    return found
end

local SPECIAL = { wharf_request_seconds = histogram, wharf_connections = connections }

--- Respond with all metrics.
function M.show()
    local keys = counts:get_keys(0)
    table.sort(keys)
    for _, metric in ipairs(METRICS) do
        local name, kind, help = unpack(metric)
        ngx.say(("# HELP %s %s\n# TYPE %s %s"):format(name, help, name, kind))
        for _, line in ipairs((SPECIAL[name] or lines)(name, keys)) do
            ngx.say(line)
        end
    end
    for _, name in ipairs(FILES) do
        local file = io.open(name)
        if file then
            ngx.print(file:read("*a"))
            file:close()
        end
    end
end

return M
