-- For wrk: GET with the Authorization header of the environment; the summary in JSON.
-- With BENCH_FLOOD, the beginning of a login in base64, each request has another wrong login.

local authorization = os.getenv("BENCH_AUTHORIZATION")
local flood = os.getenv("BENCH_FLOOD")
local LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

-- Three letters in base64, which is four.
local function three()
    local bits = 0
    for _ = 1, 3 do
        bits = bits * 256 + LETTERS:byte(math.random(52))
    end
    local digits = {}
    for place = 4, 1, -1 do
        local digit = bits % 64
        digits[place] = LETTERS:sub(digit + 1, digit + 1)
        bits = (bits - digit) / 64
    end
    return table.concat(digits)
end

function init()
    math.randomseed(os.time())
    wrk.headers["Authorization"] = authorization
end

function request()
    if flood then
        wrk.headers["Authorization"] = "Basic " .. flood .. three() .. three() .. three() .. three()
    end
    return wrk.format()
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        '\n{"seconds":%f,"requests":%d,"refused":%d,"failed":%d,"slowest_ms":%f}\n',
        summary.duration / 1e6, summary.requests, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout, latency.max / 1e3))
end
